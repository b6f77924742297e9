//! The people of a cloud as FreeIPA knows them: users and groups, groups of hosts, and the rules who may log in where and become whom.
//!
//! # Where they are stated
//!
//! They are the cloud's own (`people`), and not a part of the role `freeipa` or of a server of `dns`: the server that has them may be a
//! machine of the cloud or one elsewhere, and rules name machines and roles of the whole cloud. The way to the server is
//! the login that a server of `dns` has, because a FreeIPA has one administrator for its zones and its people.
//!
//! # No passwords
//!
//! A user is made without a password. They log in with their SSH keys, which SSSD gives to sshd on every enrolled machine, and a person
//! who wants a password or Kerberos gets the first one from an administrator (`ipa passwd ana`), as FreeIPA's own people do. A password that
//! follows from the root key would be known to whoever has the root key, in all plans to come.

mod derive;
mod leaf;
pub(crate) mod rules;
#[cfg(test)]
mod tests;

use crate::draft::draft;
use crate::given::Given;
use crate::name::{
    AccessRuleName, DnsServerName, HostGroupName, IpaGroupName, IpaLoginName, MachineName, PamServiceName,
    RoleName,
};
use crate::named::Named;
use crate::path::AbsPath;
use crate::ssh::SshKey;

pub use derive::GroupMembers;
pub use leaf::{MailAddress, SudoCommand, SudoOption};
pub use rules::PeopleProblem;

draft! {
    /// The people of a cloud, kept up to date in a FreeIPA server.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::people::{HbacRule, HostGroup, IpaGroup, IpaUser, People, SudoRule};
    ///
    /// let ana = IpaUser::new("ana", "Ana", "Ruiz")
    ///     .ssh_keys(["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ana@lab"]);
    /// let people = People::new()
    ///     .user(ana)
    ///     .group(IpaGroup::new("dbas").users(["ana"]))
    ///     .host_group(HostGroup::new("databases").machines(["db"]))
    ///     .hbac_rule(HbacRule::new("dbas-ssh").groups(["dbas"]).host_groups(["databases"]).services(["sshd", "sudo"]))
    ///     .sudo_rule(
    ///         SudoRule::new("restart-postgres")
    ///             .groups(["dbas"])
    ///             .host_groups(["databases"])
    ///             .commands(["/usr/bin/systemctl restart postgresql"]),
    ///     );
    /// let cloud = Cloud::new("first").people(people);
    /// # let _ = cloud;
    /// ```
    ///
    /// In a file:
    ///
    /// ```yaml
    /// people:
    ///   users:
    ///     ana: {first_name: Ana, last_name: Ruiz, ssh_keys: [ssh-ed25519 AAAA… ana@lab]}
    ///   groups:
    ///     dbas: {users: [ana]}
    ///   host_groups:
    ///     databases: {machines: [db]}
    ///   hbac_rules:
    ///     dbas-ssh: {groups: [dbas], host_groups: [databases], services: [sshd, sudo]}
    ///   sudo_rules:
    ///     restart-postgres: {groups: [dbas], host_groups: [databases], commands: [/usr/bin/systemctl restart postgresql]}
    /// ```
    #[derive(Default)]
    pub struct People {
        /// The server of `dns` with a login of FreeIPA that has them; by default the only one.
        pub server: Option<Given<DnsServerName>>,
        /// Users, by login.
        #[each(user)]
        pub users: Named<IpaUser>,
        /// Groups of users, by name.
        #[each(group)]
        pub groups: Named<IpaGroup>,
        /// Groups of machines, by name.
        #[each(host_group)]
        pub host_groups: Named<HostGroup>,
        /// Rules who may run which commands as whom, by name.
        #[each(sudo_rule)]
        pub sudo_rules: Named<SudoRule>,
        /// Rules who may log in where, by name (host-based access control).
        #[each(hbac_rule)]
        pub hbac_rules: Named<HbacRule>,
        /// Entries that others have in FreeIPA, and that the people and rules of the cloud may name. They are never changed.
        pub others: Option<PeopleOfOthers>,
        /// Whether FreeIPA's own rule `allow_all` is disabled. While it is enabled every user may log in everywhere, and rules about access
        /// do nothing. By default it is left as it is.
        #[switch(without_allow_all)]
        pub without_allow_all: bool,
    }

    /// Nobody yet.
    pub fn new(..);
}

draft! {
    /// Entries of others in FreeIPA, by name. Those of every FreeIPA, as `admins`, need not be among them.
    #[derive(Default)]
    pub struct PeopleOfOthers {
        /// Users, by login.
        #[list]
        pub users: Vec<Given<IpaLoginName>>,
        /// Groups of users.
        #[list]
        pub groups: Vec<Given<IpaGroupName>>,
        /// Groups of hosts.
        #[list]
        pub host_groups: Vec<Given<HostGroupName>>,
    }

    /// Nobody yet.
    pub fn new(..);
}

draft! {
    /// A user of FreeIPA, without a password.
    pub struct IpaUser {
        /// The login.
        #[key]
        pub login: Given<IpaLoginName>,
        /// The first name.
        #[needed]
        pub first_name: String,
        /// The last name.
        #[needed]
        pub last_name: String,
        /// Mail addresses. Without any, those that FreeIPA has stay as they are.
        #[list]
        pub mail: Vec<Given<MailAddress>>,
        /// SSH public keys, by which the user logs in on every enrolled machine. These alone: one that is added in FreeIPA is
        /// removed by the next apply.
        #[list]
        pub ssh_keys: Vec<Given<SshKey>>,
        /// The shell; without one the one that FreeIPA has stays.
        pub shell: Option<Given<AbsPath>>,
        /// Groups that they are in, beside those that name them.
        #[list]
        pub groups: Vec<Given<IpaGroupName>>,
        /// Whether they cannot log in. Their entry, their groups and their password stay.
        #[switch(disabled)]
        pub disabled: bool,
    }

    /// A user by login, first and last name.
    pub fn new(..);
}

draft! {
    /// A group of users in FreeIPA.
    pub struct IpaGroup {
        /// Its name.
        #[key]
        pub name: Given<IpaGroupName>,
        /// What it is for.
        pub description: String,
        /// Whether it has no number, so that machines know no such group: it serves rules alone.
        #[switch(non_posix)]
        pub non_posix: bool,
        /// Users in it, by login, beside those that name it.
        #[list]
        pub users: Vec<Given<IpaLoginName>>,
        /// Groups whose users are in it, too.
        #[list]
        pub groups: Vec<Given<IpaGroupName>>,
    }

    /// A group without members.
    pub fn new(..);
}

draft! {
    /// A group of machines in FreeIPA, by which rules name them.
    pub struct HostGroup {
        /// Its name.
        #[key]
        pub name: Given<HostGroupName>,
        /// What it is for.
        pub description: String,
        /// Machines in it.
        #[list]
        pub machines: Vec<Given<MachineName>>,
        /// Roles whose machines are in it, as `k3s-server`.
        #[list]
        pub roles: Vec<Given<RoleName>>,
        /// Groups whose machines are in it, too.
        #[list]
        pub host_groups: Vec<Given<HostGroupName>>,
    }

    /// A group without machines.
    pub fn new(..);
}

draft! {
    /// Who may run which commands as whom, and on which machines (sudo).
    pub struct SudoRule {
        /// Its name.
        #[key]
        pub name: Given<AccessRuleName>,
        /// What it is for.
        pub description: String,
        /// Whether it is for every user.
        #[switch(everyone)]
        pub everyone: bool,
        /// Users that it is for, by login.
        #[list]
        pub users: Vec<Given<IpaLoginName>>,
        /// Groups whose users it is for.
        #[list]
        pub groups: Vec<Given<IpaGroupName>>,
        /// Whether it holds on every enrolled machine.
        #[switch(everywhere)]
        pub everywhere: bool,
        /// Machines on which it holds.
        #[list]
        pub machines: Vec<Given<MachineName>>,
        /// Groups of machines on which it holds.
        #[list]
        pub host_groups: Vec<Given<HostGroupName>>,
        /// Whether it allows every command.
        #[switch(every_command)]
        pub every_command: bool,
        /// Commands that it allows, with absolute paths: `/usr/bin/systemctl restart postgresql`.
        #[list]
        pub commands: Vec<Given<SudoCommand>>,
        /// Whether the commands may run as every user and group. By default they run as root.
        #[switch(as_anyone)]
        pub as_anyone: bool,
        /// Users as whom the commands may run in place of root: of FreeIPA or of the machine, as `postgres`.
        #[list]
        pub run_as: Vec<Given<IpaLoginName>>,
        /// Groups as which the commands may run.
        #[list]
        pub run_as_groups: Vec<Given<IpaGroupName>>,
        /// Options of sudoers(5), as `!authenticate`, by which sudo asks for no password. Users without a password need it.
        #[list]
        pub options: Vec<Given<SudoOption>>,
        /// Whether it is switched off.
        #[switch(disabled)]
        pub disabled: bool,
    }

    /// A rule that is for nobody yet.
    pub fn new(..);
}

draft! {
    /// Who may log in on which machines, by which services (host-based access control).
    pub struct HbacRule {
        /// Its name.
        #[key]
        pub name: Given<AccessRuleName>,
        /// What it is for.
        pub description: String,
        /// Whether it is for every user.
        #[switch(everyone)]
        pub everyone: bool,
        /// Users that it is for, by login.
        #[list]
        pub users: Vec<Given<IpaLoginName>>,
        /// Groups whose users it is for.
        #[list]
        pub groups: Vec<Given<IpaGroupName>>,
        /// Whether it holds on every enrolled machine.
        #[switch(everywhere)]
        pub everywhere: bool,
        /// Machines on which it holds.
        #[list]
        pub machines: Vec<Given<MachineName>>,
        /// Groups of machines on which it holds.
        #[list]
        pub host_groups: Vec<Given<HostGroupName>>,
        /// Whether it is for every service.
        #[switch(every_service)]
        pub every_service: bool,
        /// Services of PAM that it is for: `sshd`, `sudo`, `login`. One that FreeIPA does not have is made.
        #[list]
        pub services: Vec<Given<PamServiceName>>,
        /// Whether it is switched off.
        #[switch(disabled)]
        pub disabled: bool,
    }

    /// A rule that is for nobody yet.
    pub fn new(..);
}
