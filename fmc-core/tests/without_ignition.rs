//! A build without the feature `ignition` refuses machines that need Ignition, and serves all others.
#![cfg(not(feature = "ignition"))]

use fmc_core::boot::Boot;
use fmc_core::cloud::Cloud;
use fmc_core::finding::Kind;

/// The cloud on the page of the finding's kind, and the finding that the page shows.
fn page() -> (Cloud, &'static str) {
    let page = Kind::IgnitionAbsent.page();
    let block = |language: &str| {
        let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    (serde_saphyr::from_str(block("yaml")).unwrap(), block("text"))
}

#[test]
fn a_machine_with_ignition_is_refused() {
    let (cloud, finding) = page();
    let findings = cloud.check().unwrap_err().into_findings();
    let text: String = findings.iter().map(ToString::to_string).collect();
    assert_eq!(text, finding);
}

#[test]
fn a_machine_with_cloud_init_boots() {
    let (cloud, _) = page();
    let mut cloud = serde_json::to_value(&cloud).unwrap();
    *cloud.pointer_mut("/machines/web/image/os").unwrap() = "debian".into();
    let cloud: Cloud = serde_json::from_value(cloud).unwrap();
    let checked = cloud.check().unwrap();
    assert!(matches!(Boot::of(&checked, &checked.machines()[0]), Some(Boot::CloudInit { .. })));
}
