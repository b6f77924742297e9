//! Pods in the form of the API: what a template asks for, and which nodes take it.

use std::collections::BTreeSet;

use fmc_core::checked::Checked;
use fmc_core::k3s::capacity::{Amount, Node};
use fmc_core::k3s::{Effect, Taint};
use fmc_core::unit::Size;
use serde_json::Value;

use crate::compare::plain;
use crate::quantity::canonical;

/// A port of a node, with its protocol.
pub(super) type HostPort = (String, u64);

/// The ports of TCP of its node that a pod of an object in the form of the API takes for itself.
pub(crate) fn tcp_ports_of_node(object: &Value) -> BTreeSet<u64> {
    let ports = Template::of(object).map(Template::host_ports).unwrap_or_default();
    ports.into_iter().filter(|(protocol, _)| protocol == "TCP").map(|(_, number)| number).collect()
}

/// The pod of a template.
#[derive(Clone, Copy)]
pub(super) struct Template<'a>(&'a Value);

impl<'a> Template<'a> {
    /// The pod of a workload in the form of the API.
    pub(super) fn of(object: &'a Value) -> Option<Self> {
        let places = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec"];
        places.iter().find_map(|at| object.pointer(at)).map(Self)
    }

    /// The pod itself.
    pub(super) fn of_pod(pod: &'a Value) -> Self {
        Self(pod)
    }

    fn list(self, key: &str) -> impl Iterator<Item = &'a Value> {
        list(self.0, key)
    }

    /// The request of a pod: that of its containers together, or of the largest of those that run before them, if that is more
    /// (*Resource sharing within containers* of Kubernetes).
    pub(super) fn asks(self) -> Amount {
        let is_sidecar = |one: &&Value| text(one, "restartPolicy") == "Always";
        let (mut beside, mut most) = (Amount::NONE, Amount::NONE);
        for one in self.list("initContainers") {
            let asks = request(one);
            if is_sidecar(&one) {
                beside = beside.plus(asks);
                most = larger(most, beside);
            } else {
                most = larger(most, beside.plus(asks));
            }
        }
        let all = self.list("containers").map(request).fold(beside, Amount::plus);
        let mut asks = larger(all, most);
        // What a pod says of itself counts in place of its containers.
        let own = request(self.0);
        let said = self.0.get("resources");
        if said.is_some_and(|said| quantity(said, "cpu").is_some()) {
            asks.millicores = own.millicores;
        }
        if said.is_some_and(|said| quantity(said, "memory").is_some()) {
            asks.memory = own.memory;
        }
        asks.pods = 1;
        asks
    }

    /// Whether its pods are told to spread over the nodes.
    pub(super) fn is_spread(self) -> bool {
        self.list("topologySpreadConstraints").any(|one| text(one, "topologyKey") == HOSTNAME)
    }

    /// The ports of its node that a pod takes for itself (`NodePorts`): in the network of the node each port of a container is one.
    pub(super) fn host_ports(self) -> BTreeSet<HostPort> {
        let is_of_node = self.is_in_network_of_node();
        let number = |port: &Value| {
            let own = port.get("hostPort").and_then(Value::as_u64).filter(|number| *number > 0);
            own.or_else(|| port.get("containerPort").and_then(Value::as_u64).filter(|_| is_of_node))
        };
        let ports = self.list("containers").flat_map(|one| list(one, "ports"));
        let protocol = |port: &Value| port.get("protocol").map_or_else(|| "TCP".to_owned(), plain);
        ports.filter_map(|port| Some((protocol(port), number(port)?))).collect()
    }

    /// Whether a pod has the network of its node.
    pub(super) fn is_in_network_of_node(self) -> bool {
        self.0.get("hostNetwork") == Some(&Value::Bool(true))
    }

    /// Whether a node takes a pod, beside room (`TaintToleration`, `NodeAffinity`, `NodeName`).
    pub(super) fn suits(self, node: &Node, cloud: &Checked) -> bool {
        let firm = node.taints.iter().filter(|taint| taint.effect() != Effect::PreferNoSchedule);
        let tolerates = |taint: &Taint| self.list("tolerations").any(|one| tolerates(one, taint));
        let selected = self.0.get("nodeSelector").and_then(Value::as_object).into_iter().flatten();
        let is_selected = |(key, value): (&String, &Value)| {
            label(node, cloud, key).is_any_or(|label| label.is_some_and(|label| label == plain(value)))
        };
        let named = self.0.get("nodeName").map(plain);
        let terms = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
        let terms = self.0.pointer(terms).and_then(Value::as_array);
        firm.into_iter().all(tolerates)
            && selected.into_iter().all(is_selected)
            && named.is_none_or(|name| name == node.name.as_str())
            && terms.is_none_or(|terms| terms.iter().any(|term| is_term(term, node, cloud)))
    }
}

const HOSTNAME: &str = "kubernetes.io/hostname";

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn larger(one: Amount, other: Amount) -> Amount {
    Amount::new(one.millicores.max(other.millicores), one.memory.max(other.memory), 0)
}

/// The request of a container. A limit is one too where no request stands (`SetDefaults_Pod`).
fn request(of: &Value) -> Amount {
    let Some(said) = of.get("resources") else { return Amount::NONE };
    let whole = |thousandths: i128| u64::try_from((thousandths.max(0) + 999) / 1000).unwrap_or(u64::MAX);
    let cpu = quantity(said, "cpu").map_or(0, |one| u64::try_from(one.max(0)).unwrap_or(u64::MAX));
    let memory = quantity(said, "memory").map_or(0, whole);
    Amount::new(cpu, Size::bytes(memory), 0)
}

/// A request in thousandths.
fn quantity(resources: &Value, key: &str) -> Option<i128> {
    let of = |list: &str| resources.get(list)?.get(key).map(plain);
    canonical(&of("requests").or_else(|| of("limits"))?)
}

/// Whether a toleration lets a pod onto a node with a taint (`Toleration.ToleratesTaint`).
fn tolerates(toleration: &Value, taint: &Taint) -> bool {
    let (key, effect) = (text(toleration, "key"), text(toleration, "effect"));
    let value = toleration.get("value").map(plain).unwrap_or_default();
    let is_any_value = text(toleration, "operator") == "Exists";
    (effect.is_empty() || effect == taint.effect().as_str())
        && (key == taint.key() || (key.is_empty() && is_any_value))
        && (is_any_value || value == taint.value().unwrap_or_default())
}

/// Whether a node is of a term of a required affinity. An operator that is not known here counts as met.
fn is_term(term: &Value, node: &Node, cloud: &Checked) -> bool {
    let is_of = |values: &Value, label: Option<&str>, operator: &str| {
        let listed = || label.is_some_and(|label| list(values, "values").any(|one| plain(one) == label));
        let number = || label.and_then(|label| label.parse::<i64>().ok());
        let bound = || list(values, "values").next().and_then(|one| plain(one).parse::<i64>().ok());
        match operator {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => label.is_some(),
            "DoesNotExist" => label.is_none(),
            "Gt" => number().zip(bound()).is_some_and(|(number, bound)| number > bound),
            "Lt" => number().zip(bound()).is_some_and(|(number, bound)| number < bound),
            _ => true,
        }
    };
    let mut labels = list(term, "matchExpressions");
    let mut fields = list(term, "matchFields");
    labels.all(|one| {
        label(node, cloud, text(one, "key")).is_any_or(|label| is_of(one, label, text(one, "operator")))
    }) && fields.all(|one| {
        text(one, "key") != "metadata.name" || is_of(one, Some(node.name.as_str()), text(one, "operator"))
    })
}

/// The label of a node.
enum NodeLabel {
    Known(Option<String>),
    /// A person or a controller may have given it to the node: the kubelet may not.
    Open,
}

impl NodeLabel {
    fn is_any_or(&self, is: impl Fn(Option<&str>) -> bool) -> bool {
        match self {
            Self::Known(label) => is(label.as_deref()),
            Self::Open => true,
        }
    }
}

fn label(node: &Node, cloud: &Checked, key: &str) -> NodeLabel {
    let own = node.labels.iter().find(|label| label.key() == key);
    let arch = || cloud.at(node.machine).map(|machine| machine.image.arch.debian().to_owned());
    let known = match key {
        _ if own.is_some() => own.map(|label| label.value().to_owned()),
        HOSTNAME => Some(node.name.to_string()),
        "kubernetes.io/os" | "beta.kubernetes.io/os" => Some("linux".to_owned()),
        "kubernetes.io/arch" | "beta.kubernetes.io/arch" => arch(),
        "node-role.kubernetes.io/control-plane" => node.is_server.then(|| "true".to_owned()),
        _ => {
            let domain = key.split_once('/').map_or("", |(domain, _)| domain);
            let is_kept = ["kubernetes.io", "k8s.io"].iter().any(|zone| {
                domain.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            });
            if is_kept {
                return NodeLabel::Open;
            }
            None
        }
    };
    NodeLabel::Known(known)
}

#[cfg(test)]
mod tests {
    use fmc_core::unit::SizeExt as _;
    use serde_json::json;

    use super::*;

    fn asks(pod: &Value) -> Amount {
        Template(pod).asks()
    }

    #[test]
    fn the_request_of_a_pod_is_that_of_kubernetes() {
        let of = |cpu: &str, memory: &str| json!({ "resources": { "requests": { "cpu": cpu, "memory": memory } } });
        let pod = json!({ "containers": [of("100m", "64Mi"), of("0.2", "64Mi")] });
        assert_eq!(asks(&pod), Amount::new(300, 128.mib(), 1));
        // One that runs before the others counts where it asks for more.
        let pod = json!({ "initContainers": [of("1", "16Mi")], "containers": [of("100m", "64Mi")] });
        assert_eq!(asks(&pod), Amount::new(1000, 64.mib(), 1));
        // One that stays beside them counts with them, and with those that start after it.
        let mut sidecar = of("100m", "32Mi");
        sidecar["restartPolicy"] = json!("Always");
        let pod =
            json!({ "initContainers": [sidecar, of("100m", "100Mi")], "containers": [of("50m", "64Mi")] });
        assert_eq!(asks(&pod), Amount::new(200, 132.mib(), 1));
        let limits =
            json!({ "containers": [{ "resources": { "limits": { "cpu": 2, "memory": "1Gi" } } }, {}] });
        assert_eq!(asks(&limits), Amount::new(2000, 1.gib(), 1));
        let whole =
            json!({ "resources": { "requests": { "memory": "1Gi" } }, "containers": [of("50m", "64Mi")] });
        assert_eq!(asks(&whole), Amount::new(50, 1.gib(), 1));
    }

    #[test]
    fn a_taint_is_tolerated_as_kubernetes_does() {
        let taint: Taint = "example.com/slow=yes:NoSchedule".parse().unwrap();
        for (toleration, is) in [
            (json!({ "operator": "Exists" }), true),
            (json!({ "key": "example.com/slow", "operator": "Exists", "effect": "NoSchedule" }), true),
            (json!({ "key": "example.com/slow", "value": "yes" }), true),
            (json!({ "key": "example.com/slow", "value": "no" }), false),
            (json!({ "key": "example.com/slow", "operator": "Exists", "effect": "NoExecute" }), false),
            (json!({ "key": "example.com/fast", "operator": "Exists" }), false),
            (json!({}), false),
        ] {
            assert_eq!(tolerates(&toleration, &taint), is, "{toleration}");
        }
    }

    #[test]
    fn a_pod_in_the_network_of_its_node_takes_its_ports() {
        let pod = json!({ "hostNetwork": true, "containers": [{ "ports": [{ "containerPort": 80 }, { "containerPort": 53, "protocol": "UDP" }] }] });
        let ports = Template(&pod).host_ports();
        assert_eq!(ports.into_iter().collect::<Vec<_>>(), [("TCP".to_owned(), 80), ("UDP".to_owned(), 53)]);
        let pod = json!({ "containers": [{ "ports": [{ "containerPort": 80, "hostPort": 8080 }, { "containerPort": 81 }] }] });
        assert_eq!(Template(&pod).host_ports().into_iter().collect::<Vec<_>>(), [("TCP".to_owned(), 8080)]);
    }
}
