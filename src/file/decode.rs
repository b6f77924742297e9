//! Decodes a file's bytes into text.

use super::mistake::Mistake;
use super::tree::Span;

/// The greatest size of a cloud file, 16 MiB: about 80,000 machines.
pub const MOST_BYTES: usize = 16 << 20;

/// The text of bytes in UTF-8, with or without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Mistake> {
    let whole = Span::default();
    if bytes.len() > MOST_BYTES {
        let message = format!("the file has more than {} MiB", MOST_BYTES >> 20);
        return Err(Mistake::at(whole, message).help("many machines are a loop: write the cloud in Rust"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Mistake::at(whole, "the file is UTF-16").help("save it as UTF-8"));
    }
    if bytes.contains(&0) {
        // A text in UTF-16 without a mark has a zero in every other byte.
        let every_other = bytes.iter().take(64).filter(|byte| **byte == 0).count() * 3 > bytes.len().min(64);
        let message = if every_other {
            "the file is UTF-16 or UTF-32"
        } else {
            "the file is binary: it has a zero byte"
        };
        return Err(Mistake::at(whole, message).help("a cloud file is text in UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.valid_up_to();
            Err(Mistake::at(
                Span::new(at..at),
                "the file is not UTF-8 from here on: it is binary, or Latin-1",
            )
            .help("save it as UTF-8"))
        }
    }
}

/// The length of a byte order mark at the beginning.
pub(super) fn mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}
