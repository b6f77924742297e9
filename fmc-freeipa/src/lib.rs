//! DNS for fmc: the zones of a cloud, kept up to date in servers.
//!
//! `client`, with the feature of that name, is a client of FreeIPA's API, and `server`, with the feature `sim`, a FreeIPA server for
//! tests that refuses what FreeIPA refuses.
//!
//! [`rfc2136`] is the provider for any server that takes dynamic updates: BIND, Knot, PowerDNS. `ipa`, with the feature `client`, is the
//! one for FreeIPA's API.
//!
//! ```
//! use fmc_core::cloud::Cloud;
//! use fmc_core::dns::{Dns, DnsServer, TsigKey};
//! use fmc_core::provider::Room as _;
//! use fmc_core::secret::Secret;
//! use fmc_freeipa::rfc2136::Rfc2136;
//!
//! let key = TsigKey::new("fmc-key", Secret::file("dns-key", "secrets/fmc-key"));
//! let ns1 = DnsServer::at("ns1", "192.0.2.53").fqdn("ns1.example.org").key(key);
//! let checked = Cloud::new("first").domain("example.org").dns(Dns::new().server(ns1)).check()?;
//! let wanted = Rfc2136::new().documents(&checked);
//! let addresses: Vec<String> = wanted.nodes.keys().map(ToString::to_string).collect();
//! assert_eq!(addresses, ["dns/ns1/name/ns1.example.org", "dns/ns1/zone/example.org"]);
//! # Ok::<(), fmc_core::finding::Report>(())
//! ```

#![forbid(unsafe_code)]

#[cfg(feature = "client")]
pub mod client;
mod consent;
mod homes;
mod host_keys;
#[cfg(feature = "client")]
pub mod ipa;
mod object;
mod reading;
mod records;
pub mod rfc2136;
#[cfg(feature = "sim")]
pub mod server;
mod thread;
mod wanted;
