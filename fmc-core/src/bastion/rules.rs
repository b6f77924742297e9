//! The rules about a bastion.

use super::{Bastion, SSH, targets, with_key};
use crate::addr::{Subnet, is_public};
use crate::checked::{Checked, CheckedFlow, CheckedPeer, Machine};
use crate::finding::{NameList, OwnKind};
use crate::flow::{Direction, tcp};
use crate::image::Os;
use crate::name::UserName;
use crate::role::{RoleFindings, Site};

const SECOND: OwnKind = OwnKind::error("bastion-second", include_str!("pages/second.md")).never_accepted();
const OTHER_SERVICE: OwnKind =
    OwnKind::warning("bastion-other-service", include_str!("pages/other-service.md"));
const NO_USER: OwnKind = OwnKind::error("bastion-no-user", include_str!("pages/no-user.md")).never_accepted();
const NO_KEY: OwnKind = OwnKind::error("bastion-no-key", include_str!("pages/no-key.md")).never_accepted();
const NOT_PUBLIC: OwnKind = OwnKind::error("bastion-not-public", include_str!("pages/not-public.md"));
const NAT: OwnKind = OwnKind::error("bastion-nat", include_str!("pages/nat.md")).never_accepted();
const NO_ADDRESS: OwnKind = OwnKind::warning("bastion-no-address", include_str!("pages/no-address.md"));
const SYSTEM: OwnKind = OwnKind::error("bastion-system", include_str!("pages/system.md")).never_accepted();
const BYPASSED: OwnKind = OwnKind::error("bastion-bypassed", include_str!("pages/bypassed.md"));

/// The kinds of findings about a bastion.
pub(super) const KINDS: &[OwnKind] =
    &[SECOND, OTHER_SERVICE, NO_USER, NO_KEY, NOT_PUBLIC, NAT, NO_ADDRESS, BYPASSED, SYSTEM];

/// Everything that is wrong with a bastion by its settings and its machine.
pub(super) fn check(bastion: &Bastion, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    second(site, findings);
    system(site, findings);
    dialled(bastion, site, findings);
    users(bastion, site, findings);
    if let Some(size) = &bastion.log_size {
        findings.leaf("log_size", size);
    }
    no_address(site, findings);
}

fn second(site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let first = site.roles::<Bastion>().map(|(machine, _)| machine).next();
    if let Some(first) = first.filter(|first| first.name != site.machine().name) {
        findings.find_with(
            &SECOND,
            &serde_json::json!({ "first": first.name.as_str() }),
            format!("{} is a bastion of this cloud already, and there is one way in", first.name),
            "keep one of them",
        );
    }
}

/// Systems whose sshd reads no folder of further settings, which is OpenSSH before 8.2.
fn system(site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let image = &site.machine().image;
    let least = match image.os {
        Os::Debian => 11,
        Os::Rocky | Os::Almalinux => 9,
        _ => return,
    };
    let release = image.version.split('.').next().and_then(|major| major.parse().ok());
    if release.is_some_and(|release: u32| release < least) {
        findings.find(
            &SYSTEM,
            format!("sshd of {} {} does not read /etc/ssh/sshd_config.d", image.os.label(), image.version),
            format!("give the machine {} {least} or later", image.os.label()),
        );
    }
}

/// The address that people dial.
fn dialled(bastion: &Bastion, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let port = bastion.port.as_ref().and_then(|port| findings.leaf("port", port));
    let Some(public) = &bastion.public else {
        if bastion.nat || bastion.port.is_some() {
            let said = if bastion.nat { "nat" } else { "port" };
            findings.find(
                &NAT,
                format!("`{said}` speaks of a router whose address is not stated"),
                "state the address that people dial, as `public: 198.51.100.7`, or leave it out",
            );
        }
        return;
    };
    let Some(public) = findings.leaf("public", public).map(|public| public.get()) else { return };
    if !is_public(public) {
        findings.find_with(
            &NOT_PUBLIC,
            &serde_json::json!({ "address": public }),
            format!("{public} is not an address that the Internet reaches"),
            "write the address that the provider gave to the router, with `nat: true`; or leave `public` out if people dial the \
             machine's own address",
        );
    }
    let is_own = site.machine().addresses().any(|own| own == public);
    if bastion.nat && is_own {
        findings.find(
            &NAT,
            format!("{public} is an address of {} itself, and not of a router", site.machine().name),
            "leave `nat` out",
        );
    } else if !bastion.nat && !is_own {
        findings.find(
            &NAT,
            format!("{} has no interface with the address {public}", site.machine().name),
            "write `nat: true` if a router forwards it to the machine, or give an interface the address",
        );
    }
    if !bastion.nat && port.is_some_and(|port| port.get() != SSH) {
        findings.find(
            &NAT,
            "sshd of a bastion listens on 22, and without `nat` no router forwards another port",
            "leave `port` out",
        );
    }
}

/// Users whom it cannot let in.
fn users(bastion: &Bastion, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let machine = site.machine();
    if bastion.users.is_empty() && with_key(machine).next().is_none() {
        findings.find(
            &NO_KEY,
            format!("no user of {} has a key, so nobody gets in", machine.name),
            "give a user of the machine a key: `guest: {users: {ops: {keys: [ssh-ed25519 …]}}}`",
        );
    }
    for user in bastion.users.iter() {
        let at = format!("users.{}", user.name);
        let Some(name) = findings.leaf(&at, &user.name) else { continue };
        for (index, target) in user.to.iter().flatten().enumerate() {
            findings.machine(site, &format!("{at}.to[{index}]"), target);
        }
        let known = machine.guest.users.iter().find(|known| known.name == *name);
        let is_let_in = with_key(machine).any(|known| known.name == *name);
        match known {
            Some(_) if is_let_in => {}
            _ if name.as_str() == "root" => findings.part(&at, |findings| {
                findings.find(
                    &NO_KEY,
                    "sshd of a bastion never lets root in",
                    "name another user of the machine, who has a key there",
                );
            }),
            Some(_) => findings.part(&at, |findings| {
                findings.find(
                    &NO_KEY,
                    format!("{name} has no key on {}, and a bastion takes keys alone", machine.name),
                    "give the user a key and a shell there, or leave the user out",
                );
            }),
            None if is_enrolled(site, name) => {}
            None => findings.part(&at, |findings| {
                let others = NameList::new(machine.guest.users.iter().map(|known| known.name.as_str()));
                let help = match others.nearest(name.as_str()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("add the user to the guest of {}", machine.name),
                };
                findings.find(&NO_USER, format!("{} has no user {name}", machine.name), help);
            }),
        }
    }
}

/// Whether a user comes from FreeIPA, with a key, to a machine that is enrolled there.
fn is_enrolled(site: &Site<'_>, name: &UserName) -> bool {
    let people = site.cloud().people().into_iter().flat_map(|people| people.users.iter());
    let mut known =
        people.filter(|user| user.login.to_string() == name.as_str() && !user.ssh_keys.is_empty());
    known.next().is_some()
        && site.with_role("freeipa-client").any(|machine| machine.name == site.machine().name)
}

/// Machines whose address sshd cannot be told.
fn no_address(site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let unknown = targets(site).filter(|(_, machine)| machine.address_towards(site.machine()).is_none());
    let unknown: Vec<&str> = unknown.map(|(_, machine)| machine.name.as_str()).collect();
    if !unknown.is_empty() {
        findings.find_with(
            &NO_ADDRESS,
            &serde_json::json!({ "machines": unknown }),
            format!(
                "nobody comes to these machines, whose addresses are not known beforehand: {}",
                unknown.join(", ")
            ),
            "give them static or reserved addresses",
        );
    }
}

/// Everything that is wrong with the flows beside a bastion.
pub(super) fn check_flows(site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let (cloud, machine) = (site.cloud(), site.machine());
    if cloud.way_in().and_then(|way| cloud.at(way.machine)).is_none_or(|way| way.name != machine.name) {
        return;
    }
    other_service(cloud, machine, findings);
    let around: Vec<&str> = targets(site)
        .filter(|(at, target)| {
            !target.firewall || cloud.flows_at(*at).iter().any(|flow| is_around(cloud, target, flow))
        })
        .map(|(_, target)| target.name.as_str())
        .collect();
    if !around.is_empty() {
        findings.find_with(
            &BYPASSED,
            &serde_json::json!({ "machines": around }),
            format!("these machines accept SSH from others than {} too: {}", machine.name, around.join(", ")),
            "leave `ssh_from` out, or name the bastion's machine there alone; give a machine without a firewall `firewall: true`",
        );
    }
}

/// Whether a machine accepts SSH past the bastion. Its own hypervisor can read its disks anyway.
fn is_around(cloud: &Checked, machine: &Machine, flow: &CheckedFlow) -> bool {
    if flow.direction != Direction::Accept || !flow.service.overlaps(tcp(SSH)) {
        return false;
    }
    match &flow.peer {
        CheckedPeer::Machine(peer) => cloud.way_in().is_none_or(|way| way.machine != *peer),
        CheckedPeer::Inside { .. } => false,
        CheckedPeer::Subnet(subnet) => {
            !cloud.hypervisor_addresses(machine).any(|host| Subnet::single(host) == *subnet)
        }
        _ => true,
    }
}

/// Finds services beside SSH that the bastion accepts.
fn other_service(cloud: &Checked, machine: &Machine, findings: &mut RoleFindings<'_>) {
    let accepted = cloud.flows_of(machine).iter().filter(|flow| {
        let is_inside = matches!(flow.peer, CheckedPeer::Inside { .. });
        flow.direction == Direction::Accept && !is_inside && flow.service != tcp(SSH)
    });
    let mut services: Vec<String> = accepted.map(|flow| format!("{} ({})", flow.service, flow.by)).collect();
    services.sort();
    services.dedup();
    if !services.is_empty() {
        findings.find_with(
            &OTHER_SERVICE,
            &serde_json::json!({ "services": services }),
            format!("{} is a bastion, and accepts more than SSH: {}", machine.name, services.join(", ")),
            "give the service a machine of its own",
        );
    }
    if !machine.firewall {
        findings.find(
            &OTHER_SERVICE,
            format!("{} is a bastion without a firewall: whatever listens on it is open", machine.name),
            "leave out `firewall: false`",
        );
    }
}
