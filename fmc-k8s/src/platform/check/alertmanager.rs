//! The rules of Alertmanagers, in their own settings.

use std::collections::BTreeSet;

use fmc_core::role::RoleFindings;
use fmc_core::secret::Secret;

use super::service::{common, no_volume, page, short};
use super::value::{asked, port, wrong};
use super::{NO_RECEIVER, TWICE, UNTOLD, ingress, known_names, optional, secret};
use crate::alertmanager::{Alertmanager, Email, Endpoint, REMEMBERS, Receiver, Webhook};
use crate::platform::Namespace;

pub(super) fn leaves(of: &Alertmanager, findings: &mut RoleFindings<'_>) {
    common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
    optional("keep", of.keep.as_ref(), findings);
    no_volume(&of.name, of.class.is_some() && of.keep.is_none(), findings);
    for (index, receiver) in of.receivers.iter().enumerate() {
        findings.part(&format!("receivers[{index}]"), |findings| {
            findings.leaf("name", &receiver.name);
            for (path, secret) in secrets(receiver) {
                findings.secret(&path, secret);
            }
            for (index, webhook) in receiver.webhooks.iter().enumerate() {
                if let Some(workload) = &webhook.workload {
                    findings.leaf(&format!("webhooks[{index}].workload.name"), &workload.name);
                }
            }
        });
    }
    for (index, route) in of.routes.iter().enumerate() {
        findings.leaf(&format!("routes[{index}].to"), &route.to);
    }
}

/// The secrets of a receiver, each with its path.
fn secrets(of: &Receiver) -> Vec<(String, &Secret)> {
    let webhooks = of.webhooks.iter().enumerate();
    let tokens =
        webhooks.filter_map(|(at, one)| Some((format!("webhooks[{at}].token"), one.token.as_ref()?)));
    let webhooks = of.webhooks.iter().enumerate();
    let addresses = webhooks
        .filter_map(|(at, one)| Some((format!("webhooks[{at}].secret_url"), one.secret_url.as_ref()?)));
    let emails = of.emails.iter().enumerate();
    let passwords = emails.filter_map(|(at, one)| {
        Some((format!("emails[{at}].login.password"), &one.login.as_ref()?.password))
    });
    let slack = of.slack.iter().enumerate();
    let urls = slack.map(|(at, one)| (format!("slack[{at}].url"), &one.url));
    tokens.chain(addresses).chain(passwords).chain(urls).collect()
}

/// The values by themselves.
pub(super) fn values(of: &Alertmanager, findings: &mut RoleFindings<'_>) {
    short(&of.name, findings);
    if of.receivers.is_empty() {
        let help = "name somebody: `receivers: [{name: team, webhooks: [{url: https://…}]}]`";
        wrong("receivers", findings, "it would tell nobody of any alert", help);
    }
    for (index, one) in of.receivers.iter().enumerate() {
        findings.part(&format!("receivers[{index}]"), |findings| receiver(one, findings));
    }
    for (index, route) in of.routes.iter().enumerate() {
        let severity = &route.severity;
        if severity.is_empty() || severity.chars().any(char::is_control) {
            let help = "name the value of a label, as critical";
            wrong(
                &format!("routes[{index}].severity"),
                findings,
                format!("{severity:?} is no severity"),
                help,
            );
        }
    }
    groups(of, findings);
    times(of, findings);
    if let Some(url) = &of.url {
        page(url, "write https://alerts.example.org/", findings);
    }
}

fn groups(of: &Alertmanager, findings: &mut RoleFindings<'_>) {
    let mut seen = BTreeSet::new();
    for (index, label) in of.group_by.iter().enumerate() {
        let at = format!("group_by[{index}]");
        if label.is_empty() {
            wrong(&at, findings, "it is empty", "name a label, as alertname, or leave it out");
        } else if label == "..." && of.group_by.len() > 1 {
            let help = "leave the other labels out, or this one";
            wrong(&at, findings, "`...` groups nothing, and stands alone", help);
        } else if !seen.insert(label) {
            findings.part(&at, |findings| {
                findings.find(&TWICE, format!("the label {label} is there twice"), "leave one of them out");
            });
        }
    }
}

fn times(of: &Alertmanager, findings: &mut RoleFindings<'_>) {
    if of.group_interval == 0 {
        wrong("group_interval", findings, "it would tell without a pause", "say how many seconds, as 300");
    }
    if of.repeat_interval == 0 {
        wrong("repeat_interval", findings, "it would tell without a pause", "say how many seconds, as 14400");
    } else if of.repeat_interval > REMEMBERS {
        let message =
            format!("it forgets after {REMEMBERS} seconds that it told of an alert, and would tell again");
        wrong("repeat_interval", findings, message, format!("say at most {REMEMBERS}"));
    } else if of.repeat_interval < of.group_interval {
        let message = format!(
            "it looks at a group each {} seconds, and cannot tell again more often",
            of.group_interval
        );
        wrong("repeat_interval", findings, message, format!("say at least {}", of.group_interval));
    }
}

fn receiver(of: &Receiver, findings: &mut RoleFindings<'_>) {
    if of.webhooks.is_empty() && of.emails.is_empty() && of.slack.is_empty() {
        let message = format!("{} is told in no way", of.name);
        findings.find(&super::EMPTY, message, "give it `webhooks`, `emails` or `slack`");
    }
    for (path, secret) in secrets(of) {
        if let Some(secret) = secret.reference() {
            secret::of_no_cluster(&secret, &path, findings);
        }
    }
    for (index, one) in of.webhooks.iter().enumerate() {
        findings.part(&format!("webhooks[{index}]"), |findings| webhook(one, findings));
    }
    for (index, one) in of.emails.iter().enumerate() {
        findings.part(&format!("emails[{index}]"), |findings| email(one, findings));
    }
}

fn webhook(of: &Webhook, findings: &mut RoleFindings<'_>) {
    let said = [
        ("url", of.url.is_some()),
        ("secret_url", of.secret_url.is_some()),
        ("workload", of.workload.is_some()),
    ];
    let mut said = said.into_iter().filter(|(_, is_said)| *is_said).map(|(key, _)| key);
    match (said.next(), said.next()) {
        (None, _) => {
            let help = "write `url: https://…`, or `workload: {name: relay, port: 80}`";
            wrong("url", findings, "it says nothing that takes the alerts", help);
        }
        (Some(first), Some(second)) => {
            let help = "leave one of them out, and write two webhooks for both";
            wrong(second, findings, format!("it has `{first}` and `{second}`"), help);
        }
        (Some(_), None) => {}
    }
    if let Some(workload) = &of.workload {
        port("workload.port", workload.port, findings);
        asked("workload.path", &workload.path, findings);
        template("workload.path", &workload.path, findings);
    }
    if let Some(url) = &of.url {
        template("url", url, findings);
        called(url, of.token.is_some(), findings);
    }
}

/// An URL that is called, with a token or without.
fn called(url: &str, has_token: bool, findings: &mut RoleFindings<'_>) {
    match Endpoint::of_url(url) {
        // The URL may hold a password, so that no message shows it.
        Err(why) => {
            let help = "write https://chat.example.org/hooks/alerts, and a password as `token`";
            wrong("url", findings, why, help);
        }
        Ok(host) if host.is_in_cluster() => {
            let message = format!("{} is a name in the cluster, and its way is closed", host.host);
            let help = "name the workload: `workload: {name: relay, port: 80, path: /}`";
            wrong("url", findings, message, help);
        }
        Ok(host) if has_token && url.starts_with("http://") => {
            let message = format!("everybody on the way to {} could read the token", host.host);
            wrong("url", findings, message, "write https://");
        }
        Ok(_) => {}
    }
}

/// Alertmanager reads an URL as a template.
fn template(at: &str, text: &str, findings: &mut RoleFindings<'_>) {
    if text.contains("{{") {
        let message = "`{{` begins a template, whose URL nobody knows before an alert";
        wrong(at, findings, message, "write the URL itself");
    }
}

fn email(of: &Email, findings: &mut RoleFindings<'_>) {
    match Endpoint::of_smarthost(&of.smarthost) {
        None => {
            let message = format!("{:?} is no mail server with its port", of.smarthost);
            wrong("smarthost", findings, message, "write smtp.example.org:587");
        }
        Some(host) if host.is_in_cluster() => {
            let message = format!("{} is a name in the cluster, and its way is closed", host.host);
            wrong("smarthost", findings, message, "name a mail server outside of the cluster");
        }
        Some(_) => {}
    }
    address("from", &of.from, findings);
    if of.to.is_empty() {
        wrong("to", findings, "the mail goes to nobody", "name a mailbox, as [ops@example.org]");
    }
    for (index, to) in of.to.iter().enumerate() {
        address(&format!("to[{index}]"), to, findings);
    }
    if let Some(login) = &of.login {
        if login.user.is_empty() {
            wrong("login.user", findings, "it is empty", "name the user at the mail server");
        }
        if of.without_tls {
            let help = "leave `without_tls` out, or `login`";
            wrong("without_tls", findings, "everybody on the way could read the password", help);
        }
    }
}

fn address(at: &str, text: &str, findings: &mut RoleFindings<'_>) {
    let is_plain = |one: char| !one.is_whitespace() && !one.is_control() && !",<>\"{}".contains(one);
    let has_both = text.rsplit_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if !has_both || !text.chars().all(is_plain) {
        wrong(at, findings, format!("{text:?} is no address of a mailbox"), "write ops@example.org");
    }
}

/// The receivers together, and the workloads that they name.
pub(super) fn together(of: &Alertmanager, namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    let mut known = BTreeSet::new();
    for (index, one) in of.receivers.iter().enumerate() {
        if !known.insert(one.name.to_string()) {
            findings.part(&format!("receivers[{index}].name"), |findings| {
                let message = format!("the receiver {} is there twice", one.name);
                findings.find(
                    &TWICE,
                    message,
                    "give one of them another name, or write the ways of both in one",
                );
            });
        }
    }
    let mut severities = BTreeSet::new();
    for (index, route) in of.routes.iter().enumerate() {
        if !severities.insert(&route.severity) {
            findings.part(&format!("routes[{index}].severity"), |findings| {
                let message = format!("two routes take {}, and the first takes all of it", route.severity);
                findings.find(&TWICE, message, "leave one of them out");
            });
        }
        if !known.contains(&route.to.to_string()) {
            findings.part(&format!("routes[{index}].to"), |findings| {
                let message = format!("{} has no receiver {}", of.name, route.to);
                findings.find(&NO_RECEIVER, message, known_names(&known));
            });
        }
    }
    for (index, one) in of.receivers.iter().enumerate().skip(1) {
        let is_twice = of.receivers.iter().take(index).any(|before| before.name == one.name);
        if !is_twice && of.routes.iter().all(|route| route.to != one.name) {
            findings.part(&format!("receivers[{index}]"), |findings| {
                let message = format!("{} is told of no alert", one.name);
                let help = format!("add a route: `routes: [{{severity: critical, to: {}}}]`", one.name);
                findings.find(&UNTOLD, message, help);
            });
        }
    }
    let workloads = namespace.by_name();
    for (at, receiver) in of.receivers.iter().enumerate() {
        for (index, webhook) in receiver.webhooks.iter().enumerate() {
            let Some(workload) = &webhook.workload else { continue };
            findings.part(&format!("receivers[{at}].webhooks[{index}].workload"), |findings| {
                ingress::exposed(("name", &workload.name), workload.port, namespace, &workloads, findings);
            });
        }
    }
}
