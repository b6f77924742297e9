//! The installation of K3s on a node: its binary, images and SELinux policy.

use super::Node;
use super::files::script;
use crate::checked::Machine;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::{Arch, Os};
use crate::k3s::Version;
use crate::k3s::cluster::Download;
use crate::k3s::resolved::Fetched;
use crate::mirror;
use crate::unit::FileMode;

/// The unit for the steps of an installation that files alone cannot do.
pub(super) const UNIT: &str = "k3s-install.service";

const SCRIPT: &str = "/etc/rancher/k3s/install.sh";

/// Where the package with the SELinux policy is.
const POLICY: &str = "/var/lib/fmc/k3s-selinux.rpm";

/// Marks that the package was layered, so that a machine restarts for it once.
const LAYERED: &str = "/var/lib/fmc/k3s-selinux.layered";

const PROGRAM: FileMode = FileMode::new(0o755);

pub(super) fn guest(node: &Node<'_>) -> Guest {
    let arch = node.site.machine().image.arch;
    let install = node.install();
    let mut guest = Guest::new();
    if node.has_sysext() {
        guest = with(guest, node, install.sysext.of(arch), "/etc/extensions/k3s.raw", FileMode::new(0o644));
    } else {
        guest = with(guest, node, install.binary.of(arch), node.binary(), PROGRAM);
    }
    if let Some(images) = install.images.of(arch)
        && let Some(name) = images.url().ok().map(|url| url.file_name())
    {
        let path = format!("/var/lib/rancher/k3s/agent/images/{name}");
        guest = with(guest, node, Some(images), &path, FileMode::new(0o644));
    }
    if node.has_selinux() {
        guest = match &install.selinux_policy {
            Some(policy) => with(guest, node, Some(policy), POLICY, FileMode::new(0o644)),
            // The label of container runtimes is in a policy that this image has only with the package.
            None if node.site.os().is_enterprise_linux() => guest.package("container-selinux"),
            None => guest,
        };
    }
    match text(node) {
        Some(text) => guest.file(script(SCRIPT, text)).unit(Unit::new(UNIT).contents(unit(node))),
        None => guest,
    }
}

/// Whether there is something to do before K3s can start.
pub(super) fn is_needed(node: &Node<'_>) -> bool {
    node.has_selinux() || fetches(node)
}

/// The condition for starting K3s on this boot: Fedora CoreOS has a layered package only from the next boot on.
pub(super) fn condition(node: &Node<'_>) -> Option<&'static str> {
    let layers = node.site.os() == Os::FedoraCoreos && node.install().selinux_policy.is_some();
    layers.then_some("/usr/bin/rpm --query --quiet k3s-selinux")
}

fn with(guest: Guest, node: &Node<'_>, download: Option<&Download>, path: &str, mode: FileMode) -> Guest {
    match download.and_then(Fetched::of) {
        Some(fetched) => {
            guest.file(GuestFile::remote(path, mirrored(node, &fetched).as_str(), fetched.digest).mode(mode))
        }
        None => guest,
    }
}

/// The address that the node fetches a file from: the mirror on the bootstrap machine if its cluster has one.
fn mirrored(node: &Node<'_>, file: &Fetched) -> String {
    let machine = node.cluster.bootstrap.and_then(|at| node.site.cloud().at(at));
    machine
        .and_then(Machine::address)
        .map_or_else(|| file.url.to_string(), |address| mirror::url_of(address, &file.url, &file.digest))
}

/// Whether the node fetches the binary of K3s's own release by itself, because the cloud has no hash for it.
fn fetches(node: &Node<'_>) -> bool {
    let install = node.install();
    !node.has_sysext() && install.binary.of(node.site.machine().image.arch).is_none()
}

fn unit(node: &Node<'_>) -> UnitFile {
    // Two changes of Fedora CoreOS's own packages at once are refused.
    let before = condition(node).is_some().then_some("zincati.service");
    let unit = UnitSection::new("Unit")
        .set("Description", "What K3s needs before its first start")
        .set("Wants", "network-online.target")
        .set("After", "network-online.target")
        .set_each("Before", before);
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("TimeoutStartSec", "0")
        .set("ExecStart", format!("/bin/sh {SCRIPT}"));
    UnitFile::new().section(unit).section(service)
}

fn text(node: &Node<'_>) -> Option<String> {
    let parts = [fetches(node).then(|| fetch(node)), node.has_selinux().then(|| selinux(node))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("#!/bin/sh\nset -eu\n{}", parts.concat()))
}

/// Fetches the binary, and keeps it if it matches the published hash (docs.k3s.io, *Air-Gap Install*).
fn fetch(node: &Node<'_>) -> String {
    let arch = node.site.machine().image.arch;
    let version = node.version();
    let name = Version::binary(arch);
    let sums = match arch {
        Arch::X86_64 => "sha256sum-amd64.txt",
        Arch::Aarch64 => "sha256sum-arm64.txt",
    };
    let (url, sums, path) = (version.download(name), version.download(sums), node.binary());
    format!(
        "if [ ! -e {path} ]; then\n    \
         mkdir -p \"$(dirname {path})\"\n    \
         part={path}.part\n    \
         until curl --fail --silent --show-error --location --connect-timeout 10 --output \"$part\" {url} &&\n        \
         sum=$(curl --fail --silent --show-error --location --connect-timeout 10 {sums} | grep ' {name}$') &&\n        \
         echo \"${{sum%% *}}  $part\" | sha256sum --check --status\n    \
         do sleep 5; done\n    \
         chmod 0755 \"$part\"\n    \
         mv -f \"$part\" {path}\nfi\n"
    )
}

/// Gives the binary of K3s the label of a container runtime (docs.k3s.io, *SELinux Support*).
fn selinux(node: &Node<'_>) -> String {
    let path = node.binary();
    // Files from before the policy get the policy's labels.
    let relabel = format!("restorecon -R {path} /etc/systemd/system /etc/rancher /var/lib/rancher\n");
    match (node.site.os(), &node.install().selinux_policy) {
        (_, None) => format!("chcon -t container_runtime_exec_t {path}\n"),
        (Os::FedoraCoreos, Some(_)) => format!(
            "if ! rpm --query --quiet k3s-selinux; then\n    \
             if [ -e {LAYERED} ]; then echo 'k3s-selinux was layered, and is not there' >&2; exit 1; fi\n    \
             rpm-ostree install --assumeyes --idempotent {POLICY}\n    \
             touch {LAYERED}\n    \
             systemctl --no-block reboot\n    \
             exit 0\nfi\n{relabel}"
        ),
        (_, Some(_)) => {
            format!("rpm --query --quiet k3s-selinux || dnf --assumeyes install {POLICY}\n{relabel}")
        }
    }
}
