//! The budget of a cluster as a table, for `check`.

use fmc_core::k3s::capacity::{Amount, Node};
use fmc_core::role::RoleTable;

use super::{ClusterBudget, NodeBudget, Resource};

impl ClusterBudget {
    /// A row for each node, and their sum: what pods ask for, and what the node gives.
    pub fn table(&self, cluster: &str) -> RoleTable {
        let columns = ["node", "takes", "memory", "of", "CPU", "of", "pods", "of"];
        let title = format!("cluster {cluster}: what pods ask for, of what each node gives");
        let mut table = RoleTable::new(title, columns).numbers([2, 3, 4, 5, 6, 7]);
        for NodeBudget { node, asked } in &self.nodes {
            table.row(cells(node.name.as_str(), takes(node), *asked, node.allocatable));
        }
        if self.nodes.len() > 1 {
            let sum =
                |of: fn(&NodeBudget) -> Amount| self.nodes.iter().map(of).fold(Amount::NONE, Amount::plus);
            table.row(cells("all", "", sum(|one| one.asked), sum(|one| one.node.allocatable)));
        }
        table
    }
}

fn cells(name: &str, takes: &str, asked: Amount, given: Amount) -> [String; 8] {
    let [memory, cpu, pods] = [Resource::Memory, Resource::Cpu, Resource::Pods]
        .map(|one| [one.told(one.of(asked)), one.told(one.of(given))]);
    let [memory, of_memory] = memory;
    let [cpu, of_cpu] = cpu;
    let [pods, of_pods] = pods;
    [name.to_owned(), takes.to_owned(), memory, of_memory, cpu, of_cpu, pods, of_pods]
}

/// The pods that a node's taints let in.
fn takes(node: &Node) -> &'static str {
    match (node.takes_any(), node.takes_packaged()) {
        (true, _) => "any pod",
        (false, true) => "K3s's own",
        (false, false) => "none",
    }
}
