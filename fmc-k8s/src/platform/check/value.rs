//! Values that the types let through, and that the server refuses or that keep a container from starting
//! (`pkg/apis/core/validation` of Kubernetes).

use fmc_core::given::{Given, Leaf};
use fmc_core::role::RoleFindings;

use super::{VALUE, claims, in_container};
use crate::config_map::ConfigMap;
use crate::container::{Container, MountSource, Probe, Variable};
use crate::platform::Namespace;
use crate::workload::Workload;

/// The most pods of a deployment: a node takes 110 if nothing else is said, so that more need over 90 nodes.
pub(super) const MOST_REPLICAS: u16 = 10_000;

/// The greatest number of a user (`ValidateUserID`).
const MOST_USER: u32 = 2_147_483_647;

/// The most bytes of the texts of one `ConfigMap` (`MaxSecretSize`).
const MOST_TEXTS: usize = 1 << 20;

/// The longest name of a text (`IsConfigMapKey`).
const LONGEST_KEY: usize = 253;

/// Refuses a value at a path: what is wrong, and what would be right.
pub(super) fn wrong(
    path: &str,
    findings: &mut RoleFindings<'_>,
    message: impl Into<String>,
    help: impl Into<String>,
) {
    findings.part(path, |findings| findings.find(&VALUE, message, help));
}

fn text<T: Leaf>(given: &Given<T>) -> Option<String> {
    given.ok().map(ToString::to_string)
}

pub(super) fn namespace(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    let name = text(&namespace.name).unwrap_or_default();
    if name == "default" || name.starts_with("kube-") {
        let message =
            format!("the namespace {name} is the cluster's own, or has a name that is kept for those");
        wrong("name", findings, message, "name another one, as shop");
    }
    for (path, one) in namespace.workloads() {
        findings.part(&path, |findings| workload(one, findings));
    }
    for (path, set) in namespace.sets() {
        findings.part(&path, |findings| claims::values(set, findings));
    }
}

fn workload(workload: Workload<'_>, findings: &mut RoleFindings<'_>) {
    let name = text(workload.name).unwrap_or_default();
    if workload.replicas > MOST_REPLICAS {
        let message = format!("{} pods are more than a cluster takes", workload.replicas);
        wrong("replicas", findings, message, format!("say at most {MOST_REPLICAS}"));
    }
    // The name of a Service is a label of RFC 1035, which begins with a letter.
    if !workload.expose.is_empty() && name.starts_with(|first: char| first.is_ascii_digit()) {
        let message =
            format!("{name} exposes a port, and a name that others call does not begin with a digit");
        wrong("name", findings, message, format!("begin it with a letter, as web-{name}"));
    }
    for (index, exposed) in workload.expose.iter().enumerate() {
        port(&format!("expose[{index}].port"), exposed.port, findings);
    }
    for (index, container) in workload.containers.iter().enumerate() {
        in_container(&workload, index, findings, |findings| {
            of_container(container, workload.is_service, findings);
        });
    }
}

pub(super) fn port(path: &str, number: u16, findings: &mut RoleFindings<'_>) {
    if number == 0 {
        wrong(path, findings, "0 is not a port", "say a number from 1 to 65535");
    }
}

/// The words of a container's program and its arguments, each with its key and place.
fn words(container: &Container) -> impl Iterator<Item = (&'static str, usize, &String)> {
    let all = [("command", &container.command), ("arguments", &container.arguments)];
    all.into_iter().flat_map(|(key, words)| words.iter().enumerate().map(move |(at, word)| (key, at, word)))
}

/// A service has settings in place of mounts: it names its texts itself, and only their size is judged here.
fn of_container(container: &Container, is_service: bool, findings: &mut RoleFindings<'_>) {
    for (index, of) in container.ports.iter().enumerate() {
        port(&format!("ports[{index}].number"), of.number, findings);
    }
    for (key, index, argument) in words(container) {
        if argument.contains('\0') {
            wrong(&format!("{key}[{index}]"), findings, "it has a zero byte", "leave it out");
        }
    }
    for (index, variable) in container.environment.iter().enumerate() {
        findings.part(&format!("environment[{index}]"), |findings| of_variable(variable, findings));
    }
    for (index, variable) in container.secret_environment.iter().enumerate() {
        findings.part(&format!("secret_environment[{index}]"), |findings| named(&variable.name, findings));
    }
    for mount in container.mounts.iter().filter(|_| is_service) {
        if let MountSource::Config(config) = &mount.from {
            sized(config, findings);
        }
    }
    for (index, mount) in container.mounts.iter().enumerate().filter(|_| !is_service) {
        findings.part(&format!("mounts[{index}]"), |findings| {
            folder(&text(&mount.path).unwrap_or_default(), findings);
            match &mount.from {
                MountSource::Config(config) => {
                    findings.part("from.config", |findings| texts(config, findings))
                }
                MountSource::Secrets(files) => {
                    findings.part("from", |findings| keys("secrets", files.keys(), findings));
                    if files.is_empty() {
                        wrong("from.secrets", findings, "it has no secret", "name one, as key.pem: {…}");
                    }
                }
                MountSource::Scratch(_) | MountSource::Claim(_) | MountSource::HostPath(_) => {}
            }
        });
    }
    if let Some(metrics) = &container.metrics {
        asked("metrics.path", &metrics.path, findings);
    }
    if container.starts_within.is_some() && container.alive.is_none() {
        let message = "it says how long it may take to start, and not how it is known that it is alive";
        wrong("starts_within", findings, message, "give it `alive`, or leave `starts_within` out");
    }
    for (key, probe) in [("ready", &container.ready), ("alive", &container.alive)] {
        if let Some(Probe::Http { path, .. }) = probe {
            asked(&format!("{key}.http.path"), path, findings);
        }
    }
    if let Some(user) = container.user.filter(|user| *user > MOST_USER) {
        let message = format!("{user} is not a user's number");
        wrong("user", findings, message, format!("say a number from 1 to {MOST_USER}"));
    }
}

fn of_variable(variable: &Variable, findings: &mut RoleFindings<'_>) {
    let Variable { name, value } = variable;
    named(name, findings);
    // The value may be a secret, so that no message shows it.
    if value.contains('\0') {
        wrong("value", findings, format!("the value of {name} has a zero byte"), "leave it out");
    }
}

fn named(name: &str, findings: &mut RoleFindings<'_>) {
    let is_right = |one: char| (one.is_ascii_graphic() || one == ' ') && one != '=';
    if name.is_empty() {
        wrong("name", findings, "the variable has no name", "name it, as LOG_LEVEL");
    } else if !name.chars().all(is_right) {
        let message = format!("{name:?} is not a variable's name: it has '=' or what is not printable ASCII");
        wrong("name", findings, message, "write it of letters, digits and '_', as LOG_LEVEL");
    }
}

/// The reference of the API says that a mount's path has no ':', because runtimes divide by it; the server does not look.
fn folder(path: &str, findings: &mut RoleFindings<'_>) {
    if path == "/" {
        wrong("path", findings, "nothing can be mounted over the image itself", "name a folder, as /tmp");
    } else if path.contains(':') {
        wrong("path", findings, format!("{path} has a ':'"), "name a folder without one");
    }
}

pub(super) fn asked(key: &str, path: &str, findings: &mut RoleFindings<'_>) {
    if !path.starts_with('/') {
        let message = format!("{path:?} does not begin with '/'");
        wrong(key, findings, message, format!("write /{}", path.trim()));
    } else if !path.chars().all(|one| one.is_ascii_graphic()) {
        let message = format!("{path:?} has a space or another character that a path of a URL does not have");
        wrong(key, findings, message, "write such characters as %20");
    }
}

fn texts(config: &ConfigMap, findings: &mut RoleFindings<'_>) {
    keys("files", config.files.keys(), findings);
    findings.part("files", |findings| sized(config, findings));
}

fn sized(config: &ConfigMap, findings: &mut RoleFindings<'_>) {
    let bytes: usize = config.files.values().map(String::len).sum();
    if bytes > MOST_TEXTS {
        let message = format!("the texts have {bytes} bytes, and at most {MOST_TEXTS} are right");
        findings.find(&VALUE, message, "put some of them under another name");
    }
}

/// The names of files.
pub(super) fn keys<'a>(path: &str, keys: impl Iterator<Item = &'a String>, findings: &mut RoleFindings<'_>) {
    let is_key = |key: &str| {
        !key.is_empty()
            && key.len() <= LONGEST_KEY
            && key != "."
            && !key.starts_with("..")
            && key.bytes().all(|one| one.is_ascii_alphanumeric() || b"-._".contains(&one))
    };
    for key in keys.filter(|key| !is_key(key)) {
        let help = format!(
            "write it of letters, digits, '-', '_' and '.', at most {LONGEST_KEY}, not beginning with '..'"
        );
        wrong(path, findings, format!("{key:?} is not the name of a text"), help);
    }
}
