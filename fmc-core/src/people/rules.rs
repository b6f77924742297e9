//! The rules of the cloud's people: each is one kind of finding, at the author's own value.

use std::collections::{BTreeMap, BTreeSet};

use super::derive::{PEOPLE_OF_IPA, machines_of};
use super::{HbacRule, HostGroup, People, SudoRule};
use crate::checked::Checked;
use crate::dns::{ZoneServer, servers_of};
use crate::finding::{At, Finding, NameList, Remedy, problems};
use crate::given::{Given, Leaf};
use crate::ipa::FreeIpa;
use crate::name::{HostGroupName, IpaGroupName, IpaLoginName, MachineName};

/// The service by which people log in from elsewhere.
const SSHD: &str = "sshd";

/// Looks at the people of a resolved cloud.
pub(crate) fn check(cloud: &Checked, findings: &mut Vec<Finding>) {
    let Some(people) = cloud.people() else { return };
    let root = At::ROOT.key("people");
    server(people, cloud, &root, findings);
    let all = Known::of(people, cloud);
    names(people, &all, &root, findings);
    members(people, &all, &root, findings);
    hosts(people, &all, &root, findings);
    for rule in &people.sudo_rules {
        let at = root.key("sudo_rules");
        let at = at.name(&rule.name);
        Rule::of_sudo(rule).check(&all, &at, findings);
        let SudoRule { as_anyone, run_as, run_as_groups, .. } = rule;
        if *as_anyone && !(run_as.is_empty() && run_as_groups.is_empty()) {
            let (rule, all) = (rule.name.to_string(), "every user it may run as");
            findings.push(PeopleProblem::AllAndSome { rule, all }.at(at));
        }
    }
    for rule in &people.hbac_rules {
        let at = root.key("hbac_rules");
        Rule::of_hbac(rule).check(&all, &at.name(&rule.name), findings);
    }
    locked_out(people, &root, findings);
}

/// The people are in one FreeIPA server.
fn server(people: &People, cloud: &Checked, root: &At<'_>, findings: &mut Vec<Finding>) {
    if people.server_in(cloud).is_some() {
        return;
    }
    if let Some(said) = people.server.as_ref().and_then(Given::ok) {
        findings.push(PeopleProblem::NotIpa { server: said.to_string() }.at(root.key("server")));
        return;
    }
    let servers = servers_of(cloud).into_iter().filter(|server| server.ipa.is_some());
    let servers = NameList::new(servers.map(|server| server.name));
    findings.push(match servers.len() {
        0 => PeopleProblem::NoServer.at(root),
        _ => PeopleProblem::Several { servers }.at(root),
    });
}

/// What people and rules may name.
struct Known<'p> {
    cloud: &'p Checked,
    users: BTreeSet<&'p str>,
    groups: BTreeSet<&'p str>,
    host_groups: BTreeSet<&'p str>,
    /// The server with the hosts of machines, and those that it knows, if it is a FreeIPA of the cloud.
    enrolled: Option<(String, BTreeSet<&'p str>)>,
}

impl<'p> Known<'p> {
    fn of(people: &'p People, cloud: &'p Checked) -> Self {
        let users = people.users.iter().filter_map(|user| Some(user.login.ok()?.as_str()));
        let groups = people.groups.iter().filter_map(|group| Some(group.name.ok()?.as_str()));
        let host_groups = people.host_groups.iter().filter_map(|group| Some(group.name.ok()?.as_str()));
        let enrolled =
            people.server_in(cloud).and_then(|server| Some((server.name.clone(), of(&server, cloud)?)));
        let mut known = Self {
            cloud,
            users: users.chain(PEOPLE_OF_IPA.users.iter().copied()).collect(),
            groups: groups.chain(PEOPLE_OF_IPA.groups.iter().copied()).collect(),
            host_groups: host_groups.chain(PEOPLE_OF_IPA.host_groups.iter().copied()).collect(),
            enrolled,
        };
        if let Some(others) = &people.others {
            known.users.extend(others.users.iter().filter_map(|user| Some(user.ok()?.as_str())));
            known.groups.extend(others.groups.iter().filter_map(|group| Some(group.ok()?.as_str())));
            let host_groups = others.host_groups.iter().filter_map(|group| Some(group.ok()?.as_str()));
            known.host_groups.extend(host_groups);
        }
        known
    }

    /// A list of users, groups or host groups has only those that are there.
    fn refer<T: Leaf>(
        known: &BTreeSet<&str>,
        what: &'static str,
        names: &[Given<T>],
        at: &At<'_>,
        findings: &mut Vec<Finding>,
    ) {
        for (index, name) in names.iter().enumerate() {
            let Some(name) = name.ok().map(ToString::to_string) else { continue };
            if !known.contains(name.as_str()) {
                let known = NameList::new(known.iter().copied());
                let near =
                    known.nearest(&name).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
                findings.push(PeopleProblem::Unknown { what, name, near, known }.at(at.index(index)));
            }
        }
    }

    fn users(&self, names: &[Given<IpaLoginName>], at: &At<'_>, findings: &mut Vec<Finding>) {
        Self::refer(&self.users, "user", names, at, findings);
    }

    fn groups(&self, names: &[Given<IpaGroupName>], at: &At<'_>, findings: &mut Vec<Finding>) {
        Self::refer(&self.groups, "group", names, at, findings);
    }

    fn host_groups(&self, names: &[Given<HostGroupName>], at: &At<'_>, findings: &mut Vec<Finding>) {
        Self::refer(&self.host_groups, "host group", names, at, findings);
    }

    /// Machines are known to FreeIPA by their full names, once they are enrolled.
    fn machines(&self, names: &[Given<MachineName>], at: &At<'_>, findings: &mut Vec<Finding>) {
        for (index, name) in names.iter().enumerate() {
            let Some(machine) = name.ok().and_then(|name| self.cloud.machine(name.as_str())) else {
                continue;
            };
            let at = at.index(index);
            let name = machine.name.to_string();
            if machine.fqdn.is_none() {
                findings.push(PeopleProblem::NoFullName { machine: name }.at(at));
            } else if let Some((server, enrolled)) = &self.enrolled
                && !enrolled.contains(machine.name.as_str())
            {
                findings.push(PeopleProblem::NotClient { machine: name, server: server.clone() }.at(at));
            }
        }
    }
}

/// The machines whose hosts a FreeIPA of the cloud has; `None` if the server is another one, which may know any.
fn of<'c>(server: &ZoneServer, cloud: &'c Checked) -> Option<BTreeSet<&'c str>> {
    let freeipa = cloud.spanning_roles::<FreeIpa>().find(|freeipa| freeipa.has_server(server, cloud))?;
    Some(freeipa.members_in(cloud).map(|machine| machine.name.as_str()).collect())
}

/// No name is FreeIPA's own, a user and a group have no name in common, and a user has a whole name.
fn names(people: &People, all: &Known<'_>, root: &At<'_>, findings: &mut Vec<Finding>) {
    let own = |what: &'static str, own: &[&str], name: &str, at: At<'_>, findings: &mut Vec<Finding>| {
        if own.contains(&name) {
            findings.push(PeopleProblem::OfIpa { what, name: name.to_owned() }.at(at));
        }
    };
    let groups: BTreeSet<&str> =
        people.groups.iter().filter_map(|group| Some(group.name.ok()?.as_str())).collect();
    let at = root.key("users");
    for user in &people.users {
        let (name, at) = (user.login.to_string(), at.name(&user.login));
        own("user", PEOPLE_OF_IPA.users, &name, at, findings);
        if groups.contains(name.as_str()) || PEOPLE_OF_IPA.groups.contains(&name.as_str()) {
            findings.push(PeopleProblem::Both { name: name.clone() }.at(at));
        }
        for (which, text) in [("first_name", &user.first_name), ("last_name", &user.last_name)] {
            if text.trim() != text || text.is_empty() {
                findings.push(PeopleProblem::NoName { user: name.clone(), which }.at(at.key(which)));
            }
        }
        all.groups(&user.groups, &at.key("groups"), findings);
    }
    let at = root.key("groups");
    for group in &people.groups {
        own("group", PEOPLE_OF_IPA.groups, &group.name.to_string(), at.name(&group.name), findings);
    }
    let at = root.key("host_groups");
    for group in &people.host_groups {
        own("host group", PEOPLE_OF_IPA.host_groups, &group.name.to_string(), at.name(&group.name), findings);
    }
    let at = root.key("hbac_rules");
    for rule in &people.hbac_rules {
        own("rule", PEOPLE_OF_IPA.hbac_rules, &rule.name.to_string(), at.name(&rule.name), findings);
    }
    of_others(people, root, findings);
    for (user, index, group) in of_users(people) {
        // Groups of others are not the cloud's to change; one that nobody has is found as such.
        if all.groups.contains(group) && !groups.contains(group) {
            let at = at_groups(root, user);
            let name = group.to_owned();
            findings.push(
                PeopleProblem::MemberOfIpa { user: user.to_string(), name }.at(format!("{at}[{index}]")),
            );
        }
    }
}

/// What others have is not the cloud's, too.
fn of_others(people: &People, root: &At<'_>, findings: &mut Vec<Finding>) {
    let Some(others) = &people.others else { return };
    let root = root.key("others");
    let mut both = |what: &'static str, name: Option<&str>, is_own: bool, at: At<'_>| {
        if let Some(name) = name.filter(|_| is_own) {
            findings.push(PeopleProblem::OfOthers { what, name: name.to_owned() }.at(at));
        }
    };
    let at = root.key("users");
    for (index, name) in others.users.iter().enumerate() {
        let name = name.ok().map(|name| name.as_str());
        both("user", name, name.is_some_and(|name| people.users.get(name).is_some()), at.index(index));
    }
    let at = root.key("groups");
    for (index, name) in others.groups.iter().enumerate() {
        let name = name.ok().map(|name| name.as_str());
        both("group", name, name.is_some_and(|name| people.groups.get(name).is_some()), at.index(index));
    }
    let at = root.key("host_groups");
    for (index, name) in others.host_groups.iter().enumerate() {
        let name = name.ok().map(|name| name.as_str());
        both(
            "host group",
            name,
            name.is_some_and(|name| people.host_groups.get(name).is_some()),
            at.index(index),
        );
    }
}

/// The groups that users name, each with its user and its place.
fn of_users(people: &People) -> impl Iterator<Item = (&Given<IpaLoginName>, usize, &str)> {
    people.users.iter().flat_map(|user| {
        let groups = user.groups.iter().enumerate();
        groups.filter_map(|(index, group)| Some((&user.login, index, group.ok()?.as_str())))
    })
}

fn at_groups(root: &At<'_>, user: &Given<IpaLoginName>) -> String {
    root.key("users").name(user).key("groups").to_string()
}

/// Members are there, and no group is in itself.
fn members(people: &People, all: &Known<'_>, root: &At<'_>, findings: &mut Vec<Finding>) {
    let at = root.key("groups");
    let mut inner = BTreeMap::new();
    for group in &people.groups {
        let at = at.name(&group.name);
        all.users(&group.users, &at.key("users"), findings);
        all.groups(&group.groups, &at.key("groups"), findings);
        if let Some(name) = group.name.ok() {
            let groups = group.groups.iter().filter_map(|group| Some(group.ok()?.as_str()));
            inner.insert(name.as_str(), groups.collect());
        }
    }
    if let Some(names) = circle(&inner) {
        findings.push(PeopleProblem::Circle { what: "groups", names }.at(at));
    }
}

/// Host groups have machines that FreeIPA knows, and no group is in itself.
fn hosts(people: &People, all: &Known<'_>, root: &At<'_>, findings: &mut Vec<Finding>) {
    let at = root.key("host_groups");
    let mut inner = BTreeMap::new();
    for group in &people.host_groups {
        let HostGroup { name, machines, roles, host_groups, .. } = group;
        let at = at.name(name);
        all.machines(machines, &at.key("machines"), findings);
        all.host_groups(host_groups, &at.key("host_groups"), findings);
        for (index, role) in roles.iter().enumerate() {
            let Some(role) = role.ok() else { continue };
            let at = at.key("roles");
            let at = at.index(index);
            let machines: Vec<_> = machines_of(all.cloud, role.as_str()).collect();
            if machines.is_empty() {
                findings.push(PeopleProblem::NoMachine { role: role.to_string() }.at(at));
            }
            let Some((server, enrolled)) = &all.enrolled else { continue };
            let others = machines.iter().filter(|machine| !enrolled.contains(machine.name.as_str()));
            let others = NameList::new(others.map(|machine| machine.name.to_string()));
            if !others.is_empty() {
                let (role, server) = (role.to_string(), server.clone());
                findings.push(PeopleProblem::NotClients { role, machines: others, server }.at(at));
            }
        }
        if let Some(name) = name.ok() {
            let groups = host_groups.iter().filter_map(|group| Some(group.ok()?.as_str()));
            inner.insert(name.as_str(), groups.collect());
        }
    }
    if let Some(names) = circle(&inner) {
        findings.push(PeopleProblem::Circle { what: "host groups", names }.at(at));
    }
}

/// Groups of which each is in the next one, and the last one in the first.
fn circle(inner: &BTreeMap<&str, BTreeSet<&str>>) -> Option<NameList> {
    // How many groups of each are not known to be without a circle yet, and who waits for each.
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    let mut outer: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (group, groups) in inner {
        let known = groups.iter().filter(|group| inner.contains_key(*group));
        open.insert(group, known.clone().count());
        known.for_each(|inner| outer.entry(inner).or_default().push(group));
    }
    let mut ready: Vec<&str> =
        open.iter().filter(|(_, count)| **count == 0).map(|(group, _)| *group).collect();
    while let Some(group) = ready.pop() {
        open.remove(group);
        for waits in outer.get(group).into_iter().flatten() {
            if let Some(count) = open.get_mut(waits) {
                *count -= 1;
                if *count == 0 {
                    ready.push(waits);
                }
            }
        }
    }
    // Each of the rest has one of the rest in it.
    let mut path: Vec<&str> = Vec::new();
    let mut at = *open.keys().next()?;
    loop {
        if let Some(first) = path.iter().position(|before| *before == at) {
            return Some(NameList::new(path.into_iter().skip(first)));
        }
        path.push(at);
        at = *inner.get(at)?.iter().find(|group| open.contains_key(*group))?;
    }
}

/// What sudo's rules and those about access have in common.
struct Rule<'r> {
    name: String,
    everyone: bool,
    users: &'r [Given<IpaLoginName>],
    groups: &'r [Given<IpaGroupName>],
    everywhere: bool,
    machines: &'r [Given<MachineName>],
    host_groups: &'r [Given<HostGroupName>],
    /// What it is about, and whether it is about all of them, and about some.
    what: &'static str,
    is_every: bool,
    is_some: bool,
}

impl<'r> Rule<'r> {
    fn of_sudo(rule: &'r SudoRule) -> Self {
        let SudoRule { name, everyone, users, groups, everywhere, machines, host_groups, .. } = rule;
        Self {
            name: name.to_string(),
            everyone: *everyone,
            users,
            groups,
            everywhere: *everywhere,
            machines,
            host_groups,
            what: "command",
            is_every: rule.every_command,
            is_some: !rule.commands.is_empty(),
        }
    }

    fn of_hbac(rule: &'r HbacRule) -> Self {
        let HbacRule { name, everyone, users, groups, everywhere, machines, host_groups, .. } = rule;
        Self {
            name: name.to_string(),
            everyone: *everyone,
            users,
            groups,
            everywhere: *everywhere,
            machines,
            host_groups,
            what: "service",
            is_every: rule.every_service,
            is_some: !rule.services.is_empty(),
        }
    }

    fn check(&self, all: &Known<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
        let rule = || self.name.clone();
        all.users(self.users, &at.key("users"), findings);
        all.groups(self.groups, &at.key("groups"), findings);
        all.machines(self.machines, &at.key("machines"), findings);
        all.host_groups(self.host_groups, &at.key("host_groups"), findings);
        let has_users = !(self.users.is_empty() && self.groups.is_empty());
        let has_hosts = !(self.machines.is_empty() && self.host_groups.is_empty());
        match (self.everyone, has_users) {
            (false, false) => findings.push(PeopleProblem::Nobody { rule: rule() }.at(at)),
            (true, true) => {
                findings.push(PeopleProblem::AllAndSome { rule: rule(), all: "every user" }.at(at))
            }
            _ => {}
        }
        match (self.everywhere, has_hosts) {
            (false, false) => findings.push(PeopleProblem::Nowhere { rule: rule() }.at(at)),
            (true, true) => {
                findings.push(PeopleProblem::AllAndSome { rule: rule(), all: "every machine" }.at(at))
            }
            _ => {}
        }
        match (self.is_every, self.is_some, self.what) {
            (false, false, "command") => findings.push(PeopleProblem::NoCommand { rule: rule() }.at(at)),
            (false, false, _) => findings.push(PeopleProblem::NoService { rule: rule() }.at(at)),
            (true, true, "command") => {
                findings.push(PeopleProblem::AllAndSome { rule: rule(), all: "every command" }.at(at));
            }
            (true, true, _) => {
                findings.push(PeopleProblem::AllAndSome { rule: rule(), all: "every service" }.at(at));
            }
            _ => {}
        }
    }
}

/// Without `allow_all` nobody logs in where no rule lets them in.
fn locked_out(people: &People, root: &At<'_>, findings: &mut Vec<Finding>) {
    let lets_in = |rule: &HbacRule| {
        let by_ssh = rule.services.iter().filter_map(Given::ok).any(|service| service.as_str() == SSHD);
        !rule.disabled && (rule.every_service || by_ssh)
    };
    if people.without_allow_all && !people.hbac_rules.iter().any(lets_in) {
        findings.push(PeopleProblem::LockedOut.at(root.key("without_allow_all")));
    }
}

problems! {
    /// Problems with the cloud's people.
    pub enum PeopleProblem {
        NoServer is PeopleServer:
            "the cloud has people and no FreeIPA server to have them",
            "give `dns` a FreeIPA server with a login: {ipa}",
            ipa = Remedy::either("ipa", ".ipa(…)");
        Several { servers: NameList } is PeopleServer:
            "{servers} have a login of FreeIPA, and the people do not say which of them has them",
            "name one of them: {server}",
            server = Remedy::set("server", servers.iter().next().unwrap_or("ipa"));
        NotIpa { server: String } is PeopleServer:
            "{server} is not a FreeIPA server of the cloud",
            "name a server of `dns` that has a login of FreeIPA";
        OfIpa { what: &'static str, name: String } is PeopleNameTaken:
            "every FreeIPA has the {what} {name} of its own",
            "give it another name; others may name {name} without its being here";
        Both { name: String } is PeopleNameTaken:
            "a user and a group are called {name}",
            "give one of them another name: FreeIPA makes a group of the name of each user";
        OfOthers { what: &'static str, name: String } is PeopleNameTaken:
            "the {what} {name} is one of the cloud and one of others",
            "take it out of one of the two";
        MemberOfIpa { user: String, name: String } is PeopleNameTaken:
            "{name} is a group of FreeIPA's own or of others, and its members are not the cloud's to change",
            "add {user} to it in FreeIPA, or name a group of the cloud";
        NoName { user: String, which: &'static str } is ValueInvalid:
            "the {which} of {user} is empty, or has a space at its beginning or end",
            "write the name as people do: FreeIPA makes the full name of both";
        Unknown { what: &'static str, name: String, near: String, known: NameList } is ReferenceUnknown:
            "the people have no {what} {name}",
            "{near}known here: {known}";
        Circle { what: &'static str, names: NameList } is PeopleCircle:
            "the {what} {names} are in each other",
            "take one of them out of the other";
        Nobody { rule: String } is PeopleRule:
            "the rule {rule} is for nobody",
            "name users or groups, or say that it is for all: {everyone}",
            everyone = Remedy::either("everyone: true", ".everyone()");
        Nowhere { rule: String } is PeopleRule:
            "the rule {rule} holds on no machine",
            "name machines or host groups, or say that it holds on all: {everywhere}",
            everywhere = Remedy::either("everywhere: true", ".everywhere()");
        NoCommand { rule: String } is PeopleRule:
            "the rule {rule} allows no command",
            "name commands, or allow all: {every}",
            every = Remedy::either("every_command: true", ".every_command()");
        NoService { rule: String } is PeopleRule:
            "the rule {rule} is for no service",
            "name services, for example {ssh}, or say that it is for all: {every}",
            ssh = Remedy::set("services", "[sshd, sudo]"),
            every = Remedy::either("every_service: true", ".every_service()");
        AllAndSome { rule: String, all: &'static str } is PeopleRule:
            "the rule {rule} is for {all}, and names some of them, too",
            "keep one of the two: FreeIPA takes no names beside all";
        NoFullName { machine: String } is PeopleNotEnrolled:
            "{machine} has no full name, by which FreeIPA knows machines",
            "give the cloud a domain, or the machine a full name: {fqdn}",
            fqdn = Remedy::set("fqdn", "web.lab.example");
        NotClient { machine: String, server: String } is PeopleNotEnrolled:
            "{machine} is not enrolled in the FreeIPA of {server}, which has no host of this name",
            "name it among the clients of the role freeipa: {clients}",
            clients = Remedy::set("clients", format_args!("[{machine}]"));
        NotClients { role: String, machines: NameList, server: String } is PeopleNotEnrolled with (are = machines.verb("is", "are")):
            "{machines} with the role {role} {are} not enrolled in the FreeIPA of {server}",
            "name them among the clients of the role freeipa, or name the machines one by one";
        NoMachine { role: String } is PeopleNotEnrolled:
            "no machine of the cloud has the role {role}",
            "write a role that machines have, as `fmc status` shows them";
        LockedOut is PeopleLockedOut:
            "nobody may log in by SSH: `allow_all` is disabled, and no rule is for sshd",
            "add a rule for those who may, with {services}",
            services = Remedy::set("services", "[sshd]");
    }
}
