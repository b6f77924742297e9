//! The test guest: a Debian that Ignition or cloud-init configures on its first boot, and that says on its serial log what it became.
//!
//! It stands for the systems that fmc configures as far as the consumers are the same programs: Ignition's engine, cloud-init, systemd,
//! systemd-networkd, `NetworkManager`. It proves what fmc compiles, not Fedora CoreOS, Flatcar or Rocky Linux themselves.

use std::path::PathBuf;
use std::sync::OnceLock;

pub use report::{Disk, Entry, Interface, InterfaceAddress, Report, Route, Unit, User};

mod report;

/// What configures the guest on its first boot, and what its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Ignition by Flatcar's key of `fw_cfg`, and systemd-networkd.
    Flatcar,
    /// Ignition by Fedora CoreOS's key of `fw_cfg`, and `NetworkManager`.
    FedoraCoreos,
    /// cloud-init as Debian runs it, with systemd-networkd.
    Debian,
    /// cloud-init that writes for `NetworkManager`, as on an Enterprise Linux. What that one's cloud-init does otherwise than Debian's
    /// (host name by `hostnamectl`, after D-Bus) is not in it.
    EnterpriseLinux,
}

/// The files of the test guest, on this machine: a hypervisor in a namespace of it sees them, too.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    digest: String,
}

/// The files of the test guest, built if they are not there yet: that takes about a minute.
///
/// # Panics
///
/// When they cannot be built.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = xtask::guest::prepare().unwrap_or_else(|failure| panic!("{failure}"));
        let digest = std::fs::read_to_string(folder.join("root.sha256"))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        Files { folder, digest: digest.trim().to_owned() }
    })
}

impl Files {
    /// The image of the root disk, in qcow2. Its virtual size is 1,500 MiB.
    #[must_use]
    pub fn image(&self) -> PathBuf {
        self.folder.join("root.qcow2")
    }

    /// What the image hashes to, as `sha256:HEX`.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.digest)
    }

    /// The kernel, for direct boot.
    #[must_use]
    pub fn kernel(&self) -> PathBuf {
        self.folder.join("vmlinuz")
    }

    /// The initial RAM disk of a style.
    #[must_use]
    pub fn initramfs(&self, style: Style) -> PathBuf {
        self.folder.join(if style.has_ignition() { "initramfs-ignition" } else { "initramfs-cloud-init" })
    }
}

impl Style {
    /// Whether Ignition configures it; cloud-init does otherwise.
    #[must_use]
    pub fn has_ignition(self) -> bool {
        matches!(self, Self::Flatcar | Self::FedoraCoreos)
    }

    /// Whether `NetworkManager` makes its network; systemd-networkd does otherwise.
    #[must_use]
    pub fn has_network_manager(self) -> bool {
        matches!(self, Self::FedoraCoreos | Self::EnterpriseLinux)
    }

    /// The kernel's command line, which makes the one image a guest of this style.
    #[must_use]
    pub fn command_line(self) -> String {
        // Between other guests, the kernel measures the processor's own counter wrongly, and its clock would run several times too fast.
        // No IPv6: without a router that advertises, networkd would wait for one.
        let mut words = vec![
            "root=LABEL=root rw console=ttyS0 ipv6.disable=1 mitigations=off audit=0 apparmor=0 clocksource=acpi_pm tsc=reliable no_timer_check",
            "quiet loglevel=4 systemd.show_status=false",
        ];
        words.push(if self.has_ignition() {
            "ignition.firstboot ignition.platform.id=qemu cloud-init=disabled"
        } else {
            "ds=nocloud"
        });
        words.push(if self.has_network_manager() {
            "systemd.mask=systemd-networkd.service systemd.mask=systemd-networkd.socket systemd.mask=systemd-networkd-wait-online.service"
        } else {
            "systemd.mask=NetworkManager.service systemd.mask=NetworkManager-wait-online.service"
        });
        if self == Self::EnterpriseLinux {
            words.push("cc:{system_info:%20{network:%20{renderers:%20[network-manager],%20activators:%20[network-manager]}}}end_cc");
        }
        words.join(" ")
    }
}
