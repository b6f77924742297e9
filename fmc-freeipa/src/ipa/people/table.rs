//! The kinds of entries: their commands, their attributes and their members.

/// A kind of entries.
#[derive(Debug)]
pub(in super::super) struct EntryKind {
    /// In addresses, as `host-group`.
    pub(in super::super) address: &'static str,
    /// As its commands begin, as `hostgroup`.
    pub(super) object: &'static str,
    /// The attribute of its name.
    pub(super) key: &'static str,
    /// As a person calls it.
    pub(in super::super) noun: &'static str,
    /// The role of FreeIPA whose users may change it.
    pub(in super::super) role: &'static str,
    /// The attributes that the cloud decides.
    pub(super) attributes: &'static [Attribute],
    pub(super) members: &'static [Member],
    pub(super) switch: Switch,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    /// As a plan calls it.
    pub(super) label: &'static str,
    pub(super) has_many: bool,
}

/// Members of one kind.
#[derive(Debug)]
pub(super) struct Member {
    /// The attributes with their names; what is wanted is in either of them.
    pub(super) attributes: &'static [&'static str],
    /// As a plan calls them.
    pub(super) label: &'static str,
    /// The option that names them.
    pub(super) option: &'static str,
    /// What follows `add_` and `remove_` in the commands.
    pub(super) suffix: &'static str,
}

/// How an entry says that it is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    None,
    /// By a flag that is true then.
    Locked,
    /// By a flag that is false then.
    Enabled,
}

impl PartialEq for EntryKind {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

const fn one(name: &'static str, label: &'static str) -> Attribute {
    Attribute { name, label, has_many: false }
}

const fn many(name: &'static str, label: &'static str) -> Attribute {
    Attribute { name, label, has_many: true }
}

const fn member(
    attributes: &'static [&'static str],
    label: &'static str,
    option: &'static str,
    suffix: &'static str,
) -> Member {
    Member { attributes, label, option, suffix }
}

/// The attribute with the mark of groups and rules.
pub(super) const DESCRIPTION: &str = "description";

/// The attribute with the mark of users.
pub(super) const CLASS: &str = "userclass";

/// The number of a group that machines know.
pub(super) const NUMBER: &str = "gidnumber";

pub(super) const KEYS: &str = "ipasshpubkey";

/// The options of sudo are added and removed as members are.
pub(super) const OPTIONS: &str = "ipasudoopt";

pub(super) const COMMANDS: &str = "memberallowcmd_sudocmd";

pub(super) const SERVICES: &str = "memberservice_hbacsvc";

pub(in super::super) const USER: EntryKind = EntryKind {
    address: "user",
    object: "user",
    key: "uid",
    noun: "user",
    role: "User Administrator",
    attributes: &[
        one("givenname", "first name"),
        one("sn", "last name"),
        one("cn", "full name"),
        one("displayname", "shown name"),
        many("mail", "mail"),
        many(KEYS, "SSH keys"),
        one("loginshell", "shell"),
    ],
    members: &[],
    switch: Switch::Locked,
};

pub(super) const GROUP: EntryKind = EntryKind {
    address: "group",
    object: "group",
    key: "cn",
    noun: "group",
    role: "User Administrator",
    attributes: &[one(DESCRIPTION, DESCRIPTION)],
    members: &[
        member(&["member_user"], "users", "user", "member"),
        member(&["member_group"], "groups", "group", "member"),
        member(&["member_service"], "services", "service", "member"),
        // They change its members.
        member(&["membermanager_user"], "managers", "user", "member_manager"),
        member(&["membermanager_group"], "groups of managers", "group", "member_manager"),
    ],
    switch: Switch::None,
};

pub(super) const HOST_GROUP: EntryKind = EntryKind {
    address: "host-group",
    object: "hostgroup",
    key: "cn",
    noun: "host group",
    role: "IT Specialist",
    attributes: &[one(DESCRIPTION, DESCRIPTION)],
    members: &[
        member(&["member_host"], "hosts", "host", "member"),
        member(&["member_hostgroup"], "host groups", "hostgroup", "member"),
        member(&["membermanager_user"], "managers", "user", "member_manager"),
        member(&["membermanager_group"], "groups of managers", "group", "member_manager"),
    ],
    switch: Switch::None,
};

pub(super) const SUDO_RULE: EntryKind = EntryKind {
    address: "sudo-rule",
    object: "sudorule",
    key: "cn",
    noun: "sudo rule",
    role: "IT Security Specialist",
    attributes: &[
        one(DESCRIPTION, DESCRIPTION),
        one("usercategory", "everyone"),
        one("hostcategory", "everywhere"),
        one("cmdcategory", "every command"),
        one("ipasudorunasusercategory", "as every user"),
        one("ipasudorunasgroupcategory", "as every group"),
    ],
    members: &[
        member(&["memberuser_user"], "users", "user", "user"),
        member(&["memberuser_group"], "groups", "group", "user"),
        member(&["externaluser"], "users that FreeIPA does not have", "user", "user"),
        member(&["memberhost_host"], "hosts", "host", "host"),
        member(&["memberhost_hostgroup"], "host groups", "hostgroup", "host"),
        member(&["externalhost"], "hosts that FreeIPA does not have", "host", "host"),
        member(&["hostmask"], "networks of hosts", "hostmask", "host"),
        member(&[COMMANDS], "commands", "sudocmd", "allow_command"),
        member(&["memberallowcmd_sudocmdgroup"], "groups of commands", "sudocmdgroup", "allow_command"),
        member(&["memberdenycmd_sudocmd"], "forbidden commands", "sudocmd", "deny_command"),
        member(
            &["memberdenycmd_sudocmdgroup"],
            "groups of forbidden commands",
            "sudocmdgroup",
            "deny_command",
        ),
        member(&["ipasudorunas_user", "ipasudorunasextuser"], "run as", "user", "runasuser"),
        member(&["ipasudorunas_group", "ipasudorunasextusergroup"], "run as users of", "group", "runasuser"),
        member(&["ipasudorunasgroup_group", "ipasudorunasextgroup"], "run as groups", "group", "runasgroup"),
        member(&[OPTIONS], "options", OPTIONS, "option"),
    ],
    switch: Switch::Enabled,
};

pub(in super::super) const HBAC_RULE: EntryKind = EntryKind {
    address: "hbac-rule",
    object: "hbacrule",
    key: "cn",
    noun: "rule about access",
    role: "IT Security Specialist",
    attributes: &[
        one(DESCRIPTION, DESCRIPTION),
        one("usercategory", "everyone"),
        one("hostcategory", "everywhere"),
        one("servicecategory", "every service"),
    ],
    members: &[
        member(&["memberuser_user"], "users", "user", "user"),
        member(&["memberuser_group"], "groups", "group", "user"),
        member(&["memberhost_host"], "hosts", "host", "host"),
        member(&["memberhost_hostgroup"], "host groups", "hostgroup", "host"),
        member(&[SERVICES], "services", "hbacsvc", "service"),
        member(&["memberservice_hbacsvcgroup"], "groups of services", "hbacsvcgroup", "service"),
    ],
    switch: Switch::Enabled,
};

/// Every kind, in the order in which they need each other.
pub(super) static KINDS: [&EntryKind; 5] = [&USER, &GROUP, &HOST_GROUP, &SUDO_RULE, &HBAC_RULE];

/// The kind of an address, if it is one of people.
pub(in super::super) fn kind_at(address: &str) -> Option<&'static EntryKind> {
    KINDS.into_iter().find(|kind| kind.address == address)
}
