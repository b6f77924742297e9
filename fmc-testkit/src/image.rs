//! Disk images as upstreams publish them: made by `qemu-img`, packed by `gzip`, `xz`, `bzip2` and `zstd`.

use std::path::{Path, PathBuf};

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{self, or_panic, scratch};

/// Runs `qemu-img` in a folder.
///
/// # Errors
///
/// The error of `qemu-img`.
pub fn qemu_img(folder: &Path, arguments: &[&str]) -> Result<String, Refused> {
    run(command("qemu-img").current_dir(folder).args(arguments)).success()
}

/// A qcow2 image of a virtual size, as `1G`, which begins with `content`. Its clusters are of 4 KiB.
///
/// # Panics
///
/// When `qemu-img` fails.
#[must_use]
pub fn qcow2(size: &str, content: &[u8]) -> Vec<u8> {
    let folder = scratch();
    let path = folder.path();
    let made = || -> Result<(), Refused> {
        tree::write(&path.join("raw"), content);
        qemu_img(path, &["resize", "-q", "-f", "raw", "raw", size])?;
        qemu_img(path, &["convert", "-O", "qcow2", "-o", "cluster_size=4096", "raw", "image"])?;
        Ok(())
    };
    if let Err(refused) = made() {
        complain(&refused);
    }
    or_panic(std::fs::read(path.join("image")), path)
}

/// Packs a file with a program and its options, such as `["xz", "-9"]`, and gives the packed file's path
/// beside the original.
///
/// # Panics
///
/// When the program fails.
pub fn pack(file: &Path, program: &[&str]) -> PathBuf {
    let [name, options @ ..] = program else { return file.to_owned() };
    let ending = match *name {
        "gzip" => "gz",
        "bzip2" => "bz2",
        "zstd" => "zst",
        other => other,
    };
    if let Err(refused) = run(command(name).args(options).args(["-k", "-f", "-q"]).arg(file)).success() {
        complain(&refused);
    }
    let mut packed = file.as_os_str().to_owned();
    packed.push(".");
    packed.push(ending);
    packed.into()
}

#[expect(clippy::panic, reason = "a program that a test takes for granted")]
fn complain(refused: &Refused) {
    panic!("{refused}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_what_was_asked_for() {
        let folder = scratch();
        tree::write(&folder.path().join("image"), &qcow2("1G", b"boot"));
        let said = qemu_img(folder.path(), &["info", "image"]).unwrap();
        assert!(said.contains("file format: qcow2") && said.contains("1 GiB (1073741824 bytes)"), "{said}");
        let packed = pack(&folder.path().join("image"), &["zstd", "-19"]);
        assert!(std::fs::read(packed).unwrap().starts_with(b"\x28\xb5\x2f\xfd"));
    }
}
