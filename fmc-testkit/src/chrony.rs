//! chrony, the real one: it judges its configuration, serves time in namespaces, and asks for it.
//!
//! Debian's package replaces a machine's own program of time, so a machine without it only gets the programs in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{scratch, write};

/// The folder that has `chronyd` and `chronyc`.
///
/// # Panics
///
/// When the machine has none and Debian's package cannot be fetched.
#[must_use]
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub fn folder() -> PathBuf {
    let installed = Path::new("/usr/sbin/chronyd");
    if installed.exists() {
        return PathBuf::from("/usr/sbin");
    }
    let fetch = |folder: &Path| {
        const SCRIPT: &str = "cd \"$1\" && apt-get download --quiet chrony && dpkg-deb --extract chrony_*.deb all && \
                              mv all/usr/sbin/chronyd all/usr/bin/chronyc . && rm -r all chrony_*.deb";
        let mut fetch = command("sh");
        run(fetch.args(["-c", SCRIPT, "chrony.sh"]).arg(folder)).success().map(drop)?;
        Ok(())
    };
    xtask::kept::kept("chrony", &["bookworm".to_owned()], fetch)
        .unwrap_or_else(|failure| panic!("chrony: {failure}"))
}

/// The words that start chronyd in the foreground with a configuration, on a machine whose clock it leaves as it is.
#[must_use]
pub fn daemon(configuration: &str) -> [String; 7] {
    let program = folder().join("chronyd").display().to_string();
    [&*program, "-d", "-x", "-u", "root", "-f", configuration].map(str::to_owned)
}

/// The words that ask for the time once, by lines of a configuration, and change nothing. It fails where no source is believed within some
/// seconds.
#[must_use]
pub fn question(lines: &[&str]) -> Vec<String> {
    let program = folder().join("chronyd").display().to_string();
    let mut words = [&*program, "-Q", "-t", "8", "-u", "root"].map(str::to_owned).to_vec();
    words.extend(lines.iter().map(|line| (*line).to_owned()));
    words
}

/// Judges a configuration, as `chronyd -p` reads it: a word that it does not know, a value out of its range.
///
/// # Errors
///
/// chrony refuses it, or warns.
pub fn check(configuration: &str) -> Result<(), Refused> {
    let folder_of_file = scratch();
    let file = folder_of_file.path().join("chrony.conf");
    write(&file, configuration.as_bytes());
    let mut check = Command::new(folder().join("chronyd"));
    run(check.args(["-p", "-f"]).arg(&file)).silent_success().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_refused() {
        assert!(check("server 192.0.2.1 iburst\nallow 192.0.2.0/24\nlocal stratum 10\n").is_ok());
        for wrong in
            ["sever 192.0.2.1\n", "server 192.0.2.1 iburst ky 1\n", "local stratum 99\n", "allow 300.1.1.1\n"]
        {
            let refused = check(wrong).unwrap_err();
            assert!(refused.words().contains("line 1"), "{wrong}: {refused}");
        }
    }
}
