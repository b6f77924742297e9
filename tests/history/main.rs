//! The mistakes of the seed's repositories: each is made again, and caught as `docs/history.md` says.
//!
//! A test is named after its group there, `h01` to `h26`. Most tests put the mistake into the seed's
//! corrected cloud by one setting, so that only the mistake can be found.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod balancers;
mod bastion;
mod changes;
mod cluster;
#[path = "../../examples/flatcar_micro_cloud/cloud.rs"]
mod corrected;
mod files;
mod guests;
mod hosts;
mod names;
mod networks;
mod secrets;
mod storage;
mod table;
mod time;
#[cfg(feature = "k8s")]
mod workloads;

use std::collections::BTreeMap;

use fmc::file::from_yaml;
use fmc::prelude::*;
use fmc::set::{Setting, set};
use fmc::testing::StandIns;

/// The parts of the seed's cloud beside its machines. A mistake in a machine is made without them, so that it
/// causes one finding; a mistake in a cluster brings its own cluster.
const MACHINES_ALONE: [&str; 10] = [
    "clusters=",
    "roles=",
    "machines.postgresql1.disks={data: {size: 100 GiB}}",
    "machines.bastion.roles=",
    "machines.helper.roles=",
    "ssh_host_keys=false",
    "machines.master1.disks=",
    "machines.master2.disks=",
    "machines.master3.disks=",
    "accept=[{kind: image-unpinned, reason: the images lie on the host}]",
];

/// The corrected machines of the seed's cloud, with settings that put a mistake into them.
#[track_caller]
fn seed(settings: &[&str]) -> Cloud {
    let settings: Vec<Setting> =
        MACHINES_ALONE.iter().chain(settings).map(|text| text.parse().unwrap()).collect();
    set(&corrected::machines(), &settings).unwrap()
}

/// The findings of a cloud that are not accepted.
fn found(cloud: &Cloud) -> Vec<Finding> {
    let findings = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.into_findings(),
    };
    findings.into_iter().filter(|finding| finding.accepted().is_none()).collect()
}

/// Asserts that a cloud has exactly one finding: of this kind, at this place, with a help that names the
/// remedy.
#[track_caller]
fn caught(cloud: &Cloud, kind: Kind, at: &str, remedy: &str) -> Finding {
    let found = found(cloud);
    let [finding] = found.as_slice() else { panic!("not one finding:\n{}", Report::new(found)) };
    assert_eq!((finding.kind(), finding.at()), (kind, at), "{finding}");
    assert!(finding.help().contains(remedy), "the help does not name {remedy:?}:\n{finding}");
    finding.clone()
}

/// Asserts that a file cannot be read as a cloud, and that the message has these words.
#[track_caller]
fn unreadable(yaml: &str, words: &str) {
    let said = from_yaml(yaml).unwrap_err().to_string();
    assert!(said.contains(words), "{words:?} is not in: {said}");
}

/// Everything that a cloud compiles to, by path. Binary files are shown as far as they are text.
#[track_caller]
fn artifacts(cloud: &Cloud) -> BTreeMap<String, String> {
    let wanted = fmc::compile(&cloud.check().unwrap());
    let text = |artifact: &fmc::Artifact<'_>| {
        let bytes = artifact.render(&StandIns).unwrap();
        String::from_utf8_lossy(bytes.expose()).into_owned()
    };
    wanted.artifacts().map(|artifact| (artifact.path.clone(), text(&artifact))).collect()
}

#[test]
fn the_cloud_without_a_mistake_has_no_finding() {
    let found = found(&seed(&[]));
    assert!(found.is_empty(), "{}", Report::new(found));
}
