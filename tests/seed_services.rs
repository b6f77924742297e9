//! The services of the seed's cluster as a person would review them: one file for each object.

#![cfg(all(feature = "k8s", feature = "yaml"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use fmc::k8s::platform::Platform;
use fmc::k8s::provider::Kubernetes;
use fmc::secret::{SecretBytes, SecretError, SecretRef, Secrets};
use fmc::{Providers, file};
use fmc_testkit::operators;

const FOLDER: &str = "golden/seed_services";

/// Gives each secret's name as its bytes.
struct Named;

impl Secrets for Named {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        Ok(SecretBytes::new(format!("<{}>", secret.name).into_bytes()))
    }
}

#[test]
fn the_objects_of_its_services_read_as_a_person_would_review_them() {
    let text = [
        include_str!("../examples/flatcar_micro_cloud/cloud.yaml"),
        include_str!("../examples/flatcar_micro_cloud/services.yaml"),
    ];
    let cloud = Platform::read_files_in(file::from_yaml(&text.concat()).unwrap(), operators::file);
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    let wanted = Providers::new().with(Kubernetes::new()).compile(&checked);
    let mut written = BTreeSet::new();
    for artifact in wanted.artifacts() {
        let Some(path) = artifact.path.strip_prefix("kubernetes/prod/").map(str::to_owned) else { continue };
        let text = String::from_utf8(artifact.render(&Named).unwrap().expose().to_vec()).unwrap();
        // What the projects of the operators publish is not ours.
        if !text.contains("fmc/operator:") {
            expect_file![format!("{FOLDER}/{path}")].assert_eq(&text);
            written.insert(PathBuf::from(path));
        }
    }
    assert!(written.len() > 70, "{written:?}");
    // A golden of an object that there is no more would be read as if there were.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(FOLDER);
    assert_eq!(files(&folder, &folder), written);
}

/// The files below a folder, by their paths below another.
fn files(folder: &Path, base: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path, base),
            false => [path.strip_prefix(base).unwrap().to_owned()].into(),
        })
        .collect()
}
