//! The ISO 9660 image that cloud-init's `NoCloud` data source reads: volume label `cidata`, three files in its root.
//!
//! A name of ISO 9660 (ECMA-119) cannot have a dash, so the real names are stored twice beside the short
//! ones: in Rock Ridge entries (RRIP 1.12, which Linux reads first) and in a Joliet directory. Every date is
//! fixed: equal files give equal bytes.
//!
//! The crate `hadris-iso` writes such images too, but it is a release candidate (3.0.0-rc.2). It can replace
//! this file when it is stable and writes the same bytes for the same files.

const SECTOR: usize = 2048;

// The sectors of all parts: up to 18 by the standard, the rest by choice.
const DESCRIPTORS: usize = 16;
const PATH_TABLES: u32 = 19;
const JOLIET_PATH_TABLES: u32 = 21;
const ROOT: u32 = 23;
const CONTINUATION: u32 = 24;
const JOLIET_ROOT: u32 = 25;
const FIRST_FILE: u32 = 26;

const LABEL: &str = "cidata";

/// 1970-01-01 00:00:00 UTC, in the form of a directory record (ECMA-119 §9.1.5).
const DATE: [u8; 7] = [70, 1, 1, 0, 0, 0, 0];

/// A file with its short name. Records must be sorted by name; the short and the real names have the same
/// order.
struct File<'a> {
    short: &'static str,
    name: &'static str,
    content: &'a [u8],
    sector: u32,
}

/// The image with these three files, each below 4 GiB.
pub(crate) fn cidata(user_data: &[u8], meta_data: &[u8], network_config: &[u8]) -> Vec<u8> {
    let mut end = FIRST_FILE;
    let files = [
        ("METADATA.;1", "meta-data", meta_data),
        ("NETCONF.;1", "network-config", network_config),
        ("USERDATA.;1", "user-data", user_data),
    ]
    .map(|(short, name, content)| {
        let sector = end;
        end += number(content.len().div_ceil(SECTOR));
        File { short, name, content, sector }
    });

    // One allocation of the right size: growing would leave copies of secrets behind in freed memory.
    let mut image = Vec::with_capacity(end as usize * SECTOR);
    image.resize(DESCRIPTORS * SECTOR, 0);
    sector(&mut image, &descriptor(&PRIMARY, end));
    sector(&mut image, &descriptor(&JOLIET, end));
    sector(&mut image, b"\xffCD001\x01");
    for root in [ROOT, JOLIET_ROOT] {
        sector(&mut image, &path_table(root.to_le_bytes(), 1_u16.to_le_bytes()));
        sector(&mut image, &path_table(root.to_be_bytes(), 1_u16.to_be_bytes()));
    }
    sector(&mut image, &directory(&files));
    sector(&mut image, EXTENSION.concat().as_slice());
    sector(&mut image, &joliet_directory(&files));
    for file in &files {
        sector(&mut image, file.content);
    }
    image
}

/// Adds bytes, filled up with zeros to whole sectors.
fn sector(image: &mut Vec<u8>, bytes: &[u8]) {
    image.extend_from_slice(bytes);
    image.resize(image.len().next_multiple_of(SECTOR), 0);
}

/// The differences between the primary and the Joliet descriptor.
struct Volume {
    kind: u8,
    /// The escape sequence for UCS-2 level 3 (Joliet specification); empty in the primary descriptor.
    escape: &'static [u8],
    path_tables: u32,
    root: u32,
    /// Encodes a text for the volume, filled up with spaces.
    text: fn(&str, usize) -> Vec<u8>,
}

const PRIMARY: Volume = Volume { kind: 1, escape: b"", path_tables: PATH_TABLES, root: ROOT, text: ascii };
const JOLIET: Volume =
    Volume { kind: 2, escape: b"%/E", path_tables: JOLIET_PATH_TABLES, root: JOLIET_ROOT, text: ucs2 };

/// A volume descriptor (ECMA-119 §8.4, §8.5).
fn descriptor(volume: &Volume, sectors: u32) -> Vec<u8> {
    let text = volume.text;
    let mut bytes = vec![volume.kind];
    bytes.extend(b"CD001\x01\0");
    bytes.extend(text("LINUX", 32));
    bytes.extend(text(LABEL, 32));
    bytes.extend([0; 8]);
    bytes.extend(both(sectors));
    bytes.extend(padded(volume.escape, 32, 0));
    bytes.extend([both16(1), both16(1), both16(2048)].concat());
    bytes.extend(both(PATH_TABLE_SIZE));
    bytes.extend(volume.path_tables.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend((volume.path_tables + 1).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(record(b"\0", volume.root, SECTOR, true, &[]));
    // Volume set, publisher, preparer and application; then the files for copyright, abstract and bibliography.
    bytes.extend([128, 128, 128, 128, 37, 37, 37].map(|length| text("", length)).concat());
    // The dates of creation, modification, expiry and effect are left unset.
    bytes.extend(b"0000000000000000\0".repeat(4));
    bytes.push(1);
    bytes
}

const PATH_TABLE_SIZE: u32 = 10;

/// The path table of a volume whose only directory is the root (ECMA-119 §9.4).
fn path_table(root: [u8; 4], parent: [u8; 2]) -> Vec<u8> {
    [&[1, 0], root.as_slice(), &parent, &[0, 0]].concat()
}

/// The root directory, with Rock Ridge.
fn directory(files: &[File<'_>]) -> Vec<u8> {
    let folder = posix(0o40_555, 2);
    let extension_length = number(EXTENSION.iter().map(|part| part.len()).sum());
    let continued =
        [b"CE\x1c\x01".as_slice(), &both(CONTINUATION), &both(0), &both(extension_length)].concat();
    let mut bytes =
        record(b"\0", ROOT, SECTOR, true, &[b"SP\x07\x01\xbe\xef\0", folder.as_slice(), &continued]);
    bytes.extend(record(b"\x01", ROOT, SECTOR, true, &[&folder]));
    for file in files {
        let name = [b"NM".as_slice(), &[length(5 + file.name.len()), 1, 0], file.name.as_bytes()].concat();
        let system_use = [posix(0o100_400, 1).as_slice(), &name].concat();
        bytes.extend(record(file.short.as_bytes(), file.sector, file.content.len(), false, &[&system_use]));
    }
    bytes
}

fn joliet_directory(files: &[File<'_>]) -> Vec<u8> {
    let mut bytes = record(b"\0", JOLIET_ROOT, SECTOR, true, &[]);
    bytes.extend(record(b"\x01", JOLIET_ROOT, SECTOR, true, &[]));
    for file in files {
        let name = ucs2(file.name, file.name.len() * 2);
        bytes.extend(record(&name, file.sector, file.content.len(), false, &[]));
    }
    bytes
}

/// A directory record (ECMA-119 §9.1).
fn record(name: &[u8], sector: u32, size: usize, is_directory: bool, system_use: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(both(sector));
    bytes.extend(both(number(size)));
    bytes.extend(DATE);
    bytes.extend([if is_directory { 2 } else { 0 }, 0, 0]);
    bytes.extend(both16(1));
    bytes.push(length(name.len()));
    bytes.extend(name);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes.extend(system_use.concat());
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    let all = length(bytes.len());
    if let Some(first) = bytes.first_mut() {
        *first = all;
    }
    bytes
}

/// The mode and number of links of a file, owned by root (RRIP §4.1.1).
fn posix(mode: u32, links: u32) -> Vec<u8> {
    [b"PX\x24\x01".as_slice(), &both(mode), &both(links), &both(0), &both(0)].concat()
}

/// The entry that announces Rock Ridge (SUSP §5.5, RRIP §4.3). It is too long for a directory record.
const EXTENSION: [&[u8]; 2] = [b"ER\x12\x01\x0a\0\0\x01", b"RRIP_1991A"];

fn ascii(text: &str, length: usize) -> Vec<u8> {
    padded(text.as_bytes(), length, b' ')
}

fn ucs2(text: &str, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    while bytes.len() + 2 <= length {
        bytes.extend([0, b' ']);
    }
    padded(&bytes, length, 0)
}

fn padded(bytes: &[u8], length: usize, with: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(length, with);
    bytes
}

/// A number in both byte orders, as ECMA-119 §7.3.3 wants it.
fn both(number: u32) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

fn both16(number: u16) -> Vec<u8> {
    [number.to_le_bytes(), number.to_be_bytes()].concat()
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn length(size: usize) -> u8 {
    u8::try_from(size).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_begins_in_the_sector_that_its_record_names() {
        let image = cidata(&[b'u'; SECTOR + 1], b"m", b"");
        assert_eq!(image.len() % SECTOR, 0);
        let sector = |n: u32| &image[n as usize * SECTOR..][..SECTOR];
        assert_eq!(sector(FIRST_FILE)[..2], *b"m\0");
        // An empty file takes no sector, so that user-data comes right after meta-data.
        assert_eq!(sector(FIRST_FILE + 1), [b'u'; SECTOR]);
        assert_eq!(sector(FIRST_FILE + 2)[..2], *b"u\0");
        assert_eq!(image.len(), (FIRST_FILE as usize + 3) * SECTOR);
    }

    #[test]
    fn equal_files_give_equal_bytes() {
        assert_eq!(cidata(b"u", b"m", b"n"), cidata(b"u", b"m", b"n"));
    }
}
