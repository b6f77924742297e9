//! The members of clusters in a plan: the steps before a node leaves, and what would end a cluster or split it.
//!
//! docs.k3s.io, *Datastore*, *High Availability Embedded etcd*: a node that is deleted from the cluster leaves etcd, and
//! cannot come back with the state that it had; etcd goes on while more than half of its members answer. The server that
//! begins a cluster begins another one when it starts without its state.

mod beginning;

use std::collections::BTreeMap;

use super::{AGENT, DATASTORE, SERVER, facts, settings};
use crate::firewall::{PATH, UNIT};
use crate::given::Leaf as _;
use crate::k3s::Version;
use crate::role::{Fate, Moving, Told};
use crate::sort;

/// Steps before a plan for the members of all clusters, and reasons to refuse it.
pub(crate) fn together(members: &[Moving<'_>]) -> Vec<Told> {
    let mut names: Vec<&str> = members.iter().filter_map(|moving| moving.member.instance()).collect();
    sort::all(&mut names);
    names.dedup();
    names.into_iter().flat_map(|name| Cluster::of(name, members).told()).collect()
}

struct Cluster<'a> {
    name: &'a str,
    /// The servers that are there.
    servers: Vec<&'a Moving<'a>>,
    /// The servers that come.
    new: Vec<&'a Moving<'a>>,
    agents: Vec<&'a Moving<'a>>,
    databases: Vec<&'a Moving<'a>>,
}

impl<'a> Cluster<'a> {
    fn of(name: &'a str, members: &'a [Moving<'a>]) -> Self {
        let of = |kind| {
            let is_one = move |moving: &&Moving<'_>| {
                *moving.member.kind() == kind && moving.member.instance() == Some(name)
            };
            members.iter().filter(is_one)
        };
        let comes = |moving: &&Moving<'_>| matches!(moving.fate, Fate::Comes { .. });
        let (new, servers) = of(SERVER).partition(comes);
        Self { name, servers, new, agents: of(AGENT).collect(), databases: of(DATASTORE).collect() }
    }

    fn told(&self) -> Vec<Told> {
        let databases = self.databases.iter().filter(|moving| moving.is_gone()).map(|moving| {
            let text = format!(
                "{} has the database that holds all of {}: copy it first, unless its data is on a disk that stays",
                moving.machine, self.name
            );
            Told::beforehand(moving.machine, text)
        });
        let mut told: Vec<Told> = databases.collect();
        if let Some(first) = self.servers.first().filter(|_| self.ends()) {
            let text = format!(
                "{} ends with its servers ({}): copy what should outlive it first ({}, volumes of pods){}",
                self.name,
                names(&self.servers),
                self.copied(first),
                if self.servers.iter().all(|server| server.member.keeps_state()) {
                    "; the state on their data disks stays"
                } else {
                    ""
                }
            );
            told.push(Told::beforehand(first.machine, text));
            return told;
        }
        told.extend(self.servers.iter().filter_map(|server| self.server(server)));
        told.extend(self.agents.iter().filter_map(|agent| self.agent(agent)));
        // The order that a majority is replaced in also keeps one of them from beginning a second cluster.
        let refused = self.majority().or_else(|| self.second_cluster());
        told.extend(self.restarts().filter(|_| refused.as_ref().is_none_or(|told| !told.is_refused)));
        told.extend(if refused.is_none() { self.forgotten() } else { None });
        told.extend(refused);
        told.extend(self.shut_out());
        told.extend(settings::told(&self.servers));
        told.extend(self.newer_agents());
        told
    }

    /// Whether no server remains.
    fn ends(&self) -> bool {
        let is_last = |server: &&Moving<'_>| matches!(server.fate, Fate::Leaves | Fate::Changes);
        self.new.is_empty() && self.servers.iter().all(is_last)
    }

    fn has_database(&self) -> bool {
        self.servers.iter().any(|server| server.fact(facts::DATASTORE) == Some(facts::DATABASE))
    }

    /// Whether the state is in an etcd of several members.
    fn has_etcd(&self) -> bool {
        let is_sqlite = |server: &&Moving<'_>| server.fact(facts::HELD) == Some(facts::SQLITE);
        self.servers.len() > 1 && !self.has_database() && !self.servers.iter().all(is_sqlite)
    }

    /// A copy of the state on a server.
    fn copied(&self, server: &Moving<'_>) -> &'static str {
        match server.fact(facts::HELD) {
            _ if self.has_database() => "its database",
            // `k3s etcd-snapshot` needs etcd, and this server keeps its state in SQLite.
            Some(facts::SQLITE) => "/var/lib/rancher/k3s/server/db and /var/lib/rancher/k3s/server/token",
            _ => "`k3s etcd-snapshot save`, and /var/lib/rancher/k3s/server/token",
        }
    }

    fn server(&self, server: &Moving<'_>) -> Option<Told> {
        let (name, of) = (server.machine, self.name);
        let (drain, delete) = (drain(name), delete(name));
        let kept = match server.fate {
            Fate::Changes if server.member.keeps_state() => {
                "; what it had as a server stays on its disk: `rm -r /var/lib/rancher/k3s/server` once it is out, or it \
                 cannot be a server again"
            }
            _ => "",
        };
        let text = match server.fate {
            Fate::Stays | Fate::Restarts { keeps_state: true } | Fate::Comes { .. } => return None,
            Fate::Restarts { keeps_state: false } => {
                let text = format!(
                    "the disk with the state of {name}, a server of {of}, would be taken out of it: leave the disk as it is; or \
                     {drain}, then {delete}, and `--replace {name}` makes it a new member"
                );
                return Some(Told::refused(name, text));
            }
            Fate::Replaced { keeps_state: true } if self.has_etcd() => format!(
                "{name} is a server of {of}: {drain}; it comes back with the state on its disk, and must stay a member of \
                 etcd until then; one server at a time, or etcd loses its majority"
            ),
            Fate::Replaced { keeps_state: true } => {
                format!("{name} is a server of {of}: {drain}; it comes back with the state on its disk")
            }
            Fate::Replaced { keeps_state: false }
                if self.servers.len() == 1 && !self.has_database() && !self.new.is_empty() =>
            {
                let text = format!(
                    "{name} is the only server of {of}, and would lose its state while {} join it: apply without `--replace \
                     {name}` first; to begin {of} anew, with nothing in it, `destroy --only machine/{name}` and then `apply`",
                    names(&self.new)
                );
                return Some(Told::refused(name, text));
            }
            Fate::Replaced { keeps_state: false } if self.servers.len() == 1 && !self.has_database() => {
                format!(
                    "{name} is the only server of {of}, whose state it loses: copy it first ({}), or {of} begins anew with \
                     nothing in it",
                    self.copied(server)
                )
            }
            _ if self.has_etcd() => format!(
                "{name} is a server of {of}, and with embedded etcd one of its members: {drain}, then {delete}, which takes \
                 it out of etcd; one server at a time, or etcd loses its majority{kept}"
            ),
            _ => format!("{name} is a server of {of}: {drain}, then {delete}{kept}"),
        };
        Some(Told::beforehand(name, text))
    }

    fn agent(&self, agent: &Moving<'_>) -> Option<Told> {
        let (name, of) = (agent.machine, self.name);
        let text = match agent.fate {
            Fate::Replaced { .. } => {
                format!("{name} is a node of {of}: {}; it comes back as the same node", drain(name))
            }
            Fate::Changes | Fate::Leaves => {
                format!("{name} is a node of {of}: {}, then {}", drain(name), delete(name))
            }
            Fate::Stays | Fate::Restarts { .. } | Fate::Comes { .. } => return None,
        };
        Some(Told::beforehand(name, text))
    }

    /// So many servers gone at once that etcd would lose its majority.
    fn majority(&self) -> Option<Told> {
        let gone: Vec<&Moving<'_>> = self.servers.iter().filter(|server| server.is_gone()).copied().collect();
        let count = self.servers.len();
        if !self.has_etcd() || gone.len() < 2 || gone.len() <= count.saturating_sub(1) / 2 {
            return None;
        }
        let first = gone.first()?;
        let begins = |server: &&Moving<'_>| {
            server.fate == Fate::Replaced { keeps_state: false }
                && server.wanted.is_some_and(|wanted| wanted.facts.is_beginning())
        };
        // The one that begins the cluster goes last: it joins one that has come back.
        let beginner = gone.iter().find(|server| begins(server)).map(|server| server.machine);
        let others = gone.iter().filter(|server| Some(server.machine) != beginner);
        let last = gone.iter().filter(|server| Some(server.machine) == beginner);
        let stays = |server: &&&Moving<'_>| {
            Some(server.machine) != beginner && !matches!(server.fate, Fate::Leaves | Fate::Changes)
        };
        let other = self.servers.iter().find(stays);
        let each = others.chain(last).map(|server| {
            let name = server.machine;
            match server.fate {
                _ if beginner == Some(name) => format!(
                    "{}, `initial: {}` in the cluster, and `apply --only machine/{name} --replace {name}`",
                    delete(name),
                    other.map_or(name, |other| other.machine)
                ),
                Fate::Replaced { keeps_state: true } => {
                    format!("`apply --only machine/{name} --replace {name}`")
                }
                Fate::Leaves => format!("{} and this plan with `--only machine/{name}`", delete(name)),
                _ => format!("{} and `apply --only machine/{name} --replace {name}`", delete(name)),
            }
        });
        let each: Vec<String> = each.collect();
        let anew = if gone.len() == count
            && gone.iter().all(|server| server.fate == Fate::Replaced { keeps_state: false })
        {
            let only: String =
                gone.iter().map(|server| format!(" --only machine/{}", server.machine)).collect();
            format!("; to begin {} anew, with nothing in it, `destroy{only}` and then `apply`", self.name)
        } else {
            String::new()
        };
        let text = format!(
            "{} would be gone at once, and etcd of {} needs {} of its {count} members: one after another, and between two of \
             them wait until `kubectl get nodes` shows all servers Ready: {}{anew}",
            names(&gone),
            self.name,
            count / 2 + 1,
            each.join(", then ")
        );
        Some(Told::refused(first.machine, text))
    }

    /// So many servers that stop in one plan that etcd loses its majority for a while.
    fn restarts(&self) -> Option<Told> {
        let restarts = |server: &Moving<'_>| matches!(server.fate, Fate::Restarts { .. });
        let stops = |server: &&&Moving<'_>| restarts(server) || server.is_gone();
        let all: Vec<&Moving<'_>> = self.servers.iter().filter(stops).copied().collect();
        let count = self.servers.len();
        let first = all.iter().find(|server| restarts(server))?;
        if !self.has_etcd() || all.len() < 2 || all.len() <= count.saturating_sub(1) / 2 {
            return None;
        }
        let text = format!(
            "{} stop in this plan, and etcd of {} needs {} of its {count} members: apply them one after another (`apply --only \
             machine/{}`, and wait until `kubectl get nodes` shows it Ready), or its API is away until they are back",
            names(&all),
            self.name,
            count / 2 + 1,
            first.machine
        );
        Some(Told::beforehand(first.machine, text))
    }

    /// Servers and balancers that the firewalls of servers do not let in, because those were made before them.
    fn shut_out(&self) -> Vec<Told> {
        let stays = |server: &&&Moving<'_>| matches!(server.fate, Fate::Stays | Fate::Restarts { .. });
        let etcd = if self.has_database() { "" } else { ", 2379 and 2380" };
        let ports = [
            (facts::ADMITS, format!("TCP 6443{etcd}")),
            (facts::BALANCERS, "TCP 6443, and the ports of an ingress behind it".to_owned()),
        ];
        let each = ports.iter().flat_map(|(key, ports)| {
            let mut shut: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for server in self.servers.iter().filter(stays) {
                let Some(was) = server.fact(key).filter(|was| *was != facts::ALL) else { continue };
                let wanted = server.wants(key).filter(|wanted| *wanted != facts::ALL).unwrap_or_default();
                let was: Vec<&str> = was.split(',').collect();
                for name in wanted.split(',').filter(|name| !name.is_empty() && !was.contains(name)) {
                    shut.entry(name).or_default().push(server.machine);
                }
            }
            shut.into_iter().filter_map(move |(name, all)| {
                let (first, all) = (*all.first()?, all.join(", "));
                let text = format!(
                    "the firewalls inside {all} were made before {name} and do not let it in ({ports}): replace them one after \
                     another (`apply --only machine/{first} --replace {first}`), or add its address to the rules in {PATH} on \
                     each and `systemctl reload {UNIT}`"
                );
                Some(Told::beforehand(name, text))
            })
        });
        each.collect()
    }

    /// Agents of a later minor version than a server that stays (Kubernetes, *Version Skew Policy*).
    fn newer_agents(&self) -> Vec<Told> {
        let release = |text: Option<&str>| text.and_then(|text| Version::parse(text).ok());
        let stays = self.servers.iter().filter(|server| !server.is_gone());
        let of_servers =
            stays.filter_map(|server| Some((release(server.fact(facts::RELEASE))?, server.machine)));
        let Some((oldest, server)) = of_servers.min_by_key(|(release, _)| *release) else {
            return Vec::new();
        };
        let made = |agent: &&&Moving<'_>| matches!(agent.fate, Fate::Comes { .. } | Fate::Replaced { .. });
        let each = self.agents.iter().filter(made).filter_map(|agent| {
            let wanted = release(agent.wants(facts::RELEASE))?;
            (wanted > oldest && wanted.minor() != oldest.minor()).then(|| {
                let text = format!(
                    "{} would run {wanted}, and {server} was made with {oldest}: no node is newer than its servers, so replace \
                     those first, one after another",
                    agent.machine
                );
                Told::beforehand(agent.machine, text)
            })
        });
        each.collect()
    }
}

fn drain(name: &str) -> String {
    format!("`kubectl drain {name} --ignore-daemonsets --delete-emptydir-data`")
}

fn delete(name: &str) -> String {
    format!("`kubectl delete node {name}`")
}

/// The names of servers, with the verb that fits their number.
fn are(servers: &[&Moving<'_>], one: &str, several: &str) -> String {
    format!("{} {}", names(servers), if servers.len() == 1 { one } else { several })
}

fn names(servers: &[&Moving<'_>]) -> String {
    servers.iter().map(|server| server.machine).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::role::{Fate, Moving, Told};

    fn told(members: &[(&'static str, &str, Fate)]) -> Vec<Told> {
        let members: Vec<Moving<'_>> = members
            .iter()
            .map(|(name, word, fate)| Moving::new(name, word.parse().unwrap(), *fate))
            .collect();
        crate::roles::together(&members)
    }

    /// The steps for `m1`, with two more servers.
    fn of_three(word: &str, fate: Fate) -> String {
        let others = ["m2", "m3"].map(|name| (name, "k3s-server/prod/disk", Fate::Stays));
        let told = told(&[("m1", word, fate), others[0], others[1]]);
        assert!(told.iter().all(|told| told.machine == "m1" && !told.is_refused), "{told:?}");
        told.into_iter().map(|told| told.text).collect()
    }

    #[test]
    fn a_server_leaves_etcd_unless_it_comes_back_with_its_state() {
        let gone = of_three("k3s-server/prod/disk", Fate::Leaves);
        assert!(gone.contains("out of etcd") && gone.contains("kubectl delete node m1"), "{gone}");
        for (word, fate) in [
            ("k3s-server/prod", Fate::Replaced { keeps_state: false }),
            ("k3s-server/prod/disk", Fate::Replaced { keeps_state: false }),
            ("k3s-server/prod", Fate::Changes),
        ] {
            assert_eq!(of_three(word, fate), gone);
        }
        let changes = of_three("k3s-server/prod/disk", Fate::Changes);
        assert!(
            changes.starts_with(&gone) && changes.contains("rm -r /var/lib/rancher/k3s/server"),
            "{changes}"
        );
        let anew = of_three("k3s-server/prod/disk", Fate::Replaced { keeps_state: true });
        assert!(anew.contains("must stay a member") && !anew.contains("delete node"), "{anew}");
        assert_eq!(of_three("k3s-server/prod/disk", Fate::Stays), "");
    }

    #[test]
    fn an_agent_is_drained() {
        let of =
            |word: &str, fate| told(&[("node1", word, fate)]).pop().map(|told| told.text).unwrap_or_default();
        let replaced = Fate::Replaced { keeps_state: false };
        assert!(of("k3s-datastore/prod", Fate::Leaves).contains("the database that holds all of prod"));
        assert_eq!(of("balancer/prod", Fate::Leaves), "");
        let server = ("m1", "k3s-server/prod", Fate::Stays);
        let agent = |fate| told(&[server, ("node1", "k3s-agent/prod", fate)]);
        assert!(agent(Fate::Leaves)[0].text.contains("kubectl delete node node1"));
        assert!(agent(replaced)[0].text.contains("comes back as the same node"));
    }

    #[test]
    fn a_minority_may_go_at_once() {
        let gone = |count: usize, of: usize| {
            let names = ["m1", "m2", "m3", "m4", "m5"];
            let fate = |at| if at < count { Fate::Replaced { keeps_state: true } } else { Fate::Stays };
            let members: Vec<_> = names[..of]
                .iter()
                .enumerate()
                .map(|(at, name)| (*name, "k3s-server/prod/disk", fate(at)))
                .collect();
            told(&members).iter().any(|told| told.is_refused)
        };
        for (count, of, is_refused) in [
            (1, 1, false),
            (1, 2, false),
            (2, 2, true),
            (1, 3, false),
            (2, 3, true),
            (2, 5, false),
            (3, 5, true),
            (5, 5, true),
        ] {
            assert_eq!(gone(count, of), is_refused, "{count} of {of}");
        }
    }

    #[test]
    fn a_cluster_that_ends_leaves_no_etcd() {
        let all = ["m1", "m2", "m3"].map(|name| (name, "k3s-server/prod/disk", Fate::Leaves));
        let agent = ("w1", "k3s-agent/prod", Fate::Leaves);
        let told = told(&[all[0], all[1], all[2], agent]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].text.contains("prod ends with its servers (m1, m2, m3)"), "{told:?}");
        assert!(!told[0].text.contains("delete node"), "{told:?}");
    }
}
