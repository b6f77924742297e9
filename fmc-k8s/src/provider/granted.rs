//! Rights that another hand gives to accounts of ours: the accounts are as wanted, and their pods may do more.

use std::collections::{BTreeMap, BTreeSet};

use fmc_core::graph::Address;
use serde_json::Value;

use super::Document;
use crate::kind::{CLUSTER_ROLE_BINDING, Kind, NAMESPACE, ROLE_BINDING, SERVICE_ACCOUNT};
use crate::manifest::OPERATOR;

/// The kinds that give rights.
pub(super) const BINDINGS: [&Kind; 2] = [&ROLE_BINDING, &CLUSTER_ROLE_BINDING];

/// The group of all accounts of a namespace (*Service account tokens* of Kubernetes).
const GROUP: &str = "system:serviceaccounts:";

/// The accounts of the workloads of a cloud in a cluster, and its namespaces.
pub(super) struct Accounts<'a> {
    accounts: BTreeSet<(&'a str, &'a str)>,
    namespaces: BTreeSet<&'a str>,
}

impl<'a> Accounts<'a> {
    /// Those of the wanted objects. An operator binds its own accounts where it works.
    pub(super) fn of(documents: &BTreeMap<&'a Address, &'a Document>) -> Self {
        let all = || documents.values().filter_map(|document| Some(&document.wanted()?.manifest));
        let is_operator = |content: &Value| {
            content.pointer("/metadata/labels").is_some_and(|all| all.get(OPERATOR).is_some())
        };
        let accounts = all().filter(|one| *one.kind() == SERVICE_ACCOUNT && !is_operator(one.content()));
        Self {
            accounts: accounts.filter_map(|one| Some((one.namespace()?, one.name()))).collect(),
            namespaces: all().filter(|one| *one.kind() == NAMESPACE).map(|one| one.name()).collect(),
        }
    }

    /// Whether a cloud has any.
    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Whether a binding gives one of them rights. One that a controller made for another object is that controller's matter.
    pub(super) fn have_rights_by(&self, binding: &Value) -> bool {
        let is_made = binding.pointer("/metadata/ownerReferences").is_some();
        let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
        !is_made && subjects.into_iter().any(|subject| self.have(subject))
    }

    fn have(&self, subject: &Value) -> bool {
        let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "ServiceAccount" => self.accounts.contains(&(text("namespace"), text("name"))),
            "Group" => text("name").strip_prefix(GROUP).is_some_and(|name| self.namespaces.contains(name)),
            _ => false,
        }
    }
}

/// The subjects and the role of a binding, as a person reads them.
pub(super) fn told(binding: &Value) -> [(String, String); 2] {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
    let subjects = subjects.map(|one| match text(one, "namespace") {
        within if within.is_empty() => text(one, "name"),
        within => format!("{within}/{}", text(one, "name")),
    });
    let subjects: Vec<String> = subjects.collect();
    let role = binding.get("roleRef").map(|role| format!("{} {}", text(role, "kind"), text(role, "name")));
    [("subjects".to_owned(), subjects.join(", ")), ("roleRef".to_owned(), role.unwrap_or_default())]
}
