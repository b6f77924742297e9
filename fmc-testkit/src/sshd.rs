//! Checks a configuration as `sshd -t` reads it.

use std::path::Path;

use crate::Refused;
use crate::program::{as_root, run};
use crate::tree::{scratch, write};

/// Checks a configuration with the private host keys of the machine. Its `HostKey` lines are ignored, and
/// drop-ins that it includes are read.
///
/// # Errors
///
/// sshd's complaint about the configuration, a warning included, or about a key; and a missing key, because
/// sshd would then look for the machine's.
pub fn check(configuration: &str, host_keys: &[&str]) -> Result<(), Refused> {
    if host_keys.is_empty() {
        return Err(Refused::new("sshd", "no host key was given"));
    }
    let folder = scratch();
    let file = folder.path().join("sshd_config");
    let own = |line: &&str| !line.trim_start().to_ascii_lowercase().starts_with("hostkey ");
    let rest: String = configuration.lines().filter(own).flat_map(|line| [line, "\n"]).collect();
    write(&file, rest.as_bytes());
    let keys: Vec<_> = (0..host_keys.len()).map(|index| folder.path().join(format!("key{index}"))).collect();
    for (path, key) in keys.iter().zip(host_keys) {
        write(path, key.as_bytes());
    }
    for path in &keys {
        // sshd -t only warns about a key that it cannot read, and accepts a wrong key if another is right.
        run(as_root("chmod").arg("600").arg(path)).success()?;
        run(crate::program::command("ssh-keygen").args(["-y", "-P", "", "-f"]).arg(path)).silent_success()?;
    }
    let keys: Vec<&Path> = keys.iter().map(std::path::PathBuf::as_path).collect();
    // The unit makes the folder for privilege separation; here a mount namespace provides it.
    let _ = crate::program::command("sshd");
    const SCRIPT: &str =
        "mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -t -f \"$@\"";
    let mut check = as_root("unshare");
    check.args(["--mount", "sh", "-c", SCRIPT, "sshd.sh"]).arg(&file);
    for key in keys {
        check.arg("-h").arg(key);
    }
    let verdict = run(&mut check);
    if verdict.stdout.trim().is_empty() { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command;

    fn key() -> String {
        let folder = scratch();
        let path = folder.path().join("key");
        run(command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "host", "-f"]).arg(&path))
            .success()
            .unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_configuration_is_accepted() {
        check("PasswordAuthentication no\nHostKey /nowhere\nAllowUsers core\n", &[&key()]).unwrap();
    }

    #[test]
    fn a_wrong_word_a_wrong_value_and_a_deprecated_one_are_refused() {
        for wrong in ["PasswordAuthentification no\n", "PermitRootLogin maybe\n", "UseLogin no\n"] {
            check(wrong, &[&key()]).unwrap_err();
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        check("PasswordAuthentication no\n", &[&key(), "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
            .unwrap_err();
    }
}
