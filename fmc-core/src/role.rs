//! Roles: the purposes of a machine. A role is a value; built-in and users' roles go through one trait.
//!
//! A role defines its parts of the machine's guest, its flows, its needs, and its checks. It sees its machine as a
//! [`Site`] in a cloud whose values are right.
//!
//! ```
//! use fmc_core::flow::{Flows, Peer, tcp};
//! use fmc_core::guest::{Guest, Unit};
//! use fmc_core::role::{CustomRole, Site};
//!
//! struct NodeExporter;
//!
//! impl CustomRole for NodeExporter {
//!     fn guest(&self, _: &Site<'_>) -> Guest {
//!         Guest::new()
//!             .package("prometheus-node-exporter")
//!             .unit(Unit::service("prometheus-node-exporter").enabled())
//!     }
//!
//!     fn flows(&self, _: &Site<'_>) -> Flows {
//!         Flows::new().accept(tcp(9100), Peer::role("prometheus"))
//!     }
//! }
//!
//! assert_eq!(NodeExporter.kind().to_string(), "node-exporter");
//! ```

mod after;
mod assigned;
mod fact;
mod form;
mod membership;
mod moving;
mod names;
mod needs;
mod said;
mod site;
mod span;
mod table;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::checked::{Machine, WayIn};
use crate::disk::Disk;
use crate::finding::{At, Data, Finding, Kind, NameList, OwnKind, Problem, Words, leaf, problems};
use crate::flow::{Flows, Service};
use crate::given::{Given, Leaf};
use crate::guest::Guest;
use crate::name::{MachineName, RoleName};
use crate::path::AbsPath;
use crate::secret::{Secret, SecretRef};

pub use after::After;
pub(crate) use after::Awaited;
pub(crate) use assigned::Assigned;
pub use fact::{Fact, FactChange, Facts, RoleFacts};
pub(crate) use form::rust_of_json;
pub use membership::{Leaving, Membership};
pub use moving::{Fate, Moving, Told};
pub use names::Names;
pub(crate) use needs::subject;
pub use needs::{Needs, NeedsProblem};
pub use said::{Described, FileRole, JSON};
pub use site::Site;
pub use span::{FileSpanningRole, SpanMembers, SpanSite, Spanning, SpanningRole};
pub(crate) use span::{Repeated, Stated};
pub use table::RoleTable;

/// A role on a machine. By default it has no guest, no flows and no needs.
///
/// A role is pure: what it answers follows from itself and its site.
pub trait CustomRole: Any + Send + Sync {
    /// Its kind, by which other roles' flows name it. It must not change from one version of a program to the next; by
    /// default it is the name of the type, `node-exporter` for `NodeExporter`.
    fn kind(&self) -> Given<RoleName> {
        Given::text(&kebab(std::any::type_name::<Self>()))
    }

    /// Its instance, if there are several of its kind, as the cluster of a server; by default there is one.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// The parts that it adds to its machine's guest.
    fn guest(&self, site: &Site<'_>) -> Guest {
        let _ = site;
        Guest::new()
    }

    /// Other guests of the role that its machine may have been made with, and that serve it as well as
    /// [this one](Self::guest): they differ in what a first start uses, as who began and who joined. A machine with one of
    /// them is not outdated, because who began is history.
    fn equal_guests(&self, site: &Site<'_>) -> Vec<Guest> {
        let _ = site;
        Vec::new()
    }

    /// The services that it must reach, and those that it accepts.
    fn flows(&self, site: &Site<'_>) -> Flows {
        let _ = site;
        Flows::new()
    }

    /// Services of its machine that it takes whether or not it accepts callers there: whoever calls them reaches this role, and no other
    /// one that listens there.
    fn takes(&self, site: &Site<'_>) -> Vec<Service> {
        let _ = site;
        Vec::new()
    }

    /// DNS names for addresses, for its machine and other machines on the same network. Each network of the machine
    /// whose own forwarder the machine [asks](Site::asks) answers for them; they can change while the network runs.
    fn names(&self, site: &Site<'_>) -> Names {
        let _ = site;
        Names::new()
    }

    /// Its needs of the machine.
    fn needs(&self, site: &Site<'_>) -> Needs {
        let _ = site;
        Needs::new()
    }

    /// Its own check. It sees a site whose values are right, and reports mistakes for this role.
    fn check(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        let _ = (site, findings);
    }

    /// Its check of the cloud's flows, which are all known then: those of every role, and those that every machine has.
    fn check_flows(&self, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
        let _ = (site, findings);
    }

    /// The way by which people come to the cloud's machines by SSH, if this role is it. Machines then accept SSH from there alone,
    /// unless the cloud states `ssh_from`, and the commands that log in go by it.
    fn way_in(&self, site: &Site<'_>) -> Option<WayIn> {
        let _ = site;
        None
    }

    /// Data disks that its machine has for it, mounted where the role's data is. A disk of the same name on the machine
    /// replaces the role's: so a user makes it larger, or puts it into another pool.
    fn disks(&self) -> Vec<Disk> {
        Vec::new()
    }

    /// The roles and machines that it starts after.
    fn after(&self, site: &Site<'_>) -> After {
        let _ = site;
        After::new()
    }

    /// The TCP service by which it answers once it is up, for the roles that start [after](Self::after) it.
    fn answers(&self) -> Option<Service> {
        None
    }

    /// Where its state is that must outlive its machine's root disk.
    fn state(&self) -> Option<AbsPath> {
        None
    }

    /// The steps that a person must take before its machine is removed or replaced. The plan lists them, also once the
    /// cloud no longer has the machine: the texts are kept in the mark of the machine's domain.
    fn leaving(&self, site: &Site<'_>) -> Leaving {
        let _ = site;
        Leaving::new()
    }

    /// The facts about its machine when the machine is made. The mark of the machine's domain keeps it, and a later plan
    /// judges by what the role says then: a difference may be impossible, or need an order.
    fn facts(&self, site: &Site<'_>) -> Facts {
        let _ = site;
        Facts::new()
    }

    /// The kinds of findings that it adds, so that a cloud can accept them and `explain` shows their pages.
    fn finding_kinds(&self) -> &'static [OwnKind] {
        &[]
    }

    /// The role in a lab's small copy of the cloud; unchanged if `None`. There it should only
    /// [warn](RoleFindings::warn) of sizes that are too small: see
    /// [`Checked::is_lab`](crate::checked::Checked::is_lab).
    fn lab(&self) -> Option<Role> {
        None
    }
}

/// The kind of a type: the last part of its path, in lower case with hyphens.
fn kebab(path: &str) -> String {
    let path = path.split('<').next().unwrap_or_default();
    let name = path.rsplit("::").next().unwrap_or_default();
    let mut kind = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 {
            kind.push('-');
        }
        kind.push(if character == '_' { '-' } else { character.to_ascii_lowercase() });
    }
    kind
}

/// A role of a machine, as a draft holds it: any [`CustomRole`], shared by every copy.
///
/// A file can hold it if its type is a [`FileRole`] that the program knows; a cloud that is changed by settings keeps
/// any role.
#[derive(Clone)]
pub struct Role {
    role: Arc<dyn CustomRole>,
    said: Option<Arc<form::Form<Role>>>,
}

impl Role {
    /// The role itself.
    pub fn as_custom(&self) -> &dyn CustomRole {
        &*self.role
    }

    pub(crate) fn shared(&self) -> Arc<dyn CustomRole> {
        Arc::clone(&self.role)
    }
}

impl<R: CustomRole> From<R> for Role {
    fn from(role: R) -> Self {
        Self { role: Arc::new(role), said: None }
    }
}

impl From<Box<dyn CustomRole>> for Role {
    fn from(role: Box<dyn CustomRole>) -> Self {
        Self { role: role.into(), said: None }
    }
}

impl From<Arc<dyn CustomRole>> for Role {
    fn from(role: Arc<dyn CustomRole>) -> Self {
        Self { role, said: None }
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Role({})", self.role.kind())
    }
}

/// Takes what a role finds.
#[derive(Debug)]
pub struct RoleFindings<'a> {
    at: &'a At<'a>,
    /// The key of its settings at that place; `None` where the place is a part of the settings.
    kind: Option<&'a str>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> RoleFindings<'a> {
    pub(crate) fn new(at: &'a At<'a>, kind: &'a str, findings: &'a mut Vec<Finding>) -> Self {
        Self { at, kind: Some(kind), findings }
    }

    /// The value of a leaf among the role's settings, by its key; a finding if it is wrong.
    pub fn leaf<'g, T: Leaf>(&mut self, key: &str, given: &'g Given<T>) -> Option<&'g T> {
        let settings = self.settings();
        leaf(given, &settings.key(key), self.findings)
    }

    /// A secret among the role's settings, by its key; findings if its name or its source is wrong.
    pub fn secret(&mut self, key: &str, secret: &Secret) -> Option<SecretRef> {
        secret.checked(&self.settings().key(key), self.findings)
    }

    /// The findings of a part of the role's settings, by its path, as `namespaces[0].deployments[1]`.
    pub fn part(&mut self, path: &str, tell: impl FnOnce(&mut RoleFindings<'_>)) {
        let settings = self.settings();
        let at = settings.key(path);
        tell(&mut RoleFindings { at: &at, kind: None, findings: self.findings });
    }

    /// The place of the settings.
    fn settings(&self) -> At<'a> {
        self.kind.map_or(*self.at, |kind| self.at.key(kind))
    }

    /// The machine that one of the role's settings names, by its key; a finding if the cloud does not have it.
    pub fn machine<'s>(
        &mut self,
        site: &Site<'s>,
        key: &str,
        name: &Given<MachineName>,
    ) -> Option<&'s Machine> {
        let right = self.leaf(key, name)?;
        let found = site.cloud().machine(right.as_str());
        if found.is_none() {
            let (near, known) = site.cloud().machine_names().instead_of(right.as_str());
            let name = right.to_string();
            let settings = self.settings();
            self.findings.push(SaidProblem::NoMachine { name, near, known }.at(settings.key(key)));
        }
        found
    }

    /// Something is wrong: what, and what would be right.
    pub fn refuse(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.say(SaidProblem::Refused { message: message.into(), help: help.into() });
    }

    /// Something is worth knowing: what, and what would be better.
    pub fn warn(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.say(SaidProblem::Warned { message: message.into(), help: help.into() });
    }

    /// A finding of a kind of the role's own: what, and what would be right.
    ///
    /// ```
    /// use fmc_core::finding::OwnKind;
    /// use fmc_core::role::{CustomRole, RoleFindings, Site};
    ///
    /// const NO_BACKUP: OwnKind = OwnKind::warning("postgres-no-backup", "Nothing copies the database elsewhere.");
    ///
    /// struct Postgres;
    ///
    /// impl CustomRole for Postgres {
    ///     fn check(&self, _: &Site<'_>, findings: &mut RoleFindings<'_>) {
    ///         findings.find(&NO_BACKUP, "nothing copies the database elsewhere", "name a machine for its backups");
    ///     }
    ///
    ///     fn finding_kinds(&self) -> &'static [OwnKind] {
    ///         &[NO_BACKUP]
    ///     }
    /// }
    /// ```
    pub fn find(&mut self, kind: &'static OwnKind, message: impl Into<String>, help: impl Into<String>) {
        self.find_with(kind, &(), message, help);
    }

    /// A finding of a kind of the role's own, with the values that its texts are made from, for programs that read JSON.
    ///
    /// ```
    /// # use fmc_core::finding::OwnKind;
    /// # use fmc_core::role::RoleFindings;
    /// # const OLD: OwnKind = OwnKind::error("postgres-old", "PostgreSQL no longer maintains this release.");
    /// #[derive(serde::Serialize)]
    /// struct Old {
    ///     version: u32,
    ///     oldest: u32,
    /// }
    ///
    /// # fn check(findings: &mut RoleFindings<'_>) {
    /// let old = Old { version: 12, oldest: 14 };
    /// let message = format!("PostgreSQL {} is no longer maintained", old.version);
    /// findings.find_with(&OLD, &old, message, format!("take {} or later", old.oldest));
    /// # }
    /// ```
    pub fn find_with(
        &mut self,
        kind: &'static OwnKind,
        values: &impl Serialize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.say(OwnProblem { kind, data: Data::of(values), message: message.into(), help: help.into() });
    }

    /// A finding about a problem of the role's own type, whose values tests and programs read.
    pub fn about(&mut self, problem: impl Problem) {
        self.say(problem);
    }

    fn say(&mut self, problem: impl Problem) {
        self.findings.push(Finding::about(self.at, problem));
    }
}

problems! {
    /// Findings of roles: their own, and those about missing machines.
    pub enum SaidProblem {
        Refused { message: String, help: String } is RoleRefused:
            "{message}",
            "{help}";
        Warned { message: String, help: String } is RoleWarning:
            "{message}",
            "{help}";
        NoMachine { name: String, near: Option<String>, known: NameList } is ReferenceUnknown
            with (help = match near {
                Some(near) => format!("did you mean {near}?"),
                None => "add the machine to the cloud".to_owned(),
            }):
            "there is no machine {name}",
            "{help}";
        NoRole { role: String, why: String } is ReferenceUnknown:
            "the role {role} is not known here: {why}",
            "read the file with a program that knows the role";
    }
}

/// A problem of a kind of a role's own, in the role's words.
#[derive(Debug)]
struct OwnProblem {
    kind: &'static OwnKind,
    data: Data,
    message: String,
    help: String,
}

impl Problem for OwnProblem {
    fn kind(&self) -> Kind {
        Kind::Own(self.kind)
    }

    fn case(&self) -> &'static str {
        ""
    }

    fn message(&self) -> String {
        self.message.clone()
    }

    fn help(&self, _: Words) -> String {
        self.help.clone()
    }

    fn data(&self) -> Data {
        self.data.clone()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A role of a kind with flows.
    pub(crate) struct Plain(pub(crate) &'static str, pub(crate) Flows);

    impl CustomRole for Plain {
        fn kind(&self) -> Given<RoleName> {
            self.0.into()
        }

        fn flows(&self, _: &Site<'_>) -> Flows {
            self.1.clone()
        }
    }

    struct Ntp;

    impl CustomRole for Ntp {}

    #[test]
    fn a_kind_is_the_name_of_its_type() {
        assert_eq!(Ntp.kind(), Given::text("ntp"));
        assert_eq!(kebab("a::b::NodeExporter<c::D>"), "node-exporter");
    }
}
