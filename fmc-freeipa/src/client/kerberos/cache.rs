//! A look at the cache of tickets before the library reads it: MIT's library 1.20 and older ones end the process at a file without a
//! principal (`krb5_cccol_have_content` frees a pointer that was never set).

use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt as _;

/// The largest part of a cache before its first ticket that is read: a header and a principal.
const MOST: u64 = 64 << 10;

/// Whether the cache of this process's environment is a file with a principal, is not there, or is not a file at all.
pub(super) fn is_readable() -> bool {
    let Some(path) = path() else { return true };
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MOST).read_to_end(&mut start).is_ok() && principal(&start).is_some(),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// The file that the cache is in.
fn path() -> Option<String> {
    let Ok(name) = env::var("KRB5CCNAME") else {
        let user = fs::metadata("/proc/self").ok()?.uid();
        return Some(format!("/tmp/krb5cc_{user}"));
    };
    match name.split_once(':') {
        Some(("FILE", path)) => Some(path.to_owned()),
        Some((kind, _)) if !kind.contains('/') => None,
        _ => Some(name),
    }
}

/// The rest of a file of version 3 or 4 after its principal: a version, in version 4 a header, and the name in parts.
fn principal(file: &[u8]) -> Option<&[u8]> {
    let (version, rest) = file.split_first_chunk::<2>()?;
    let rest = match version {
        // Numbers of the older two are in the byte order of the machine; nothing has written them for twenty years.
        [5, 1 | 2] => return Some(rest),
        [5, 3] => rest,
        [5, 4] => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            rest.get(usize::from(u16::from_be_bytes(*length))..)?
        }
        _ => return None,
    };
    let (_, rest) = number(rest)?;
    let (parts, mut rest) = number(rest)?;
    // The realm, and the parts of the name.
    for _ in 0..=parts {
        let (length, after) = number(rest)?;
        rest = after.get(usize::try_from(length).ok()?..)?;
    }
    Some(rest)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::principal;

    #[test]
    fn a_cache_without_a_principal_is_found() {
        let mut file = vec![5, 4, 0, 12, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        file.extend([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3]);
        file.extend(b"LAB\0\0\0\x05admin");
        assert_eq!(principal(&file), Some(&[][..]));
        for length in 0..file.len() {
            assert_eq!(principal(&file[..length]), None, "{length}");
        }
        assert_eq!(principal(b"junk"), None);
        assert_eq!(principal(&[5, 3, 0, 0, 0, 1, 255, 255, 255, 255, 0, 0, 0, 0]), None);
    }
}
