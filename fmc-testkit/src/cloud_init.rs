//! cloud-init: the schema of user-data, and the files that a guest writes from a network-config.

use std::collections::BTreeMap;

use crate::program::{command, run};
use crate::tree::{self, scratch};
use crate::{Refused, tree::EntryKind};

/// The program that configures the network in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renderer {
    /// NetworkManager keyfiles, as on Rocky Linux and AlmaLinux.
    NetworkManager,
    /// netplan, as on Ubuntu and Debian's cloud images from 12 on.
    Netplan,
    /// systemd-networkd.
    Networkd,
}

impl Renderer {
    fn distribution_and_name(self) -> (&'static str, &'static str) {
        match self {
            Self::NetworkManager => ("rhel", "network-manager"),
            Self::Netplan => ("debian", "netplan"),
            Self::Networkd => ("debian", "networkd"),
        }
    }
}

/// Checks a user-data document against cloud-init's schema; a deprecation is a refusal.
///
/// The schema does not report an unknown key at the top, nor `network:`, which has no effect in user-data.
///
/// # Errors
///
/// cloud-init's complaint.
pub fn schema(user_data: &str) -> Result<(), Refused> {
    let folder = scratch();
    let file = folder.path().join("user-data");
    tree::write(&file, user_data.as_bytes());
    let verdict = run(command("cloud-init").args(["schema", "--config-file"]).arg(&file));
    // A deprecation exits with 0 and still prints "Valid" in the last line.
    let praise = format!("Valid cloud-config: {}", file.display());
    if verdict.stdout.trim() == praise { verdict.silent_success().map(drop) } else { Err(verdict.refused()) }
}

/// The files that cloud-init writes in a guest from a network-config (version 2), by their path in the guest.
///
/// `macs` are the guest's interfaces, as name and MAC address: `[("eth0", "52:54:00:00:00:01")]`. cloud-init
/// 22.4 has no schema for a network-config and ignores unknown keys silently, so tests must judge the text
/// that comes out.
///
/// # Errors
///
/// cloud-init's error when it cannot convert, and any warning while it converts.
pub fn net_convert(
    network_config: &str,
    renderer: Renderer,
    macs: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, Refused> {
    let folder = scratch();
    let (source, out) = (folder.path().join("network-config"), folder.path().join("out"));
    tree::write(&source, network_config.as_bytes());
    let (distribution, renderer) = renderer.distribution_and_name();
    let mut convert = command("cloud-init");
    convert.args(["devel", "net-convert", "-k", "yaml", "-D", distribution, "-O", renderer]);
    convert.arg("-p").arg(&source).arg("-d").arg(&out);
    for (interface, mac) in macs {
        convert.arg("-m").arg(format!("{interface},{mac}"));
    }
    let verdict = run(&mut convert);
    let is_routine = |line: &str| {
        line.is_empty() || line.starts_with("Read input format") || line.starts_with("Wrote output format")
    };
    if !verdict.stdout.lines().chain(verdict.stderr.lines()).all(is_routine) {
        return Err(verdict.refused());
    }
    verdict.success()?;
    let files = tree::read(&out).into_iter().filter_map(|(path, entry)| match entry.kind {
        EntryKind::File(bytes) => Some((path, String::from_utf8_lossy(&bytes).into_owned())),
        _ => None,
    });
    Ok(files.collect())
}

/// Runs one command of a user-data's `runcmd` on this machine, word by word, as cloud-init does.
///
/// # Errors
///
/// The command fails: its output.
pub fn run_command(words: &[String]) -> Result<(), Refused> {
    let (program, arguments) = words.split_first().map_or(("false", words), |(first, rest)| (first, rest));
    run(command(program).args(arguments)).success().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_user_data_is_accepted() {
        schema("#cloud-config\nhostname: web\nusers:\n- name: ops\n").unwrap();
    }

    #[test]
    fn a_wrong_key_and_a_deprecated_one_are_refused() {
        schema("#cloud-config\nusers:\n- name: ops\n  shel: /bin/sh\n").unwrap_err();
        let refused = schema("#cloud-config\napt_update: true\n").unwrap_err();
        assert!(refused.words().contains("DEPRECATED"), "{refused}");
    }

    #[test]
    fn a_network_config_becomes_the_keyfile_of_an_enterprise_linux() {
        let config = "version: 2\nethernets:\n  lan:\n    match: {macaddress: '52:54:00:00:00:01'}\n    \
                      addresses: [10.0.0.5/24]\n";
        let macs = [("eth0", "52:54:00:00:00:01")];
        let files = net_convert(config, Renderer::NetworkManager, &macs).unwrap();
        let keyfile = &files["/etc/NetworkManager/system-connections/cloud-init-lan.nmconnection"];
        assert!(keyfile.contains("mac-address=52:54:00:00:00:01\n"), "{keyfile}");
        assert!(keyfile.contains("address1=10.0.0.5/24\n"), "{keyfile}");
    }

    #[test]
    fn a_network_config_that_cannot_be_read_is_refused() {
        let macs = [("eth0", "52:54:00:00:00:01")];
        net_convert("version: 2\nethernets: [lan]\n", Renderer::NetworkManager, &macs).unwrap_err();
    }
}
