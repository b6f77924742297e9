//! Numbers of things, in messages for people.

use std::fmt;

/// A number of things, as `1 host`, `2 hosts`, `3 policies` or `4 ingresses`.
///
/// ```
/// use fmc_core::count::counted;
///
/// assert_eq!([counted(1, "host"), counted(2, "policy"), counted(0, "ingress")], ["1 host", "2 policies", "0 ingresses"]);
/// ```
pub fn counted(number: impl fmt::Display, what: &str) -> String {
    let number = number.to_string();
    match what.strip_suffix('y') {
        _ if number == "1" => format!("1 {what}"),
        Some(stem) => format!("{number} {stem}ies"),
        None if what.ends_with('s') => format!("{number} {what}es"),
        None => format!("{number} {what}s"),
    }
}
