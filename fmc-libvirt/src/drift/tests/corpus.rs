//! Over the documents of libvirt's own tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::xml::outline::tests::assert_reads_as_roxmltree;

/// The documents of libvirt's own tests, from a checkout beside the repository or where `FMC_CORPUS` says: the archive, or its folder.
fn corpus() -> Vec<(PathBuf, String)> {
    let corpus = std::env::var_os("FMC_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    let archive = if corpus.is_dir() { corpus.join("libvirt-10.7.0-xml.tar.gz") } else { corpus };
    assert!(archive.is_file(), "{} is missing: FMC_CORPUS names libvirt's test documents", archive.display());
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(status.success(), "tar cannot unpack {}", archive.display());
    let mut folders = vec![folder.path().to_owned()];
    let mut documents = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "xml") {
                let text = std::fs::read_to_string(&path).unwrap();
                documents.push((path, text));
            }
        }
    }
    documents.sort();
    documents
}

#[test]
fn nothing_differs_from_itself_in_libvirts_own_documents() {
    let mut compared = 0;
    for (path, text) in corpus() {
        // Some of them are wrong on purpose.
        if roxmltree::Document::parse(&text).is_err() {
            continue;
        }
        assert_reads_as_roxmltree(&text);
        let outline = Outline::read(&text).unwrap();
        let root = outline.root();
        if matches!(root.name(), "domain" | "network" | "pool" | "volume") {
            assert_eq!(tree(root, root), [], "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 1_300, "only {compared} documents were compared");
}
