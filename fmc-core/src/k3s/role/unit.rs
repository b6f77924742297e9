//! The unit of a node, as K3s's own installer writes it (docs.k3s.io, *Configuration Options*), and its order.

use super::{Node, files, flannel, install, wait};
use crate::guest::{Guest, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::k3s::tuning::{MODULES, Tuning};

/// The most seconds that a machine waits for its clock: a machine without a time server starts its cluster anyway.
const CLOCK: &str = "180";

/// The unit of K3s, and the one that waits for the clock.
pub(super) fn guest(node: &Node<'_>) -> Guest {
    let clock = clock(node.site.os());
    let waits = Unit::service(clock).enabled();
    // chrony's own unit gives up by itself.
    let waits = if clock == CHRONY { waits } else { waits.dropin("50-fmc.conf", patience()) };
    Guest::new().unit(waits).unit(Unit::service(node.unit()).enabled().contents(contents(node)))
}

fn patience() -> UnitFile {
    UnitFile::new().section(UnitSection::new("Service").set("TimeoutStartSec", CLOCK))
}

const CHRONY: &str = "chrony-wait";

/// The unit that waits until the clock is right: certificates and leases depend on it.
const fn clock(os: Os) -> &'static str {
    match os {
        Os::FedoraCoreos | Os::Rocky | Os::Almalinux => CHRONY,
        Os::Flatcar | Os::Debian | Os::None => "systemd-time-wait-sync",
    }
}

fn contents(node: &Node<'_>) -> UnitFile {
    UnitFile::new()
        .section(before(node))
        .section(service(node))
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"))
}

/// Its description and its order.
fn before(node: &Node<'_>) -> UnitSection {
    let unit = UnitSection::new("Unit")
        .set("Description", "Lightweight Kubernetes")
        .set("Documentation", "https://docs.k3s.io")
        .set("Wants", format!("network-online.target time-sync.target {}.service", clock(node.site.os())))
        .set("After", "network-online.target time-sync.target");
    if install::is_needed(node) {
        return unit.set("Requires", install::UNIT).set("After", install::UNIT);
    }
    unit
}

/// The commands that lead to it, in order, and the node itself.
fn service(node: &Node<'_>) -> UnitSection {
    const PRE: &str = "ExecStartPre";
    let role = if node.is_server() { "server" } else { "agent" };
    let mut service = UnitSection::new("Service")
        .set_all(&[
            ("Type", "notify"),
            ("KillMode", "process"),
            ("Delegate", "yes"),
            ("LimitNOFILE", "1048576"),
            ("LimitNPROC", "infinity"),
            ("LimitCORE", "infinity"),
            ("TasksMax", "infinity"),
            ("TimeoutStartSec", "0"),
            ("Restart", "always"),
            ("RestartSec", "5s"),
        ])
        .set_each("ExecCondition", install::condition(node));
    if node.site.os().is_enterprise_linux() {
        // It removes routes that K3s needs (docs.k3s.io, *Installation/Requirements*).
        service =
            service.set(PRE, "-/usr/bin/systemctl disable --now nm-cloud-setup.service nm-cloud-setup.timer");
    }
    let tuning = files::tuning(node);
    let more = tuning.module_file();
    let modules = MODULES.into_iter().chain(more.lines().filter(|module| !MODULES.contains(module)));
    service = service.set_each(PRE, modules.map(|module| format!("-/sbin/modprobe {module}")));
    if !tuning.sysctl_file().is_empty() {
        // On the first boot the file can come later than systemd reads it.
        service = service.set(PRE, format!("-/usr/lib/systemd/systemd-sysctl {}", Tuning::SYSCTL_PATH));
    }
    if flannel::beside(node).is_some() {
        service = service.set(PRE, format!("/bin/sh {}", flannel::PATH));
    }
    if wait::waits(node) {
        service = service.set(PRE, format!("/bin/sh {}", wait::PATH));
    }
    service = service.set("ExecStart", format!("{} {role}", node.binary()));
    if node.cluster.said().cis && node.is_server() {
        // K3s makes certificates that every user can read; the benchmark wants only root to read them.
        return service
            .set("ExecStartPost", "-/bin/sh -c 'chmod 0600 /var/lib/rancher/k3s/server/tls/*.crt'");
    }
    service
}
