//! The entries that follow from the people of a cloud, in the order in which they need each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::given::{Given, Leaf};
use fmc_core::graph::{Address, Carries, Edge, Node, Place, Wanted};
use fmc_core::name::{Fqdn, MachineName};
use fmc_core::people::People;

use super::super::document::{Access, Document};
use super::super::{HOST_KIND, NAME, ZONE_KIND};
use super::ALLOW_ALL;
use super::entry::{PeopleEntry, What};
use super::state::with_mark;
use super::table::{
    COMMANDS, DESCRIPTION, EntryKind, GROUP, HBAC_RULE, HOST_GROUP, KEYS, OPTIONS, SERVICES, SUDO_RULE, USER,
};
use crate::wanted::Part;

/// Adds the people of a cloud. They come after the server's zones, by which it answers, and after the hosts that they name.
pub(in super::super) fn add(
    wanted: &mut Wanted<Document>,
    servers: &BTreeMap<String, Arc<Access>>,
    checked: &Checked,
) {
    let Some(people) = checked.people() else { return };
    let Some(access) = people.server_in(checked).and_then(|server| servers.get(&server.name)) else { return };
    let place = Place::new(NAME, access.name.as_str());
    let zone = wanted.nodes.keys().find(|at| at.kind() == ZONE_KIND && *at.place() == place);
    let base: Vec<Address> = zone.into_iter().chain(&access.machine).cloned().collect();
    let mut adding = Adding { wanted, access, place, base, checked };
    adding.users(people);
    adding.groups(people);
    adding.host_groups(people);
    adding.sudo_rules(people);
    adding.hbac_rules(people);
    let place = adding.place;
    wanted.places.insert(place);
}

struct Adding<'w> {
    wanted: &'w mut Wanted<Document>,
    access: &'w Arc<Access>,
    place: Place,
    /// What all of them need.
    base: Vec<Address>,
    checked: &'w Checked,
}

/// An entry in the making, with the entries that it names.
struct Made {
    entry: PeopleEntry,
    needs: Vec<Address>,
}

impl Adding<'_> {
    fn users(&mut self, people: &People) {
        for user in &people.users {
            let mut made = self.blank(&USER, &user.login);
            let full = format!("{} {}", user.first_name, user.last_name);
            made.set("givenname", [&user.first_name]);
            made.set("sn", [&user.last_name]);
            made.set("cn", [&full]);
            made.set("displayname", [&full]);
            made.set(KEYS, right(&user.ssh_keys));
            if !user.mail.is_empty() {
                made.set("mail", right(&user.mail));
            }
            if let Some(shell) = user.shell.as_ref().and_then(Given::ok) {
                made.set("loginshell", [shell]);
            }
            made.entry.is_disabled = user.disabled;
            self.insert(made);
        }
    }

    fn groups(&mut self, people: &People) {
        let members = people.members();
        for group in &people.groups {
            let mut made = self.described(&GROUP, &group.name, &group.description);
            made.entry.is_non_posix = group.non_posix;
            if let Some(members) = group.name.ok().and_then(|name| members.get(name.as_str())) {
                self.refer(&mut made, "member_user", &USER, &members.users);
                self.refer(&mut made, "member_group", &GROUP, &members.groups);
            }
            self.insert(made);
        }
    }

    fn host_groups(&mut self, people: &People) {
        for group in &people.host_groups {
            let mut made = self.described(&HOST_GROUP, &group.name, &group.description);
            self.hosts(&mut made, "member_host", group.hosts(self.checked));
            self.refer(&mut made, "member_hostgroup", &HOST_GROUP, right(&group.host_groups));
            self.insert(made);
        }
    }

    fn sudo_rules(&mut self, people: &People) {
        for rule in &people.sudo_rules {
            let mut made = self.described(&SUDO_RULE, &rule.name, &rule.description);
            made.all("usercategory", rule.everyone);
            made.all("hostcategory", rule.everywhere);
            made.all("cmdcategory", rule.every_command);
            made.all("ipasudorunasusercategory", rule.as_anyone);
            made.all("ipasudorunasgroupcategory", rule.as_anyone);
            self.refer(&mut made, "memberuser_user", &USER, right(&rule.users));
            self.refer(&mut made, "memberuser_group", &GROUP, right(&rule.groups));
            let hosts = self.machines(&rule.machines);
            self.hosts(&mut made, "memberhost_host", hosts);
            self.refer(&mut made, "memberhost_hostgroup", &HOST_GROUP, right(&rule.host_groups));
            made.members(COMMANDS, right(&rule.commands));
            self.refer(&mut made, "ipasudorunas_user", &USER, right(&rule.run_as));
            self.refer(&mut made, "ipasudorunasgroup_group", &GROUP, right(&rule.run_as_groups));
            made.members(OPTIONS, right(&rule.options));
            made.entry.is_disabled = rule.disabled;
            self.insert(made);
        }
    }

    fn hbac_rules(&mut self, people: &People) {
        let mut rules = Vec::new();
        for rule in &people.hbac_rules {
            let mut made = self.described(&HBAC_RULE, &rule.name, &rule.description);
            made.all("usercategory", rule.everyone);
            made.all("hostcategory", rule.everywhere);
            made.all("servicecategory", rule.every_service);
            self.refer(&mut made, "memberuser_user", &USER, right(&rule.users));
            self.refer(&mut made, "memberuser_group", &GROUP, right(&rule.groups));
            let hosts = self.machines(&rule.machines);
            self.hosts(&mut made, "memberhost_host", hosts);
            self.refer(&mut made, "memberhost_hostgroup", &HOST_GROUP, right(&rule.host_groups));
            made.members(SERVICES, right(&rule.services));
            made.entry.is_disabled = rule.disabled;
            rules.push(self.at(&HBAC_RULE, &made.entry.name));
            self.insert(made);
        }
        if people.without_allow_all {
            let mut made = self.blank(&HBAC_RULE, &ALLOW_ALL);
            made.entry.what = What::Own;
            made.entry.is_disabled = true;
            // Those who have rights by the cloud's rules keep them.
            made.needs = rules;
            self.insert(made);
        }
    }

    fn at(&self, kind: &EntryKind, name: &str) -> Address {
        Address::new(self.place.clone(), kind.address, name)
    }

    fn blank(&self, kind: &'static EntryKind, name: &impl Display) -> Made {
        let entry = PeopleEntry {
            kind,
            name: name.to_string(),
            owner: Arc::clone(&self.wanted.owner),
            values: BTreeMap::new(),
            members: BTreeMap::new(),
            is_disabled: false,
            is_non_posix: false,
            what: What::Whole,
        };
        Made { entry, needs: Vec::new() }
    }

    fn described(&self, kind: &'static EntryKind, name: &impl Display, description: &str) -> Made {
        let mut made = self.blank(kind, name);
        made.set(DESCRIPTION, [with_mark(description.trim(), &self.wanted.owner)]);
        made
    }

    /// Entries of the cloud are there before what names them; the others are FreeIPA's own.
    fn refer<T: Display>(
        &self,
        made: &mut Made,
        attribute: &'static str,
        kind: &EntryKind,
        names: impl IntoIterator<Item = T>,
    ) {
        let names: BTreeSet<String> = names.into_iter().map(|name| name.to_string()).collect();
        let there = names.iter().map(|name| self.at(kind, name));
        made.needs.extend(
            there.filter(|at| self.wanted.nodes.contains_key(at) || at.kind() == made.entry.kind.address),
        );
        made.members(attribute, names);
    }

    fn machines(&self, names: &[Given<MachineName>]) -> BTreeSet<Fqdn> {
        let machines = names.iter().filter_map(|name| self.checked.machine(name.ok()?.as_str()));
        machines.filter_map(|machine| machine.fqdn.clone()).collect()
    }

    fn hosts(&self, made: &mut Made, attribute: &'static str, hosts: BTreeSet<Fqdn>) {
        let there = hosts.iter().map(|host| Address::new(self.place.clone(), HOST_KIND, host.as_str()));
        made.needs.extend(there.filter(|at| self.wanted.nodes.contains_key(at)));
        made.members(attribute, hosts);
    }

    fn insert(&mut self, made: Made) {
        let Made { entry, needs } = made;
        let at = self.at(entry.kind, &entry.name);
        let needs = self.base.iter().cloned().chain(needs);
        let needs = needs.map(|to| Edge { to, carries: Carries::Exists }).collect();
        let document = document(self.access, &self.wanted.owner, entry);
        self.wanted.nodes.insert(at, Node { document: Arc::new(document), needs, part_of: None });
    }
}

/// The document of an entry, which is in no zone.
pub(super) fn document(access: &Arc<Access>, cloud: &Arc<str>, entry: PeopleEntry) -> Document {
    Document {
        access: Arc::clone(access),
        cloud: Arc::clone(cloud),
        zone: access.fqdn.clone(),
        contact: access.fqdn.clone(),
        part: Part::Zone(Box::default()),
        forwarding: None,
        host: None,
        entry: Some(Arc::new(entry)),
        is_agreed: false,
    }
}

impl Made {
    /// The values of an attribute.
    fn set<T: Display>(&mut self, attribute: &'static str, values: impl IntoIterator<Item = T>) {
        self.entry.values.insert(attribute, values.into_iter().map(|value| value.to_string()).collect());
    }

    fn members<T: Display>(&mut self, attribute: &'static str, names: impl IntoIterator<Item = T>) {
        let names: BTreeSet<String> = names.into_iter().map(|name| name.to_string()).collect();
        if !names.is_empty() {
            self.entry.members.insert(attribute, names);
        }
    }

    /// Whether an attribute stands for all.
    fn all(&mut self, attribute: &'static str, is_all: bool) {
        self.set(attribute, is_all.then_some("all"));
    }
}

/// The leaves of a checked cloud, which are all right.
fn right<T: Leaf>(given: &[Given<T>]) -> impl Iterator<Item = &T> {
    given.iter().filter_map(Given::ok)
}
