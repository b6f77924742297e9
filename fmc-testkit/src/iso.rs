//! Reads ISO 9660 images by xorriso.

use std::collections::BTreeMap;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{self, EntryKind, scratch};

/// The volume's label and its files, by their path in the image: `/user-data`.
///
/// # Errors
///
/// xorriso's error when it cannot read the image, and any warning.
pub fn read_back(image: &[u8]) -> Result<(String, BTreeMap<String, Vec<u8>>), Refused> {
    let folder = scratch();
    let (source, out) = (folder.path().join("image.iso"), folder.path().join("out"));
    tree::write(&source, image);
    let mut xorriso = command("xorriso");
    // A warning makes the program exit with an error; progress notes are suppressed.
    xorriso.args(["-abort_on", "WARNING", "-return_with", "WARNING", "32", "-report_about", "WARNING"]);
    xorriso.arg("-indev").arg(&source).args(["-pvd_info", "-osirrox", "on", "-extract", "/"]).arg(&out);
    let said = run(&mut xorriso).success()?;
    let label = said
        .lines()
        .find_map(|line| line.strip_prefix("Volume Id").map(|rest| rest.trim_start_matches([' ', ':'])))
        .map(|label| label.trim().to_owned())
        .ok_or_else(|| Refused::new("xorriso", format!("no volume id in:\n{said}")))?;
    let files = tree::read(&out).into_iter().filter_map(|(path, entry)| match entry.kind {
        EntryKind::File(bytes) => Some((path, bytes)),
        _ => None,
    });
    Ok((label, files.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_made_by_another_program_reads_back() {
        let folder = scratch();
        tree::write(&folder.path().join("in/user-data"), b"#cloud-config\n");
        tree::write(&folder.path().join("in/meta-data"), b"instance-id: i\n");
        let image = folder.path().join("seed.iso");
        let mut make = command("xorriso");
        make.args(["-as", "mkisofs", "-quiet", "-V", "cidata", "-J", "-R", "-o"]).arg(&image);
        run(make.arg(folder.path().join("in"))).success().unwrap();

        let (label, files) = read_back(&std::fs::read(image).unwrap()).unwrap();
        assert_eq!(label, "cidata");
        assert_eq!(files.keys().collect::<Vec<_>>(), ["/meta-data", "/user-data"]);
        assert_eq!(files["/user-data"], b"#cloud-config\n");
    }

    #[test]
    fn noise_is_refused() {
        read_back(&[0xa5; 100 * 2048]).unwrap_err();
    }
}
