//! The rules of services, in their own settings.

use std::collections::BTreeSet;

use fmc_core::given::Given;
use fmc_core::role::RoleFindings;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde_json::Value;

use super::value::{keys, wrong};
use super::{NO_CLAIM, NO_WORKLOAD, VALUE, alertmanager, jenkins, known_names, optional, secret};
use crate::alertmanager::Endpoint;
use crate::grafana::Grafana;
use crate::name::{ImageName, ObjectName};
use crate::platform::Namespace;
use crate::prometheus::Prometheus;
use crate::quantity::Cpu;
use crate::redis::Redis;

/// The longest name of a service whose other objects have longer names, as `NAME-config`.
const LONGEST: usize = 50;

/// The least volume of a Prometheus. Its log has three segments of 128 MiB at least, whatever it keeps (*Storage* of Prometheus).
const LEAST_KEPT: Size = Size::mib(512);

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, one) in namespace.redis.iter().enumerate() {
        findings.part(&format!("redis[{index}]"), |findings| redis(one, findings));
    }
    for (index, one) in namespace.prometheus.iter().enumerate() {
        findings.part(&format!("prometheus[{index}]"), |findings| prometheus(one, findings));
    }
    for (index, of) in namespace.kube_state_metrics.iter().enumerate() {
        findings.part(&format!("kube_state_metrics[{index}]"), |findings| {
            common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), None, findings);
        });
    }
    for (index, one) in namespace.grafana.iter().enumerate() {
        findings.part(&format!("grafana[{index}]"), |findings| grafana(one, findings));
    }
    for (index, one) in namespace.alertmanager.iter().enumerate() {
        findings.part(&format!("alertmanager[{index}]"), |findings| alertmanager::leaves(one, findings));
    }
    for (index, one) in namespace.jenkins.iter().enumerate() {
        findings.part(&format!("jenkins[{index}]"), |findings| jenkins::leaves(one, findings));
    }
}

fn redis(redis: &Redis, findings: &mut RoleFindings<'_>) {
    common(&redis.name, &redis.image, &redis.memory, redis.cpu.as_ref(), redis.class.as_ref(), findings);
    optional("keep", redis.keep.as_ref(), findings);
    password(&redis.name, redis.password.as_ref(), || redis.secret(), findings);
    no_volume(&redis.name, redis.class.is_some() && redis.keep.is_none(), findings);
}

fn prometheus(prometheus: &Prometheus, findings: &mut RoleFindings<'_>) {
    let of = prometheus;
    common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
    findings.leaf("keep", &of.keep);
}

fn grafana(grafana: &Grafana, findings: &mut RoleFindings<'_>) {
    let of = grafana;
    common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
    findings.leaf("prometheus", &of.prometheus);
    optional("keep", of.keep.as_ref(), findings);
    password(&grafana.name, grafana.password.as_ref(), || grafana.secret(), findings);
    no_volume(&grafana.name, grafana.class.is_some() && grafana.keep.is_none(), findings);
}

/// The settings that every service has.
pub(super) fn common(
    name: &Given<ObjectName>,
    image: &Given<ImageName>,
    memory: &Given<Size>,
    cpu: Option<&Given<Cpu>>,
    class: Option<&Given<ObjectName>>,
    findings: &mut RoleFindings<'_>,
) {
    findings.leaf("name", name);
    findings.leaf("image", image);
    findings.leaf("memory", memory);
    optional("cpu", cpu, findings);
    optional("class", class, findings);
}

pub(super) fn password(
    name: &Given<ObjectName>,
    own: Option<&Secret>,
    derived: impl Fn() -> Secret,
    findings: &mut RoleFindings<'_>,
) {
    if let Some(secret) = derived().reference() {
        secret::of_no_cluster(&secret, if own.is_some() { "password" } else { "name" }, findings);
    }
    if let Some(own) = own {
        findings.secret("password", own);
    } else if name.ok().is_some() && derived().reference().is_none() {
        findings.part("name", |findings| {
            let message = format!("{name} is too long for the name of its password, {name}-password");
            findings.find(&VALUE, message, "take a shorter name, or name the password: `password`");
        });
    }
}

pub(super) fn no_volume(name: &Given<ObjectName>, is_said: bool, findings: &mut RoleFindings<'_>) {
    if is_said {
        findings.part("class", |findings| {
            let help = "say `keep: 1 GiB`, or leave `class` out";
            findings.find(&NO_CLAIM, format!("{name} keeps nothing, and has no volume"), help);
        });
    }
}

/// The values of services by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, one) in namespace.prometheus.iter().enumerate() {
        findings.part(&format!("prometheus[{index}]"), |findings| {
            short(&one.name, findings);
            if one.days == 0 {
                wrong("days", findings, "it would keep nothing", "say how many days, as 15");
            }
            if let Some(keep) = one.keep.ok().filter(|keep| **keep < LEAST_KEPT) {
                let message = format!(
                    "{keep} are too few: its log alone takes up to {LEAST_KEPT} before anything is kept"
                );
                wrong("keep", findings, message, format!("say {LEAST_KEPT} or more"));
            }
            if one.interval == 0 {
                wrong("interval", findings, "it would ask without a pause", "say how many seconds, as 30");
            }
            keys("rules", one.rules.keys(), findings);
            for (name, text) in &one.rules {
                let groups = serde_saphyr::from_str::<Value>(text).ok();
                if !groups.is_some_and(|groups| groups.get("groups").is_some_and(Value::is_array)) {
                    let help = "write it as Prometheus has it: `groups: [{name: shop, rules: […]}]`";
                    wrong(
                        &format!("rules.{name}"),
                        findings,
                        "it is no list of groups of rules in YAML",
                        help,
                    );
                }
            }
        });
    }
    for (index, one) in namespace.grafana.iter().enumerate() {
        findings.part(&format!("grafana[{index}]"), |findings| {
            short(&one.name, findings);
            keys("pages", one.pages.keys(), findings);
            for (name, text) in &one.pages {
                if !serde_json::from_str::<Value>(text).is_ok_and(|page| page.is_object()) {
                    let help = "export the dashboard as JSON, and write that";
                    wrong(&format!("pages.{name}"), findings, "it is no dashboard in JSON", help);
                }
                if name == "machines" {
                    let help = "give it another name";
                    wrong(&format!("pages.{name}"), findings, "fmc brings a page of this name", help);
                }
            }
            if one.url.as_ref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
            {
                wrong("url", findings, "it is no address of a page", "write https://grafana.example.org/");
            }
        });
    }
    for (index, one) in namespace.alertmanager.iter().enumerate() {
        findings.part(&format!("alertmanager[{index}]"), |findings| alertmanager::values(one, findings));
    }
    for (index, one) in namespace.jenkins.iter().enumerate() {
        findings.part(&format!("jenkins[{index}]"), |findings| jenkins::values(one, findings));
    }
}

/// The address of pages, which stand at the root of a host.
pub(super) fn page(url: &str, right: &str, findings: &mut RoleFindings<'_>) {
    if let Err(why) = Endpoint::of_url(url) {
        return wrong("url", findings, why, right);
    }
    let after = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if after.is_some_and(|(_, path)| !path.is_empty()) || url.contains(['?', '#']) {
        let message = "it has a path, and the program would take calls below that path alone";
        wrong("url", findings, message, right);
    }
}

pub(super) fn short(name: &Given<ObjectName>, findings: &mut RoleFindings<'_>) {
    if name.ok().is_some() && name.to_string().len() > LONGEST {
        let message = format!("{name} is too long for the names of its other objects, as {name}-config");
        wrong("name", findings, message, format!("take one of at most {LONGEST} characters"));
    }
}

/// The services of a namespace together.
pub(super) fn together(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, one) in namespace.alertmanager.iter().enumerate() {
        findings.part(&format!("alertmanager[{index}]"), |findings| {
            alertmanager::together(one, namespace, findings);
        });
    }
    for (index, one) in namespace.jenkins.iter().enumerate() {
        findings.part(&format!("jenkins[{index}]"), |findings| jenkins::together(one, namespace, findings));
    }
    let known: BTreeSet<String> = namespace.prometheus.iter().map(|one| one.name.to_string()).collect();
    for (index, grafana) in namespace.grafana.iter().enumerate() {
        if known.contains(&grafana.prometheus.to_string()) {
            continue;
        }
        findings.part(&format!("grafana[{index}].prometheus"), |findings| {
            let message = format!("{} has no Prometheus {}", namespace.name, grafana.prometheus);
            let help = if known.is_empty() {
                "add one beside it: `prometheus: […]`".to_owned()
            } else {
                known_names(&known)
            };
            findings.find(&NO_WORKLOAD, message, help);
        });
    }
}
