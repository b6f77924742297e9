//! A value that nothing reads: `domain_memory` stood beside `memory`, and changed nothing.

use fmc::prelude::*;

fn main() {
    let _ = Machine::new("web", Image::blank()).domain_memory(4.gib());
}
