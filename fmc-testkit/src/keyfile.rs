//! `NetworkManager`'s own reader of keyfiles: nmcli reads a connection and writes it again, and leaves out what it does not take.
//!
//! The programs are not installed, because `NetworkManager` would take over the machine's interfaces.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Refused;
use crate::program::{command, run, run_with_input};

/// The folder that has nmcli and its library.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
fn folder() -> PathBuf {
    let fetch = |folder: &Path| {
        const SCRIPT: &str = "cd \"$1\" && apt-get download --quiet network-manager libnm0 && for package in *.deb; do \
                              dpkg-deb --extract $package all; done && mv all/usr/bin/nmcli all/usr/lib/*/libnm.so.0* . && \
                              rm -r all *.deb";
        let mut fetch = command("sh");
        run(fetch.args(["-c", SCRIPT, "nmcli.sh"]).arg(folder)).success().map(drop)?;
        Ok(())
    };
    xtask::kept::kept("nmcli", &["bookworm".to_owned()], fetch)
        .unwrap_or_else(|failure| panic!("nmcli: {failure}"))
}

/// Judges a keyfile whose every line says something that is not the default.
///
/// # Errors
///
/// nmcli refuses it, or leaves a line out.
pub fn judge(text: &str) -> Result<(), Refused> {
    let folder = folder();
    let mut nmcli = Command::new(folder.join("nmcli"));
    nmcli.env("LD_LIBRARY_PATH", &folder).env("LC_ALL", "C");
    // It changes what is so already.
    let kind = text.lines().find_map(|line| line.strip_prefix("interface-name=")).unwrap_or("lo");
    nmcli.args(["--offline", "connection", "modify", "connection.interface-name", kind]);
    let verdict = run_with_input(&mut nmcli, text);
    let written = verdict.silent_success()?;
    let is_taken =
        |line: &&str| line.is_empty() || line.starts_with('#') || written.lines().any(|own| own == *line);
    let lost: Vec<&str> = text.lines().filter(|line| !is_taken(line)).collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(Refused::new("nmcli", format!("it left out {}, and wrote\n{written}", lost.join(" and "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_it_does_not_take_is_refused() {
        let text = "[connection]\nid=lan\ntype=ethernet\ninterface-name=eth7\n\n[ethernet]\nmtu=1400\n\n[ipv4]\nmethod=auto\n";
        judge(text).unwrap();
        for wrong in ["mtuu=1400", "mtu=many"] {
            let refused = judge(&text.replace("mtu=1400", wrong)).unwrap_err();
            assert!(refused.words().contains(wrong) || refused.words().contains("mtu"), "{refused}");
        }
    }
}
