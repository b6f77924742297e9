//! Checks a configuration as `nginx -t` reads it.

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{scratch, write};

/// Checks a whole configuration.
///
/// # Errors
///
/// The complaint of nginx; a warning counts.
pub fn check(configuration: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("nginx.conf");
    // Logs and the process file go to the folder, so that a test does not need the machine's own places.
    let own = format!("{}/", folder.path().display());
    let configuration =
        configuration.replace("/var/log/nginx/", &own).replace("/run/nginx.pid", &format!("{own}pid"));
    write(&file, configuration.as_bytes());
    let verdict = run(command("nginx").args(["-t", "-q", "-e", "stderr", "-c"]).arg(&file));
    verdict.silent_success().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "events {}\nhttp {\n  server {\n    listen 8080;\n    root /srv;\n  }\n}\n";

    #[test]
    fn a_configuration_is_accepted() {
        check(GOOD).unwrap();
    }

    #[test]
    fn what_is_wrong_or_warned_about_is_refused() {
        let refused = check(&GOOD.replace("root", "rot")).unwrap_err();
        assert!(refused.words().contains("unknown directive"), "{refused}");
        let twice = GOOD
            .replace("events", "user nobody;\nevents")
            .replace("listen 8080", "listen 8080; server_name a a");
        check(&twice).unwrap_err();
    }
}
