//! A port that is written as text.

use fmc::prelude::*;

fn main() {
    let _ = Flows::new().accept(tcp("6443"), Peer::Anywhere);
}
