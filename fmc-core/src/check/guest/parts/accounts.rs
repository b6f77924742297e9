//! The accounts and groups that an image has, by its system.
//!
//! Debian: `base-passwd` and the packages of its cloud images. Enterprise Linux: `setup` and the packages of its cloud
//! images. Flatcar and Fedora CoreOS: those in `/usr/lib/passwd` and `/usr/share/baselayout`.

use crate::image::Os;

/// The accounts and groups of a system.
#[derive(Clone, Copy)]
pub(super) struct Accounts {
    users: &'static [&'static str],
    groups: &'static [&'static str],
    more: &'static Accounts,
}

impl Accounts {
    pub(super) fn users(self) -> impl Iterator<Item = &'static str> {
        self.users.iter().chain(self.more.users).copied()
    }

    pub(super) fn groups(self) -> impl Iterator<Item = &'static str> {
        self.groups.iter().chain(self.more.groups).copied()
    }
}

/// The accounts and groups of a system's images.
pub(super) fn of(os: Os) -> Accounts {
    match os {
        Os::Debian => DEBIAN,
        Os::Rocky | Os::Almalinux => ENTERPRISE,
        Os::Flatcar => FLATCAR,
        Os::FedoraCoreos => FEDORA_COREOS,
        Os::None => EVERY,
    }
}

static EVERY: Accounts = Accounts {
    users: &["root", "daemon", "bin", "nobody", "mail", "games", "sshd", "systemd-network", "systemd-resolve"],
    groups: &[
        "root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail", "kmem", "dialout", "cdrom", "floppy", "tape",
        "audio", "video", "users", "utmp", "games", "kvm", "input", "render", "sgx", "systemd-journal",
        "systemd-network", "systemd-resolve",
    ],
    more: &NOTHING,
};

static NOTHING: Accounts = Accounts { users: &[], groups: &[], more: &NOTHING };

static DEBIAN: Accounts = Accounts {
    users: &[
        "sys", "sync", "man", "lp", "news", "uucp", "proxy", "www-data", "backup", "list", "irc", "_apt", "messagebus",
        "systemd-timesync", "polkitd", "_chrony", "tss",
    ],
    groups: &[
        "nogroup", "sudo", "news", "uucp", "man", "proxy", "fax", "voice", "dip", "www-data", "backup", "operator",
        "list", "irc", "src", "shadow", "sasl", "plugdev", "staff", "crontab", "_ssh", "messagebus", "netdev",
        "systemd-timesync", "polkitd", "_chrony", "tss",
    ],
    more: &EVERY,
};

static ENTERPRISE: Accounts = Accounts {
    users: &[
        "adm", "lp", "sync", "shutdown", "halt", "operator", "ftp", "dbus", "polkitd", "chrony", "sssd", "tss", "rpc",
        "rpcuser", "setroubleshoot", "systemd-coredump", "systemd-oom",
    ],
    groups: &[
        "wheel", "nobody", "mem", "man", "ftp", "lock", "utempter", "ssh_keys", "dbus", "polkitd", "chrony", "sssd",
        "tss", "rpc", "rpcuser", "setroubleshoot", "systemd-coredump", "systemd-oom", "sshd",
    ],
    more: &EVERY,
};

static FLATCAR: Accounts = Accounts {
    users: &[
        "core", "adm", "lp", "sync", "shutdown", "halt", "news", "uucp", "operator", "man", "postmaster", "ntp", "etcd",
        "dnsmasq", "messagebus", "polkitd", "syslog", "portage", "systemd-timesync", "systemd-coredump", "systemd-oom",
        "fleet", "kubelet",
    ],
    groups: &[
        "core", "docker", "sudo", "wheel", "nobody", "nogroup", "mem", "news", "uucp", "man", "console", "ftp", "ntp",
        "etcd", "dnsmasq", "messagebus", "polkitd", "syslog", "portage", "rkt", "rkt-admin", "fleet", "kubelet",
        "systemd-timesync", "systemd-coredump", "systemd-oom", "shadow", "sshd",
    ],
    more: &EVERY,
};

static FEDORA_COREOS: Accounts = Accounts {
    users: &[
        "core", "adm", "lp", "sync", "shutdown", "halt", "operator", "ftp", "dbus", "polkitd", "chrony", "sssd", "tss",
        "rpc", "rpcuser", "zincati", "dnsmasq", "clevis", "etcd", "systemd-coredump", "systemd-oom", "systemd-timesync",
    ],
    groups: &[
        "core", "docker", "sudo", "wheel", "nobody", "mem", "man", "ftp", "lock", "ssh_keys", "dbus", "polkitd", "chrony",
        "sssd", "tss", "rpc", "rpcuser", "zincati", "dnsmasq", "clevis", "etcd", "utempter", "printadmin",
        "systemd-coredump", "systemd-oom", "systemd-timesync", "sshd",
    ],
    more: &EVERY,
};
