use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::prelude::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";

fn door() -> Door {
    Door {
        machine: "web".to_owned(),
        alias: "web.first".to_owned(),
        address: Some(IpAddr::from([10, 17, 3, 10])),
        port: None,
        user: Some("ops".to_owned()),
        hop: Jump::of("qemu+ssh://root@hv1:2222/system").unwrap().map(Hop::Host),
        keys: Given::<SshKey>::text(KEY).ok().cloned().into_iter().collect(),
    }
}

/// The configuration that OpenSSH reads from its arguments; a warning is a failure.
fn understood(arguments: &[String]) -> String {
    let mut ssh = Command::new("ssh");
    let output = ssh.args(["-G", "-T", "-F"]).arg("none").args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn openssh_understands_the_arguments() {
    let told = understood(&door().arguments(Some(Path::new("/srv/my clouds/first.known_hosts"))));
    for line in [
        "hostname 10.17.3.10",
        "user ops",
        "proxyjump root@hv1:2222",
        "hostkeyalias web.first",
        "stricthostkeychecking true",
        "userknownhostsfile \"/srv/my clouds/first.known_hosts\"",
    ] {
        let plain = line.replace('"', "");
        assert!(told.lines().any(|told| told == line || told == plain), "no {line:?} in:\n{told}");
    }
}

/// A bastion that is behind a hypervisor with a key of its own, and a machine behind the bastion.
#[test]
fn the_way_in_is_a_command_with_options_of_its_own() {
    let uri = "qemu+ssh://root@hv1/system?keyfile=/keys/hv1";
    let bastion = Door { machine: "bastion".to_owned(), alias: "bastion.first".to_owned(), ..door() };
    let hop = Jump::of(uri).unwrap().map(Hop::Host);
    let bastion = Door { address: Some(IpAddr::from([10, 17, 3, 2])), hop, ..bastion };
    let users = vec!["ana".to_owned(), "ops".to_owned()];
    let web = Door { hop: Some(Hop::WayIn { door: Box::new(bastion), users }), ..door() };
    let file = Path::new("/srv/it's mine/first.known_hosts");
    let (name, command) = web.hop.as_ref().unwrap().option(Some("ops"), Some(file), Told::Arguments);
    assert_eq!(name, "ProxyCommand");
    let told = understood(&web.arguments(Some(file)));
    assert!(told.lines().any(|line| line == format!("proxycommand {command}")), "{told}");

    // What OpenSSH makes of the command's tokens, read by the shell and by OpenSSH again.
    let told = |command: &str, to: &str| {
        let marked =
            command.replace("%%", "\u{1}").replace("%h", to).replace("%p", "22").replace('\u{1}', "%");
        let asked = marked.replacen("ssh ", "ssh -G -T -F none ", 1);
        let output = Command::new("sh").args(["-c", &asked]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{asked}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let inner = told(&command, "10.17.3.10");
    for line in [
        "hostname 10.17.3.2",
        "user ops",
        "hostkeyalias bastion.first",
        "stricthostkeychecking true",
        "forwardagent no",
        "proxycommand ssh -o 'IdentityFile=/keys/hv1' -l root -W '[%h]:%p' -- hv1",
    ] {
        assert!(inner.lines().any(|told| told == line), "no {line:?} in:\n{inner}");
    }
    let innermost = inner.lines().find_map(|line| line.strip_prefix("proxycommand ")).unwrap();
    let innermost = told(innermost, "10.17.3.2");
    assert!(
        innermost.contains("identityfile /keys/hv1\n") && innermost.contains("user root\n"),
        "{innermost}"
    );

    let (name, jump) = web.hop.as_ref().unwrap().option(Some("root"), Some(file), Told::File);
    assert_eq!((name, &*jump), ("ProxyJump", "ana@bastion"));
}

#[test]
fn a_jump_host_is_whom_libvirt_is_reached_by() {
    for (uri, expected) in [
        ("qemu:///system", None),
        ("qemu+unix:///system?socket=/run/x", None),
        ("qemu+tls://hv1/system", None),
        ("sim:first.sim.json", None),
        ("qemu+ssh://hv1/system", Some("hv1")),
        ("qemu+ssh://root@hv-1.example.com:2222/system?socket=/k", Some("root@hv-1.example.com:2222")),
        ("qemu+libssh2://root@[fd00::1]:22/system", Some("root@[fd00::1]:22")),
    ] {
        let option = Jump::of(uri).unwrap().map(|jump| jump.option());
        assert_eq!(option, expected.map(|jump| ("ProxyJump", jump.to_owned())), "{uri}");
    }
    for uri in [
        "qemu+ssh://-oProxyCommand=touch/system",
        "qemu+ssh://a@-oX/system",
        "qemu+ssh://$(id)@hv1/system",
        "qemu+ssh://hv1,hv2/system",
        "qemu+ssh://hv1:22;id/system",
        "qemu+ssh://hv1:0/system",
        "qemu+ssh://[::1;id]/system",
        "qemu+ssh:///system",
        "qemu+ssh://hv1/system?keyfile=/k'%20id",
        "qemu+ssh://hv1/system?keyfile=$(id)",
        "qemu+ssh://hv1/system?keyfile=-oProxyCommand=id",
        "qemu+ssh://hv1/system?known_hosts=%60id%60",
        "qemu+ssh://hv1/system?keyfile=",
    ] {
        assert!(Jump::of(uri).is_err(), "{uri}");
    }
}

#[test]
fn the_key_and_the_known_hosts_of_the_uri_reach_the_jump_host() {
    let of = |uri| Jump::of(uri).unwrap().unwrap().option();
    let uri =
        "qemu+libssh2://root@[fd00::1]:2222/system?keyfile=/keys/hv%2D1&known_hosts=/keys/known&no_verify=0";
    let (name, command) = of(uri);
    assert_eq!(name, "ProxyCommand");
    assert_eq!(
        command,
        "ssh -o 'IdentityFile=/keys/hv-1' -o 'UserKnownHostsFile=/keys/known' -l root -p 2222 -W '[%h]:%p' -- fd00::1"
    );
    assert_eq!(
        of("qemu+ssh://hv1/system?no_verify=1").1,
        "ssh -o 'StrictHostKeyChecking=no' -W '[%h]:%p' -- hv1"
    );

    // OpenSSH gives the command to a shell, and the command is one of OpenSSH's again.
    let told = understood(&["-o".to_owned(), format!("{name}={command}"), "web".to_owned()]);
    assert!(told.lines().any(|line| line == format!("proxycommand {command}")), "{told}");
    let inner =
        command.replace("%h", "10.17.3.10").replace("%p", "22").replacen("ssh ", "ssh -G -T -F none ", 1);
    let output = Command::new("sh").args(["-c", &inner]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    for line in [
        "user root",
        "hostname fd00::1",
        "port 2222",
        "identityfile /keys/hv-1",
        "userknownhostsfile /keys/known",
    ] {
        assert!(told.lines().any(|told| told == line), "no {line:?} in:\n{told}");
    }
}

proptest! {
    /// Any name of a machine or user is one harmless word in OpenSSH's arguments.
    #[test]
    fn no_name_is_more_than_a_name(text in "[-a-zA-Z0-9_.$@;|&%`'\"() \n]{1,12}") {
        let harmless = |name: &str| {
            !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        if let Some(name) = Given::<MachineName>::text(&text).ok() {
            prop_assert!(harmless(name.as_str()), "{name}");
        }
        if let Ok(user) = user_name(&text) {
            prop_assert!(harmless(&user), "{user}");
        }
    }
}
