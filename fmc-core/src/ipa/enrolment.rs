//! The machines that enrol themselves, as the FreeIPA server has to know them.

use super::FreeIpa;
use crate::checked::{Checked, Machine};
use crate::dns::ZoneServer;
use crate::given::Given;
use crate::name::{Fqdn, MachineName};
use crate::secret::SecretRef;

/// A machine that enrols itself in a FreeIPA of the cloud.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Enrolment {
    /// The machine.
    pub machine: MachineName,
    /// Its full name, by which FreeIPA knows its host.
    pub fqdn: Fqdn,
    /// The password by which it enrols itself once, by reference. The entry of its host must have it.
    pub one_time_password: SecretRef,
}

impl FreeIpa {
    /// The machine of the first server; `None` if the cloud has no such machine.
    pub fn first_server<'s>(&self, cloud: &'s Checked) -> Option<&'s Machine> {
        cloud.machine(self.server.ok()?.as_str())
    }

    /// Whether a server of zones is its first server, by its machine or, behind a tunnel, by its name.
    pub fn has_server(&self, server: &ZoneServer, cloud: &Checked) -> bool {
        self.first_server(cloud).is_some_and(|first| match &server.machine {
            Some(machine) => machine == first.name.as_str(),
            None => server.fqdn.is_some() && server.fqdn == first.fqdn,
        })
    }

    /// The machines that it knows: its servers, and those that are enrolled.
    pub fn members_in<'s>(&'s self, cloud: &'s Checked) -> impl Iterator<Item = &'s Machine> {
        let clients = self.clients.iter().filter_map(Given::ok);
        self.servers(cloud).chain(clients.filter_map(|name| cloud.machine(name.as_str())))
    }

    /// The machines that enrol themselves in it, by name.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::ipa::FreeIpa;
    ///
    /// // The clients of a cloud without machines are none.
    /// let checked = Cloud::new("first").check()?;
    /// assert!(FreeIpa::on("ipa1").enrolments(&checked).is_empty());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn enrolments(&self, cloud: &Checked) -> Vec<Enrolment> {
        let clients = self.clients.iter().filter_map(Given::ok);
        let enrolment = |machine: &Machine| {
            Some(Enrolment {
                machine: machine.name.clone(),
                fqdn: machine.fqdn.clone()?,
                one_time_password: self.one_time_password(&machine.name).reference()?,
            })
        };
        let machines = clients.filter_map(|name| cloud.machine(name.as_str()));
        let mut enrolments: Vec<Enrolment> = machines.filter_map(enrolment).collect();
        enrolments.sort_by(|one, other| one.machine.cmp(&other.machine));
        enrolments
    }
}
