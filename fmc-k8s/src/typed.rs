//! Whether an object has the fields of its kind, by the types of `k8s-openapi`.

use k8s_openapi::api::{
    apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch, core::v1 as core,
    discovery::v1 as discovery, networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
    scheduling::v1 as scheduling, storage::v1 as storage,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kind::{self, Kind};

/// The paths of an object's fields that its kind does not have; none for a kind without a type.
///
/// # Errors
///
/// A value is not of its field's type.
pub(crate) fn unknown(kind: &Kind, object: &Value) -> Result<Vec<String>, String> {
    let read = match *kind {
        kind::NAMESPACE => read::<core::Namespace>,
        kind::CONFIG_MAP => read::<core::ConfigMap>,
        kind::SERVICE_ACCOUNT => read::<core::ServiceAccount>,
        kind::SERVICE => read::<core::Service>,
        kind::RESOURCE_QUOTA => read::<core::ResourceQuota>,
        kind::LIMIT_RANGE => read::<core::LimitRange>,
        kind::ROLE => read::<rbac::Role>,
        kind::ROLE_BINDING => read::<rbac::RoleBinding>,
        kind::CLUSTER_ROLE => read::<rbac::ClusterRole>,
        kind::CLUSTER_ROLE_BINDING => read::<rbac::ClusterRoleBinding>,
        kind::DEPLOYMENT => read::<apps::Deployment>,
        kind::STATEFUL_SET => read::<apps::StatefulSet>,
        kind::DAEMON_SET => read::<apps::DaemonSet>,
        kind::JOB => read::<batch::Job>,
        kind::CRON_JOB => read::<batch::CronJob>,
        kind::AUTOSCALER => read::<autoscaling::HorizontalPodAutoscaler>,
        kind::NETWORK_POLICY => read::<networking::NetworkPolicy>,
        kind::INGRESS => read::<networking::Ingress>,
        kind::DISRUPTION_BUDGET => read::<policy::PodDisruptionBudget>,
        kind::ENDPOINT_SLICE => read::<discovery::EndpointSlice>,
        kind::PRIORITY_CLASS => read::<scheduling::PriorityClass>,
        kind::STORAGE_CLASS => read::<storage::StorageClass>,
        _ => return Ok(Vec::new()),
    };
    let known = read(object)?;
    let mut lost = Vec::new();
    missing(object, &known, String::new(), &mut lost);
    Ok(lost)
}

/// The object as its type has it.
fn read<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let typed = T::deserialize(object).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// The paths of values that are gone.
fn missing(of: &Value, known: &Value, path: String, lost: &mut Vec<String>) {
    match (of, known) {
        (Value::Object(of), Value::Object(known)) => {
            for (key, value) in of {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match known.get(key) {
                    Some(there) => missing(value, there, below, lost),
                    None if value.is_null() => {}
                    None => lost.push(below),
                }
            }
        }
        (Value::Array(of), Value::Array(known)) => {
            for (at, (value, there)) in of.iter().zip(known).enumerate() {
                missing(value, there, format!("{path}[{at}]"), lost);
            }
        }
        _ => {}
    }
}
