//! The last lines of a machine's serial console.
//!
//! # Where the console is written
//!
//! libvirt's `virtlogd` writes the serial console to a file in the cloud's own pool, `MACHINE.console`, and
//! rotates it (2 MiB, then `MACHINE.console.0` …). Any connection can download a volume, on SSH as on a
//! socket, so fmc needs no second way into the host. The price: every machine needs the pool, libvirt lists
//! the file only after a refresh of the pool, and the planner ignores the file while its machine exists. On a
//! host whose policy keeps `virtlogd` out of that folder, use `Host::console_log(false)`.

use std::time::Duration;

use crate::link::{CallError, CallErrorKind, Link};

/// The number of bytes to read from the end.
const BYTES: u64 = 16 << 10;

/// The number of characters shown of a line.
const WIDTH: usize = 200;

/// How often a busy pool is asked again, and the pause before each retry.
const RETRIES: u32 = 20;
const RETRY: Duration = Duration::from_millis(250);

/// The last non-empty lines of a console's volume, made harmless: empty if nothing was written.
///
/// # Errors
///
/// libvirt does not answer, or refuses.
pub fn tail(
    link: &(impl Link + ?Sized),
    pool: &str,
    volume: &str,
    lines: usize,
) -> Result<Vec<String>, CallError> {
    let mut bytes = link.volume_tail(pool, volume, BYTES)?;
    if bytes.is_none() {
        refresh(link, pool)?;
        bytes = link.volume_tail(pool, volume, BYTES)?;
    }
    Ok(last_lines(&bytes.unwrap_or_default(), lines))
}

/// Refreshes the pool, and retries because libvirt refuses that during an upload into it.
pub(crate) fn refresh(link: &(impl Link + ?Sized), pool: &str) -> Result<(), CallError> {
    for _ in 0..RETRIES {
        match link.refresh_pool(pool) {
            Err(error) if error.kind == CallErrorKind::Busy => link.wait(RETRY),
            done => return done,
        }
    }
    link.refresh_pool(pool)
}

/// The last lines of a console's bytes, safe to show in any terminal: without escape sequences, control
/// characters, and characters that change the direction of a text.
///
/// ```
/// use fmc_libvirt::console::last_lines;
///
/// let lines = last_lines(b"\x1b[2J\x1b[1;31mKernel panic\x1b[0m\r\n\x07\r\n", 20);
/// assert_eq!(lines, ["Kernel panic"]);
/// ```
pub fn last_lines(bytes: &[u8], lines: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let plain = without_escapes(&text);
    let shown = plain.split('\n').map(line).filter(|line| !line.is_empty());
    let mut last: Vec<String> = shown.collect();
    last.split_off(last.len().saturating_sub(lines))
}

/// One line: text that a carriage return overwrote is gone, as on a screen.
fn line(text: &str) -> String {
    let last = text.split('\r').rfind(|part| !part.trim().is_empty()).unwrap_or_default();
    let harmless = last.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_harmful(*c));
    let mut shown: String = harmless.take(WIDTH).collect();
    shown.truncate(shown.trim_end().len());
    shown
}

fn is_harmful(c: char) -> bool {
    // Bidirectional overrides and isolates (Unicode Standard Annex 9) and zero-width characters falsify the
    // shown text.
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A text without its escape sequences (ECMA-48).
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => {
                    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
                    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
                }
                // Strings for the terminal end with BEL, ST or `ESC \`, or at the end of their line.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{9c}' | '\u{1b}' | '\n')).is_some() {}
                }
                Some('\u{20}'..='\u{2f}') => drop(chars.next_if(|c| *c != '\n')),
                _ => {}
            },
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_guest_writes_cannot_do_anything_to_a_terminal() {
        let wrote = "boot\r\n\u{1b}]0;title\u{7}[ \u{1b}[32m  OK  \u{1b}[m] Started\u{1b}(B x\r\n\
                     10%\r20%\r100%\r\n\u{202e}evil\u{9b}31m\u{0}\u{8}\n\n   \nlogin: ";
        let lines = last_lines(wrote.as_bytes(), 20);
        assert_eq!(lines, ["boot", "[   OK  ] Started x", "100%", "evil31m", "login:"]);
        assert_eq!(last_lines(wrote.as_bytes(), 2), ["evil31m", "login:"]);
        assert!(last_lines(b"", 20).is_empty() && last_lines(b"\x1b[2J", 20).is_empty());
    }

    #[test]
    fn a_long_line_is_cut() {
        let lines = last_lines(&[b'x'; 10_000], 20);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [WIDTH]);
    }

    proptest! {
        #[test]
        fn no_bytes_leave_a_control_character(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            for line in last_lines(&bytes, 20) {
                prop_assert!(!line.chars().any(is_harmful), "{line:?}");
            }
        }
    }
}
