//! A pool where a network belongs.

use fmc::prelude::*;

const FAST: PoolName = PoolName::literal("fast");

fn main() {
    let _ = Interface::on(FAST);
}
