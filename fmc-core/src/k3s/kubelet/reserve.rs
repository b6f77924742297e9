//! The resources that a kubelet keeps from pods: reserves, the threshold of eviction, and the number of pods.

use std::collections::BTreeMap;

use super::Dropin;
use crate::given::{Given, Leaf};
use crate::k3s::quantity::Quantity;
use crate::unit::Size;

/// The most pods on a node (Kubernetes, *Kubelet Configuration*, `maxPods`).
const MAX_PODS: u64 = 110;

/// The signal that a kubelet keeps memory for.
const MEMORY: &str = "memory.available";

/// The resources that the settings of a kubelet keep from pods.
///
/// K3s's own settings keep no memory: they name thresholds of eviction for disks alone, and a map that is set replaces that of Kubernetes
/// with its `memory.available<100Mi` (`pkg/daemons/agent/agent_linux.go` of K3s, `kubeletConfig`; `cmd/kubelet/app/server.go` of
/// Kubernetes, `loadConfigFile`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Reserve {
    max_pods: Option<u64>,
    kube: BTreeMap<String, String>,
    system: BTreeMap<String, String>,
    evicted_below: BTreeMap<String, String>,
}

impl Reserve {
    /// The settings of a node: of its drop-ins in the order of their names, in which maps are merged key by key
    /// (`mergeKubeletConfigurations`), and then of the arguments, which replace them.
    pub(crate) fn of<'a>(
        dropins: impl IntoIterator<Item = &'a Dropin>,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut dropins: Vec<&Dropin> = dropins.into_iter().collect();
        crate::sort::by_key(&mut dropins, |dropin| dropin.name.to_string());
        let mut all = Self::default();
        for dropin in dropins {
            if let Some(pods) = dropin.max_pods.as_ref().and_then(Given::ok) {
                all.max_pods = Some(pods.get().into());
            }
            merge(&mut all.kube, dropin.kube_reserved.as_ref());
            merge(&mut all.system, dropin.system_reserved.as_ref());
            merge(&mut all.evicted_below, dropin.eviction_hard.as_ref());
        }
        for argument in arguments {
            all.argument(argument);
        }
        all
    }

    fn argument(&mut self, text: &str) {
        let Some((key, value)) = text.trim_start_matches('-').split_once('=') else { return };
        let pairs = |between: char| -> BTreeMap<String, String> {
            let pairs = value.split(',').filter_map(|pair| pair.split_once(between));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        match key {
            "max-pods" => self.max_pods = value.parse().ok().or(self.max_pods),
            "kube-reserved" => self.kube = pairs('='),
            "system-reserved" => self.system = pairs('='),
            "eviction-hard" => self.evicted_below = pairs('<'),
            _ => {}
        }
    }

    /// The most pods on the node.
    pub(crate) fn max_pods(&self) -> u64 {
        self.max_pods.unwrap_or(MAX_PODS)
    }

    /// The thousandths of CPUs that are kept from pods.
    pub(crate) fn millicores(&self) -> u64 {
        [&self.kube, &self.system].into_iter().filter_map(|map| Some(thousandths(map.get("cpu")?))).sum()
    }

    /// The memory that is kept from pods on a node with so much of it.
    pub(crate) fn memory(&self, capacity: Size) -> Size {
        let reserved = [&self.kube, &self.system].into_iter().filter_map(|map| map.get("memory"));
        let reserved: u64 = reserved.map(|text| thousandths(text) / 1000).sum();
        let threshold = self.evicted_below.get(MEMORY).map_or(0, |text| match text.strip_suffix('%') {
            Some(share) => capacity.as_bytes() / 100 * share.parse().unwrap_or(0),
            None => thousandths(text) / 1000,
        });
        Size::bytes(reserved.saturating_add(threshold))
    }
}

fn merge<T: Leaf>(into: &mut BTreeMap<String, String>, from: Option<&BTreeMap<String, Given<T>>>) {
    into.extend(from.into_iter().flatten().map(|(key, value)| (key.clone(), value.to_string())));
}

/// A quantity in thousandths; 0 if it is wrong, which is a finding where it is stated.
fn thousandths(text: &str) -> u64 {
    Quantity::parse(text).map_or(0, |quantity| quantity.thousandths())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::SizeExt as _;

    fn kept(reserve: &Reserve) -> (u64, String, u64) {
        (reserve.millicores(), reserve.memory(4.gib()).to_string(), reserve.max_pods())
    }

    #[test]
    fn k3s_itself_keeps_nothing() {
        assert_eq!(kept(&Reserve::of([], [])), (0, "0 B".to_owned(), 110));
    }

    #[test]
    fn dropins_are_merged_by_name_and_arguments_replace_them() {
        let first = Dropin::new("50-first.conf")
            .max_pods(50)
            .kube_reserved([("cpu", "100m"), ("memory", "100Mi")])
            .eviction_hard([("memory.available", "10%")]);
        let second = Dropin::new("60-second.conf")
            .max_pods(200)
            .kube_reserved([("memory", "0.5Gi")])
            .system_reserved([("cpu", "1")])
            .eviction_hard([("nodefs.available", "5%")]);
        // A tenth of 4 GiB, and 512 MiB.
        let tenth = Size::bytes((4 << 30) / 100 * 10).saturating_add(512.mib());
        let merged = Reserve::of([&second, &first], []);
        assert_eq!(kept(&merged), (1100, tenth.to_string(), 200));
        let arguments =
            ["eviction-hard=memory.available<100Mi,nodefs.available<5%", "--kube-reserved=cpu=200m"];
        assert_eq!(kept(&Reserve::of([&second, &first], arguments)), (1200, "100 MiB".to_owned(), 200));
    }
}
