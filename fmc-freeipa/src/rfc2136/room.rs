//! The provider's part of a cloud: zones and names that follow from its DNS.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::dns::{ZoneServer, servers_of, zones_of};
use fmc_core::graph::{Place, Seen, Wanted};
#[cfg(feature = "sim")]
use fmc_core::provider::SimulationError;
use fmc_core::provider::{ByHand, Drift, Room, Status};
use fmc_core::secret::{SecretRef, Secrets};

use super::document::{Access, Document};
use super::{NAME, NAME_KIND, Rfc2136};
use crate::host_keys::HostKeys;
use crate::object::{DnsObject, drift, status};
use crate::wanted::{add, hosts_first, machine_of};

impl Room for Rfc2136 {
    const NAME: &'static str = NAME;

    fn documents(&self, checked: &Checked) -> Wanted<Document> {
        let owner: Arc<str> = checked.owner().as_str().into();
        let mut wanted = Wanted::nothing(owner);
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
                zone: zone.name.clone(),
                part,
                is_agreed: false,
            };
            add(&mut wanted, &place, access.machine.as_ref(), zone, &zones, &host_keys, document);
        }
        hosts_first(&mut wanted, Document::name);
        wanted
    }

    /// The zones as files, for servers that take no updates and for a server's first start.
    fn by_hand(&self, checked: &Checked) -> Vec<ByHand> {
        let zones = zones_of(checked).into_iter();
        let kept: Vec<String> =
            servers_of(checked).into_iter().filter(ZoneServer::is_kept).map(|server| server.name).collect();
        let by_hand = zones.filter(|zone| zone.server.as_ref().is_none_or(|server| !kept.contains(server)));
        by_hand
            .map(|zone| ByHand {
                place: zone.server.clone().unwrap_or_else(|| zone.name.bare().to_owned()).into(),
                path: format!("dns/{}.zone", zone.name.bare()),
                kind: "zone",
                text: zone.file().into(),
                why: format!("The zone {} is served from its file", zone.name.bare()),
                loads: "named-checkzone",
            })
            .collect()
    }

    fn secrets<'a>(&self, document: &'a Document) -> Vec<&'a SecretRef> {
        document.access.secrets().collect()
    }

    fn with_secrets(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<Self> {
        Some(Self { secrets: Some(secrets), ..self.clone() })
    }

    fn nouns(&self) -> &'static [(&'static str, &'static str)] {
        &[(NAME_KIND, "name")]
    }

    fn former<'a>(&self, object: &'a DnsObject) -> Option<&'a str> {
        object.many.map(|_| object.zone.as_str())
    }

    fn status(&self, _: &Checked, wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Status {
        status(self, wanted, seen)
    }

    fn drift(&self, wanted: &Wanted<Document>, seen: &Seen<DnsObject>) -> Drift {
        drift(self, wanted, seen, Document::name)
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

/// How a server is reached; `None` if it has no key, so that its zones are files.
fn access(server: ZoneServer, checked: &Checked) -> Option<Access> {
    let machine = machine_of(&server, checked);
    let key = server.key?;
    let transfer_key = server.transfer_key.unwrap_or_else(|| key.clone());
    Some(Access {
        name: server.name,
        address: server.address,
        port: server.port,
        key,
        transfer_key,
        read_by: server.read_by,
        cloud: checked.owner().as_str().into(),
        machine,
    })
}
