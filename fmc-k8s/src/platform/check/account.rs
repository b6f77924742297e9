//! The rules of accounts.

use fmc_core::role::RoleFindings;

use super::value::wrong;
use super::{RIGHTS, VALUE};
use crate::account::AccountRule;
use crate::workload::Workload;

/// The verbs of the API and of its admission (*Request Verbs* and *Privilege Escalation* of Kubernetes).
const VERBS: [&str; 15] = [
    "*",
    "approve",
    "bind",
    "create",
    "delete",
    "deletecollection",
    "escalate",
    "get",
    "impersonate",
    "list",
    "patch",
    "sign",
    "update",
    "use",
    "watch",
];

/// Verbs by which an account gives itself any right.
const ESCALATING: [&str; 3] = ["bind", "escalate", "impersonate"];

/// Verbs whose request names no object, so that a rule with names never allows it (*Referring to resources* of Kubernetes).
const NAMELESS: [&str; 2] = ["create", "deletecollection"];

/// The account of a workload that a person wrote.
pub(super) fn account(workload: &Workload<'_>, findings: &mut RoleFindings<'_>) {
    let Some(account) = workload.account.filter(|_| !workload.is_service) else { return };
    if workload.name.to_string() == "default" {
        findings.part("name", |findings| {
            let message = "each namespace has an account `default` already, and an account has the name of its workload";
            findings.find(&VALUE, message, "give the workload another name");
        });
    }
    findings.part("account", |findings| {
        for (index, one) in account.rules.iter().enumerate() {
            findings.part(&format!("rules[{index}]"), |findings| rule(one, false, findings));
        }
        for (index, one) in account.cluster_rules.iter().enumerate() {
            findings.part(&format!("cluster_rules[{index}]"), |findings| rule(one, true, findings));
        }
    });
}

fn rule(of: &AccountRule, is_of_cluster: bool, findings: &mut RoleFindings<'_>) {
    if of.verbs.is_empty() {
        wrong("verbs", findings, "it allows nothing", "name some, as [get, list, watch]");
    }
    for (index, verb) in of.verbs.iter().enumerate().filter(|(_, verb)| !VERBS.contains(&verb.as_str())) {
        let help = format!("name one of {}", VERBS.join(", "));
        wrong(&format!("verbs[{index}]"), findings, format!("{verb} is no verb of the API"), help);
    }
    match (of.resources.is_empty(), of.paths.is_empty()) {
        (true, true) => wrong("resources", findings, "it allows nothing", "name some, as [pods]"),
        (false, false) => {
            let help = "write two rules: one with `resources`, one with `paths`";
            wrong("paths", findings, "a rule is about resources or about paths", help);
        }
        (true, false) if !is_of_cluster => {
            let message = "a path is of the whole cluster, and not of a namespace";
            wrong("paths", findings, message, "write the rule below `cluster_rules`");
        }
        _ => {}
    }
    for (index, path) in
        of.paths.iter().enumerate().filter(|(_, path)| !path.starts_with('/') && *path != "*")
    {
        wrong(&format!("paths[{index}]"), findings, format!("{path} is no path"), format!("write /{path}"));
    }
    if of.groups.is_empty() {
        wrong(
            "groups",
            findings,
            "it is about no kind",
            "leave it out for the core, or name a group, as [apps]",
        );
    }
    let nameless = of.verbs.iter().find(|verb| NAMELESS.contains(&verb.as_str()));
    if let Some(verb) = nameless.filter(|_| !of.names.is_empty()) {
        let message = format!("{verb} names no object, so that this rule never allows it");
        wrong("names", findings, message, format!("write {verb} in a rule without `names`"));
    }
    broad(of, is_of_cluster, findings);
}

/// A warning for rights that are more than a person reads in them.
fn broad(of: &AccountRule, is_of_cluster: bool, findings: &mut RoleFindings<'_>) {
    let has = |texts: &[String], wanted: &[&str]| texts.iter().any(|text| wanted.contains(&text.as_str()));
    let lists =
        [("verbs", &of.verbs), ("resources", &of.resources), ("groups", &of.groups), ("paths", &of.paths)];
    let whole = lists.into_iter().find(|(_, texts)| has(texts, &["*"]));
    let (at, message) = if let Some((at, _)) = whole {
        (at, "`*` allows whatever the cluster has and will have".to_owned())
    } else if let Some(verb) = of.verbs.iter().find(|verb| ESCALATING.contains(&verb.as_str())) {
        ("verbs", format!("who may {verb} can give itself any right"))
    } else if has(&of.resources, &["nodes/proxy"]) {
        ("resources", "nodes/proxy reaches into every pod of a node".to_owned())
    } else if is_of_cluster && has(&of.resources, &["secrets"]) && has(&of.verbs, &["get", "list", "watch"]) {
        ("resources", "it reads the secrets of all namespaces".to_owned())
    } else {
        return;
    };
    findings.part(at, |findings| {
        findings.find(&RIGHTS, message, "name what it needs, or accept this with the reason");
    });
}
