//! SHIM so that others compile: the guest engineer replaces this file.
#![expect(missing_docs, reason = "shim")]
use crate::checked::{Checked, Machine};
use sha2::Digest as _;

#[derive(Debug)]
pub struct Boot(String);
impl Boot {
    pub fn digest(&self) -> [u8; 32] {
        sha2::Sha256::digest(&self.0).into()
    }
}
pub fn boot(_: &Checked, machine: &Machine) -> Option<Boot> {
    machine.is_provisioned().then(|| Boot(format!("{machine:?}")))
}
