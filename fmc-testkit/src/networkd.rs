//! systemd-networkd, the real one, judges its files: it reads them where its kernel has no interface for them.

use std::path::Path;

use crate::Refused;
use crate::program::{as_root, require_root, run};
use crate::tree::{scratch, write};

/// Where systemd-networkd is on Debian.
const PROGRAM: &str = "/usr/lib/systemd/systemd-networkd";

const SCRIPT: &str = include_str!("networkd/judge.sh");

/// Judges files of `/etc/systemd/network`, by name and text, in namespaces of their own. They are readable for root and the group of
/// systemd-networkd alone, as those with keys are on a machine.
///
/// # Errors
///
/// What systemd-networkd says of any of them, warnings included, and a netdev that it does not load.
///
/// # Panics
///
/// When the machine has no systemd-networkd, or this process is not root and `sudo -n` does not help.
pub fn judge(files: &[(&str, &str)]) -> Result<(), Refused> {
    assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: it is part of Debian's systemd");
    require_root("systemd-networkd");
    let folder = scratch();
    for (name, text) in files {
        write(&folder.path().join(name), text.as_bytes());
    }
    let mut judge = as_root("unshare");
    judge.args(["--mount", "--net", "sh", "-c", SCRIPT, "judge.sh", PROGRAM]).arg(folder.path());
    let log = run(&mut judge).success()?;
    let refused = |words: String| Refused::new("systemd-networkd", words);
    let of_files: Vec<&str> = log.lines().filter(|line| line.contains("/etc/systemd/network/")).collect();
    if !of_files.is_empty() {
        return Err(refused(of_files.join("\n")));
    }
    let wanted = files.iter().filter(|(name, _)| name.ends_with(".netdev")).count();
    let loaded = log.lines().filter(|line| line.contains(": loaded \"")).count();
    if loaded == wanted {
        Ok(())
    } else {
        Err(refused(format!("{loaded} of {wanted} netdevs were loaded\n{log}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_it_does_not_know_is_refused() {
        let netdev = "[NetDev]\nName=dummy7\nKind=dummy\nMTUBytes=1400\n";
        judge(&[("50-x.netdev", netdev), ("50-x.network", "[Match]\nName=dummy7\n")]).unwrap();
        for (file, text, why) in [
            ("50-x.netdev", netdev.replace("MTUBytes", "Mtu"), "Unknown key"),
            (
                "50-x.network",
                "[Match]\nName=dummy7\n[Network]\nAddress=10.0.0.300/24\n".to_owned(),
                "10.0.0.300",
            ),
        ] {
            let refused = judge(&[(file, &text)]).unwrap_err();
            assert!(refused.words().contains(why), "{refused}");
        }
    }
}
