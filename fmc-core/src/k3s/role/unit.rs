//! The unit of a node, as K3s's own installer writes it (docs.k3s.io, *Configuration Options*), and what it comes after.

use std::fmt::Write as _;

use super::{Node, files, flannel, install, wait};
use crate::guest::{Guest, Unit};
use crate::image::Os;
use crate::k3s::tuning::{MODULES, Tuning};

/// How long a machine waits for its clock at most: one without a time server starts its cluster all the same.
const CLOCK: &str = "[Service]\nTimeoutStartSec=180\n";

/// The unit, and the one that waits for the clock.
pub(super) fn guest(node: &Node<'_>) -> Guest {
    let clock = clock(node.site.os());
    let waits = Unit::service(clock).enabled();
    // chrony's own unit gives up by itself.
    let waits = if clock == CHRONY { waits } else { waits.dropin("50-fmc.conf", CLOCK) };
    Guest::new().unit(waits).unit(Unit::service(node.unit()).enabled().contents(contents(node)))
}

const CHRONY: &str = "chrony-wait";

/// The unit that waits until the clock is right: certificates and leases depend on it.
const fn clock(os: Os) -> &'static str {
    match os {
        Os::FedoraCoreos | Os::Rocky | Os::Almalinux => CHRONY,
        Os::Flatcar | Os::Debian | Os::None => "systemd-time-wait-sync",
    }
}

fn contents(node: &Node<'_>) -> String {
    let role = if node.is_server() { "server" } else { "agent" };
    let os = node.site.os();
    let mut text =
        String::from("[Unit]\nDescription=Lightweight Kubernetes\nDocumentation=https://docs.k3s.io\n");
    let line = |text: &mut String, line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&mut text, &format!("Wants=network-online.target time-sync.target {}.service", clock(os)));
    line(&mut text, "After=network-online.target time-sync.target");
    if install::is_needed(node) {
        line(&mut text, &format!("Requires={}", install::UNIT));
        line(&mut text, &format!("After={}", install::UNIT));
    }
    text.push_str(
        "\n[Service]\nType=notify\nKillMode=process\nDelegate=yes\nLimitNOFILE=1048576\nLimitNPROC=infinity\n\
         LimitCORE=infinity\nTasksMax=infinity\nTimeoutStartSec=0\nRestart=always\nRestartSec=5s\n",
    );
    if let Some(condition) = install::condition(node) {
        line(&mut text, &format!("ExecCondition={condition}"));
    }
    if os.is_enterprise_linux() {
        // It takes routes away that K3s needs (docs.k3s.io, *Installation/Requirements*).
        line(
            &mut text,
            "ExecStartPre=-/usr/bin/systemctl disable --now nm-cloud-setup.service nm-cloud-setup.timer",
        );
    }
    let tuning = files::tuning(node);
    let more = tuning.module_file();
    for module in MODULES.into_iter().chain(more.lines().filter(|module| !MODULES.contains(module))) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "ExecStartPre=-/sbin/modprobe {module}");
    }
    if !tuning.sysctl_file().is_empty() {
        // On the first boot the file can come later than systemd reads it.
        let _ = writeln!(text, "ExecStartPre=-/usr/lib/systemd/systemd-sysctl {}", Tuning::SYSCTL_PATH);
    }
    if flannel::beside(node).is_some() {
        let _ = writeln!(text, "ExecStartPre=/bin/sh {}", flannel::PATH);
    }
    if wait::waits(node) {
        let _ = writeln!(text, "ExecStartPre=/bin/sh {}", wait::PATH);
    }
    let _ = writeln!(text, "ExecStart={} {role}", node.binary());
    if node.cluster.said().cis && node.is_server() {
        // K3s makes certificates that everybody can read; the benchmark wants them for root alone.
        text.push_str("ExecStartPost=-/bin/sh -c 'chmod 0600 /var/lib/rancher/k3s/server/tls/*.crt'\n");
    }
    text.push_str("\n[Install]\nWantedBy=multi-user.target\n");
    text
}
