//! The way by which people come to the machines of a cloud by SSH.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Checked, Idx, Machine};
use crate::name::UserName;

/// The one machine by which people come to the others by SSH, as a role of it says: a bastion. Firewalls, `ssh_config` and waits follow
/// from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WayIn {
    /// The machine, by index.
    pub machine: Idx<Machine>,
    /// The address and the TCP port that people dial, if they are not the machine's own address and 22.
    pub dialled: Option<(IpAddr, u16)>,
    /// The people whom it lets in, by name.
    pub users: Vec<Passage>,
}

/// A user whom the way in lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// The user.
    pub user: UserName,
    /// The machines that the user may go on to, by index, sorted.
    pub to: Arc<[Idx<Machine>]>,
}

impl WayIn {
    /// By a machine of the cloud at its own address, without users.
    pub fn new(machine: Idx<Machine>) -> Self {
        Self { machine, dialled: None, users: Vec::new() }
    }

    /// The address and the TCP port that people dial.
    #[must_use]
    pub fn dialled(self, address: IpAddr, port: u16) -> Self {
        Self { dialled: Some((address, port)), ..self }
    }

    /// Lets a user in, who may go on to these machines.
    #[must_use]
    pub fn user(mut self, user: UserName, to: impl Into<Arc<[Idx<Machine>]>>) -> Self {
        self.users.push(Passage { user, to: to.into() });
        self
    }

    /// The users who may go on to a machine.
    pub fn users_to(&self, machine: Idx<Machine>) -> impl Iterator<Item = &UserName> {
        let may = move |passage: &&Passage| passage.to.binary_search(&machine).is_ok();
        self.users.iter().filter(may).map(|passage| &passage.user)
    }

    /// The address at which the machine of the way in calls another one; `None` if it is not known beforehand.
    pub fn address_of(&self, cloud: &Checked, machine: &Machine) -> Option<IpAddr> {
        machine.address_towards(cloud.at(self.machine)?)
    }
}
