//! nftables, in a network namespace of its own: the machine's tables are neither read nor changed.

use crate::Refused;
use crate::program::{as_root, run_with_input};

/// Lets the kernel check a ruleset without loading it.
///
/// # Errors
///
/// The complaint of nft.
pub fn check(ruleset: &str) -> Result<(), Refused> {
    in_namespace("nft -c -f -", ruleset).map(drop)
}

/// Loads a ruleset twice into an empty namespace, and gives the second listing, which must equal the first.
///
/// # Errors
///
/// nft's error when it cannot load the ruleset, or both listings when they differ.
pub fn load_twice_is_stable(ruleset: &str) -> Result<String, Refused> {
    const MARK: &str = "# listed again\n";
    // The ruleset arrives once, on standard input; the shell keeps it in a variable.
    let script = format!(
        "rules=$(cat) || exit; load() {{ printf '%s\\n' \"$rules\" | nft -f - && nft list ruleset; }}; \
         load && printf '{}' && load",
        MARK.replace('\n', "\\n")
    );
    let listings = in_namespace(&script, ruleset)?;
    match listings.split_once(MARK) {
        Some((first, second)) if first == second => Ok(second.to_owned()),
        _ => Err(Refused::new("nft", format!("a second load changes the rules:\n{listings}"))),
    }
}

fn in_namespace(script: &str, input: &str) -> Result<String, Refused> {
    // Looked up here, so that a missing nft does not look like a refusal by the shell.
    let _ = crate::program::command("nft");
    let script = format!("PATH=$PATH:/usr/sbin:/sbin; {script}");
    run_with_input(as_root("unshare").args(["--net", "sh", "-c", &script]), input).silent_success()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "table inet demo {\n\tchain post {\n\t\ttype nat hook postrouting priority srcnat;\n\
                         \t\tip saddr 10.0.0.0/24 masquerade\n\t}\n}\n";

    #[test]
    fn a_table_that_is_first_emptied_is_stable() {
        let ruleset = format!("table inet demo\ndelete table inet demo\n{TABLE}");
        check(&ruleset).unwrap();
        assert!(load_twice_is_stable(&ruleset).unwrap().contains("10.0.0.0/24 masquerade"));
    }

    #[test]
    fn a_table_that_grows_is_refused() {
        let refused = load_twice_is_stable(TABLE).unwrap_err();
        assert!(refused.words().contains("a second load changes the rules"), "{refused}");
    }

    #[test]
    fn a_wrong_rule_is_refused() {
        check("table inet demo { chain c { ip saddr 10.0.0.300 accept; }; }").unwrap_err();
    }
}
