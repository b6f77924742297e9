//! The rules of accounts.

use fmc_core::role::RoleFindings;
use serde_json::Value;

use super::value::wrong;
use super::{RIGHTS, VALUE};
use crate::account::AccountRule;
use crate::kind::KINDS;
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
    groups(of, findings);
    broad(of, is_of_cluster, findings);
}

/// A kind in the wrong group is a right to nothing.
fn groups(of: &AccountRule, findings: &mut RoleFindings<'_>) {
    for (index, resource) in of.resources.iter().enumerate() {
        let plural = resource.split('/').next().unwrap_or_default();
        let mut known = KINDS.iter().filter(|kind| kind.plural == plural);
        let Some(kind) = known.next() else { continue };
        if of.groups.iter().any(|group| group == kind.group || group == "*") || known.next().is_some() {
            continue;
        }
        let (message, help) = match kind.group {
            "" => (format!("{plural} are of the core"), "write them in a rule without `groups`".to_owned()),
            group => (format!("{plural} are of the group {group}"), format!("say `groups: [{group}]`")),
        };
        wrong(&format!("resources[{index}]"), findings, message, help);
    }
}

/// The rules of a role in the form of the API. The server judges the rest of them.
pub(super) fn raw(role: &Value, is_of_cluster: bool, findings: &mut RoleFindings<'_>) {
    let gathered = role.get("aggregationRule").filter(|one| !one.is_null());
    let has_rules = role.get("rules").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    if gathered.is_some() && has_rules {
        let message =
            "the cluster fills in the rules of a role with `aggregationRule`, and these would be lost";
        let help = "leave them out, or write them in a role that `aggregationRule` selects";
        return wrong("rules", findings, message, help);
    }
    if let Some(message) = gathers_all(role) {
        findings.part("aggregationRule", |findings| {
            findings.find(&RIGHTS, message, "select the roles by a label, or accept this with the reason");
        });
    }
    for (index, rule) in rules(role).into_iter().enumerate() {
        findings.part(&format!("rules[{index}]"), |findings| broad(&rule, is_of_cluster, findings));
    }
}

/// The reason why a role gathers more rights than a person reads in it.
fn gathers_all(role: &Value) -> Option<&'static str> {
    let selectors = role.pointer("/aggregationRule/clusterRoleSelectors").and_then(Value::as_array)?;
    let says = |one: &Value, key: &str| {
        one.get(key).is_some_and(|said| said.as_object().is_none_or(|map| !map.is_empty()))
    };
    let is_open = |one: &Value| !says(one, "matchLabels") && !says(one, "matchExpressions");
    selectors.iter().any(is_open).then_some("it gathers the rights of every role of the cluster")
}

/// The rules of a role in the form of the API.
fn rules(role: &Value) -> Vec<AccountRule> {
    let rules = role.get("rules").and_then(Value::as_array).into_iter().flatten();
    let rule = |one: &Value| {
        let texts = |key: &str| {
            let texts = one.get(key).and_then(Value::as_array).into_iter().flatten();
            texts.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        AccountRule {
            verbs: texts("verbs"),
            resources: texts("resources"),
            groups: texts("apiGroups"),
            names: texts("resourceNames"),
            paths: texts("nonResourceURLs"),
        }
    };
    rules.map(rule).collect()
}

/// A binding to the role that may do everything.
pub(super) fn raw_binding(binding: &Value, findings: &mut RoleFindings<'_>) {
    if binding.pointer("/roleRef/name").and_then(Value::as_str) == Some("cluster-admin") {
        findings.part("roleRef", |findings| {
            let help = "bind a role with what it needs, or accept this with the reason";
            findings.find(&RIGHTS, "cluster-admin may do everything", help);
        });
    }
}

/// A warning for rights that are more than a person reads in them.
fn broad(of: &AccountRule, is_of_cluster: bool, findings: &mut RoleFindings<'_>) {
    if let Some((at, message)) = breadth(of, is_of_cluster) {
        findings.part(at, |findings| {
            findings.find(&RIGHTS, message, "name what it needs, or accept this with the reason");
        });
    }
}

/// The part of a rule with rights that are more than a person reads in them, and why.
fn breadth(of: &AccountRule, is_of_cluster: bool) -> Option<(&'static str, String)> {
    let has = |texts: &[String], wanted: &[&str]| texts.iter().any(|text| wanted.contains(&text.as_str()));
    let lists =
        [("verbs", &of.verbs), ("resources", &of.resources), ("groups", &of.groups), ("paths", &of.paths)];
    let whole = lists.into_iter().find(|(_, texts)| has(texts, &["*"]));
    if let Some((at, _)) = whole {
        Some((at, "`*` allows whatever the cluster has and will have".to_owned()))
    } else if let Some(verb) = of.verbs.iter().find(|verb| ESCALATING.contains(&verb.as_str())) {
        Some(("verbs", format!("who may {verb} can give itself any right")))
    } else if has(&of.resources, &["nodes/proxy"]) {
        Some(("resources", "nodes/proxy reaches into every pod of a node".to_owned()))
    } else if is_of_cluster
        && has(&of.resources, &["serviceaccounts/token", "pods/exec", "pods/attach"])
        && has(&of.verbs, &["create", "get"])
    {
        Some(("resources", "it becomes any account, or any pod, of the cluster".to_owned()))
    } else if is_of_cluster && has(&of.resources, &["secrets"]) && has(&of.verbs, &["get", "list", "watch"]) {
        Some(("resources", "it reads the secrets of all namespaces".to_owned()))
    } else {
        None
    }
}

/// What a role or a binding in the form of the API allows that is more than a person reads in it.
pub(super) fn more(object: &Value, is_of_cluster: bool) -> Vec<String> {
    let is_admin = object.pointer("/roleRef/name").and_then(Value::as_str) == Some("cluster-admin");
    let all = is_admin.then(|| "cluster-admin may do everything".to_owned());
    let all = all.or_else(|| gathers_all(object).map(str::to_owned));
    let rules = rules(object).into_iter();
    let mut all: Vec<String> =
        all.into_iter().chain(rules.filter_map(|rule| Some(breadth(&rule, is_of_cluster)?.1))).collect();
    all.sort();
    all.dedup();
    all
}
