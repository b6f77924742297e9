use crate::finding::{At, Finding};
use crate::guest::{Directory, Group, Guest, GuestFile, Symlink, Unit, UnitFile, UnitSection, User};
use crate::image::Os;
use crate::secret::Secret;

fn findings(guest: &Guest, os: Os) -> Vec<Finding> {
    let mut findings = Vec::new();
    let at = At::ROOT.key("guest");
    if let Some(parts) = guest.parts(&at, &mut findings) {
        super::check(&parts, os, "", &at, &mut findings);
    }
    findings
}

/// The findings, as `kind at: message`.
fn found(guest: &Guest, os: Os) -> Vec<String> {
    let line =
        |finding: &Finding| format!("{} {}: {}", finding.kind().as_str(), finding.at(), finding.message());
    findings(guest, os).iter().map(line).collect()
}

const UNIT: &str = "# a comment\n[Unit]\nDescription=a\n\n[Service]\nExecStart=/bin/a \\\n  --b\n[Install]\nWantedBy=multi-user.target\n";

#[test]
fn a_guest_that_is_right_has_no_finding() {
    let guest = Guest::new()
        .user(User::admin("ops").group("docker").uid(1500))
        .group(Group::new("apps"))
        .directory(Directory::new("/srv/app").owner("ops").group("apps"))
        .file(GuestFile::text("/srv/app/a", "a").owner("ops").group("ops").mode(0o640))
        .link(Symlink::new("/srv/app/b", "a"))
        .unit(Unit::service("a").enabled().contents(UNIT).dropin("10-a.conf", "[Service]\nRestart=always\n"))
        .unit(Unit::service("docker").enabled());
    assert_eq!(found(&guest, Os::Flatcar), [""; 0]);
}

#[test]
fn every_wrong_leaf_is_found_in_its_place() {
    let guest = Guest::new()
        .file(GuestFile::text("etc/motd", "").mode(0o10_000))
        .file(GuestFile::secret("/etc/key", Secret::environment("The_Key", "A=B")))
        .user(User::new("Ops").key("ssh-ed25519 AAAA"))
        .link(Symlink::new("/etc/a", ""))
        .package("a b");
    let places: Vec<String> =
        findings(&guest, Os::Debian).into_iter().map(|finding| finding.at().to_owned()).collect();
    assert_eq!(
        places,
        [
            "guest.files.etc/motd",
            "guest.files.etc/motd.mode",
            "guest.files./etc/key.contents.secret.name",
            "guest.files./etc/key.contents.secret.source.environment",
            "guest.links./etc/a.target",
            "guest.users.Ops",
            "guest.users.Ops.keys[0]",
            "guest.packages[0]",
        ]
    );
}

#[test]
fn clashes_of_names() {
    let guest = Guest::new()
        .user(User::new("a").uid(7))
        .user(User::new("a"))
        .user(User::new("b").uid(7))
        .group(Group::new("g"))
        .group(Group::new("g"))
        .group(Group::new("b"))
        .unit(Unit::service("u").dropin("1.conf", "").dropin("1.conf", ""))
        .unit(Unit::new("u.service"));
    assert_eq!(
        found(&guest, Os::Rocky),
        [
            "guest-clash guest.users.a: the user a occurs twice",
            "guest-clash guest.groups.g: the group g occurs twice",
            "guest-clash guest.units.u.service: the unit u.service occurs twice",
            "guest-clash guest.units.u.service.dropins.1.conf: the drop-in 1.conf occurs twice",
            "guest-clash guest.groups.b: the user b already has a group of that name",
            "guest-clash guest.users.b.uid: 7 is the id of two users",
        ]
    );
}

#[test]
fn clashes_of_paths() {
    let guest = Guest::new()
        .file(GuestFile::text("/etc/a", ""))
        .directory(Directory::new("/etc/a"))
        .link(Symlink::new("/srv/l", "/mnt"))
        .file(GuestFile::text("/srv/l/b/c", ""))
        .file(GuestFile::text("/etc/hosts", ""))
        .file(GuestFile::text("/etc/sudoers.d/fmc-ops", ""))
        .file(GuestFile::text("/etc/systemd/system/u.service.d/1.conf", ""))
        .unit(Unit::service("u").dropin("1.conf", "[Service]\n"));
    assert_eq!(
        found(&guest, Os::Rocky),
        [
            "guest-clash guest.files./etc/hosts: fmc writes /etc/hosts from the settings of the machine",
            "guest-clash guest.files./etc/sudoers.d/fmc-ops: \
             fmc writes /etc/sudoers.d/fmc-ops from the settings of the machine",
            "guest-clash guest.files./etc/systemd/system/u.service.d/1.conf: \
             /etc/systemd/system/u.service.d/1.conf is the file of the unit u.service, which fmc writes",
            "guest-clash guest.directories./etc/a: two entries have the path /etc/a",
            "guest-clash guest.files./srv/l/b/c: /srv/l/b/c is below the link /srv/l",
        ]
    );
}

#[test]
fn paths_that_no_first_boot_can_write() {
    let refused = |path: &str, os| !found(&Guest::new().file(GuestFile::text(path, "")), os).is_empty();
    for os in [Os::FedoraCoreos, Os::Flatcar, Os::Rocky, Os::Almalinux, Os::Debian] {
        for path in ["/proc/a", "/sys/a", "/dev/a", "/run/a", "/tmp/a"] {
            assert!(refused(path, os), "{path} on {os:?}");
        }
        for path in ["/etc/a", "/var/lib/a", "/opt/bin/a", "/srv/a", "/home/core/a", "/mnt/a"] {
            assert!(!refused(path, os), "{path} on {os:?}");
        }
        assert_eq!(refused("/usr/lib/a", os), matches!(os, Os::FedoraCoreos | Os::Flatcar));
        assert_eq!(refused("/usr/local/bin/a", os), os == Os::Flatcar);
        assert_eq!(refused("/data/a", os), os == Os::FedoraCoreos);
    }
}

#[test]
fn owners_that_do_not_exist() {
    let guest = Guest::new()
        .file(GuestFile::text("/etc/a", "").owner("ops").group("core"))
        .user(User::new("web").group("apps"));
    assert_eq!(
        found(&guest, Os::Rocky),
        [
            "guest-reference guest.files./etc/a.owner: the user ops is neither in the guest nor in the image",
            "guest-reference guest.files./etc/a.group: the group core is neither in the guest nor in the image",
            "guest-reference guest.users.web.groups[0]: the group apps is neither in the guest nor in the image",
        ]
    );
    // A package may add the account.
    assert_eq!(found(&guest.package("apps"), Os::Rocky), [""; 0]);
}

#[test]
fn units_that_systemd_would_not_take() {
    let guest = Guest::new()
        .unit(Unit::service("a").enabled().contents("[Service]\nExecStart=/bin/a\n"))
        .unit(Unit::service("b").contents("ExecStart=/bin/a\n"))
        .unit(Unit::timer("c").contents("[Unit]\nDescription=c\n"))
        .unit(Unit::service("d").masked().contents("[Service]\nExecStart=/bin/a\n"))
        .unit(Unit::service("e").dropin("1.conf", "[Service]\nRestart always\n"));
    assert_eq!(
        found(&guest, Os::Debian),
        [
            "guest-unit guest.units.a.service.contents: a.service is enabled, but has no [Install] section",
            "guest-unit guest.units.b.service.contents: systemd cannot read the line \"ExecStart=/bin/a\" of b.service",
            "guest-unit guest.units.b.service.contents: b.service has no [Service] section",
            "guest-unit guest.units.c.timer.contents: c.timer has no [Timer] section",
            "guest-unit guest.units.d.service.contents: d.service is masked, and has contents",
            "guest-unit guest.units.e.service.dropins.1.conf: systemd cannot read the line \"Restart always\" of 1.conf",
        ]
    );
}

#[test]
fn a_unit_that_is_a_value_is_judged_as_its_text_is() {
    let service =
        |value: &'static str| UnitFile::new().section(UnitSection::new("Service").set("ExecStart", value));
    let install = UnitSection::new("Install").set("WantedBy", "multi-user.target");
    let guest = Guest::new()
        .unit(Unit::service("a").enabled().contents(service("/bin/a").section(install)))
        .unit(Unit::service("b").enabled().contents(service("/bin/b")))
        // A line break in a value would begin a setting of its own.
        .unit(Unit::service("c").contents(service("/bin/c\nUser=root")));
    assert_eq!(
        found(&guest, Os::Debian),
        [
            "guest-unit guest.units.b.service.contents: b.service is enabled, but has no [Install] section",
            "guest-unit guest.units.c.service.contents: systemd cannot read the line \"ExecStart=/bin/c\\nUser=root\" of c.service",
        ]
    );
}

#[test]
fn packages_where_nothing_installs_them() {
    let guest = Guest::new().package("chrony");
    assert_eq!(
        found(&guest, Os::Flatcar),
        ["packages-unsupported guest.packages: Flatcar installs no packages on its first boot"]
    );
    assert_eq!(found(&guest, Os::Debian), [""; 0]);
}

#[test]
fn one_secret_described_in_two_ways() {
    let guest = Guest::new()
        .file(GuestFile::secret("/etc/a", Secret::environment("key", "A")))
        .file(GuestFile::secret("/etc/b", Secret::environment("key", "A").generation(2)));
    assert_eq!(found(&guest, Os::Debian), ["guest-clash guest: the secret key is described in two ways"]);
}

#[test]
fn one_package_in_two_versions() {
    let guest =
        Guest::new().package("nginx=1.22.1-9").package("nginx").package("nginx=1.24.0-1").package("jq=1.6");
    assert_eq!(
        found(&guest, Os::Debian),
        ["guest-clash guest.packages: two versions of the package nginx are wanted: 1.22.1-9 and 1.24.0-1"]
    );
    let guest = Guest::new().package("nginx=1.22.1-9").package("nginx");
    assert_eq!(found(&guest, Os::Debian), [""; 0]);
}

#[test]
fn a_password_hash_from_the_root_key() {
    let guest = Guest::new().user(User::new("ops").password_hash(Secret::password("ops")));
    let found = found(&guest, Os::Debian);
    assert!(
        found.iter().any(|line| line.starts_with(
            "value-invalid guest.users.ops.password_hash: the hash of a password cannot be made from the root key"
        )),
        "{found:?}"
    );
}

#[test]
fn paths_that_a_line_of_passwd_cannot_have() {
    let guest = Guest::new().user(User::new("ops").home("/srv/a:b").shell("/bin/sh:x"));
    assert_eq!(
        found(&guest, Os::Debian),
        [
            "value-invalid guest.users.ops.home: the home of a user has a ':' in it, which separates the fields of /etc/passwd",
            "value-invalid guest.users.ops.shell: the shell of a user has a ':' in it, which separates the fields of /etc/passwd",
        ]
    );
    for path in ["/srv/a\nb", "/srv/a\u{1b}b"] {
        let guest = Guest::new().user(User::new("ops").home(path).shell(path));
        assert_eq!(found(&guest, Os::Debian).len(), 2, "{path:?}");
    }
}

#[test]
fn a_guest_reads_back_from_what_it_writes() {
    let guest = Guest::new()
        .user(User::admin("ops").password_hash(Secret::file("ops", "ops.hash")).shell("/bin/bash"))
        .file(GuestFile::secret("/etc/key", Secret::environment("key", "KEY").generation(3)).mode(0o640))
        .unit(Unit::service("a").masked().dropin("1.conf", "[Service]\n"));
    let text = serde_json::to_string(&guest).unwrap();
    assert_eq!(serde_json::from_str::<Guest>(&text).unwrap(), guest);
    serde_json::from_str::<Guest>(r#"{"files": {"/etc/a": {"contents": {"text": ""}, "mod": "0644"}}}"#)
        .unwrap_err();
}

#[test]
fn a_bit_that_the_images_ignition_does_not_know() {
    let guest = Guest::new().directory(Directory::new("/srv/shared").mode(0o2775));
    let parts = guest.parts(&At::ROOT, &mut Vec::new()).unwrap();
    let found = |version| {
        let mut findings = Vec::new();
        super::check(&parts, Os::Flatcar, version, &At::ROOT.key("guest"), &mut findings);
        findings.into_iter().map(|finding| finding.message()).collect::<Vec<_>>()
    };
    assert_eq!(
        found("4593.2.0"),
        [
            "a setuid, setgid or sticky bit needs version 3.6.0 of Ignition's specification; Flatcar 4593.2.0 knows 3.5.0"
        ]
    );
    assert_eq!(found("4799.0.0"), [""; 0]);
}
