//! The test guest: a Debian that Ignition or cloud-init configures on its first boot, and that reports its
//! state on its serial log.
//!
//! It stands for the systems that fmc configures, because the consumers are the same programs: Ignition's
//! engine, cloud-init, systemd, systemd-networkd, `NetworkManager`. It tests fmc's output; it does not test
//! Fedora CoreOS, Flatcar or Rocky Linux themselves.

use std::path::PathBuf;
use std::sync::OnceLock;

pub use report::{Disk, Entry, Interface, InterfaceAddress, Report, Route, Unit, User};

mod report;

/// The program that configures the guest on its first boot, and the one that configures its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Ignition by Flatcar's key of `fw_cfg`, and systemd-networkd.
    Flatcar,
    /// Ignition by Fedora CoreOS's key of `fw_cfg`, and `NetworkManager`.
    FedoraCoreos,
    /// cloud-init as Debian runs it, with systemd-networkd.
    Debian,
    /// cloud-init that writes for `NetworkManager`, as on an Enterprise Linux. It does not show how
    /// cloud-init there differs from Debian's (it sets the host name by `hostnamectl`, after D-Bus).
    EnterpriseLinux,
}

/// The files of the test guest on this machine. A hypervisor in a namespace of this machine sees them too.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    digest: String,
}

/// The files of the test guest. Missing files are built first, which takes about a minute.
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

    /// The hash of the image, as `sha256:HEX`.
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
    /// Whether Ignition configures it; otherwise cloud-init does.
    #[must_use]
    pub fn has_ignition(self) -> bool {
        matches!(self, Self::Flatcar | Self::FedoraCoreos)
    }

    /// Whether `NetworkManager` configures its network; otherwise systemd-networkd does.
    #[must_use]
    pub fn has_network_manager(self) -> bool {
        matches!(self, Self::FedoraCoreos | Self::EnterpriseLinux)
    }

    /// The kernel's command line, which turns the single image into a guest of this style.
    #[must_use]
    pub fn command_line(self) -> String {
        // Among other busy guests the kernel measures the processor's counter wrongly, and the clock would
        // run several times too fast.
        // IPv6 is off, because networkd would wait for a router that advertises.
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
