//! The files of a bastion: the drop-in of sshd, and the log that is kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::{Bastion, SSH};
use crate::checked::{Checked, Idx, Machine, WayIn};
use crate::given::Given;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::{Os, Provisioner};
use crate::role::Site;
use crate::unit::{FileMode, Size};

/// sshd takes the first value that it reads (`sshd_config(5)`), so that this name comes before those of the images and of cloud-init.
pub(super) const SSHD: &str = "/etc/ssh/sshd_config.d/00-fmc-bastion.conf";

/// journald takes the last value.
const JOURNALD: &str = "/etc/systemd/journald.conf.d/90-fmc-bastion.conf";

/// The unit that makes running programs read their files, once.
const RELOAD: &str = "fmc-bastion";

/// What every connection to a bastion is held to. `AuthenticationMethods` allows nothing but a key, whatever other files say.
const HARDENED: &str = "\
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
PermitEmptyPasswords no
PermitRootLogin no
PermitUserEnvironment no
PermitUserRC no
MaxAuthTries 3
LoginGraceTime 30
ClientAliveInterval 60
ClientAliveCountMax 3
LogLevel VERBOSE
AllowAgentForwarding no
AllowStreamLocalForwarding no
AllowTcpForwarding local
GatewayPorts no
PermitListen none
PermitOpen none
PermitTunnel no
X11Forwarding no
";

/// The guest of a bastion.
pub(super) fn guest(bastion: &Bastion, way: &WayIn, site: &Site<'_>) -> Guest {
    let size = bastion.log_size.as_ref().and_then(Given::ok).copied().unwrap_or(Size::gib(1));
    let journald = format!(
        "# The log of who came and where they went, written by fmc.\n[Journal]\nStorage=persistent\nSystemMaxUse={}M\n",
        size.as_mib_floor()
    );
    let guest = Guest::new()
        .file(GuestFile::text(SSHD, sshd(way, site.cloud())).mode(FileMode::new(0o600)))
        .file(GuestFile::text(JOURNALD, journald));
    // Ignition writes files before anything starts.
    match site.os().provisioner() {
        Some(Provisioner::CloudInit) => guest.unit(reload(site.os())),
        _ => guest,
    }
}

/// The drop-in of sshd.
fn sshd(way: &WayIn, cloud: &Checked) -> String {
    let mut text = String::from("# The one way in by SSH, written by fmc.\n");
    let names: Vec<&str> = way.users.iter().map(|passage| passage.user.as_str()).collect();
    // Writing to a text cannot fail.
    if !names.is_empty() {
        let _ = writeln!(text, "AllowUsers {}", names.join(" "));
    }
    text.push_str(HARDENED);
    // Users who may go to the same machines have one block.
    let mut blocks: BTreeMap<&[Idx<Machine>], Vec<&str>> = BTreeMap::new();
    for passage in &way.users {
        blocks.entry(&passage.to).or_default().push(passage.user.as_str());
    }
    let mut blocks: Vec<_> = blocks.into_iter().map(|(to, users)| (users, to)).collect();
    blocks.sort();
    for (users, to) in blocks {
        let places = to.iter().filter_map(|at| way.address_of(cloud, cloud.at(*at)?)).map(place);
        let places: Vec<String> = places.collect();
        if !places.is_empty() {
            let _ = writeln!(text, "\nMatch User {}\n  PermitOpen {}", users.join(","), places.join(" "));
        }
    }
    text
}

/// The SSH port of an address, as `PermitOpen` has it: `10.17.3.10:22`, `[fd00::10]:22`.
fn place(address: IpAddr) -> String {
    SocketAddr::new(address, SSH).to_string()
}

/// cloud-init writes files while the system starts, so that sshd and journald may have started with those of the image.
fn reload(os: Os) -> Unit {
    const DONE: &str = "/var/lib/fmc/bastion";
    let sshd = if os == Os::Debian { "ssh" } else { "sshd" };
    let contents = UnitFile::new()
        .section(
            UnitSection::new("Unit")
                .set("Description", "Read the settings of the bastion")
                .set("ConditionPathExists", format!("!{DONE}"))
                .set("After", format!("{sshd}.service")),
        )
        .section(
            UnitSection::new("Service")
                .set("Type", "oneshot")
                .set("ExecStart", "/usr/bin/systemctl restart systemd-journald.service")
                .set("ExecStart", "/usr/bin/journalctl --flush")
                .set("ExecStart", format!("/usr/bin/systemctl try-reload-or-restart {sshd}.service"))
                .set("ExecStart", "/usr/bin/mkdir -p /var/lib/fmc")
                .set("ExecStart", format!("/usr/bin/touch {DONE}")),
        )
        .section(UnitSection::new("Install").set("WantedBy", "multi-user.target"));
    Unit::service(RELOAD).enabled().contents(contents)
}
