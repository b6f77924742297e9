//! The configuration of a Jenkins, in the form of the plugins `configuration-as-code` and `kubernetes`.

use fmc_core::given::Given;
use fmc_core::unit::Size;
use serde_json::{Value, json};

use super::{AGENT_OF, AGENT_PORT, Jenkins, PASSWORD, PORT, USER};
use crate::name::ObjectName;
use crate::quantity::{Cpu, bytes};

/// Its text, in which the password is the name of a variable.
pub(super) fn text(of: &Jenkins, namespace: &Given<ObjectName>) -> String {
    let host = format!("{}.{namespace}.svc", of.name);
    let mut config = json!({
        "jenkins": {
            // The controller builds nothing: a build there reads all that Jenkins knows.
            "numExecutors": 0,
            "mode": "EXCLUSIVE",
            "slaveAgentPort": AGENT_PORT.1,
            "securityRealm": { "local": {
                "allowsSignup": false,
                "users": [{ "id": "admin", "password": format!("${{{PASSWORD}}}") }],
            } },
            "authorizationStrategy": { "loggedInUsersCanDoAnything": { "allowAnonymousRead": false } },
            // Requests of one person come from several addresses once a proxy stands before it.
            "crumbIssuer": { "standard": { "excludeClientIPFromCrumb": true } },
            "clouds": [{ "kubernetes": {
                "name": "kubernetes",
                "namespace": namespace.to_string(),
                "jenkinsUrl": format!("http://{host}:{}", PORT.1),
                "jenkinsTunnel": format!("{host}:{}", AGENT_PORT.1),
                "containerCapStr": of.agent.at_most.to_string(),
                "podLabels": [{ "key": AGENT_OF, "value": of.name.to_string() }],
                "templates": [{
                    "name": "agent",
                    "label": "agent",
                    "nodeUsageMode": "NORMAL",
                    "showRawYaml": false,
                    "yamlMergeStrategy": "merge",
                    "yaml": yaml(&agent(of)),
                }],
            } }],
        },
    });
    if let Some(url) = &of.url
        && let Some(all) = config.as_object_mut()
    {
        all.insert("unclassified".to_owned(), json!({ "location": { "url": url } }));
    }
    yaml(&config)
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap_or_default()
}

/// The pod of an agent, which satisfies the standard `restricted`. The plugin adds what tells it its Jenkins and its name.
fn agent(of: &Jenkins) -> Value {
    let cpu = of.agent.cpus().ok().map(Cpu::to_string).unwrap_or_default();
    let memory = of.agent.memory.ok().copied().unwrap_or(Size::ZERO);
    let resources = json!({ "cpu": cpu, "memory": bytes(memory) });
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                // The plugin's own name for the container with its program.
                "name": "jnlp",
                "image": of.agent.image.to_string(),
                "resources": { "requests": resources, "limits": resources },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    })
}
