//! Fields of custom objects that an operator does not change in one that exists. The server takes such a change, and the operator refuses it later,
//! leaves it undone or takes the object for a broken one.

use serde_json::Value;

use crate::compare::{Difference, plain};
use crate::kind::SECRET;
use crate::manifest::Manifest;
use crate::quantity::canonical;

const POSTGRES: &str = "cluster.postgresql.cnpg.io";
const BROKERS: &str = "kafkanodepool.kafka.strimzi.io";
const TOPIC: &str = "kafkatopic.kafka.strimzi.io";

/// The field by which a topic or brokers belong to a Kafka.
const OF_KAFKA: &str = "metadata.labels[strimzi.io/cluster]";

/// The reason why a change of an object is not made, if one of its fields cannot have the wanted value.
pub(super) fn held(manifest: &Manifest, found: &[Difference]) -> Option<String> {
    found.iter().find_map(|one| {
        let (from, to) = (one.from.as_ref()?, one.to.as_ref()?);
        let path = one.path.as_str();
        let is_smaller = canonical(&plain(to)) < canonical(&plain(from));
        let (from, to) = (plain(from), plain(to));
        match manifest.kind().word {
            POSTGRES if path == "spec.storage.size" && is_smaller => Some(smaller(&from, &to)),
            POSTGRES if path == "spec.storage.storageClass" => Some(class(&from, &to)),
            POSTGRES if path.starts_with("spec.bootstrap.") => Some(format!(
                "{path} is read when the database is made, and it is there: say {from}, or make another database beside it"
            )),
            POSTGRES if path == "spec.imageName" => match (major(&from), major(&to)) {
                (Some(before), Some(after)) if after < before => Some(format!(
                    "PostgreSQL {after} does not read the data of PostgreSQL {before}: take an image of {before} or newer"
                )),
                _ => None,
            },
            BROKERS if path.starts_with("spec.storage.") && path.ends_with("size") && is_smaller => {
                Some(smaller(&from, &to))
            }
            BROKERS if path.starts_with("spec.storage.") && path.ends_with("class") => Some(class(&from, &to)),
            BROKERS if path == "spec.replicas" && is_controller(manifest) => Some(format!(
                "the number of controllers is that of the beginning: say {from} brokers, or make another Kafka beside it"
            )),
            TOPIC if path == "spec.partitions" && is_smaller => {
                Some(format!("a topic keeps its parts: say {from} or more, not {to}"))
            }
            TOPIC | BROKERS if path == OF_KAFKA => Some(format!(
                "its messages stay with the Kafka {from}, and {to} begins empty: say the former name, or let a topic of another name replace this one"
            )),
            TOPIC if path == "spec.replicas" => {
                Some(format!("the copies of a topic are moved by hand: say {from}, not {to}"))
            }
            word if word == SECRET.word && path == "data.username" && is_login(manifest) => Some(
                "the role of a database keeps the name that it was made with: say the former name of the database".to_owned(),
            ),
            _ => None,
        }
    })
}

fn smaller(from: &str, to: &str) -> String {
    format!(
        "a volume cannot shrink from {from} to {to}: say at least {from}, or make another one beside it and move the data"
    )
}

fn class(from: &str, to: &str) -> String {
    format!(
        "the volumes that are there are of the class {from}, and stay so: say {from}, or make another one of {to} beside it and move the data"
    )
}

fn is_controller(manifest: &Manifest) -> bool {
    let roles = manifest.content().pointer("/spec/roles").and_then(Value::as_array);
    roles.is_some_and(|roles| roles.iter().any(|role| role == "controller"))
}

fn is_login(manifest: &Manifest) -> bool {
    manifest.content().get("type").and_then(Value::as_str) == Some("kubernetes.io/basic-auth")
}

/// The consequence of a change that its path alone does not tell.
pub(super) fn told(manifest: &Manifest, one: &Difference) -> Option<String> {
    if manifest.kind().word != POSTGRES || one.path != "spec.imageName" {
        return None;
    }
    let (before, after) = (major(&plain(one.from.as_ref()?))?, major(&plain(one.to.as_ref()?))?);
    (before != after).then(|| {
        format!("every instance stops while its data is upgraded from PostgreSQL {before} to {after}, which cannot be undone")
    })
}

/// The number with which the tag of an image begins.
fn major(image: &str) -> Option<u32> {
    let named = image.split('@').next().unwrap_or_default();
    let tag = named.rsplit('/').next()?.split_once(':')?.1;
    tag.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}
