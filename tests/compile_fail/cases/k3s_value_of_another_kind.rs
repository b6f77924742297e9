//! A number where K3s expects names of its own components.

use fmc::k3s::{Config, key};

fn main() {
    let _ = Config::new().set(key::DISABLE, 3);
}
