//! Lists of checksums, as distributions publish them beside their images.
//!
//! Three forms: GNU's (`HEX  NAME`, as `sha256sum` prints), BSD's (`SHA256 (NAME) = HEX`, as `sha256sum --tag` prints), and
//! Flatcar's `.DIGESTS`, which is GNU's under a heading for each algorithm. Comments, signatures and weaker algorithms
//! are ignored.

use fmc_core::digest::Digest;

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) name: String,
    pub(super) digest: Digest,
}

/// The files of a list, in order, each with its SHA-512, or its SHA-256 if that is all there is.
pub(super) fn read(text: &str) -> Vec<Sum> {
    let mut sums: Vec<Sum> = Vec::new();
    for found in text.lines().filter_map(line) {
        match sums.iter_mut().find(|sum| sum.name == found.name) {
            Some(sum) if matches!(found.digest, Digest::Sha512(_)) => *sum = found,
            Some(_) => {}
            None => sums.push(found),
        }
    }
    sums
}

fn line(line: &str) -> Option<Sum> {
    let line = line.trim();
    if let Some((algorithm, rest)) = line.split_once(" (") {
        let (name, hex) = rest.rsplit_once(") = ")?;
        let algorithm = algorithm.to_ascii_lowercase();
        return sum(name, &format!("{algorithm}:{}", hex.trim()));
    }
    let (hex, name) = line.split_once(char::is_whitespace)?;
    let algorithm = match hex.len() {
        64 => "sha256",
        128 => "sha512",
        _ => return None,
    };
    // A star means that the file was read as bytes.
    let name = name.trim_start();
    sum(name.strip_prefix('*').unwrap_or(name), &format!("{algorithm}:{hex}"))
}

/// A name that contains more than a plain file name could lead elsewhere, so it cannot name an image.
fn sum(name: &str, digest: &str) -> Option<Sum> {
    let name = name.strip_prefix("./").unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        return None;
    }
    Some(Sum { name: name.to_owned(), digest: digest.parse().ok()? })
}

/// The newest file of a list between a beginning and an ending, with what stands between them: its version. Numbers in it
/// are compared as numbers.
pub(super) fn newest<'a>(sums: &'a [Sum], begins: &str, ends: &str) -> Option<(&'a str, &'a Sum)> {
    let all = sums.iter().filter_map(|sum| {
        let version = sum.name.strip_prefix(begins)?.strip_suffix(ends)?;
        // `latest` is another one tomorrow.
        version.starts_with(|c: char| c.is_ascii_digit()).then_some((version, sum))
    });
    all.max_by_key(|(version, _)| numbers(version))
}

/// The numbers in a version.
pub(super) fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.filter(|part| !part.is_empty()).map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let (one, two) = (Digest::sha256(b"1"), Digest::sha512(b"2"));
        let (hex1, hex2) = (one.hex(), two.hex());
        let forms = [
            format!("{hex1}  a.qcow2\n{hex2} *b.qcow2\n"),
            format!("# a.qcow2: 5 bytes\nSHA256 (a.qcow2) = {hex1}\r\nSHA512 (b.qcow2) = {hex2}\n"),
            format!(
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# MD5 HASH\nd41d8cd98f00b204e9800998ecf8427e  a.qcow2\n\
                 # SHA1 HASH\nda39a3ee5e6b4b0d3255bfef95601890afd80709  a.qcow2\n# SHA256 HASH\n{hex1}  ./a.qcow2\n\
                 # SHA512 HASH\n{hex2}  b.qcow2\n-----END PGP SIGNATURE-----\n"
            ),
        ];
        for form in forms {
            let found: Vec<_> = read(&form).into_iter().map(|sum| (sum.name, sum.digest)).collect();
            assert_eq!(found, [("a.qcow2".to_owned(), one), ("b.qcow2".to_owned(), two)], "{form}");
        }
        let both = read(&format!("{}  x\n{hex2}  x\n{}  x\n", hex1, one.hex()));
        assert_eq!(both.first().map(|sum| sum.digest), Some(two), "the stronger one, whichever comes first");
    }

    #[test]
    fn what_is_no_checksum_of_a_plain_file_is_passed_over() {
        let hex = Digest::sha256(b"").hex();
        for text in [
            String::new(),
            "<html><body>Not found</body></html>".to_owned(),
            hex.clone(),
            format!("{hex}  ../../etc/passwd"),
            format!("{hex}  a b"),
            format!("{}  a", hex.replacen('e', "x", 1)),
            format!("SHA256 (a = {hex}"),
            "SHA256 (a) = 12".to_owned(),
            format!("MD5 (a) = {hex}"),
            "\u{0}\u{1f}( ) = ) = (".to_owned(),
        ] {
            assert_eq!(read(&text), [], "{text:?}");
        }
    }

    #[test]
    fn the_newest_is_that_of_the_greatest_numbers() {
        let of = |name: &str| Sum { name: name.to_owned(), digest: Digest::sha256(b"") };
        let sums =
            ["a-9.10-20260101.0.x", "a-9.9-20261231.0.x", "a-latest.x", "a-9.10-20251231.9.x", "b-99.x"]
                .map(of);
        assert_eq!(newest(&sums, "a-", ".x").map(|(version, _)| version), Some("9.10-20260101.0"));
        assert_eq!(newest(&sums, "c-", ".x"), None);
        assert_eq!(numbers("99999999999999999999.1"), [u64::MAX, 1]);
    }
}
