//! Where a spanning role is: its members in a checked cloud.

use std::any::Any;
use std::fmt;

use crate::checked::Checked;
use crate::role::{Assigned, Site};

/// The members of a spanning role in a checked cloud.
#[derive(Clone, Copy)]
pub struct SpanSite<'a> {
    cloud: &'a Checked,
    /// All roles of the cloud, by machine.
    assigned: &'a [Assigned],
    /// Which of the cloud's spanning roles it is.
    span: usize,
}

impl<'a> SpanSite<'a> {
    pub(crate) const fn new(cloud: &'a Checked, assigned: &'a [Assigned], span: usize) -> Self {
        Self { cloud, assigned, span }
    }

    /// The cloud.
    pub const fn cloud(&self) -> &'a Checked {
        self.cloud
    }

    /// The spanning roles of a type that the cloud states itself, each with its path, as `roles[0]`, in the order of the draft. A
    /// role that is asked is among them.
    pub fn stated<R: Any>(&self) -> impl Iterator<Item = (String, &'a R)> + use<'a, R> {
        self.cloud.stated_roles()
    }

    /// Whether the cloud states a cluster of this name, even one whose values are wrong, which has findings of its own.
    pub fn states_cluster(&self, name: &str) -> bool {
        self.cloud.states_cluster(name)
    }

    /// Each membership with its machine, in the order of the machines' names. A machine with two roles occurs twice.
    pub fn members(&self) -> impl Iterator<Item = Site<'a>> + use<'a> {
        let Self { cloud, assigned, span } = *self;
        let ours = assigned.iter().filter(move |one| one.span == Some(span));
        ours.filter_map(move |one| Some(Site::new(cloud, cloud.at(one.machine)?, assigned)))
    }
}

impl fmt::Debug for SpanSite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members().map(|site| &site.machine().name)).finish()
    }
}
