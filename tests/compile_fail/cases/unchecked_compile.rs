//! A cloud that was not checked.

use fmc::prelude::*;

fn main() {
    let _ = fmc::compile(&Cloud::new("first"));
}
