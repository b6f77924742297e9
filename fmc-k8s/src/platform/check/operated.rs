//! The rules of services whose pods an operator makes.

use std::collections::BTreeMap;

use fmc_core::count::counted;
use fmc_core::k3s::capacity::{self, is_whole};
use fmc_core::role::{RoleFindings, SpanSite};
use fmc_core::unit::Size;

use super::service::{common, password, short};
use super::value::wrong;
use super::{NO_OPERATOR, NO_OPERATOR_PODS, optional, twice};
use crate::compile::operated::namespaces;
use crate::compile::operator::scopes;
use crate::kafka::Kafka;
use crate::name::ImageName;
use crate::operated::{KnownOperator, OperatedService};
use crate::platform::{Namespace, Platform};
use crate::postgres::Postgres;

/// The oldest major version of PostgreSQL that CloudNativePG 1.30 runs (*Supported releases* of CloudNativePG).
const OLDEST: u32 = 14;

/// The longest name of a database or a role (`NAMEDATALEN` of PostgreSQL, less one).
const LONGEST_NAME: usize = 63;

/// Names that PostgreSQL and CloudNativePG use themselves.
const TAKEN: [&str; 5] = ["postgres", "streaming_replica", "template0", "template1", "cnpg_pooler_pgbouncer"];

/// Settings that CloudNativePG decides itself, and refuses (*Fixed parameters* of CloudNativePG).
const FIXED: [&str; 12] = [
    "archive_command",
    "archive_mode",
    "data_directory",
    "hba_file",
    "hot_standby",
    "listen_addresses",
    "port",
    "primary_conninfo",
    "restore_command",
    "ssl",
    "unix_socket_directories",
    "wal_level",
];

/// The beginnings of settings that Strimzi decides itself, and leaves out without a word (`FORBIDDEN_PREFIXES` of Strimzi).
const OF_STRIMZI: [&str; 19] = [
    "listeners",
    "advertised.",
    "authorizer.",
    "broker.",
    "controller.",
    "host.name",
    "inter.broker.listener.name",
    "listener.",
    "log.dir",
    "metadata.log.dir",
    "node.id",
    "password.",
    "port",
    "process.roles",
    "sasl.",
    "security.",
    "ssl.",
    "super.user",
    "zookeeper.",
];

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, of) in namespace.postgres.iter().enumerate() {
        findings.part(&format!("postgres[{index}]"), |findings| {
            common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
            findings.leaf("keep", &of.keep);
            password(&of.name, of.password.as_ref(), || of.secret(), findings);
        });
    }
    for (index, of) in namespace.kafka.iter().enumerate() {
        findings.part(&format!("kafka[{index}]"), |findings| {
            common(&of.name, &of.image, &of.memory, of.cpu.as_ref(), of.class.as_ref(), findings);
            findings.leaf("keep", &of.keep);
            for (index, topic) in of.topics.iter().enumerate() {
                findings.leaf(&format!("topics[{index}].name"), &topic.name);
                optional(&format!("topics[{index}].keep"), topic.keep.as_ref(), findings);
            }
        });
    }
}

/// The values by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    for (index, of) in namespace.postgres.iter().enumerate() {
        findings.part(&format!("postgres[{index}]"), |findings| postgres(of, findings));
    }
    for (index, of) in namespace.kafka.iter().enumerate() {
        findings.part(&format!("kafka[{index}]"), |findings| kafka(of, findings));
    }
}

fn postgres(of: &Postgres, findings: &mut RoleFindings<'_>) {
    short(&of.name, findings);
    if of.instances == 0 {
        wrong("instances", findings, "there would be no database", "say how many, as 1 or 3");
    }
    if let Some(image) = of.image.ok() {
        version(image, findings);
    }
    let name = of.database.as_str();
    let is_plain = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_';
    if TAKEN.contains(&name) {
        let message = format!("{name} is a name that PostgreSQL or its operator uses itself");
        wrong("database", findings, message, "take another one, as app");
    } else if name.is_empty()
        || name.len() > LONGEST_NAME
        || name.starts_with(|first: char| first.is_ascii_digit())
        || !name.chars().all(is_plain)
    {
        let message = format!("{name:?} is not a name that people write without quotes in SQL");
        let help = format!(
            "write lower-case letters, digits and '_', at most {LONGEST_NAME}, beginning with a letter"
        );
        wrong("database", findings, message, help);
    }
    for key in of.parameters.keys() {
        let at = format!("parameters.{key}");
        if FIXED.contains(&key.as_str()) {
            wrong(&at, findings, "CloudNativePG decides this setting itself", "leave it out");
        } else if key.is_empty() || !key.chars().all(|one| is_plain(one) || one == '.') {
            let help = "write it as `postgresql.conf` has it, as max_connections";
            wrong(&at, findings, "it is not the name of a setting", help);
        }
    }
}

/// The operator reads the version in the image's tag.
fn version(image: &ImageName, findings: &mut RoleFindings<'_>) {
    let reference = image.reference();
    let tag = reference.as_ref().map_or("", |image| image.tag());
    let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(major) if major >= OLDEST => {}
        Ok(major) => {
            let message =
                format!("PostgreSQL {major} is older than {OLDEST}, the oldest that CloudNativePG runs");
            wrong("image", findings, message, format!("take an image of {OLDEST} or newer"));
        }
        Err(_) => {
            let message =
                "its tag does not begin with the version of PostgreSQL, which the operator reads there";
            wrong("image", findings, message, "name an image as ghcr.io/cloudnative-pg/postgresql:18.1");
        }
    }
}

fn kafka(of: &Kafka, findings: &mut RoleFindings<'_>) {
    short(&of.name, findings);
    if of.brokers == 0 || of.brokers.is_multiple_of(2) {
        let message =
            format!("{} brokers are as many controllers, and half of them have no majority", of.brokers);
        wrong("brokers", findings, message, "say 1, or an odd number from 3 on");
    }
    if of.days == 0 {
        wrong("days", findings, "it would keep nothing", "say how many days, as 7");
    }
    for key in of.config.keys() {
        if OF_STRIMZI.iter().any(|prefix| key.starts_with(prefix)) {
            let at = format!("config.{key}");
            wrong(
                &at,
                findings,
                "Strimzi decides this setting itself, and would leave it out",
                "leave it out",
            );
        }
    }
    twice("topics", "topic", of.topics.iter().map(|topic| topic.name.to_string()), findings);
    for (index, topic) in of.topics.iter().enumerate() {
        findings.part(&format!("topics[{index}]"), |findings| {
            if topic.partitions == 0 {
                wrong("partitions", findings, "a topic has one part at least", "say how many, as 3");
            }
            if topic.days == Some(0) {
                wrong("days", findings, "it would keep nothing", "say how many days, as 7");
            }
        });
    }
    let (said, room) = (of.said(), of.room());
    // In whole MiB, which a person can write.
    let whole = |size: Size| Size::mib(u32::try_from(size.as_bytes() >> 20).unwrap_or(u32::MAX));
    let is_silent = of.topics.iter().any(|topic| topic.keep.is_none());
    if of.keep.ok().is_some() && (said > room || is_silent && said == room) {
        let message = format!(
            "the topics keep {said} together, and 85 % of the volumes is {} for {} of each part",
            whole(room),
            counted(of.copies(), "copy")
        );
        wrong("topics", findings, message, "let topics keep less, or `keep` more");
    }
}

/// The rules about the cluster and the operators of the platform.
pub(super) fn together(
    namespace: &Namespace,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let cloud = site.cloud();
    let cluster = cloud.cluster(&platform.cluster.to_string()).filter(|cluster| is_whole(cluster));
    let nodes =
        cluster.map(|cluster| capacity::nodes(cluster, cloud).iter().filter(|node| node.takes_any()).count());
    for (path, one) in namespace.operated() {
        findings.part(path, |findings| {
            operator(platform, one.service.operator(), findings);
            let wanted = usize::from(one.pods.replicas);
            if let Some(nodes) = nodes.filter(|nodes| wanted > *nodes) {
                let key = match &one.service {
                    OperatedService::Postgres(_) => "instances",
                    OperatedService::Kafka(_) => "brokers",
                };
                let message = format!(
                    "each of the {wanted} has a node of its own, and the cluster has {nodes} for pods"
                );
                wrong(key, findings, message, format!("say at most {nodes}, or add an agent"));
            }
        });
    }
    topics(namespace, findings);
}

/// An operator that nothing of the platform brings, or of which it brings the definitions alone.
pub(super) fn operator(platform: &Platform, of: KnownOperator, findings: &mut RoleFindings<'_>) {
    let KnownOperator { name, group, kind, file, .. } = of;
    let or_accept = "or accept this if something else installs it";
    if !scopes(platform).contains_key(&(group.to_owned(), kind.to_owned())) {
        let message = format!("no operator of the platform brings the kind {kind} of {group}");
        let help = format!("name the files of {name} below `operators` of the platform, {or_accept}");
        findings.find(&NO_OPERATOR, message, help);
    } else if !namespaces(platform).contains_key(group) {
        let message = format!(
            "the files of the platform define the kind {kind} of {group}, and have no pods of {name}, which would act on it"
        );
        let help = format!("name {file} of {name} below `operators` of the platform too, {or_accept}");
        findings.find(&NO_OPERATOR_PODS, message, help);
    }
}

/// Topics are objects of the namespace, so that two Kafkas of it cannot have one of the same name.
fn topics(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    let mut known: BTreeMap<String, &Kafka> = BTreeMap::new();
    for (index, kafka) in namespace.kafka.iter().enumerate() {
        for (at, topic) in kafka.topics.iter().enumerate() {
            let other = known.insert(topic.name.to_string(), kafka);
            if let Some(other) = other.filter(|other| !std::ptr::eq(*other, kafka)) {
                let message = format!("the Kafka {} has a topic {} too", other.name, topic.name);
                let path = format!("kafka[{index}].topics[{at}].name");
                wrong(&path, findings, message, "give one of them another name");
            }
        }
    }
}
