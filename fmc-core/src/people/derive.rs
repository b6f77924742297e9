//! What follows from the people of a checked cloud: the server that has them, who is in which group, and the hosts of groups.

use std::collections::{BTreeMap, BTreeSet};

use super::{HostGroup, IpaGroup, People};
use crate::checked::{Checked, Machine};
use crate::dns::{ZoneServer, servers_of};
use crate::given::Given;
use crate::name::{Fqdn, MachineName};

/// The entries that every FreeIPA has of its own, by kind. Rules may name them, and the cloud cannot have any of these names.
pub(super) struct OfIpa {
    pub(super) users: &'static [&'static str],
    pub(super) groups: &'static [&'static str],
    pub(super) host_groups: &'static [&'static str],
    pub(super) hbac_rules: &'static [&'static str],
}

/// FreeIPA's own entries (`install/share/bootstrap-template.ldif`, `install/share/default-hbac.ldif`).
pub(super) const PEOPLE_OF_IPA: OfIpa = OfIpa {
    users: &["admin"],
    groups: &["admins", "editors", "ipausers"],
    host_groups: &["ipaservers"],
    hbac_rules: &["allow_all", "allow_systemd-user"],
};

/// Who is in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMembers<'p> {
    /// Users, by login.
    pub users: BTreeSet<&'p str>,
    /// Groups.
    pub groups: BTreeSet<&'p str>,
}

impl People {
    /// The FreeIPA server that has them; `None` if the cloud has none with a login, or several and does not say which.
    pub fn server_in(&self, cloud: &Checked) -> Option<ZoneServer> {
        let mut servers = servers_of(cloud).into_iter().filter(|server| server.ipa.is_some());
        match &self.server {
            Some(said) => {
                let said = said.ok()?;
                servers.find(|server| server.name == said.as_str())
            }
            None => {
                let first = servers.next()?;
                if servers.next().is_some() { None } else { Some(first) }
            }
        }
    }

    /// Who is in each of its groups, by the group's name: those that the group names, and users that name the group.
    pub fn members(&self) -> BTreeMap<&str, GroupMembers<'_>> {
        let mut members: BTreeMap<&str, GroupMembers<'_>> = BTreeMap::new();
        for group in &self.groups {
            let Some(name) = group.name.ok() else { continue };
            let IpaGroup { users, groups, .. } = group;
            let of = members.entry(name.as_str()).or_default();
            of.users.extend(users.iter().filter_map(|user| Some(user.ok()?.as_str())));
            of.groups.extend(groups.iter().filter_map(|group| Some(group.ok()?.as_str())));
        }
        for user in &self.users {
            let Some(login) = user.login.ok() else { continue };
            for group in user.groups.iter().filter_map(Given::ok) {
                if let Some(of) = members.get_mut(group.as_str()) {
                    of.users.insert(login.as_str());
                }
            }
        }
        members
    }
}

impl HostGroup {
    /// The full names of its machines, and of those with its roles.
    pub fn hosts(&self, cloud: &Checked) -> BTreeSet<Fqdn> {
        let roles = self.roles.iter().filter_map(Given::ok);
        let of_roles = roles.flat_map(|role| machines_of(cloud, role.as_str()));
        hosts(cloud, &self.machines)
            .into_iter()
            .chain(of_roles.filter_map(|machine| machine.fqdn.clone()))
            .collect()
    }
}

/// The full names of machines.
pub(crate) fn hosts(cloud: &Checked, machines: &[Given<MachineName>]) -> BTreeSet<Fqdn> {
    let machines = machines.iter().filter_map(|name| cloud.machine(name.ok()?.as_str()));
    machines.filter_map(|machine| machine.fqdn.clone()).collect()
}

/// The machines with a role, of whatever instance.
pub(super) fn machines_of<'c>(cloud: &'c Checked, role: &str) -> impl Iterator<Item = &'c Machine> {
    let groups = cloud.roles().iter().filter(move |(group, _)| group.kind.as_str() == role);
    groups.flat_map(|(_, members)| &members.machines).filter_map(|at| cloud.at(*at))
}
