//! Memory that a system needs to start.

use std::collections::BTreeMap;

use super::view::{View, text};
use crate::finding::{Finding, NameList, Remedy, problems};
use crate::image::Os;
use crate::unit::Size;

/// Looks at every machine. A lab starts no system of its own size.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    if view.cloud.lab {
        return;
    }
    let mut small: BTreeMap<&'static str, (Size, Vec<&str>)> = BTreeMap::new();
    for placed in &view.machines {
        let draft = placed.draft;
        let memory = draft.memory.as_ref().and_then(|memory| memory.ok());
        if let Some(least) = least(draft.image.os).filter(|least| memory.is_some_and(|memory| memory < least))
        {
            let (_, names) = small.entry(draft.image.os.label()).or_insert((least, Vec::new()));
            names.push(text(&draft.name));
        }
    }
    findings.extend(small.into_iter().map(|(os, (least, names))| {
        let machines = NameList::new(names);
        let at = format!("machines.{}.memory", machines.first());
        MemoryProblem::Small { machines, os, least }.at(at)
    }));
}

/// The memory below which the published images of a system do not start.
fn least(os: Os) -> Option<Size> {
    Some(match os {
        Os::Debian => Size::mib(256),
        Os::Rocky | Os::Almalinux | Os::Flatcar | Os::FedoraCoreos => Size::mib(512),
        Os::None => return None,
    })
}

problems! {
    /// Problems with the memory of machines.
    pub enum MemoryProblem {
        Small { machines: NameList, os: &'static str, least: Size } is MemorySmall
            with (have = machines.verb("has", "have")):
            "{machines} {have} less memory than the {least} that an image of {os} starts with",
            "give it more, for example {memory}",
            memory = Remedy::set("memory", "1 GiB");
    }
}
