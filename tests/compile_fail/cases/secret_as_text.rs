//! A secret in the program's text: secrets have no constructor from text, and a password hash is a secret.

use fmc::prelude::*;

fn main() {
    let _ = User::admin("ops").password_hash("$6$salt$hash");
}
