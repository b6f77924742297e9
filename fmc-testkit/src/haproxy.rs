//! `HAProxy`, as `haproxy -c` reads a configuration.

use std::path::Path;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{scratch, write};

/// Checks a configuration on its own. The files that it names must exist.
///
/// # Errors
///
/// The complaint of `HAProxy`; a warning counts.
pub fn check(configuration: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("haproxy.cfg");
    write(&file, configuration.as_bytes());
    check_file(&file)
}

/// Checks a configuration file or a folder of them in place.
///
/// # Errors
///
/// As [`check`].
pub fn check_file(path: &Path) -> Result<(), Refused> {
    // `-dW` makes a warning fail. The output is read as well, for versions that print a milder message.
    let verdict = run(command("haproxy").args(["-c", "-dW", "-f"]).arg(path));
    let has_word = |text: &str| ["[WARNING]", "[ALERT]", "[NOTICE]"].iter().any(|word| text.contains(word));
    if has_word(&verdict.stdout) || has_word(&verdict.stderr) {
        return Err(verdict.refused());
    }
    verdict.success().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
                        frontend api\n  bind 127.0.0.1:6443\n  default_backend servers\n\
                        backend servers\n  option tcp-check\n  server one 127.0.0.1:16443 check\n";

    #[test]
    fn a_configuration_is_accepted() {
        check(GOOD).unwrap();
    }

    #[test]
    fn a_wrong_word_is_refused() {
        let refused = check(&GOOD.replace("option tcp-check", "option tcp-chekc")).unwrap_err();
        assert!(refused.words().contains("unknown option 'tcp-chekc'"), "{refused}");
    }

    #[test]
    fn a_warning_is_a_refusal() {
        let refused = check(&GOOD.replace("  timeout client 1h\n", "")).unwrap_err();
        assert!(refused.words().contains("missing timeouts"), "{refused}");
        let refused =
            check(&GOOD.replace("backend servers\n", "backend servers\n  option forwardfor\n")).unwrap_err();
        assert!(refused.words().contains("forwardfor"), "{refused}");
    }

    #[test]
    fn no_configuration_is_refused() {
        check("").unwrap_err();
    }
}
