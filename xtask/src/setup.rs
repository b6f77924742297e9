//! The Debian packages that the tests and the features `virt` and `kerberos` need.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use xtask::{Failure, as_root};

/// Each package with its purpose.
const PACKAGES: [(&str, &str); 65] = [
    ("pkg-config", "finds the C libraries for the features `virt` and `kerberos`"),
    ("libvirt-dev", "the C library that the feature `virt` links"),
    ("libkrb5-dev", "the C library that the feature `kerberos` links"),
    ("libclang-dev", "reads its headers when that feature is built"),
    ("g++", "builds the fuzzer, which is LLVM's"),
    ("libvirt-clients", "virsh, virt-xml-validate"),
    ("libvirt-daemon-system", "libvirtd, for a daemon of the tests' own"),
    ("libvirt-daemon-driver-qemu", "its QEMU driver, and libvirt's schemas"),
    ("qemu-system-x86", "runs the domains, by software emulation"),
    ("qemu-utils", "qemu-img, with which libvirt makes volumes"),
    ("gzip", "packs images for the tests"),
    ("bzip2", "packs images for the tests"),
    ("xz-utils", "packs images for the tests"),
    ("zstd", "packs images for the tests"),
    ("dnsmasq-base", "DHCP and DNS of libvirt's networks"),
    ("iptables", "the firewall rules of libvirt's networks"),
    ("iproute2", "ip, for bridges in the tests' namespaces"),
    ("nftables", "judges the hosts' firewall rules"),
    ("libxml2-utils", "xmllint, with which virt-xml-validate works"),
    ("graphviz", "dot, which judges pictures of clouds"),
    ("ignition", "judges and applies Ignition configs"),
    ("cloud-init", "judges user-data and network-config"),
    ("python3-yaml", "reads YAML as version 1.1 has it, and K3s's configuration in its stand-in"),
    ("xorriso", "reads the seed images back"),
    ("systemd", "systemd-analyze, which judges units"),
    ("passwd", "useradd, which Ignition calls"),
    ("openssh-client", "ssh-keygen, which judges public keys, and ssh -G, which judges configurations"),
    ("openssh-server", "sshd, which judges its configuration and host keys"),
    ("openssl", "judges certificates, and makes those of the tests' own"),
    ("bind9", "named, which has zones and takes updates of them"),
    ("bind9-utils", "named-checkzone, which judges zones, and tsig-keygen"),
    ("bind9-dnsutils", "dig and nsupdate, which ask named and change its zones"),
    ("knot", "a second server of zones"),
    ("pdns-server", "a third one"),
    ("pdns-backend-sqlite3", "its database"),
    ("sqlite3", "makes that database"),
    ("krb5-kdc", "the KDC of a realm, for logins by tickets"),
    ("krb5-admin-server", "kadmin.local, which makes its users and keytabs"),
    ("krb5-user", "kinit, which gets tickets"),
    ("libapache2-mod-auth-gssapi", "Apache with the module that judges tickets before FreeIPA"),
    ("haproxy", "judges balancers, and balances in namespaces"),
    ("keepalived", "judges shared addresses, and shares one in namespaces"),
    ("nginx-light", "judges the mirror's configuration, and serves in namespaces"),
    ("docker-registry", "a registry of container images, which tells their digests"),
    ("skopeo", "fills that registry, and judges digests"),
    ("crun", "runs containers of compiled pods"),
    ("golang-github-containers-common", "the seccomp filter of those containers"),
    ("redis-server", "a program for such a container"),
    ("prometheus", "a program for such a container"),
    ("postgresql-15", "a program for such a container, and a server with its standby in namespaces"),
    ("pgbackrest", "makes backups of that server, and restores them"),
    ("wireguard-go", "tunnels in namespaces, without the kernel's own"),
    ("wireguard-tools", "wg, which reads their configurations"),
    ("iputils-ping", "asks whether an address answers, by packets of a size"),
    ("zbar-tools", "reads QR codes"),
    ("gpg", "reads the key of a list of packages"),
    ("shellcheck", "judges scripts"),
    ("curl", "asks servers in namespaces"),
    ("python3", "the stand-ins of servers and of K3s, and the tests of reachability in namespaces"),
    ("python3-pip", "fetches judges, and Go if it is missing, from Python's registry"),
    ("util-linux", "unshare and nsenter, for the tests' namespaces"),
    ("mmdebstrap", "the root of the test guest"),
    ("e2fsprogs", "mke2fs, which makes the test guest's image"),
    ("kmod", "depmod, for the test guest's modules"),
    ("cpio", "the test guest's initramfs"),
];

/// Installs the missing packages.
pub(crate) fn setup() -> Result<(), Failure> {
    let missing = missing()?;
    if missing.is_empty() {
        println!("    all {} Debian packages are installed", PACKAGES.len());
        return Ok(());
    }
    println!("    to be installed with apt-get (no daemon will be started):");
    for (name, purpose) in PACKAGES.iter().filter(|(name, _)| missing.contains(name)) {
        println!("      {name:<28} {purpose}");
    }
    if missing.contains("cloud-init") {
        println!(
            "    and /etc/cloud/cloud-init.disabled, so that cloud-init does nothing on this machine's next boot"
        );
    }
    let status = as_root("sh").arg("-c").arg(install_script(&missing)).status()?;
    if !status.success() {
        return Err(format!("apt-get could not install the packages ({status})").into());
    }
    let still = self::missing()?;
    if still.is_empty() { Ok(()) } else { Err(format!("still not installed: {still:?}").into()) }
}

fn missing() -> Result<BTreeSet<&'static str>, Failure> {
    let names = PACKAGES.map(|(name, _)| name);
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Package} ${db:Status-Status}\\n"])
        .args(names)
        .output();
    // The command exits with 1 if it does not know one of the packages; its output is still the answer.
    let Ok(output) = query else {
        return Err(format!(
            "setup installs Debian packages, and this is no Debian (no dpkg-query). The tests need what these hold: {}",
            names.join(", ")
        )
        .into());
    };
    let listed = String::from_utf8(output.stdout)?;
    let installed: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split_once(" installed").map(|(name, _)| name)).collect();
    Ok(names.into_iter().filter(|name| !installed.contains(name)).collect())
}

/// One script, so that sudo asks a person once, and the ban on starting daemons is lifted even after a
/// failure.
fn install_script(missing: &BTreeSet<&str>) -> String {
    let packages = missing.iter().copied().collect::<Vec<_>>().join(" ");
    let suite = backports().map(|suite| format!("--target-release {suite} ")).unwrap_or_default();
    let keep_cloud_init_idle = if missing.contains("cloud-init") {
        "mkdir -p /etc/cloud\ntouch /etc/cloud/cloud-init.disabled\n"
    } else {
        ""
    };
    // If policy-rc.d exits with 101, a package's scripts do not start its services.
    format!(
        "set -eu\n\
         export DEBIAN_FRONTEND=noninteractive\n\
         policy=/usr/sbin/policy-rc.d\n\
         restore() {{ rm -f $policy; [ ! -e $policy.aside ] || mv $policy.aside $policy; }}\n\
         [ ! -e $policy ] || mv $policy $policy.aside\n\
         trap restore EXIT\n\
         trap 'exit 130' INT TERM HUP\n\
         printf '#!/bin/sh\\nexit 101\\n' >$policy\n\
         chmod 755 $policy\n\
         {keep_cloud_init_idle}\
         apt-get update -qq\n\
         apt-get install --yes --no-remove --no-install-recommends -qq -o Dpkg::Use-Pty=0 {suite}{packages}\n"
    )
}

/// The backports suite, if this machine's QEMU tools come from it: the emulator and libvirt must then come
/// from it too.
fn backports() -> Option<String> {
    let query =
        Command::new("dpkg-query").args(["--show", "--showformat", "${Version}", "qemu-utils"]).output();
    let version = String::from_utf8(query.ok()?.stdout).ok()?;
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    version.contains("~bpo").then(|| format!("{codename}-backports"))
}
