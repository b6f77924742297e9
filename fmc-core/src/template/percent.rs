//! Percent-encoding.

/// Bytes as part of a `data:` URL that a person can still read: it escapes only what it must.
pub(crate) fn percent(bytes: &[u8]) -> String {
    // It may be a secret, and growing would leave copies behind in freed memory.
    let mut url = String::with_capacity(3 * bytes.len());
    push_percent(&mut url, bytes);
    url
}

/// Adds bytes to a `data:` URL.
pub(crate) fn push_percent(url: &mut String, bytes: &[u8]) {
    const PLAIN: Plain = Plain::but(b"-_.!~*'();/?:@&=$,");
    push_percent_but(url, bytes, &PLAIN);
}

/// Text as a component of a URL.
pub(super) fn component(text: &str) -> String {
    const PLAIN: Plain = Plain::but(b"-._~");
    let mut url = String::with_capacity(3 * text.len());
    push_percent_but(&mut url, text.as_bytes(), &PLAIN);
    url
}

/// The bytes that are written as they are.
struct Plain([bool; 256]);

impl Plain {
    /// ASCII letters, digits and these.
    const fn but(more: &[u8]) -> Self {
        let mut plain = [false; 256];
        let mut rest = plain.as_mut_slice();
        let mut byte = 0_u8;
        while let Some((first, others)) = rest.split_first_mut() {
            *first = byte.is_ascii_alphanumeric();
            let mut listed = more;
            while let Some((one, others)) = listed.split_first() {
                *first |= *one == byte;
                listed = others;
            }
            byte = byte.wrapping_add(1);
            rest = others;
        }
        Self(plain)
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

/// Percent-encodes every byte but the plain ones, which are ASCII.
fn push_percent_but(url: &mut String, bytes: &[u8], plain: &Plain) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |half: u8| char::from(HEX.get(usize::from(half)).copied().unwrap_or_default());
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = rest.iter().position(|byte| !plain.has(*byte)).unwrap_or(rest.len());
        let (before, more) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        url.push_str(std::str::from_utf8(before).unwrap_or_default());
        rest = match more.split_first() {
            Some((byte, after)) => {
                url.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
                after
            }
            None => more,
        };
    }
}
