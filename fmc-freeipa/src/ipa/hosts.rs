//! The hosts of a server: which are wanted, and which are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::checked::Checked;
use fmc_core::dns::{DnsName, ZoneServer, servers_of};
use fmc_core::graph::{Address, Carries, Edge, Node, Place, Seen, State, Wanted};
use fmc_core::ipa::FreeIpa;

use super::document::{Access, Document};
use super::host::{self, Host, HostState, ROLE};
use super::link::IpaLink;
use super::{HOST_KIND, NAME, ZONE_KIND, off_thread};
use crate::client::IpaError;
use crate::object::DnsObject;
use crate::wanted::{Part, machine_called};

/// The FreeIPA of the cloud whose first server this is, by its machine or, behind a tunnel, by its name.
pub(super) fn freeipa_of<'c>(server: &ZoneServer, checked: &'c Checked) -> Option<&'c FreeIpa> {
    checked.spanning_roles::<FreeIpa>().find(|freeipa| freeipa.has_server(server, checked))
}

/// Adds the hosts of the machines that enrol themselves. They come after the zones that they are in.
pub(super) fn add(wanted: &mut Wanted<Document>, servers: &BTreeMap<String, Arc<Access>>, checked: &Checked) {
    for server in servers_of(checked) {
        let (Some(access), Some(freeipa)) = (servers.get(&server.name), freeipa_of(&server, checked)) else {
            continue;
        };
        let place = Place::new(NAME, access.name.as_str());
        for enrolment in freeipa.enrolments(checked) {
            let fqdn = DnsName::from(&enrolment.fqdn);
            let zones = wanted.nodes.iter().filter(|(at, node)| {
                at.kind() == ZONE_KIND && *at.place() == place && fqdn.is_within(&node.document.zone)
            });
            let before = zones.map(|(at, _)| at).chain(&access.machine);
            let needs = before.map(|to| Edge { to: to.clone(), carries: Carries::Exists }).collect();
            let host = Host {
                fqdn: fqdn.bare().to_owned(),
                machine: machine_called(enrolment.machine.as_str(), checked),
                one_time_password: enrolment.one_time_password,
            };
            let at = Address::new(place.clone(), HOST_KIND, fqdn.bare());
            let document = Document {
                access: Arc::clone(access),
                cloud: Arc::clone(&wanted.owner),
                contact: fqdn.clone(),
                zone: fqdn,
                part: Part::Zone(Box::default()),
                forwarding: None,
                host: Some(host),
                entry: None,
                is_agreed: false,
            };
            wanted.nodes.insert(at, Node { document: Arc::new(document), needs, part_of: None });
        }
        wanted.places.insert(place);
    }
}

/// Reads the hosts of a server: the wanted ones, and others of ours. When the cloud is destroyed they go with their server.
pub(super) async fn look(
    place: &Place,
    access: &Arc<Access>,
    link: Arc<dyn IpaLink>,
    wanted: &Wanted<Document>,
    seen: &mut Seen<DnsObject>,
) {
    if !access.has_hosts || wanted.is_destroyed {
        return;
    }
    let names: Vec<String> = of(place, wanted).map(|at| at.name().to_owned()).collect();
    let (owner, own) = (Arc::clone(&wanted.owner), access.fqdn.bare().to_owned());
    let read = off_thread(link, move |link| read(link, &owner, &own, &names)).await;
    let cause = match read {
        Ok(Some(hosts)) => {
            for (fqdn, state) in hosts {
                let fingerprint = state.fingerprint();
                let object = DnsObject {
                    is_ours: state.is_of(&wanted.owner),
                    zone: fqdn.clone(),
                    host: Some(state),
                    ..DnsObject::of_step(BTreeMap::new(), None)
                };
                let at = Address::new(place.clone(), HOST_KIND, fqdn);
                seen.objects.insert(at, State::present(object, fingerprint));
            }
            return;
        }
        Ok(None) => {
            let (server, user) = (&access.name, access.login.credentials.user());
            format!(
                "failed to read the hosts of {server}: it hides them from {user}; give the user the role \"{ROLE}\""
            )
        }
        Err(error) => format!("failed to read the hosts of {}: failed to {error}", access.name),
    };
    for at in of(place, wanted) {
        seen.objects.insert(at.clone(), State::Unknown { cause: cause.clone() });
    }
}

/// The server does not answer yet. Its hosts wait for its zones, or, without any, their own steps wait for it.
pub(super) fn not_yet(place: &Place, access: &Access, wanted: &Wanted<Document>, seen: &mut Seen<DnsObject>) {
    let phase = format!("the FreeIPA server {} answers", access.name);
    for at in of(place, wanted) {
        let waits = wanted
            .nodes
            .get(at)
            .is_some_and(|node| node.needs.iter().any(|edge| edge.to.kind() == ZONE_KIND));
        if waits {
            seen.objects.insert(at.clone(), State::NotYet { phase: phase.clone(), is_new: true });
        }
    }
}

fn of<'w>(place: &'w Place, wanted: &'w Wanted<Document>) -> impl Iterator<Item = &'w Address> {
    wanted.nodes.keys().filter(move |at| at.kind() == HOST_KIND && at.place() == place)
}

/// The wanted hosts that are there, and those with the cloud's mark. `None` if the server hides even its own host.
fn read(
    link: &dyn IpaLink,
    owner: &str,
    own: &str,
    names: &[String],
) -> Result<Option<BTreeMap<String, HostState>>, IpaError> {
    let all = host::all(link)?;
    if !all.contains_key(own) {
        return Ok(None);
    }
    let is_asked = |(name, owners): &(&String, &Vec<String>)| {
        names.contains(*name) || owners.iter().any(|held| held == owner)
    };
    let asked = all.iter().filter(is_asked).map(|(name, _)| name.as_str());
    host::show(link, asked).map(Some)
}
