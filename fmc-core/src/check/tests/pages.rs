//! The page of a kind is true: its example has that finding and no other, word by word.

use super::{findings, yaml};
use crate::finding::{Kind, Words};

/// The text of the first block of a language.
fn block<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start)?;
    Some(rest.split_once("```").unwrap().0)
}

#[test]
fn every_page_has_its_parts() {
    for kind in Kind::ALL {
        let (name, page) = (kind.as_str(), kind.page());
        let headings: Vec<_> = page.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(headings, ["## What it means", "## Example", "## How to mend it"], "{name}");
        assert!(page.contains("\nSource: "), "{name}");
        let finding = block(page, "text").unwrap_or_default();
        let mut prose =
            page.replace(finding, "").lines().map(|line| line.chars().count()).collect::<Vec<_>>();
        prose.sort_unstable();
        assert!(prose.last() <= Some(&130), "{name}: {prose:?}");
    }
}

#[test]
fn every_example_has_its_finding_and_no_other() {
    let mut old = Vec::new();
    for kind in Kind::ALL {
        let name = kind.as_str();
        let Some(example) = block(kind.page(), "yaml") else {
            // A file cannot hold two values of one name, nor a user's own role, and four hundred machines are long: the page's
            // Rust is a doctest.
            const CODE: [Kind; 11] = [
                Kind::IgnitionLarge,
                Kind::NameDuplicate,
                Kind::RoleClash,
                Kind::RoleNeeds,
                Kind::RoleOrder,
                Kind::RoleRefused,
                Kind::RoleWarning,
                Kind::FlowUnreachable,
                Kind::FlowRefused,
                Kind::FlowNobody,
                Kind::K3sServerSize,
            ];
            assert!(CODE.contains(kind), "{name}");
            assert!(block(kind.page(), "rust").is_some());
            continue;
        };
        // Only a build without the feature has it: `tests/without_ignition.rs` judges its page.
        if *kind == Kind::IgnitionAbsent {
            assert_eq!(findings(&yaml(example)), []);
            continue;
        }
        let findings = findings(&yaml(example));
        let text: String = findings.iter().map(|finding| finding.in_words(Words::File).to_string()).collect();
        assert!(
            findings.iter().all(|finding| finding.kind() == *kind) && !findings.is_empty(),
            "{name}:\n{text}"
        );
        if block(kind.page(), "text") != Some(&*text) {
            old.push(format!("{name} is found as:\n{text}"));
        }
    }
    assert!(old.is_empty(), "{}", old.join("\n"));
}

#[test]
fn a_name_is_one_kind() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(*kind));
    }
    assert_eq!(Kind::named("no-such-kind"), None);
}

/// Kinds whose findings are still in their own words, without values, of those whose page has a file.
const IN_WORDS: &[&str] = &[
    "balancer-address-missing",
    "balancer-address-outside",
    "balancer-address-taken",
    "balancer-members",
    "balancer-router-duplicate",
    "k3s-argument",
    "k3s-bootstrap-member",
    "k3s-cluster-dns",
    "k3s-cluster-domain",
    "k3s-config-clash",
    "k3s-config-outdated",
    "k3s-config-owned",
    "k3s-config-servers",
    "k3s-data-on-root",
    "k3s-default-route",
    "k3s-endpoint-leased",
    "k3s-endpoint-nowhere",
    "k3s-endpoint-self",
    "k3s-endpoint-single",
    "k3s-host-gateway",
    "k3s-ingress-outside",
    "k3s-ingress-unpublished",
    "k3s-install-missing",
    "k3s-install-unpinned",
    "k3s-kernel-defaults",
    "k3s-kubeconfig-open",
    "k3s-label-duplicate",
    "k3s-label-unused",
    "k3s-member-duplicate",
    "k3s-network-missing",
    "k3s-node-ports",
    "k3s-quorum-host",
    "k3s-selinux-policy",
    "k3s-server-count",
    "k3s-server-off",
    "k3s-subnet-family",
    "k3s-subnet-overlap",
    "k3s-subnet-size",
    "k3s-token-shared",
    "k3s-traefik-twice",
    "k3s-unused",
    "k3s-upgrade",
    "k3s-version-feature",
    "k3s-version-skew",
];

#[test]
fn which_kinds_carry_their_values_is_known() {
    let examples = Kind::ALL.iter().filter_map(|kind| Some((kind, block(kind.page(), "yaml")?)));
    let in_words = examples.filter(|(_, example)| {
        let all = findings(&yaml(example));
        all.iter().any(|finding| finding.case().is_empty())
    });
    let mut names: Vec<&str> = in_words.map(|(kind, _)| kind.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, IN_WORDS);
}
