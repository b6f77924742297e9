//! A role's needs of its machine.

use super::Site;
use crate::checked::Machine;
use crate::finding::{At, Finding, Remedy, problems};
use crate::image::Os;
use crate::unit::Size;

/// A role's needs of its machine; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    memory: Option<Size>,
    cpus: Option<u16>,
    root: Option<Size>,
    systems: Option<&'static [Os]>,
    address: bool,
}

impl Needs {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// At least so much memory.
    #[must_use]
    pub fn memory(self, size: Size) -> Self {
        Self { memory: Some(size), ..self }
    }

    /// At least so many virtual processors.
    #[must_use]
    pub fn cpus(self, count: u16) -> Self {
        Self { cpus: Some(count), ..self }
    }

    /// At least so large a root disk.
    #[must_use]
    pub fn root_disk(self, size: Size) -> Self {
        Self { root: Some(size), ..self }
    }

    /// One of these operating systems.
    #[must_use]
    pub fn systems(self, systems: &'static [Os]) -> Self {
        Self { systems: Some(systems), ..self }
    }

    /// An address that is known beforehand: static or reserved.
    #[must_use]
    pub fn address(self) -> Self {
        Self { address: true, ..self }
    }

    /// A finding for each need that the machine does not meet. In a lab, sizes are only warnings.
    pub(crate) fn check(&self, role: &str, site: &Site<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
        let machine = site.machine();
        let (who, role) = (subject(machine, at), || role.to_owned());
        let mut small = |problem: NeedsProblem| {
            let mut finding = problem.at(at);
            if site.cloud().is_lab() {
                finding.only_warn();
            }
            findings.push(finding);
        };
        if let Some(needed) = self.memory.filter(|needed| machine.memory < *needed) {
            small(NeedsProblem::Memory { who: who.clone(), there: machine.memory, role: role(), needed });
        }
        if let Some(needed) = self.cpus.filter(|needed| machine.cpus.get() < *needed) {
            small(NeedsProblem::Processors {
                who: who.clone(),
                there: machine.cpus.get(),
                role: role(),
                needed,
            });
        }
        if let (Some(needed), Some(root)) = (self.root, machine.root)
            && root.size < needed
        {
            small(NeedsProblem::Root { who: who.clone(), there: root.size, role: role(), needed });
        }
        if let Some(systems) = self.systems.filter(|systems| !systems.contains(&site.os())) {
            let (os, known) = (site.os().label(), systems.iter().map(|os| os.label()).collect());
            findings.push(NeedsProblem::System { who: who.clone(), os, role: role(), known }.at(at));
        }
        if self.address && site.address().is_none() {
            findings.push(NeedsProblem::Address { who: who.clone(), role: role() }.at(at));
        }
    }
}

/// The holder of a role: its machine's name, if the path does not contain it.
pub(crate) fn subject(machine: &Machine, at: &At<'_>) -> String {
    let is_there = at.to_string().starts_with(&format!("machines.{}.", machine.name));
    if is_there { "the machine".to_owned() } else { machine.name.to_string() }
}

problems! {
    /// Needs of a role that its machine does not meet.
    pub enum NeedsProblem {
        Memory { who: String, there: Size, role: String, needed: Size } is RoleNeeds:
            "{who} has {there} of memory, but {role} needs {needed}",
            "give it at least {memory}",
            memory = Remedy::set("memory", needed);
        Processors { who: String, there: u16, role: String, needed: u16 } is RoleNeeds:
            "{who} has {there} virtual processors, but {role} needs {needed}",
            "give it at least {cpus}",
            cpus = Remedy::set("cpus", needed);
        Root { who: String, there: Size, role: String, needed: Size } is RoleNeeds:
            "{who} has a root disk of {there}, but {role} needs {needed}",
            "give it at least {root}",
            root = Remedy::set("root_disk", needed);
        System { who: String, os: &'static str, role: String, known: Vec<&'static str> } is RoleNeeds with (list = known.join(", ")):
            "{who} has {os}, but {role} cannot install itself there",
            "give it an image of {list}";
        Address { who: String, role: String } is RoleNeeds:
            "{who} has no fixed address, by which other machines find {role}",
            "give an interface a static or reserved address, for example {address}",
            address = Remedy::set("address", "10.17.4.21");
    }
}
