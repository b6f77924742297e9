//! What is below a user's home belongs to that user, on every system.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

use fmc_core::boot::Boot;
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::guest::{Directory, Guest, GuestFile, Symlink, User};
use fmc_core::host::Host;
use fmc_core::image::{Image, Os};
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;
use fmc_testkit::{cloud_init, ignition, tree};

use crate::guests;

fn guest() -> Guest {
    Guest::new()
        .user(User::admin("ops").uid(1500).key(guests::KEY))
        .user(User::new("app").uid(1600).home("/srv/app"))
        .directory(Directory::new("/home/ops/bin").mode(0o700))
        .directory(Directory::new("/srv/app/shared").owner("root").group("root"))
        .file(GuestFile::text("/home/ops/notes.txt", "hello\n"))
        .file(GuestFile::text("/home/ops/.config/tool/settings", "a\n"))
        .file(GuestFile::text("/home/ops/root.txt", "r\n").owner("root"))
        .file(GuestFile::text("/srv/app/app.conf", "a\n"))
        .file(GuestFile::text("/srv/other.conf", "o\n"))
        .link(Symlink::new("/home/ops/.local/tool", "../bin"))
}

fn with_disks(os: Os, guest: Guest, disks: &[(&str, &str)]) -> Checked {
    let image = Image::new(os, "12").path("/var/lib/libvirt/images/image.qcow2");
    let machine = Machine::new("web", image).root_disk(20.gib()).interface(Interface::on("lab")).guest(guest);
    let machine = disks
        .iter()
        .fold(machine, |machine, (name, path)| machine.disk(Disk::new(*name, 1.gib()).mount(*path)));
    let network = Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199");
    let cloud = Cloud::new("first").host(Host::local()).network(network).machine(machine);
    cloud.check().map_err(|report| report.to_string()).unwrap()
}

/// The user-data that cloud-init's schema accepts, without its quotes.
fn user_data(cloud: &Checked) -> String {
    let text = guests::rendered(&Boot::of(cloud, cloud.machine("web").unwrap()).unwrap(), "user-data");
    cloud_init::schema(&text).unwrap();
    text.replace('"', "")
}

#[test]
fn ignition_gives_files_directories_and_links_to_the_user() {
    for os in [Os::FedoraCoreos, Os::Flatcar] {
        let boot = guests::boot(os, vec![Interface::on("lab")], guest());
        let config = guests::rendered(&boot, "config.ign");
        ignition::validate(&config).unwrap();
        let root = tree::scratch();
        let tree = ignition::apply(&config, root.path()).unwrap();
        for (path, uid, mode) in [
            ("/home/ops/notes.txt", 1500, 0o644),
            ("/home/ops/.config", 1500, 0o755),
            ("/home/ops/.config/tool", 1500, 0o755),
            ("/home/ops/.config/tool/settings", 1500, 0o644),
            ("/home/ops/.local", 1500, 0o755),
            ("/home/ops/.local/tool", 1500, 0o777),
            ("/home/ops/bin", 1500, 0o700),
            ("/home/ops/root.txt", 0, 0o644),
            ("/srv/app/app.conf", 1600, 0o644),
            ("/srv/app/shared", 0, 0o755),
            ("/srv/other.conf", 0, 0o644),
        ] {
            let entry = &tree[path];
            assert_eq!((entry.uid, entry.mode), (uid, mode), "{os:?} {path}");
            assert_eq!(entry.gid == 0, uid == 0, "{os:?} {path}");
        }
    }
}

#[test]
fn cloud_init_writes_below_homes_when_users_exist() {
    for os in [Os::Debian, Os::Rocky] {
        let user_data = user_data(&with_disks(os, guest(), &[]));
        for (path, owner) in [
            ("/home/ops/notes.txt", "  owner: ops:ops\n  defer: true\n"),
            ("/home/ops/.config/tool/settings", "  owner: ops:ops\n  defer: true\n"),
            ("/home/ops/root.txt", "  defer: true\n"),
            ("/srv/app/app.conf", "  owner: app:app\n  defer: true\n"),
            ("/srv/other.conf", ""),
        ] {
            let wanted = format!("path: {path}\n  permissions: 0644\n{owner}  content");
            assert!(user_data.contains(&wanted), "{wanted}\n{user_data}");
        }
        for line in [
            "[install, -d, -m, 0700, -o, ops, -g, ops, /home/ops/bin]",
            "[install, -d, -m, 0755, -o, root, -g, root, /srv/app/shared]",
            "[chown, -h, ops:ops, /home/ops/.local/tool]",
            "[find, /home/ops/.config, /home/ops/.config/tool, /home/ops/.local, -maxdepth, 0, -user, root, -exec, chown, ops:ops, {}, +]",
        ] {
            assert!(user_data.contains(line), "{line}\n{user_data}");
        }
        assert_eq!(
            user_data
                .contains("[restorecon, -F, /home/ops/.config, /home/ops/.config/tool, /home/ops/.local]"),
            os == Os::Rocky
        );
        assert!(!user_data.contains("/etc/skel"), "useradd makes these homes\n{user_data}");
    }
}

#[test]
fn a_home_that_a_disk_made_is_its_users() {
    let guest =
        Guest::new().user(User::admin("ops").key(guests::KEY)).user(User::new("app").home("/srv/app"));
    let disks = [("work", "/home/ops/src/work"), ("app", "/srv/app"), ("data", "/srv/data")];
    let user_data = user_data(&with_disks(Os::Debian, guest, &disks));
    for line in [
        "[find, /home/ops, /home/ops/src, /home/ops/src/work, -maxdepth, 0, -user, root, -exec, chmod, 0700, {}, +, -exec, chown, ops:ops, {}, +]",
        "[runuser, -u, ops, --, cp, -rnT, /etc/skel, /home/ops]",
        "[find, /srv/app, -maxdepth, 0, -user, root, -exec, chmod, 0700, {}, +, -exec, chown, app:app, {}, +]",
    ] {
        assert!(user_data.contains(line), "{line}\n{user_data}");
    }
    assert!(!user_data.contains("/srv/data, -maxdepth"), "{user_data}");
}
