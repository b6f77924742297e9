//! A cloud that nobody checked.

use fmc::prelude::*;

fn main() {
    let _ = fmc::compile(&Cloud::new("first"));
}
