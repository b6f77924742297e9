//! The objects, their attributes, and who may be a member of which.

/// An object of the directory.
#[derive(Debug)]
pub(super) struct Object {
    /// As its commands begin.
    pub(super) name: &'static str,
    /// The attribute of its name.
    pub(super) key: &'static str,
    /// As messages call it.
    pub(super) said: &'static str,
    /// Attributes with one value.
    pub(super) single: &'static [&'static str],
    /// Attributes with several values.
    pub(super) several: &'static [&'static str],
    /// Further options of its addition, and of its change.
    pub(super) flags: (&'static [&'static str], &'static [&'static str]),
    /// Whether it can be disabled.
    pub(super) has_switch: bool,
    /// Who may be in it.
    pub(super) links: &'static [Link],
}

/// Members of an object that the same commands add and remove.
#[derive(Debug)]
pub(super) struct Link {
    /// What follows `add_` and `remove_` in the commands.
    pub(super) suffix: &'static str,
    /// The attribute that stands for all of them in their place.
    pub(super) categories: &'static [&'static str],
    pub(super) kinds: &'static [Kind],
}

/// Members of one kind.
#[derive(Debug)]
pub(super) struct Kind {
    /// The option that names them, which is the object that they are.
    pub(super) object: &'static str,
    /// The attribute with their names.
    pub(super) attribute: &'static str,
    /// The attribute that takes names of which the directory has no entry.
    pub(super) external: Option<&'static str>,
}

/// A kind of members without names of others.
const fn kind(object: &'static str, attribute: &'static str) -> Kind {
    Kind { object, attribute, external: None }
}

const fn outer(object: &'static str, attribute: &'static str, external: &'static str) -> Kind {
    Kind { object, attribute, external: Some(external) }
}

const fn link(suffix: &'static str, categories: &'static [&'static str], kinds: &'static [Kind]) -> Link {
    Link { suffix, categories, kinds }
}

const RUN_AS: &[&str] = &["ipasudorunasusercategory", "ipasudorunasgroupcategory"];

/// Those who change the members of a group.
const MANAGERS: Link =
    link("member_manager", &[], &[kind("user", "membermanager_user"), kind("group", "membermanager_group")]);

const OBJECTS: &[Object] = &[
    Object {
        name: "user",
        key: "uid",
        said: "user",
        single: &["givenname", "sn", "cn", "displayname", "gecos", "loginshell", "homedirectory", "title"],
        several: &["mail", "ipasshpubkey", "userclass"],
        flags: (&["noprivate", "random"], &["random"]),
        has_switch: true,
        links: &[],
    },
    Object {
        name: "group",
        key: "cn",
        said: "group",
        single: &["description", "gidnumber"],
        several: &[],
        flags: (&["nonposix", "external"], &["posix", "external"]),
        has_switch: false,
        links: &[
            link(
                "member",
                &[],
                &[
                    kind("user", "member_user"),
                    kind("group", "member_group"),
                    kind("service", "member_service"),
                ],
            ),
            MANAGERS,
        ],
    },
    Object {
        name: "hostgroup",
        key: "cn",
        said: "host group",
        single: &["description"],
        several: &[],
        flags: (&[], &[]),
        has_switch: false,
        links: &[
            link("member", &[], &[kind("host", "member_host"), kind("hostgroup", "member_hostgroup")]),
            MANAGERS,
        ],
    },
    Object {
        name: "sudorule",
        key: "cn",
        said: "sudo rule",
        single: &[
            "description",
            "usercategory",
            "hostcategory",
            "cmdcategory",
            "ipasudorunasusercategory",
            "ipasudorunasgroupcategory",
        ],
        several: &[],
        flags: (&[], &[]),
        has_switch: true,
        links: &[
            link(
                "user",
                &["usercategory"],
                &[outer("user", "memberuser_user", "externaluser"), kind("group", "memberuser_group")],
            ),
            link(
                "host",
                &["hostcategory"],
                &[
                    outer("host", "memberhost_host", "externalhost"),
                    kind("hostgroup", "memberhost_hostgroup"),
                ],
            ),
            link("allow_command", &["cmdcategory"], &[kind("sudocmd", "memberallowcmd_sudocmd")]),
            link("deny_command", &[], &[kind("sudocmd", "memberdenycmd_sudocmd")]),
            link(
                "runasuser",
                RUN_AS,
                &[
                    outer("user", "ipasudorunas_user", "ipasudorunasextuser"),
                    outer("group", "ipasudorunas_group", "ipasudorunasextusergroup"),
                ],
            ),
            link("runasgroup", RUN_AS, &[outer("group", "ipasudorunasgroup_group", "ipasudorunasextgroup")]),
        ],
    },
    Object {
        name: "sudocmd",
        key: "sudocmd",
        said: "sudo command",
        single: &["description"],
        several: &[],
        flags: (&[], &[]),
        has_switch: false,
        links: &[],
    },
    Object {
        name: "hbacrule",
        key: "cn",
        said: "HBAC rule",
        single: &["description", "usercategory", "hostcategory", "servicecategory"],
        several: &[],
        flags: (&[], &[]),
        has_switch: true,
        links: &[
            link(
                "user",
                &["usercategory"],
                &[kind("user", "memberuser_user"), kind("group", "memberuser_group")],
            ),
            link(
                "host",
                &["hostcategory"],
                &[kind("host", "memberhost_host"), kind("hostgroup", "memberhost_hostgroup")],
            ),
            link("service", &["servicecategory"], &[kind("hbacsvc", "memberservice_hbacsvc")]),
        ],
    },
    Object {
        name: "hbacsvc",
        key: "cn",
        said: "HBAC service",
        single: &["description"],
        several: &[],
        flags: (&[], &[]),
        has_switch: false,
        links: &[],
    },
];

/// What a command does.
#[derive(Debug)]
pub(super) enum Verb {
    Find,
    Show,
    Add,
    Modify,
    Delete,
    Enable,
    Disable,
    /// A user who was preserved.
    Restore,
    Link {
        link: &'static Link,
        is_added: bool,
    },
    /// An option of sudo.
    Option {
        is_added: bool,
    },
}

/// The object and the verb of a command.
pub(super) fn of(command: &str) -> Option<(&'static Object, Verb)> {
    let (object, rest) = command.split_once('_')?;
    let object = OBJECTS.iter().find(|known| known.name == object)?;
    let verb = match rest {
        "find" => Verb::Find,
        "show" => Verb::Show,
        "add" => Verb::Add,
        "mod" => Verb::Modify,
        "del" => Verb::Delete,
        "enable" if object.has_switch => Verb::Enable,
        "disable" if object.has_switch => Verb::Disable,
        "undel" if object.name == "user" => Verb::Restore,
        "add_option" if object.name == "sudorule" => Verb::Option { is_added: true },
        "remove_option" if object.name == "sudorule" => Verb::Option { is_added: false },
        _ => {
            let (suffix, is_added) = match rest.strip_prefix("add_") {
                Some(suffix) => (suffix, true),
                None => (rest.strip_prefix("remove_")?, false),
            };
            let link = object.links.iter().find(|link| link.suffix == suffix)?;
            Verb::Link { link, is_added }
        }
    };
    Some((object, verb))
}

/// The positional arguments that a command of people needs, and how many it takes; `None` if it is none.
pub(in super::super) fn positional(command: &str) -> Option<(&'static [&'static str], usize)> {
    let (object, verb) = of(command)?;
    let needed: &[&str] = match (object.key, verb) {
        (_, Verb::Find) => &[],
        ("uid", _) => &["uid"],
        ("sudocmd", _) => &["sudocmd"],
        _ => &["cn"],
    };
    Some((needed, 1))
}

/// How a command of people takes an option: as a flag, one text or several; `None` if it has no such option.
pub(in super::super) fn has_option(command: &str, option: &str) -> Option<(bool, bool)> {
    const FLAG: (bool, bool) = (true, false);
    const TEXT: (bool, bool) = (false, false);
    const TEXTS: (bool, bool) = (false, true);
    let (object, verb) = of(command)?;
    let is_common = matches!(option, "all" | "raw" | "no_members");
    let of_entry = |flags: &[&str]| match option {
        _ if is_common || flags.contains(&option) => Some(FLAG),
        _ if object.single.contains(&option) => Some(TEXT),
        _ if object.several.contains(&option) => Some(TEXTS),
        _ => None,
    };
    match verb {
        Verb::Find if option == "preserved" && object.name == "user" => Some(FLAG),
        Verb::Find | Verb::Show => is_common.then_some(FLAG),
        Verb::Add => of_entry(object.flags.0),
        Verb::Modify => of_entry(object.flags.1),
        Verb::Delete if option == "preserve" && object.name == "user" => Some(FLAG),
        Verb::Delete => (option == "continue").then_some(FLAG),
        Verb::Link { .. } | Verb::Option { .. } if is_common => Some(FLAG),
        Verb::Link { link, .. } => link.kinds.iter().any(|kind| kind.object == option).then_some(TEXTS),
        Verb::Option { .. } => (option == "ipasudoopt").then_some(TEXTS),
        Verb::Enable | Verb::Disable | Verb::Restore => None,
    }
}

impl Object {
    /// A name as the directory has it: only commands of sudo keep their case, and names of rules.
    pub(super) fn normal(&self, name: &str) -> String {
        if matches!(self.name, "sudocmd" | "sudorule" | "hbacrule") {
            name.to_owned()
        } else {
            name.to_lowercase()
        }
    }
}
