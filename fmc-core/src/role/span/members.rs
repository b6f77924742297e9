//! The machines that a spanning role names.

use std::slice;

use crate::given::Given;
use crate::name::MachineName;
use crate::role::Role;

/// The machines that a spanning role names, in lists; each list stands at a key among the role's settings, and its machines have one
/// role.
///
/// ```
/// use fmc_core::given::Given;
/// use fmc_core::name::MachineName;
/// use fmc_core::role::{CustomRole, SpanMembers};
///
/// struct Server;
/// impl CustomRole for Server {}
/// struct Client;
/// impl CustomRole for Client {}
///
/// let servers: [Given<MachineName>; 2] = ["a".into(), "b".into()];
/// let clients: [Given<MachineName>; 1] = ["c".into()];
/// let backup: Given<MachineName> = "d".into();
/// let members = SpanMembers::new().in_turn("servers", &servers, Server).list("clients", &clients, Client).named_one("backup", &backup);
/// # let _ = members;
/// ```
#[derive(Clone, Debug, Default)]
pub struct SpanMembers<'a> {
    lists: Vec<Listed<'a>>,
}

/// Machines of one list.
#[derive(Clone, Debug)]
pub(crate) struct Listed<'a> {
    key: &'static str,
    /// The machines, in the user's order.
    pub(crate) names: &'a [Given<MachineName>],
    /// Whether the setting is one name and no list.
    is_one: bool,
    /// Whether the setting is a map, and the name is a key of it.
    is_key: bool,
    /// The role of each; `None` if it is only named.
    pub(crate) role: Option<Role>,
    /// Whether each starts after the one before it.
    pub(crate) is_in_turn: bool,
    /// Whether findings about a machine's role stand at the spanning role, and not at the machine's place in the list.
    is_told_above: bool,
}

impl<'a> SpanMembers<'a> {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Machines that have a role, by the key of their list among the settings.
    #[must_use]
    pub fn list(self, key: &'static str, names: &'a [Given<MachineName>], role: impl Into<Role>) -> Self {
        self.with(Listed { role: Some(role.into()), ..Listed::new(key, names) })
    }

    /// Machines that have a role and start one after another: each waits until the one before it
    /// [answers](crate::role::CustomRole::answers).
    #[must_use]
    pub fn in_turn(self, key: &'static str, names: &'a [Given<MachineName>], role: impl Into<Role>) -> Self {
        self.with(Listed { role: Some(role.into()), is_in_turn: true, ..Listed::new(key, names) })
    }

    /// One machine that has a role, by the key of its setting.
    #[must_use]
    pub fn one(self, key: &'static str, name: &'a Given<MachineName>, role: impl Into<Role>) -> Self {
        self.with(Listed { role: Some(role.into()), is_one: true, ..Listed::new(key, slice::from_ref(name)) })
    }

    /// One machine of a map that has a role, by the key of the map among the settings.
    #[must_use]
    pub(crate) fn each(self, key: &'static str, name: &'a Given<MachineName>, role: impl Into<Role>) -> Self {
        let names = slice::from_ref(name);
        self.with(Listed { role: Some(role.into()), is_key: true, ..Listed::new(key, names) })
    }

    /// Machines that are only named, and must be in the cloud.
    #[must_use]
    pub fn named(self, key: &'static str, names: &'a [Given<MachineName>]) -> Self {
        self.with(Listed::new(key, names))
    }

    /// One machine that is only named, and must be in the cloud.
    #[must_use]
    pub fn named_one(self, key: &'static str, name: &'a Given<MachineName>) -> Self {
        self.with(Listed { is_one: true, ..Listed::new(key, slice::from_ref(name)) })
    }

    /// Findings about the roles of the last list stand at the spanning role.
    #[must_use]
    pub(crate) fn told_above(mut self) -> Self {
        if let Some(last) = self.lists.last_mut() {
            last.is_told_above = true;
        }
        self
    }

    /// The lists.
    pub(crate) fn lists(&self) -> &[Listed<'a>] {
        &self.lists
    }

    fn with(mut self, list: Listed<'a>) -> Self {
        self.lists.push(list);
        self
    }
}

impl<'a> Listed<'a> {
    const fn new(key: &'static str, names: &'a [Given<MachineName>]) -> Self {
        Self { key, names, is_one: false, is_key: false, role: None, is_in_turn: false, is_told_above: false }
    }

    /// The path of a name of the list, below that of the role's settings.
    pub(crate) fn at(&self, settings: &str, index: usize) -> String {
        let dot = if self.key.is_empty() { "" } else { "." };
        let place = match self.names.get(index) {
            Some(name) if self.is_key => format!(".{name}"),
            _ if self.is_one => String::new(),
            _ => format!("[{index}]"),
        };
        format!("{settings}{dot}{}{place}", self.key)
    }

    /// The path for findings about a machine's role.
    pub(crate) fn role_at(&self, settings: &str, index: usize) -> String {
        if self.is_told_above { settings.to_owned() } else { self.at(settings, index) }
    }
}
