//! cloud-init: Rocky Linux, `AlmaLinux` and Debian read these documents on their first boot, with the
//! `NoCloud` data source.

mod home;
mod iso;
mod network;
mod part;

use std::borrow::Cow;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::boot::{Inside, Interface};
use crate::digest::hex;
use crate::guest::checked::{Contents, GuestFile, Owner, TextPart, User};
use crate::guest::{FIREWALL_UNIT, HOST_KEY, HOST_KEY_PUBLIC, State};
use crate::image::Os;
use crate::name::PackageName;
use crate::secret::SecretRef;
use crate::template::{Encoding, Template};
use crate::yaml::{self, Node};

pub(crate) use iso::cidata;
pub(crate) use network::network_config;
pub(crate) use part::LISTS;

/// The shell of users without a shell of their own: `useradd` of Debian would give them `/bin/sh`.
const SHELL: &str = "/bin/bash";

/// The user-data: everything but the network.
pub(crate) fn user_data(inside: &Inside<'_>) -> Template {
    let mut root = vec![
        ("hostname", Node::text(inside.hostname.as_str())),
        // The host name is set above; the full name is in /etc/hosts.
        ("prefer_fqdn_over_hostname", Node::Flag(false)),
        ("manage_etc_hosts", Node::Flag(false)),
        ("ssh_pwauth", Node::Flag(false)),
    ];
    if let Some(fqdn) = inside.fqdn {
        root.insert(1, ("fqdn", Node::text(fqdn.as_str())));
    }
    if let Some(zone) = inside.time_zone {
        root.push(("timezone", Node::text(zone.as_str())));
    }
    host_keys(inside, &mut root);
    let first =
        no_default_routes(inside).into_iter().chain(filesystems(inside)).chain(groups_with_ids(inside));
    push(&mut root, "bootcmd", first.collect());
    push(&mut root, "groups", groups(inside));
    push(&mut root, "users", inside.guest.users.iter().map(|user| self::user(user, inside.os)).collect());
    push(&mut root, "packages", packages(&inside.guest.packages));
    push(&mut root, "write_files", files(inside));
    push(&mut root, "runcmd", commands(inside));
    part::add(&mut root, inside);
    let mut out = Template::text("#cloud-config\n");
    Node::Map(root).document(&mut out);
    out
}

/// The meta-data. cloud-init runs again when the instance-id changes. The id is derived from everything that
/// is read on the first boot, so a machine that is replaced because of a change there gets a new one.
pub(crate) fn meta_data(
    inside: &Inside<'_>,
    uuid: &Uuid,
    user_data: &Template,
    network_config: &Template,
) -> Template {
    let mut hash = Sha256::new();
    hash.update(uuid.as_bytes());
    user_data.update(&mut hash);
    network_config.update(&mut hash);
    let id = hash.finalize();
    let id = id.first_chunk::<16>().map(|id| hex(id)).unwrap_or_default();
    Template::text(format!("instance-id: fmc-{id}\nlocal-hostname: {}\n", inside.hostname))
}

/// Given host keys: without these settings cloud-init deletes existing keys and makes new ones.
fn host_keys<'a>(inside: &Inside<'a>, root: &mut Vec<(&'a str, Node<'a>)>) {
    let keys: Vec<_> = inside.guest.files.iter().filter_map(|file| host_key_of(file)).collect();
    if !keys.is_empty() {
        root.push(("ssh_deletekeys", Node::Flag(false)));
        let node = |(name, secret)| (name, Node::Hole(secret, Encoding::JsonText));
        root.push(("ssh_keys", Node::Map(keys.into_iter().map(node).collect())));
    }
}

/// The cloud-init name of a file that is a secret host key.
fn host_key_of(file: &GuestFile) -> Option<(&'static str, &Arc<SecretRef>)> {
    let Contents::Secret(secret) = &file.contents else { return None };
    match file.path.as_str() {
        HOST_KEY => Some(("ed25519_private", secret)),
        HOST_KEY_PUBLIC => Some(("ed25519_public", secret)),
        _ => None,
    }
}

fn push<'a>(root: &mut Vec<(&'a str, Node<'a>)>, name: &'a str, values: Vec<Node<'a>>) {
    if !values.is_empty() {
        root.push((name, Node::List(values)));
    }
}

/// Makes a file system where there is none, and mounts it: `$0` is the kind, `$1` the device, `$2` the path, which may be empty.
/// systemd-makefs leaves a disk alone that has anything on it; cloud-init's own `fs_setup` does not. At each start the file
/// system grows to the size of its disk.
const FILESYSTEM: &str = "set -e; udevadm settle --timeout=60; /usr/lib/systemd/systemd-makefs \"$0\" \"$1\"; \
                          [ -n \"$2\" ] || exit 0; mkdir -p \"$2\"; echo \"$1 $2 $0 defaults,x-systemd.growfs 0 2\" >>/etc/fstab; \
                          mount \"$2\"";

/// Takes the default route from an interface with DHCP: `$0` is its MAC. Without it NetworkManager takes the default routes of
/// all its interfaces, and prefers the one that was up first, which is chance. cloud-init with data on a disk runs it before
/// NetworkManager starts: it changes the file of the connection, in either form, and a NetworkManager that runs already reads it.
const NO_DEFAULT_ROUTE: &str = "found=; for file in /etc/NetworkManager/system-connections/*.nmconnection; do \
                                if grep -qisx \"mac-address=$0\" \"$file\"; then found=1; \
                                sed -i '/^\\[ipv[46]\\]$/a never-default=true' \"$file\"; fi; done; \
                                for file in /etc/sysconfig/network-scripts/ifcfg-*; do \
                                if grep -qisx \"HWADDR=$0\" \"$file\"; then found=1; \
                                printf 'DEFROUTE=no\\nIPV6_DEFROUTE=no\\n' >>\"$file\"; fi; done; \
                                [ -n \"$found\" ] || { echo \"no connection of $0\" >&2; exit 1; }; \
                                nmcli -t general status >/dev/null 2>&1 || exit 0; nmcli connection reload; \
                                for at in /sys/class/net/*/address; do [ \"$(cat \"$at\")\" != \"$0\" ] || \
                                nmcli device reapply \"$(basename \"$(dirname \"$at\")\")\"; done";

/// The interfaces of an Enterprise Linux that must not have the default route, before anything is downloaded.
fn no_default_routes<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let is_enterprise = inside.os.is_enterprise_linux();
    let is_asked_for = |interface: &&Interface<'_>| {
        let mut families = [interface.ipv4, interface.ipv6].into_iter().flatten();
        families.any(|family| family.address.is_asked_for())
    };
    let others = inside.interfaces.iter().filter(|interface| is_enterprise && !interface.default_route);
    others
        .filter(is_asked_for)
        .map(|interface| {
            let mac = interface.mac.to_string();
            let words = ["cloud-init-per", "instance"].map(str::to_owned).into_iter();
            let id = format!("fmc-route-{}", mac.replace(':', ""));
            Node::line(words.chain([id, "sh".into(), "-c".into(), NO_DEFAULT_ROUTE.into(), mac]))
        })
        .collect()
}

/// SELinux gives the content of a disk the label that the policy has for its path.
const RELABEL: &str = "; restorecon -F \"$2\"";

/// Data disks are mounted before files are written and packages are installed, so that their content gets
/// there.
fn filesystems<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let relabel = if inside.os.is_enterprise_linux() { RELABEL } else { "" };
    inside
        .filesystems
        .iter()
        .map(|made| {
            let path = made.mount.as_ref().map(ToString::to_string).unwrap_or_default();
            Node::line(
                ["cloud-init-per", "instance"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([
                        format!("fmc-disk-{}", made.disk),
                        "sh".into(),
                        "-c".into(),
                        format!("{FILESYSTEM}{relabel}"),
                    ])
                    .chain([made.kind.as_str().to_owned(), made.device.clone(), path]),
            )
        })
        .collect()
}

/// cloud-init cannot choose the id of a group, so a group with an id is made before cloud-init makes any.
fn groups_with_ids<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let groups = inside.guest.groups.iter().filter_map(|group| Some((&group.name, group.gid?)));
    groups
        .map(|(name, gid)| {
            let words = ["cloud-init-per", "instance", "fmc-group-"].map(str::to_owned);
            let [program, frequency, id] = words;
            let add = ["groupadd", "--gid"].map(str::to_owned);
            Node::line(
                [program, frequency, format!("{id}{name}")]
                    .into_iter()
                    .chain(add)
                    .chain([gid.to_string(), name.to_string()]),
            )
        })
        .collect()
}

/// cloud-init writes a name and a version as the distribution's package manager takes them. A role may want a package
/// whose version the user gives.
fn packages(all: &[PackageName]) -> Vec<Node<'_>> {
    let is_pinned = |name: &str| all.iter().any(|other| other.package() == name && other.version().is_some());
    let wanted = all.iter().filter(|name| name.version().is_some() || !is_pinned(name.package()));
    wanted
        .map(|name| match name.version() {
            Some(version) => Node::line([name.package(), version]),
            None => Node::text(name.as_str()),
        })
        .collect()
}

fn groups<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let groups = inside.guest.groups.iter().filter(|group| group.gid.is_none());
    groups.map(|group| Node::text(group.name.as_str())).collect()
}

fn user(user: &User, os: Os) -> Node<'_> {
    let mut members = vec![
        ("name", Node::text(user.name.as_str())),
        ("shell", Node::text(user.shell.as_ref().map_or(SHELL, |shell| shell.as_str()))),
    ];
    if let Some(uid) = user.uid {
        members.push(("uid", Node::Number(uid.into())));
    }
    if let Some(home) = &user.home {
        members.push(("homedir", Node::text(home.as_str())));
    }
    let mut groups: Vec<&str> = user.groups.iter().map(AsRef::as_ref).collect();
    let admins = if os == Os::Debian { "sudo" } else { "wheel" };
    if user.admin && !groups.contains(&admins) {
        groups.push(admins);
    }
    if !groups.is_empty() {
        members.push(("groups", Node::line(groups)));
    }
    if user.admin {
        members.push(("sudo", Node::text("ALL=(ALL) NOPASSWD:ALL")));
    }
    members.push(("lock_passwd", Node::Flag(user.password_hash.is_none())));
    if let Some(hash) = &user.password_hash {
        members.push(("hashed_passwd", Node::Hole(hash, Encoding::PasswordHash)));
    }
    if !user.keys.is_empty() {
        members.push((
            "ssh_authorized_keys",
            Node::List(user.keys.iter().map(|key| Node::text(key.as_str())).collect()),
        ));
    }
    Node::Map(members)
}

fn files<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let mut files = vec![text_file("/etc/hosts".into(), inside.hosts().into())];
    if let Some(text) = resolvers(inside) {
        files.push(text_file(RESOLVERS.into(), text.into()));
    }
    let written = |file: &&Arc<GuestFile>| {
        !matches!(file.contents, Contents::Remote { .. }) && host_key_of(file).is_none()
    };
    files.extend(inside.guest.files.iter().filter(written).map(|made| file(made, inside)));
    for unit in &inside.guest.units {
        if let Some(contents) = &unit.contents {
            files.push(text_file(format!("/etc/systemd/system/{}", unit.name).into(), contents.text()));
        }
        files.extend(unit.dropins.iter().map(|dropin| {
            let path = format!("/etc/systemd/system/{}.d/{}", unit.name, dropin.name);
            text_file(path.into(), dropin.contents.text())
        }));
    }
    files
}

const RESOLVERS: &str = "/etc/NetworkManager/conf.d/90-fmc-resolvers.conf";

/// The DNS servers of an Enterprise Linux with an address from DHCP: cloud-init 22.4 and 23.4 then ignore
/// those of the network-config, so `NetworkManager` gets them directly (NetworkManager.conf(5)).
fn resolvers(inside: &Inside<'_>) -> Option<String> {
    let resolving = inside.interfaces.iter().find(|interface| interface.resolves)?;
    let is_asked_for = resolving.ipv4.or(resolving.ipv6)?.address.is_asked_for();
    if !inside.os.is_enterprise_linux() || !is_asked_for || inside.resolvers.is_empty() {
        return None;
    }
    let search =
        inside.search().map_or_else(String::new, |domain| format!("[global-dns]\nsearches={domain}\n\n"));
    let servers: Vec<String> = inside.resolvers.iter().map(ToString::to_string).collect();
    Some(format!("{search}[global-dns-domain-*]\nservers={}\n", servers.join(",")))
}

fn text_file<'a>(path: Cow<'a, str>, text: Cow<'a, str>) -> Node<'a> {
    Node::Map(vec![
        ("path", Node::Text(path)),
        ("permissions", Node::text("0644")),
        ("content", Node::Text(text)),
    ])
}

fn file<'a>(file: &'a GuestFile, inside: &Inside<'_>) -> Node<'a> {
    let mut members =
        vec![("path", Node::text(file.path.as_str())), ("permissions", Node::text(file.mode.to_string()))];
    let owner = inside.homes.owner(&file.path, &file.owner);
    if !owner.is_root() {
        members.push(("owner", Node::text(self::owner(&owner))));
    }
    // Users, their homes and packages exist in the last stage only.
    if !owner.is_root() || inside.homes.over(&file.path).is_some() {
        members.push(("defer", Node::Flag(true)));
    }
    match &file.contents {
        Contents::Text(text) => members.push(("content", Node::text(&**text))),
        Contents::Secret(secret) => {
            members.push(("encoding", Node::text("b64")));
            members.push(("content", Node::Hole(secret, Encoding::Base64)));
        }
        Contents::Parts(parts) => members.push(("content", Node::Parts(parts.iter().map(part).collect()))),
        // A command fetches it.
        Contents::Remote { .. } => {}
    }
    Node::Map(members)
}

fn part(part: &TextPart) -> yaml::Part<'_> {
    match part {
        TextPart::Text(text) => yaml::Part::Text(text),
        TextPart::Secret(secret) => yaml::Part::Hole(secret, Encoding::JsonText),
        TextPart::Quoted(secret) => yaml::Part::Hole(secret, Encoding::JsonInJson),
        TextPart::Component(secret) => yaml::Part::Hole(secret, Encoding::Component),
    }
}

/// Fetches a file until it has the required digest, and installs it: `$0` is the URL, `$1` the hashing
/// program, `$2` the digest, `$3` the mode, `$4` the owner, `$5` the path. A file with another digest is
/// fetched again.
const FETCH: &str = "d=$(dirname \"$5\"); t=\"$d/.fmc-fetch.$$\"; mkdir -p \"$d\"; \
                     until curl -fsSL --connect-timeout 10 -o \"$t\" \"$0\" && echo \"$2  $t\" | \"$1\" --check --status; \
                     do rm -f \"$t\"; sleep 5; done; \
                     chmod \"$3\" \"$t\"; chown \"$4\" \"$t\"; mv -f \"$t\" \"$5\"";

/// SELinux gives a fetched file the label that the policy has for its path.
const RELABEL_FETCHED: &str = "; restorecon -F \"$5\"";

fn fetches<'a>(inside: &Inside<'a>) -> impl Iterator<Item = Node<'a>> {
    let relabel = if inside.os.is_enterprise_linux() { RELABEL_FETCHED } else { "" };
    inside.guest.files.iter().filter_map(move |file| {
        let Contents::Remote { url, digest } = &file.contents else { return None };
        let program = format!("{}sum", digest.algorithm());
        Some(Node::line([
            "sh".to_owned(),
            "-c".to_owned(),
            format!("{FETCH}{relabel}"),
            url.to_string(),
            program,
            digest.hex(),
            file.mode.to_string(),
            owner(&inside.homes.owner(&file.path, &file.owner)),
            file.path.to_string(),
        ]))
    })
}

fn owner(owner: &Owner) -> String {
    let (user, group) = names(owner);
    format!("{user}:{group}")
}

fn names(owner: &Owner) -> (&str, &str) {
    let user = owner.user.as_ref().map_or("root", |user| user.as_str());
    (user, owner.group.as_ref().map_or("root", |group| group.as_str()))
}

/// Settings without a module in cloud-init: directories, links, units. They run last, when users and files
/// exist.
fn commands<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let guest = inside.guest;
    let mut commands: Vec<Node<'a>> = Vec::new();
    if resolvers(inside).is_some() {
        commands.push(Node::line(["nmcli", "general", "reload"]));
    }
    for directory in &guest.directories {
        let owner = inside.homes.owner(&directory.path, &directory.owner);
        let (user, group) = names(&owner);
        let mode = directory.mode.to_string();
        let words = ["install", "-d", "-m", &mode, "-o", user, "-g", group, directory.path.as_str()];
        commands.push(Node::line(words.map(str::to_owned)));
    }
    for link in &guest.links {
        if let Some(parent) = link.path.parent().filter(|parent| parent.parent().is_some()) {
            commands.push(Node::line(["mkdir", "-p", parent.as_str()].map(str::to_owned)));
        }
        commands.push(Node::line(["ln", "-sfnT", &*link.target, link.path.as_str()]));
        if let Some(home) = inside.homes.over(&link.path) {
            let words = ["chown", "-h", &home.owner(), link.path.as_str()];
            commands.push(Node::line(words.map(str::to_owned)));
        }
    }
    if inside.os.is_enterprise_linux() && !(guest.directories.is_empty() && guest.links.is_empty()) {
        // SELinux gives them the labels that the policy has for their paths.
        let paths = guest.directories.iter().map(|directory| directory.path.as_str());
        let paths = paths.chain(guest.links.iter().map(|link| link.path.as_str()));
        commands.push(Node::line(["restorecon", "-F"].into_iter().chain(paths)));
    }
    let fetches: Vec<Node<'a>> = fetches(inside).collect();
    if !fetches.is_empty() && guest.units.iter().any(|unit| unit.name.as_str() == FIREWALL_UNIT) {
        // A download is tried until it succeeds, and nobody waits for that behind an open door.
        commands.push(Node::line(["systemctl", "daemon-reload"]));
        commands.push(Node::line(["systemctl", "enable", "--now", "--no-block", FIREWALL_UNIT]));
    }
    commands.extend(fetches);
    commands.extend(home::commands(inside));
    if guest.units.iter().any(|unit| unit.contents.is_some() || !unit.dropins.is_empty()) {
        commands.push(Node::line(["systemctl", "daemon-reload"]));
    }
    for unit in &guest.units {
        let name = unit.name.as_str();
        commands.push(match unit.state {
            State::Unchanged => continue,
            // This runs inside a unit itself: waiting for a unit that comes after it would never end.
            State::Enabled => Node::line(["systemctl", "enable", "--now", "--no-block", name]),
            State::Disabled => Node::line(["systemctl", "disable", "--now", "--no-block", name]),
            State::Masked => Node::line(["systemctl", "mask", "--now", "--no-block", name]),
        });
    }
    commands
}
