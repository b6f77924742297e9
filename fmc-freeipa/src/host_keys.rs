//! The fingerprints of machines' SSH host keys, by which `ssh -o VerifyHostKeyDNS=yes` knows them (RFC 4255, RFC 7479).
//!
//! The keys are made from the root key, so they are known where the secrets are: a plan without them leaves fingerprints as they are.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fmc_core::checked::Checked;
use fmc_core::digest::Digest;
use fmc_core::dns::{DnsName, RecordData};
use fmc_core::secret::{SecretRef, Secrets};

use crate::records::{A, AAAA, SSHFP, Set, Sets};

/// The number of Ed25519 among the algorithms of keys, and that of SHA-256 among the hashes (IANA, *SSHFP RR Types*).
const ED25519: u8 = 4;
const SHA256: u8 = 2;

/// The machines with an SSH host key of the cloud, by their names in DNS, each with its fingerprint, if the key is known here.
#[derive(Default)]
pub(crate) struct HostKeys(BTreeMap<DnsName, Option<RecordData>>);

impl HostKeys {
    /// Those of a cloud.
    pub(crate) fn of(checked: &Checked, secrets: Option<&(dyn Secrets + Send + Sync)>) -> Self {
        let machines = checked.machines().iter().filter_map(|machine| {
            let fqdn = machine.fqdn.as_ref()?;
            Some((DnsName::from(fqdn), fingerprint(machine.ssh_host_key()?, secrets)))
        });
        Self(machines.collect())
    }

    /// Adds the fingerprint to the records of a machine's name that has none by the cloud's own records. Whether those that are there stay,
    /// because the key is not known here.
    pub(crate) fn add(&self, name: &DnsName, ttl: u32, sets: &mut Sets) -> bool {
        let has_address = sets.contains_key(&A) || sets.contains_key(&AAAA);
        let found = self.0.get(name).filter(|_| has_address && !sets.contains_key(&SSHFP));
        match found {
            Some(Some(data)) => {
                let data = BTreeMap::from([(data.wire(), data.to_string())]);
                sets.insert(SSHFP, Set { ttl, data });
                false
            }
            Some(None) => true,
            None => false,
        }
    }
}

/// The fingerprint of a public key, as its line `ssh-ed25519 KEY` says it.
fn fingerprint(public: &SecretRef, secrets: Option<&(dyn Secrets + Send + Sync)>) -> Option<RecordData> {
    let line = secrets?.bytes(public).ok()?;
    let text = std::str::from_utf8(line.expose()).ok()?;
    let mut words = text.split_ascii_whitespace();
    let key = words.next().filter(|kind| *kind == "ssh-ed25519").and_then(|_| words.next())?;
    let Digest::Sha256(fingerprint) = Digest::sha256(&STANDARD.decode(key).ok()?) else { return None };
    Some(RecordData::Sshfp { algorithm: ED25519, hash: SHA256, fingerprint: fingerprint.to_vec() })
}
