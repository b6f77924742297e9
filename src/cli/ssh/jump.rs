//! The jump host for machines behind a hypervisor: the host of its libvirt's URI, reached as libvirt reaches it.

use std::process::Command;

use super::Failure;

/// How libvirt reaches a hypervisor by SSH (libvirt, *Remote support*, *SSH transport*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Jump {
    /// `user@host:port`, as in the URI.
    authority: String,
    user: Option<String>,
    host: String,
    port: Option<String>,
    /// The options that only a command of its own can give to the jump: OpenSSH does not hand its own to `ProxyJump`.
    options: Vec<(&'static str, String)>,
}

impl Jump {
    /// The jump host of a URI, unless libvirt is reached without SSH.
    pub(in crate::cli) fn of(uri: &str) -> Result<Option<Self>, Failure> {
        let Some((scheme, rest)) = uri.split_once("://") else { return Ok(None) };
        let transport = scheme.split_once('+').map(|(_, transport)| transport);
        if !matches!(transport, Some("ssh" | "libssh" | "libssh2")) {
            return Ok(None);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let wrong = || {
            Failure::new(format!("{authority:?} of {uri} cannot be a jump host"))
                .help("write the URI as qemu+ssh://user@host:port/system")
        };
        let mut jump = Self::at(authority).ok_or_else(wrong)?;
        for pair in rest.split_once('?').map(|(_, query)| query).unwrap_or_default().split(['&', ';']) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            jump.options.extend(option(key, value, uri)?);
        }
        Ok(Some(jump))
    }

    fn at(authority: &str) -> Option<Self> {
        let plain = |text: &&str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        let (user, place) =
            authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let is_host = match place.strip_prefix('[') {
            Some(_) => host.parse::<std::net::Ipv6Addr>().is_ok(),
            None => plain(&host),
        };
        let is_right = is_host
            && user.as_ref().is_none_or(plain)
            && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        is_right.then(|| Self {
            authority: authority.to_owned(),
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port: port.map(str::to_owned),
            options: Vec::new(),
        })
    }

    /// OpenSSH on the host itself, in a connection of its own; a command is appended.
    pub(in crate::cli) fn command(&self) -> Command {
        let mut ssh = Command::new("ssh");
        // Nobody is asked in the middle of a change, and a connection that was open before proves nothing.
        for option in ["BatchMode=yes", "ConnectTimeout=10", "ControlMaster=no", "ControlPath=none"] {
            ssh.args(["-o", option]);
        }
        for (name, value) in &self.options {
            ssh.args(["-o", &format!("{name}={value}")]);
        }
        for (flag, value) in [("-l", &self.user), ("-p", &self.port)] {
            if let Some(value) = value {
                ssh.args([flag, value]);
            }
        }
        ssh.args(["--", &self.host]);
        ssh
    }

    /// The option of OpenSSH's that jumps, as in `ssh_config(5)`.
    pub(super) fn option(&self) -> (&'static str, String) {
        if self.options.is_empty() {
            return ("ProxyJump", self.authority.clone());
        }
        // A shell runs it. No part has a quote or a `%`, see `plain_path`.
        let mut command = "ssh".to_owned();
        for (name, value) in &self.options {
            command.push_str(&format!(" -o '{name}={value}'"));
        }
        let flags = [("-l", &self.user), ("-p", &self.port)];
        for (flag, value) in flags.iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?))) {
            command.push_str(&format!(" {flag} {value}"));
        }
        ("ProxyCommand", format!("{command} -W '[%h]:%p' -- {}", self.host))
    }
}

/// An option for a command that a shell runs and OpenSSH has replaced the `%` of.
pub(super) fn shell_option(name: &str, value: &str) -> String {
    let text = format!("{name}={value}").replace('%', "%%").replace('\'', "'\\''");
    format!(" -o '{text}'")
}

/// The option of OpenSSH's for a parameter of the URI.
fn option(key: &str, value: &str, uri: &str) -> Result<Option<(&'static str, String)>, Failure> {
    let path = || plain_path(key, value, uri);
    Ok(match (key, value) {
        ("keyfile", _) => Some(("IdentityFile", path()?)),
        ("known_hosts", _) => Some(("UserKnownHostsFile", path()?)),
        ("no_verify", "") | ("no_verify", "0") => None,
        ("no_verify", _) | ("known_hosts_verify", "ignore") => {
            Some(("StrictHostKeyChecking", "no".to_owned()))
        }
        ("known_hosts_verify", "auto") => Some(("StrictHostKeyChecking", "accept-new".to_owned())),
        _ => None,
    })
}

/// A path that OpenSSH and a shell read as it is.
fn plain_path(key: &str, value: &str, uri: &str) -> Result<String, Failure> {
    let path = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
    let is_plain = !path.is_empty()
        && !path.starts_with('-')
        && !path.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"\\%$`".contains(c));
    if is_plain {
        return Ok(path);
    }
    Err(Failure::new(format!("OpenSSH cannot be told of the {key} {path:?} of {uri}"))
        .help("use a path without white space, quotes, %, $ and backslashes"))
}
