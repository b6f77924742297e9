//! Checks a configuration as `keepalived -t` reads it.

use std::path::Path;

use crate::Refused;
use crate::program::{as_root, run};
use crate::tree::{scratch, write};

/// Checks a configuration in a network namespace that has only these interfaces.
///
/// The scripts that it names must exist.
///
/// # Errors
///
/// Everything that keepalived prints. It prints only complaints, continues after most mistakes, and skips the
/// text after an unknown word.
pub fn check(configuration: &str, interfaces: &[&str]) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("keepalived.conf");
    write(&file, configuration.as_bytes());
    check_file(&file, interfaces)
}

/// Checks a configuration file in place.
///
/// # Errors
///
/// As [`check`].
pub fn check_file(path: &Path, interfaces: &[&str]) -> Result<(), Refused> {
    // Looked up here, so that a missing program does not look like a refusal by the shell.
    let _ = crate::program::command("keepalived");
    // `-l` logs to standard error. The process files of the machine's own keepalived are not read.
    const SCRIPT: &str = "PATH=$PATH:/usr/sbin:/sbin; file=$1; shift; \
        for name; do ip link add \"$name\" type bridge && ip link set \"$name\" up || exit; done; \
        exec keepalived --config-test --log-console --no-syslog --use-file \"$file\" 2>&1";
    let mut check = as_root("unshare");
    check.args(["--net", "sh", "-c", SCRIPT, "keepalived.sh"]).arg(path).args(interfaces);
    let verdict = run(&mut check);
    if verdict.stdout.trim().is_empty() { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "global_defs {\n  router_id one\n  enable_script_security\n  script_user root\n}\n\
                        vrrp_instance api {\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority 100\n  advert_int 1\n\
                        \x20 virtual_ipaddress {\n    10.17.5.10/24\n  }\n}\n";

    #[test]
    fn a_configuration_is_accepted() {
        check(GOOD, &["eth0"]).unwrap();
    }

    #[test]
    fn an_unknown_word_is_refused() {
        let refused = check(&GOOD.replace("advert_int", "advert_interval"), &["eth0"]).unwrap_err();
        assert!(refused.words().contains("advert_interval"), "{refused}");
    }

    #[test]
    fn a_warning_is_a_refusal() {
        // keepalived replaces a priority out of range, and a master that does not preempt is a contradiction.
        for wrong in [
            GOOD.replace("priority 100", "priority 300"),
            GOOD.replace("state BACKUP", "state MASTER\n  nopreempt"),
            GOOD.replace("virtual_router_id 51", "virtual_router_id 0"),
        ] {
            let refused = check(&wrong, &["eth0"]).unwrap_err();
            assert!(refused.words().contains("api"), "{refused}");
        }
    }

    #[test]
    fn an_interface_that_is_not_there_is_refused() {
        let refused = check(GOOD, &["ens3"]).unwrap_err();
        assert!(refused.words().contains("eth0"), "{refused}");
    }
}
