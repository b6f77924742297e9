//! Names as DNS has them. FreeIPA shows a label `xn--…` in Unicode, so that it is written back (RFC 3492, RFC 5891 §4.4).

use std::borrow::Cow;

/// A name whose labels are in ASCII. One that no DNS has stays as it is.
pub(super) fn ascii(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let label = |label: &str| match punycode(label) {
        _ if label.is_ascii() => label.to_owned(),
        Some(written) => format!("xn--{written}"),
        None => label.to_owned(),
    };
    Cow::Owned(name.split('.').map(label).collect::<Vec<_>>().join("."))
}

/// The parameters of RFC 3492 §5.
const BASE: u32 = 36;
const TMIN: u32 = 1;
const TMAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const FIRST_BIAS: u32 = 72;
const FIRST: u32 = 0x80;

/// Encodes a label (RFC 3492 §6.3); `None` if a number becomes too large.
fn punycode(label: &str) -> Option<String> {
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut written: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(written.len()).ok()?;
    if basic > 0 {
        written.push('-');
    }
    let (mut next, mut delta, mut bias, mut done) = (FIRST, 0_u32, FIRST_BIAS, basic);
    while usize::try_from(done).ok()? < points.len() {
        let least = points.iter().copied().filter(|point| *point >= next).min()?;
        delta = delta.checked_add((least - next).checked_mul(done.checked_add(1)?)?)?;
        next = least;
        for point in &points {
            if *point < next {
                delta = delta.checked_add(1)?;
            }
            if *point == next {
                number(delta, bias, &mut written)?;
                bias = adapt(delta, done + 1, done == basic);
                delta = 0;
                done += 1;
            }
        }
        delta = delta.checked_add(1)?;
        next = next.checked_add(1)?;
    }
    Some(written)
}

/// Writes a number of variable length (RFC 3492 §3.3).
fn number(number: u32, bias: u32, written: &mut String) -> Option<()> {
    let (mut rest, mut place) = (number, BASE);
    loop {
        let least = place.saturating_sub(bias).clamp(TMIN, TMAX);
        if rest < least {
            written.push(digit(rest)?);
            return Some(());
        }
        written.push(digit(least + (rest - least) % (BASE - least))?);
        rest = (rest - least) / (BASE - least);
        place += BASE;
    }
}

/// `a` to `z`, and `0` to `9`.
fn digit(value: u32) -> Option<char> {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, BASE)
}

/// The next bias (RFC 3492 §6.1).
fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut steps = 0;
    while delta > (BASE - TMIN) * TMAX / 2 {
        delta /= BASE - TMIN;
        steps += BASE;
    }
    steps + (BASE - TMIN + 1) * delta / (delta + SKEW)
}

#[cfg(test)]
mod tests {
    use super::ascii;

    #[test]
    fn labels_are_written_as_dns_has_them() {
        for (shown, written) in [
            ("www", "www"),
            ("bücher", "xn--bcher-kva"),
            ("münchen.lab.example.", "xn--mnchen-3ya.lab.example."),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("_sip.ü", "_sip.xn--tda"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
        ] {
            assert_eq!(ascii(shown), written);
        }
    }
}
