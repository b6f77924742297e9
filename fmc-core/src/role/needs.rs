//! What a role needs of its machine.

use super::Site;
use crate::finding::{At, Finding, Kind, Severity};
use crate::image::Os;
use crate::unit::Size;

/// What a role needs of its machine; nothing until said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    memory: Option<Size>,
    cpus: Option<u16>,
    root: Option<Size>,
    systems: Option<&'static [Os]>,
    address: bool,
}

impl Needs {
    /// Nothing.
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

    /// A finding for each need that the machine does not meet. In a lab what is about size is a warning.
    pub(crate) fn check(&self, role: &str, site: &Site<'_>, at: &At<'_>, findings: &mut Vec<Finding>) {
        let machine = site.machine();
        let name = &machine.name;
        let mut small = |there: String, needed: String, help: String| {
            let message = format!("{name} has {there}, and {role} needs {needed}");
            let mut finding = Finding::new(Kind::RoleNeeds, at, message, help);
            if site.cloud().is_lab() {
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        };
        if let Some(needed) = self.memory.filter(|needed| machine.memory < *needed) {
            small(
                format!("{} of memory", machine.memory),
                needed.to_string(),
                format!("give {name} at least {needed}"),
            );
        }
        if let Some(needed) = self.cpus.filter(|needed| machine.cpus.get() < *needed) {
            small(
                format!("{} virtual processors", machine.cpus),
                needed.to_string(),
                format!("give {name} at least {needed} virtual processors"),
            );
        }
        if let (Some(needed), Some(root)) = (self.root, machine.root)
            && root.size < needed
        {
            small(
                format!("a root disk of {}", root.size),
                needed.to_string(),
                format!("give {name} a root disk of at least {needed}"),
            );
        }
        if let Some(systems) = self.systems.filter(|systems| !systems.contains(&site.os())) {
            let known: Vec<&str> = systems.iter().map(|os| os.label()).collect();
            findings.push(Finding::new(
                Kind::RoleNeeds,
                at,
                format!(
                    "{name} has {}, and {role} does not know how to install itself there",
                    site.os().label()
                ),
                format!("give it an image of {}", known.join(", ")),
            ));
        }
        if self.address && site.address().is_none() {
            findings.push(Finding::new(
                Kind::RoleNeeds,
                at,
                format!("{name} has no address that is known beforehand, and {role} is found by it"),
                "give an interface a static or reserved address, for example `.address(\"10.17.4.21\")`",
            ));
        }
    }
}
