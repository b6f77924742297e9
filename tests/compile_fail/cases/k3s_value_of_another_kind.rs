//! A number where K3s takes names of its own parts.

use fmc::k3s::{Config, key};

fn main() {
    let _ = Config::new().set(key::DISABLE, 3);
}
