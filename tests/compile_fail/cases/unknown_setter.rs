//! A value that no code reads: `domain_memory` stood beside `memory` and had no effect.

use fmc::prelude::*;

fn main() {
    let _ = Machine::new("web", Image::blank()).domain_memory(4.gib());
}
