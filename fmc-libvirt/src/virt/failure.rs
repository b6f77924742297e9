//! The meaning of libvirt's errors, and the advice for each.

use std::path::Path;
use std::time::Duration;

use virt::error::{Error, ErrorDomain, ErrorNumber};

use super::call::Call;
use crate::link::{CallError, CallErrorKind};

/// A failed call.
pub(super) fn failed(call: &Call, uri: &str, error: &Error) -> CallError {
    let kind = if is_lost(error) {
        CallErrorKind::Unreachable
    } else if call.kind.is_absence(error) {
        CallErrorKind::Absent
    } else if is_passing(error.message()) || error.code().is(ErrorNumber::ResourceBusy) {
        CallErrorKind::Busy
    } else if error.code().is(ErrorNumber::NoSupport) || error.code().is(ErrorNumber::OperationUnsupported) {
        CallErrorKind::Unsupported
    } else {
        CallErrorKind::Failed
    };
    let what_to_do = match kind {
        CallErrorKind::Unreachable => Some(how_to_start(uri)),
        CallErrorKind::Failed => {
            left_behind(call, error.message()).or_else(|| what_to_do(error.message()).map(str::to_owned))
        }
        _ => None,
    };
    CallError::new(&call.words, kind, with_advice(error.message(), what_to_do.as_deref()))
}

/// Whether a condition is over in a moment: a pool that is being refreshed, or the first documents that a
/// daemon validates. libxml2 initialises its schema types once and without a lock, so concurrent calls find
/// some of them missing.
fn is_passing(message: &str) -> bool {
    message.contains("asynchronous jobs running") || message.contains("is not exported by type library")
}

/// A connection that could not be opened.
pub(super) fn refused(uri: &str, error: &Error) -> CallError {
    let message = error.message();
    let is_local = is_local(uri);
    let advice = if message.contains("Permission denied") || is_authentication(error) {
        if is_local {
            "add the user to the group libvirt (`sudo usermod -aG libvirt $USER`, then log in again), or run as root"
                .to_owned()
        } else {
            "the key or the user of the URI is not let in there: try the same with `ssh`".to_owned()
        }
    } else if let Some(advice) = on_the_way(message) {
        advice.to_owned()
    } else {
        how_to_start(uri)
    };
    CallError::new(
        format!("connect to {uri}"),
        CallErrorKind::Unreachable,
        with_advice(message, Some(&advice)),
    )
}

/// A call that did not answer in time.
pub(super) fn late(call: &Call, after: Duration) -> CallError {
    let message = format!("no answer within {} s; the next call opens a new connection", after.as_secs_f32());
    CallError::new(&call.words, CallErrorKind::Deadline { seconds: after.as_secs() }, message)
}

/// A call that was not sent in two attempts.
pub(super) fn given_up(call: &Call) -> CallError {
    let message = "the connection was abandoned while this call waited, because earlier calls did not answer";
    CallError::new(&call.words, CallErrorKind::Unreachable, message)
}

/// A call whose thread could not start or panicked.
pub(super) fn broken(call: &Call, why: &str) -> CallError {
    CallError::new(&call.words, CallErrorKind::Failed, why)
}

/// An answer that is not the expected document.
pub(super) fn unreadable(words: &str) -> CallError {
    CallError::new(words, CallErrorKind::Failed, "the answer is not well-formed XML")
}

/// Whether the connection is gone. libvirt reports this in several ways; in all of them the error comes from
/// the transport, not from the other side.
pub(super) fn is_lost(error: &Error) -> bool {
    let code = error.code();
    if code.is(ErrorNumber::NoConnect) || code.is(ErrorNumber::InvalidConn) {
        return true;
    }
    error.domain().is(ErrorDomain::Rpc)
        && (code.is(ErrorNumber::SystemError) || code.is(ErrorNumber::InternalError))
}

/// Whether the connection was gone before the call was sent, so that repeating it cannot do anything twice.
pub(super) fn is_unsent(error: &Error) -> bool {
    is_lost(error)
        && (error.message().contains("Cannot write data") || error.message().contains("socket is closed"))
}

/// Whether libvirt does not support the call.
pub(super) fn is_unsupported(error: &CallError) -> bool {
    error.kind == CallErrorKind::Unsupported
}

/// Whether an error means that the guest agent does not answer: it is missing, not up yet, or hangs.
pub(super) fn is_silent_agent(error: &Error) -> bool {
    [ErrorNumber::AgentUnresponsive, ErrorNumber::AgentUnsynced, ErrorNumber::OperationTimeout]
        .into_iter()
        .any(|number| error.code().is(number))
}

/// Reading a missing object is not a failure.
pub(super) fn none_if_absent<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == CallErrorKind::Absent => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ignores an error if the wanted state is already reached. libvirt has only one error number for everything
/// that is not possible now; unlike the message, it is the same in all languages.
pub(super) fn fine_if(
    answer: Result<(), Error>,
    is_so: impl FnOnce() -> Result<bool, Error>,
) -> Result<(), Error> {
    match answer {
        Err(error) if error.code().is(ErrorNumber::OperationInvalid) && is_so()? => Ok(()),
        answer => answer,
    }
}

fn is_authentication(error: &Error) -> bool {
    [ErrorNumber::AuthFailed, ErrorNumber::AuthCancelled, ErrorNumber::AuthUnavailable]
        .iter()
        .any(|number| error.code().is(*number))
}

fn what_to_do(message: &str) -> Option<&'static str> {
    if message.contains("No space left on device") || message.contains("Disk quota exceeded") {
        return Some(
            "the file system under the pool is full: free some space, or give the host a pool elsewhere",
        );
    }
    if message.contains("Permission denied") {
        return Some(
            "the user that QEMU runs as (libvirt-qemu or qemu) must be able to read the file and enter every folder above it, and \
             SELinux or AppArmor must allow it; a file in a pool of libvirt's has the right owner and label",
        );
    }
    if message.contains("already exists with uuid") || message.contains("already defined with uuid") {
        return Some("the name is taken by an object that is not this cloud's: rename one of the two");
    }
    if message.contains("bridge name") && message.contains("already in use") {
        return Some("another network has this bridge: give the network a bridge name of its own");
    }
    if message.contains("Storage source conflict") {
        return Some("two pools cannot share a folder: choose another for one of them");
    }
    None
}

/// libvirt 9.0 first makes the bridge of a network, then starts dnsmasq, and only then records that the
/// network is active. If it is killed in between, it leaves a bridge and a dnsmasq that it no longer knows,
/// and it has no call to remove them.
fn left_behind(call: &Call, message: &str) -> Option<String> {
    let (_, rest) = message.split_once("creating bridge interface ")?;
    let (bridge, _) = rest.split_once(": File exists")?;
    let network = call.words.rsplit(' ').next().unwrap_or_default();
    Some(format!(
        "the host has a bridge {bridge} that no active network has: if it is not the host's own, a libvirtd that was killed while it \
         started the network left it behind, and `ip link delete {bridge}; pkill -f dnsmasq/{network}.conf` on the hypervisor clears \
         the way"
    ))
}

fn with_advice(message: &str, advice: Option<&str>) -> String {
    match advice {
        Some(advice) => format!("{message}; {advice}"),
        None => message.to_owned(),
    }
}

/// The help where the way to the host is wrong, and not its libvirt.
fn on_the_way(message: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if says(&["Could not resolve hostname", "Name or service not known", "nodename nor servname"]) {
        return Some(
            "no host has this name: correct the URI, or give the name an address in the DNS or in ~/.ssh/config",
        );
    }
    if says(&["Host key verification failed", "host key is known", "HOST IDENTIFICATION HAS CHANGED"]) {
        return Some(
            "the host's key is not known, or another one: log in once with `ssh`, and compare the key with the host's own",
        );
    }
    if says(&["No route to host", "Network is unreachable", "Connection timed out", "Operation timed out"]) {
        return Some(
            "nothing answers at this address: see whether the host is up, and whether a network or a VPN leads to it",
        );
    }
    None
}

/// How to make libvirt answer at a URI. For a local URI it checks whether libvirtd is installed and systemd
/// runs.
fn how_to_start(uri: &str) -> String {
    if !is_local(uri) {
        return format!(
            "start libvirt on that host (`systemctl start libvirtd`), and try `virsh --connect {uri} version`"
        );
    }
    let is_installed =
        ["/usr/sbin/libvirtd", "/usr/sbin/virtqemud"].iter().any(|path| Path::new(path).exists());
    if !is_installed {
        return "libvirt is not installed: install libvirt-daemon-system and qemu-system-x86 (Debian), or libvirt-daemon-kvm (Fedora)"
            .to_owned();
    }
    if Path::new("/run/systemd/system").exists() {
        "start it: `systemctl start libvirtd`".to_owned()
    } else {
        "start it: `virtlogd -d && libvirtd -d` (systemd does not run here)".to_owned()
    }
}

/// Whether a URI refers to this computer: it has no host part.
fn is_local(uri: &str) -> bool {
    uri.split_once("://").is_none_or(|(_, rest)| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_in_a_moment_is_tried_again() {
        assert!(is_passing("internal error: pool 'lab' has asynchronous jobs running."));
        assert!(is_passing(
            "internal error: Unable to parse RNG /usr/share/libvirt/schemas/domain.rng: Error type 'unsignedLong' is not \
             exported by type library 'http://www.w3.org/2001/XMLSchema-datatypes'"
        ));
        assert!(!is_passing(
            "XML document failed to validate against schema: Unable to validate doc against domain.rng"
        ));
    }

    #[test]
    fn a_wrong_way_is_not_a_stopped_libvirt() {
        let nowhere = "Cannot recv data: ssh: Could not resolve hostname kvm1: Name or service not known: Connection reset by peer";
        assert!(on_the_way(nowhere).unwrap().contains("correct the URI"));
        assert!(
            on_the_way("Cannot recv data: Host key verification failed.")
                .unwrap()
                .contains("log in once with `ssh`")
        );
        assert!(
            on_the_way("unable to connect to server at 'kvm1:16514': No route to host")
                .unwrap()
                .contains("is up")
        );
        assert_eq!(on_the_way("unable to connect to server at 'kvm1:16514': Connection refused"), None);
    }

    #[test]
    fn a_uri_without_a_host_means_this_machine() {
        for local in ["qemu:///system", "qemu+unix:///system?socket=/run/x", "test:///default"] {
            assert!(is_local(local), "{local}");
        }
        assert!(!is_local("qemu+ssh://root@kvm1/system"));
        assert!(how_to_start("qemu+ssh://root@kvm1/system").contains("on that host"));
    }
}
