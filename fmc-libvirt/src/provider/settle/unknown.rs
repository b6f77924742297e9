//! Names on the command line that nothing has.

use std::collections::BTreeSet;

use fmc_core::graph::{About, Choices, DeleteData, Note, NoteKind};
use fmc_core::nearest::nearest;

use super::unproven::of_name;
use super::{Object, Ours, Settling};

impl Settling<'_, '_> {
    /// Refuses to replace machines that the cloud does not have.
    pub(super) fn unknown_replacements(&mut self, machines: &BTreeSet<&str>, choices: &Choices) {
        for name in choices.replace.iter().filter(|name| !machines.contains(name.as_str())) {
            let hint = match nearest(name, machines.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None if machines.is_empty() => "no machine is wanted".to_owned(),
                None => {
                    let known: Vec<&str> = machines.iter().copied().take(10).collect();
                    let more = if machines.len() > known.len() { ", …" } else { "" };
                    format!("there are {}{more}", known.join(", "))
                }
            };
            let text = format!("--replace {name}: there is no such machine; {hint}");
            self.notes.push(Note { about: About::machine(name.as_str()), kind: NoteKind::Refused, text });
        }
    }

    /// Reports data that was released for deletion but does not exist or is still wanted.
    pub(super) fn unknown_data(&mut self, choices: &Choices) {
        let DeleteData::Of(names) = &choices.delete_data else { return };
        let data = self.seen.present().filter_map(|(address, object)| match object {
            Object::Volume(volume) if !self.nodes.contains_key(address) => {
                let is_data = matches!(volume.ours, Ours::Disk { .. })
                    && !volume.doubtful
                    && volume.elsewhere.is_none();
                is_data.then_some([&volume.machine, &volume.former])
            }
            _ => None,
        });
        let known: BTreeSet<&str> = data.flatten().filter_map(|name| name.as_deref()).collect();
        let is_known = |name: &String| known.contains(name.as_str()) || self.given_up.contains(name);
        // A name with a slash or a dot is of an object of another provider, as a claim in a cluster, or a zone.
        for name in names.iter().filter(|name| !name.contains(['/', '.']) && !is_known(name)) {
            let unproven = of_name(self.seen.present().map(|(_, object)| object), name);
            let hint = match unproven.as_slice() {
                [] => String::new(),
                some => format!(
                    ". Nothing shows that fmc made {}, so it stays: its own line says more",
                    some.join(" and ")
                ),
            };
            let text = format!("--delete-data {name}: it has no unwanted data disk{hint}");
            self.notes.push(Note { about: About::machine(name.as_str()), kind: NoteKind::Notice, text });
        }
    }
}
