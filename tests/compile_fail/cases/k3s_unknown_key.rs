//! A key that K3s's `config.yaml` does not have.

use fmc::k3s::{Config, key};

fn main() {
    let _ = Config::new().set(key::DOMAIN_MEMORY, "4096");
}
