//! The provider's part of a cloud: the zones of FreeIPA servers and their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::dns::{DnsName, ZoneServer, forward_zones_of, servers_of, zones_of};
use fmc_core::graph::{Address, Carries, Edge, Node, Note, Place, Seen, Wanted};
#[cfg(feature = "sim")]
use fmc_core::provider::SimulationError;
use fmc_core::provider::{Drift, Room, Status};
use fmc_core::secret::{SecretRef, Secrets};

use super::document::{Access, Document};
use super::{CONFIG_KIND, FORWARD_KIND, Ipa, NAME, NAME_KIND, host, hosts, people};
use crate::host_keys::HostKeys;
use crate::object::{DnsObject, drift, status};
use crate::wanted::{Part, add, hosts_first, machine_of};

impl Room for Ipa {
    const NAME: &'static str = NAME;

    fn documents(&self, checked: &Checked) -> Wanted<Document> {
        let cloud: Arc<str> = checked.owner().as_str().into();
        let mut wanted = Wanted::nothing(Arc::clone(&cloud));
        // Nothing boots in a lab, and a server elsewhere has the names of the cloud itself.
        if checked.is_lab() {
            return wanted;
        }
        let servers: BTreeMap<String, Arc<Access>> = servers_of(checked)
            .into_iter()
            .filter_map(|server| Some((server.name.clone(), Arc::new(access(server, checked)?))))
            .collect();
        let zones = zones_of(checked);
        let host_keys = HostKeys::of(checked, self.secrets.as_deref());
        for zone in &zones {
            let Some(access) = zone.server.as_ref().and_then(|server| servers.get(server)) else { continue };
            let place = Place::new(NAME, access.name.as_str());
            let document = |part| Document {
                access: Arc::clone(access),
                cloud: Arc::clone(&cloud),
                zone: zone.name.clone(),
                contact: zone.soa.contact.clone(),
                part,
                forwarding: None,
                host: None,
                entry: None,
                is_agreed: false,
            };
            add(&mut wanted, &place, access.machine.as_ref(), zone, &zones, &host_keys, document);
        }
        let forwards = forward_zones_of(checked).into_iter().filter_map(|(zone, server, forwarding)| {
            Some((servers.get(&server)?, FORWARD_KIND, zone, forwarding))
        });
        let configs = servers_of(checked).into_iter().filter_map(|server| {
            let access = servers.get(&server.name)?;
            Some((access, CONFIG_KIND, access.fqdn.clone(), server.forwarding?))
        });
        for (access, kind, zone, forwarding) in forwards.chain(configs) {
            let place = Place::new(NAME, access.name.as_str());
            let at = Address::new(place.clone(), kind, if kind == CONFIG_KIND { "dns" } else { zone.bare() });
            let document = Document {
                access: Arc::clone(access),
                cloud: Arc::clone(&cloud),
                contact: zone.clone(),
                zone,
                part: Part::Zone(Box::default()),
                forwarding: Some(forwarding),
                host: None,
                entry: None,
                is_agreed: false,
            };
            let edge = |to: &Address| Edge { to: to.clone(), carries: Carries::Exists };
            let needs = access.machine.iter().map(edge).collect();
            wanted.nodes.insert(at, Node { document: Arc::new(document), needs, part_of: None });
            wanted.places.insert(place);
        }
        hosts::add(&mut wanted, &servers, checked);
        people::add(&mut wanted, &servers, checked);
        hosts_first(&mut wanted, Document::name);
        wanted
    }

    fn secrets<'a>(&self, document: &'a Document) -> Vec<&'a SecretRef> {
        let login = &document.access.login;
        let host = document.host.as_ref().map(|host| &host.one_time_password);
        login.credentials.password().into_iter().chain([&login.ca]).chain(host).collect()
    }

    fn with_secrets(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<Self> {
        Some(Self { secrets: Some(secrets), ..self.clone() })
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[(NAME_KIND, "name")]
    }

    fn former<'a>(&self, object: &'a DnsObject) -> Option<&'a str> {
        let is_named =
            object.many.is_some() || ((object.host.is_some() || object.entry.is_some()) && object.is_ours);
        is_named.then_some(object.zone.as_str())
    }

    fn beside(
        &self,
        wanted: &Wanted<Document>,
        seen: &Seen<DnsObject>,
        is_there: &dyn Fn(&Address) -> Option<bool>,
    ) -> Vec<Note> {
        let hosts = wanted.nodes.iter().filter_map(|(at, node)| Some((at, node.document.host.as_ref()?)));
        let new = hosts.filter(|(_, host)| host.machine.as_ref().and_then(is_there) == Some(false));
        let of_hosts = new.filter_map(|(at, host)| host::note_of_new_machine(at, host, seen.object(at)?));
        of_hosts.chain(people::moot(wanted, seen)).collect()
    }

    fn status(&self, _: &Checked, wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Status {
        status(self, wanted, seen)
    }

    fn drift(&self, wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Drift {
        let mut found = drift(self, wanted, seen, Document::name);
        found.unclear.extend(people::drift(wanted, seen));
        found
    }

    #[cfg(feature = "sim")]
    fn simulation(&self, state: Option<&str>) -> Result<Option<Self>, SimulationError> {
        Self::in_memory(state).map(Some)
    }

    #[cfg(feature = "sim")]
    fn simulated(&self) -> Option<String> {
        self.simulated.as_ref().and_then(super::sim::Simulated::state)
    }
}

/// How a server is reached; `None` if it is not a FreeIPA server.
fn access(server: ZoneServer, checked: &Checked) -> Option<Access> {
    let machine = machine_of(&server, checked);
    let has_hosts = hosts::freeipa_of(&server, checked).is_some();
    let of_people = checked.people().and_then(|people| people.server_in(checked));
    let has_people = of_people.is_some_and(|of_people| of_people.name == server.name);
    Some(Access {
        has_hosts,
        has_people,
        fqdn: DnsName::from(server.fqdn.as_ref()?),
        name: server.name,
        address: server.address,
        login: server.ipa?,
        machine,
    })
}
