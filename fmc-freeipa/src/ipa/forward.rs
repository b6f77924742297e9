//! Where a server asks for names that it does not have: its forward zones, and its own forwarders. FreeIPA has no place for a mark
//! of these, so the cloud decides those that it names, and no others.

use std::collections::BTreeMap;

use fmc_core::dns::{DnsName, Forwarding};
use fmc_core::graph::{Change, Fingerprint, Impact, Verdict};
use serde_json::{Map, Value, json};

use super::link::IpaLink;
use crate::client::dns::find;
use crate::client::{IpaCall, IpaEntry, IpaError};
use crate::object::DnsObject;

/// Where a server asks, as it says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forwards {
    /// Addresses, with a port if it is not 53.
    forwarders: Vec<String>,
    policy: String,
    is_disabled: bool,
}

impl Forwards {
    fn of(entry: &IpaEntry) -> Self {
        let mut forwarders = entry.texts("idnsforwarders");
        for forwarder in &mut forwarders {
            if let Ok(address) = forwarder.parse::<std::net::IpAddr>() {
                *forwarder = address.to_string();
            }
        }
        Self {
            forwarders,
            policy: entry.text("idnsforwardpolicy").unwrap_or_default(),
            is_disabled: entry.flag("idnszoneactive") == Some(false),
        }
    }

    fn wanted(forwarding: &Forwarding) -> Self {
        Self {
            forwarders: forwarding.forwarders.iter().map(ToString::to_string).collect(),
            policy: forwarding.policy.to_string(),
            is_disabled: false,
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(format!("{self:?}").as_bytes())
    }
}

/// How a wanted forwarding is shown.
pub(super) fn shown(forwarding: &Forwarding) -> String {
    let Forwards { forwarders, policy, .. } = Forwards::wanted(forwarding);
    format!("{} ({policy})", forwarders.join(", "))
}

/// The difference to the wanted forwarding. The order of forwarders means nothing to BIND.
pub(super) fn compare(forwarding: &Forwarding, object: &DnsObject, name: &str) -> Verdict {
    let wanted = Forwards::wanted(forwarding);
    let seen = object.forwards.clone().unwrap_or_default();
    if seen.is_disabled {
        return Verdict::Held(format!("it is disabled: run `ipa dnsforwardzone-enable {name}`"));
    }
    let sorted = |forwards: &Forwards| {
        let mut forwarders = forwards.forwarders.clone();
        forwarders.sort_unstable();
        forwarders.join(", ")
    };
    let pairs = [
        ("forwarders", sorted(&seen), sorted(&wanted)),
        ("policy", seen.policy.clone(), wanted.policy.clone()),
    ];
    let changes = pairs.into_iter().filter(|(_, from, to)| from != to).map(|(path, from, to)| Change {
        path: path.to_owned(),
        from: Some(from).filter(|from| !from.is_empty()),
        to: Some(to),
        impact: Impact::Live,
        reason: None,
    });
    let changes: Vec<Change> = changes.collect();
    if changes.is_empty() { Verdict::Same } else { Verdict::Differs(changes) }
}

/// The forward zones of a server, by their absolute names.
pub(super) fn zones(link: &dyn IpaLink) -> Result<BTreeMap<String, Forwards>, IpaError> {
    let entries = link.ask("dnsforwardzone_find", &[], find())?.into_entries();
    let named = entries.iter().filter_map(|entry| Some((entry.text("idnsname")?, Forwards::of(entry))));
    Ok(named.collect())
}

/// The forwarders of the server itself.
pub(super) fn config(link: &dyn IpaLink) -> Result<Forwards, IpaError> {
    Ok(Forwards::of(&link.ask("dnsconfig_show", &[], Map::new())?.entry()))
}

/// The call by which a forward zone, or without a name the server itself, forwards as wanted.
pub(super) fn call(zone: Option<(&DnsName, bool)>, forwarding: &Forwarding) -> IpaCall {
    let wanted = Forwards::wanted(forwarding);
    let mut options = Map::new();
    options.insert("idnsforwarders".to_owned(), json!(wanted.forwarders));
    options.insert("idnsforwardpolicy".to_owned(), json!(wanted.policy));
    let named = |zone: &DnsName| -> Vec<Value> { vec![json!(zone.as_str())] };
    match zone {
        None => IpaCall::new("dnsconfig_mod", Vec::new(), options),
        Some((zone, true)) => IpaCall::new("dnsforwardzone_mod", named(zone), options),
        Some((zone, false)) => {
            options.insert("skip_overlap_check".to_owned(), json!(true));
            IpaCall::new("dnsforwardzone_add", named(zone), options)
        }
    }
}
