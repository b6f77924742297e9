//! The config of a machine, written through the types of the `ignition-config` crate.
//!
//! It uses the lowest version of the specification that supports the machine's settings, so that the oldest
//! possible engine accepts it.

use std::fmt::{Display, Write as _};

use ignition_config::v3_6::{
    Config, Directory, Dropin, File, Filesystem, Group, Ignition, KernelArguments, Link, Luks, NodeGroup,
    NodeUser, Passwd, Resource, Storage, Systemd, Unit, User, Verification,
};

use super::marks::{Marks, with_marks};
use super::{keyfile, merge, needed_spec, networkd, own};
use crate::boot::{self, Inside};
use crate::guest::checked::{self, Contents, Owner, TextPart};
use crate::guest::{Parts, State, UnitFile, UnitSection, home, mount};
use crate::image::Os;
use crate::sort;
use crate::template::{Encoding, Template, push_percent};

/// The groups that every administrator is in; both images have them.
const ADMIN_GROUPS: [&str; 2] = ["sudo", "wheel"];

/// The config of a machine, as JSON with a line for each member.
pub(crate) fn compile(inside: &Inside<'_>) -> Template {
    with_marks(|marks| {
        // Unset members are null, which means the same as leaving them out, only longer.
        let config = config(inside, marks);
        let mut json = Vec::with_capacity(room(&config));
        // Writing to a Vec cannot fail, and JSON is UTF-8.
        let _ = serde_json::to_writer_pretty(&mut json, &config);
        std::str::from_utf8(&json).map(prune_nulls).unwrap_or_default()
    })
}

fn config(inside: &Inside<'_>, marks: &mut Marks) -> Config {
    let guest = inside.guest;
    let mut files = own_files(inside);
    files.extend(guest.files.iter().map(|file| user_file(file, inside, marks)));
    sort::by(&mut files, |a, b| a.path.cmp(&b.path));
    let mut links: Vec<Link> = guest.links.iter().map(|made| user_link(made, inside)).collect();
    if let Some(zone) = inside.time_zone {
        links.push(link("/etc/localtime", &format!("../usr/share/zoneinfo/{zone}")));
    }
    let mut config = Config {
        ignition: Ignition { version: needed_spec(guest).to_string(), ..Ignition::default() },
        kernel_arguments: kernel_arguments(&guest.kernel_arguments),
        passwd: passwd(guest, marks),
        storage: Some(Storage {
            directories: non_empty(directories(inside)),
            files: non_empty(files),
            filesystems: non_empty(inside.filesystems.iter().map(filesystem).collect()),
            links: non_empty(links),
            luks: non_empty(inside.filesystems.iter().filter_map(|made| luks(made, marks)).collect()),
            ..Storage::default()
        }),
        systemd: non_empty(
            inside
                .filesystems
                .iter()
                .filter_map(mount_unit)
                .chain(guest.units.iter().map(|made| unit(made)))
                .collect(),
        )
        .map(|units| Systemd { units: Some(units) }),
    };
    for fragment in &guest.ignition {
        merge::add(&mut config, fragment);
    }
    config
}

fn kernel_arguments(arguments: &checked::KernelArguments) -> Option<KernelArguments> {
    (!arguments.is_empty()).then(|| KernelArguments {
        should_exist: non_empty(texts(&arguments.should_exist)),
        should_not_exist: non_empty(texts(&arguments.should_not_exist)),
    })
}

/// About the length of a config as JSON, because a text that grows is copied several times.
fn room(config: &Config) -> usize {
    // The members of a file or unit that are written for each, most of which are null.
    const EACH: usize = 640;
    let files = config.storage.iter().flat_map(|storage| &storage.files).flatten();
    let files = files.map(|file| {
        let source = file.contents.as_ref().and_then(|contents| contents.source.as_ref());
        EACH + source.map_or(0, String::len)
    });
    let units = config.systemd.iter().flat_map(|systemd| &systemd.units).flatten();
    let units = units.map(|unit| EACH + unit.contents.as_ref().map_or(0, String::len));
    2 * EACH + files.sum::<usize>() + units.sum::<usize>()
}

fn passwd(guest: &Parts, marks: &mut Marks) -> Option<Passwd> {
    let groups = guest
        .groups
        .iter()
        .map(|group| Group { gid: group.gid.map(i64::from), ..Group::new(group.name.to_string()) });
    let groups = non_empty(groups.collect());
    let users = non_empty(guest.users.iter().map(|made| user(made, marks)).collect());
    (groups.is_some() || users.is_some()).then_some(Passwd { groups, users })
}

fn user(user: &checked::User, marks: &mut Marks) -> User {
    let mut groups = texts(&user.groups);
    if user.admin {
        let more = ADMIN_GROUPS.iter().filter(|admin| !user.groups.iter().any(|group| group == *admin));
        groups.extend(more.map(ToString::to_string));
    }
    User {
        groups: non_empty(groups),
        home_dir: user.home.as_ref().map(ToString::to_string),
        password_hash: user.password_hash.as_ref().map(|secret| marks.mark(secret, Encoding::PasswordHash)),
        shell: user.shell.as_ref().map(ToString::to_string),
        ssh_authorized_keys: non_empty(texts(&user.keys)),
        uid: user.uid.map(i64::from),
        ..User::new(user.name.to_string())
    }
}

/// The files that fmc writes itself: names, sudo, interfaces.
fn own_files(inside: &Inside<'_>) -> Vec<File> {
    let mut files = vec![
        file("/etc/hostname", data_url(&format!("{}\n", inside.hostname)), 0o644),
        file("/etc/hosts", data_url(&inside.hosts()), 0o644),
    ];
    let admins = inside.guest.users.iter().filter(|user| user.admin);
    files.extend(admins.map(|user| {
        let rule = format!("{} ALL=(ALL) NOPASSWD:ALL\n", user.name);
        file(&format!("{}{}", own::SUDOERS, user.name), data_url(&rule), 0o440)
    }));
    for (index, interface) in inside.interfaces.iter().enumerate() {
        let stem = inside.stem(index);
        files.push(if inside.os == Os::Flatcar {
            let text = networkd::network(inside, interface);
            file(&format!("{}{stem}.network", own::NETWORKD), data_url(&text), 0o644)
        } else {
            let text = keyfile::connection(inside, interface, &stem);
            // NetworkManager ignores a keyfile that others can read.
            file(&format!("{}{stem}.nmconnection", own::KEYFILE), data_url(&text), 0o600)
        });
    }
    files
}

fn user_file(made: &checked::GuestFile, inside: &Inside<'_>, marks: &mut Marks) -> File {
    let source = match &made.contents {
        Contents::Text(text) => data_url(text),
        Contents::Secret(secret) => format!("data:;base64,{}", marks.mark(secret, Encoding::Base64)),
        Contents::Parts(parts) => {
            let mut url = String::from("data:,");
            for part in parts {
                match part {
                    TextPart::Text(text) => push_percent(&mut url, text.as_bytes()),
                    TextPart::Secret(secret) => url.push_str(&marks.mark(secret, Encoding::Percent)),
                    TextPart::Quoted(secret) => url.push_str(&marks.mark(secret, Encoding::PercentJson)),
                    TextPart::Component(secret) => {
                        url.push_str(&marks.mark(secret, Encoding::PercentComponent));
                    }
                }
            }
            url
        }
        Contents::Remote { url, .. } => url.to_string(),
    };
    let (user, group) = owner(&inside.homes.owner(&made.path, &made.owner));
    let mut file = file(made.path.as_str(), source, made.mode.bits());
    if let (Contents::Remote { digest, .. }, Some(contents)) = (&made.contents, &mut file.contents) {
        let hash = Some(format!("{}-{}", digest.algorithm(), digest.hex()));
        contents.verification = Some(Verification { hash });
    }
    File { user, group, ..file }
}

/// A file that replaces an existing one of the image: without `overwrite` the boot would fail.
fn file(path: &str, source: String, mode: u16) -> File {
    File {
        contents: Some(Resource { source: Some(source), ..Resource::default() }),
        mode: Some(i64::from(mode)),
        overwrite: Some(true),
        ..File::new(path.to_owned())
    }
}

/// The user's directories, and those between a home and what is below it, which Ignition would make as root.
fn directories(inside: &Inside<'_>) -> Vec<Directory> {
    let guest = inside.guest;
    let mut directories: Vec<Directory> = guest
        .directories
        .iter()
        .map(|made| {
            let (user, group) = owner(&inside.homes.owner(&made.path, &made.owner));
            let mode = Some(i64::from(made.mode.bits()));
            Directory { user, group, mode, ..Directory::new(made.path.to_string()) }
        })
        .collect();
    // Without a mode, a directory that is there keeps its own.
    directories.extend(inside.homes.between(home::nodes(guest), guest).into_iter().map(|(path, _)| {
        let (user, group) = owner(&inside.homes.owner(&path, &Owner::default()));
        Directory { user, group, ..Directory::new(path.to_string()) }
    }));
    sort::by(&mut directories, |a, b| a.path.cmp(&b.path));
    directories
}

fn user_link(made: &checked::Symlink, inside: &Inside<'_>) -> Link {
    let (user, group) = owner(&inside.homes.owner(&made.path, &Owner::default()));
    Link { user, group, ..link(made.path.as_str(), &made.target) }
}

fn link(path: &str, target: &str) -> Link {
    Link { overwrite: Some(true), target: Some(target.to_owned()), ..Link::new(path.to_owned()) }
}

fn owner(owner: &Owner) -> (Option<NodeUser>, Option<NodeGroup>) {
    let user =
        owner.user.as_ref().map(|name| NodeUser { name: Some(name.to_string()), ..NodeUser::default() });
    let group =
        owner.group.as_ref().map(|name| NodeGroup { name: Some(name.to_string()), ..NodeGroup::default() });
    (user, group)
}

/// A file system that is made where there is none. If the disk has a file system of another kind, the boot
/// fails (Ignition, *Operator notes*, *Filesystem reuse semantics*).
fn filesystem(made: &boot::Filesystem<'_>) -> Filesystem {
    Filesystem {
        format: Some(made.kind.as_str().to_owned()),
        path: made.mount.as_ref().map(ToString::to_string),
        wipe_filesystem: Some(false),
        ..Filesystem::new(made.inner().into_owned())
    }
}

/// A volume that is encrypted where nothing is, and opened by its key where it is encrypted already (Ignition, its stage `luks.go`).
fn luks(made: &boot::Filesystem<'_>, marks: &mut Marks) -> Option<Luks> {
    let boot::Luks { name, key } = made.luks.as_ref()?;
    let source = format!("data:;base64,{}", marks.mark(key, Encoding::Base64));
    Some(Luks {
        device: Some(made.device.clone()),
        key_file: Some(Resource { source: Some(source), ..Resource::default() }),
        wipe_volume: Some(false),
        ..Luks::new(name.to_string())
    })
}

/// Ignition mounts only for its own work. This unit mounts in the running system; Butane's `with_mount_unit`
/// makes the same.
fn mount_unit(made: &boot::Filesystem<'_>) -> Option<Unit> {
    let path = made.mount.as_ref()?;
    let check = format!("systemd-fsck@{}.service", mount::escaped(&made.inner()));
    // As `x-systemd.growfs` in fstab: the file system grows to the size of its disk, at each start.
    let grows = format!("systemd-growfs@{}.service", mount::escaped(path.as_str()));
    let contents = UnitFile::new()
        .section(
            UnitSection::new("Unit").set("Requires", check.clone()).set("After", check).set("Wants", grows),
        )
        .section(
            UnitSection::new("Mount")
                .set("Where", path.to_string())
                .set("What", made.inner().into_owned())
                .set("Type", made.kind.as_str()),
        )
        .section(UnitSection::new("Install").set("RequiredBy", "local-fs.target"));
    let contents = contents.to_string();
    Some(Unit { contents: Some(contents), enabled: Some(true), ..Unit::new(mount::unit_name(path)) })
}

fn unit(made: &checked::Unit) -> Unit {
    let dropins = made.dropins.iter().map(|dropin| Dropin {
        contents: Some(dropin.contents.text().into_owned()),
        ..Dropin::new(dropin.name.to_string())
    });
    Unit {
        contents: made.contents.as_ref().map(|contents| contents.text().into_owned()),
        dropins: non_empty(dropins.collect()),
        enabled: match made.state {
            State::Enabled => Some(true),
            State::Disabled => Some(false),
            State::Unchanged | State::Masked => None,
        },
        mask: (made.state == State::Masked).then_some(true),
        ..Unit::new(made.name.to_string())
    }
}

fn texts(values: &[impl AsRef<str>]) -> Vec<String> {
    values.iter().map(|value| value.as_ref().to_owned()).collect()
}

fn non_empty<T>(values: Vec<T>) -> Option<Vec<T>> {
    (!values.is_empty()).then_some(values)
}

/// A text as a `data:` URL (RFC 2397) that a person can still read: it escapes only what it must.
pub(super) fn data_url(text: &str) -> String {
    const START: &str = "data:,";
    let mut url = String::with_capacity(START.len() + text.len() + text.len() / 3);
    url.push_str(START);
    push_percent(&mut url, text.as_bytes());
    url
}

/// Pretty JSON without the members that are null. Each member has a line of its own, and a string cannot make
/// a line end with `null`, because its closing quote follows.
fn prune_nulls(json: &str) -> String {
    let mut pruned = String::with_capacity(json.len() + 1);
    let mut after_null = false;
    for line in json.split_inclusive('\n') {
        if line.ends_with(": null,\n") || line.ends_with(": null\n") {
            after_null = true;
            continue;
        }
        // If the last member was removed, the one before it is now the last.
        if std::mem::take(&mut after_null) && pruned.ends_with(",\n") && line.trim_start().starts_with('}') {
            pruned.truncate(pruned.len() - 2);
            pruned.push('\n');
        }
        pruned.push_str(line);
    }
    pruned.push('\n');
    pruned
}

/// Adds `key=value` in the form that keyfiles and systemd share; without a value it adds nothing.
pub(super) fn setting(text: &mut String, key: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_go_and_what_looks_like_one_stays() {
        let json = serde_json::json!({
            "a": null,
            "b": {"c": "x\": null", "d": null},
            "e": [{"f": 1, "g": null}, "null"],
            "h": null,
        });
        let pruned = prune_nulls(&serde_json::to_string_pretty(&json).unwrap());
        let expected = serde_json::json!({"b": {"c": "x\": null"}, "e": [{"f": 1}, "null"]});
        assert_eq!(serde_json::from_str::<serde_json::Value>(&pruned).unwrap(), expected);
    }

    #[test]
    fn a_data_url_escapes_what_is_no_part_of_a_url() {
        assert_eq!(data_url("a b\n100% +ü\"#"), "data:,a%20b%0A100%25%20%2B%C3%BC%22%23");
    }
}
