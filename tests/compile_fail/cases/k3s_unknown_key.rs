//! A key that no `config.yaml` of K3s has.

use fmc::k3s::{Config, key};

fn main() {
    let _ = Config::new().set(key::DOMAIN_MEMORY, "4096");
}
