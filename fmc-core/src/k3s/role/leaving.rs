//! The steps before a node leaves its cluster.

use super::{AGENT, DATASTORE, SERVER};
use crate::role::Membership;

/// The steps that a person must take before a node is removed or replaced (docs.k3s.io, *Datastore*, *High Availability
/// Embedded etcd*: a node that is deleted from the cluster leaves etcd, and cannot come back with the state that it
/// had).
pub(crate) fn leaving(member: &Membership, name: &str, is_replaced: bool) -> Option<String> {
    let cluster = member.instance()?;
    let drain = format!("`kubectl drain {name} --ignore-daemonsets --delete-emptydir-data`");
    let delete = format!("`kubectl delete node {name}`");
    if *member.kind() == SERVER {
        return Some(if is_replaced && member.keeps_state() {
            format!(
                "{name} is a server of {cluster}: {drain}; it comes back with the state on its disk, and must stay a member of \
                 etcd until then; one server at a time, or etcd loses its majority"
            )
        } else {
            format!(
                "{name} is a server of {cluster}, and with embedded etcd one of its members: {drain}, then {delete}, which takes \
                 it out of etcd; one server at a time, or etcd loses its majority"
            )
        });
    }
    if *member.kind() == DATASTORE {
        return Some(format!(
            "{name} has the database that holds all of {cluster}: copy it first, unless its data is on a disk that stays"
        ));
    }
    (*member.kind() == AGENT).then(|| {
        if is_replaced {
            format!("{name} is a node of {cluster}: {drain}; it comes back as the same node")
        } else {
            format!("{name} is a node of {cluster}: {drain}, then {delete}")
        }
    })
}

#[cfg(test)]
mod tests {

    fn text(word: &str, is_replaced: bool) -> String {
        crate::roles::before(&word.parse().unwrap(), "node1", is_replaced).unwrap_or_default()
    }

    #[test]
    fn a_server_leaves_etcd_unless_it_comes_back_with_its_state() {
        let gone = text("k3s-server/prod/disk", false);
        assert!(gone.contains("out of etcd") && gone.contains("kubectl delete node node1"), "{gone}");
        assert_eq!(text("k3s-server/prod", true), gone);
        let anew = text("k3s-server/prod/disk", true);
        assert!(anew.contains("must stay a member") && !anew.contains("delete node"), "{anew}");
    }

    #[test]
    fn an_agent_is_drained() {
        assert!(text("k3s-datastore/prod", false).contains("the database that holds all of prod"));
        assert!(text("k3s-agent/prod", false).contains("kubectl delete node node1"));
        assert!(text("k3s-agent/prod", true).contains("comes back as the same node"));
        assert_eq!(text("balancer/prod", false), "");
    }
}
