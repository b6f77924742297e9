//! A secret that is written into the program: it has no constructor from text, and a password hash is one.

use fmc::prelude::*;

fn main() {
    let _ = User::admin("ops").password_hash("$6$salt$hash");
}
