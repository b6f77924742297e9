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
        .user(User::new("a").uid(1007))
        .user(User::new("a"))
        .user(User::new("b").uid(1007))
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
            "guest-clash guest.users.b.uid: 1007 is the id of two users",
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

mod accepted {
    //! Guests of which the first boot, or systemd, would make something else than they say.

    use super::*;
    use crate::guest::Guest;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
    const ALL: [Os; 5] = [Os::Debian, Os::Rocky, Os::Almalinux, Os::FedoraCoreos, Os::Flatcar];

    fn kinds(guest: &Guest, os: Os) -> Vec<String> {
        let line = |finding: &Finding| format!("{} {}", finding.kind().as_str(), finding.at());
        findings(guest, os).iter().map(line).collect()
    }

    fn with(change: impl Fn(User) -> User) -> Guest {
        Guest::new().user(change(User::admin("ops").key(KEY)))
    }

    #[test]
    fn paths_through_links_into_a_part_that_is_read_only() {
        for path in ["/bin/x", "/sbin/x", "/lib/x", "/lib64/x"] {
            let guest = Guest::new().file(GuestFile::text(path, ""));
            for os in [Os::Flatcar, Os::FedoraCoreos] {
                let found = found(&guest, os);
                let said = format!("{path} is in the part of the image that is read-only");
                assert!(found.len() == 1 && found[0].ends_with(&said), "{found:?}");
            }
            assert_eq!(found(&guest, Os::Debian), [""; 0]);
        }
    }

    #[test]
    fn one_file_by_two_paths() {
        let guest = Guest::new().file(GuestFile::text("/srv/a", "")).file(GuestFile::text("/var/srv/a", ""));
        assert_eq!(kinds(&guest, Os::FedoraCoreos), ["guest-clash guest.files./var/srv/a"]);
        assert_eq!(kinds(&guest, Os::Debian), [""; 0]);
        let guest = Guest::new().file(GuestFile::text("/bin/a", "")).file(GuestFile::text("/usr/bin/a", ""));
        assert_eq!(kinds(&guest, Os::Rocky), ["guest-clash guest.files./usr/bin/a"]);
    }

    #[test]
    fn files_in_the_place_of_what_fmc_writes() {
        for os in ALL {
            for path in ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"] {
                let guest = Guest::new().file(GuestFile::text(path, ""));
                assert_eq!(kinds(&guest, os), [format!("guest-path guest.files.{path}")]);
            }
        }
        let keys = |path: &str, os| kinds(&with(|user| user).file(GuestFile::text(path, "")), os);
        let (plain, own) = ("/home/ops/.ssh/authorized_keys", "/home/ops/.ssh/authorized_keys.d/ignition");
        assert_eq!(keys(plain, Os::Debian), [format!("guest-clash guest.files.{plain}")]);
        assert_eq!(keys(own, Os::Debian), [""; 0]);
        for os in [Os::FedoraCoreos, Os::Flatcar] {
            assert_eq!(keys(plain, os), [""; 0]);
            assert_eq!(keys(own, os), [format!("guest-clash guest.files.{own}")]);
        }
        let moved =
            with(|user| user.home("/srv/ops")).file(GuestFile::text("/srv/ops/.ssh/authorized_keys", ""));
        assert_eq!(kinds(&moved, Os::Rocky), ["guest-clash guest.files./srv/ops/.ssh/authorized_keys"]);
        let without = Guest::new().user(User::new("ops")).file(GuestFile::text(plain, ""));
        assert_eq!(kinds(&without, Os::Debian), [""; 0]);
    }

    #[test]
    fn ids_that_the_image_has() {
        for os in ALL {
            assert_eq!(kinds(&with(|user| user.uid(0)), os), ["guest-clash guest.users.ops.uid"], "{os:?}");
            assert_eq!(
                kinds(&with(|user| user.uid(65534)), os),
                ["guest-clash guest.users.ops.uid"],
                "{os:?}"
            );
            assert_eq!(kinds(&with(|user| user.uid(1000)), os), [""; 0], "{os:?}");
            let root = Guest::new().user(User::new("root").uid(0).key(KEY));
            assert_eq!(kinds(&root, os), [""; 0], "{os:?}");
            for gid in [0, 5] {
                let guest = Guest::new().group(Group::new("apps").gid(gid));
                let is_known = gid == 0 || os != Os::Flatcar;
                assert_eq!(kinds(&guest, os).len(), usize::from(is_known), "{os:?} {gid}");
            }
        }
        let sudo = Guest::new().group(Group::new("apps").gid(27));
        assert_eq!(
            found(&sudo, Os::Debian),
            ["guest-clash guest.groups.apps.gid: 27 is the id of the group sudo, which Debian has"]
        );
        assert_eq!(kinds(&with(|user| user.uid(33)), Os::Debian), ["guest-clash guest.users.ops.uid"]);
        assert_eq!(kinds(&with(|user| user.uid(33)), Os::Rocky), [""; 0]);
        assert_eq!(kinds(&with(|user| user.uid(500)), Os::Flatcar), ["guest-clash guest.users.ops.uid"]);
        let core = Guest::new().user(User::new("core").uid(500).key(KEY));
        assert_eq!(kinds(&core, Os::Flatcar), [""; 0]);
    }

    #[test]
    fn a_user_that_is_called_as_a_group_of_the_image() {
        let docker = Guest::new().user(User::new("docker").key(KEY));
        for os in [Os::Flatcar, Os::FedoraCoreos] {
            assert_eq!(kinds(&docker, os), ["guest-clash guest.users.docker"]);
        }
        assert_eq!(kinds(&docker, Os::Debian), [""; 0]);
        let daemon = Guest::new().user(User::new("www-data").group("adm"));
        assert_eq!(kinds(&daemon, Os::Debian), [""; 0]);
    }

    #[test]
    fn shells_that_are_not_there() {
        let zsh = with(|user| user.shell("/bin/zsh"));
        for os in ALL {
            assert_eq!(kinds(&zsh, os), ["guest-reference guest.users.ops.shell"], "{os:?}");
        }
        assert_eq!(kinds(&zsh.clone().package("zsh"), Os::Debian), [""; 0]);
        assert_eq!(kinds(&zsh.file(GuestFile::text("/usr/bin/zsh", "")), Os::Rocky), [""; 0]);
        for shell in ["/bin/bash", "/bin/sh", "/usr/sbin/nologin", "/opt/own/bin/zsh"] {
            assert_eq!(kinds(&with(|user| user.shell(shell)), Os::FedoraCoreos), [""; 0], "{shell}");
        }
        for shell in ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false"] {
            let parts = with(|user| user.shell(shell)).parts(&At::ROOT, &mut Vec::new()).unwrap();
            assert!(!parts.has_login(), "{shell}");
        }
    }

    #[test]
    fn homes_that_go_or_are_the_systems() {
        let refused = |home: &str, os| kinds(&with(|user| user.home(home)), os);
        for os in ALL {
            for home in ["/", "/tmp/x", "/run/x", "/root", "/etc", "/home", "/var/lib"] {
                assert_eq!(refused(home, os), ["guest-path guest.users.ops.home"], "{home} {os:?}");
            }
            for home in ["/home/x", "/srv/x", "/var/lib/x", "/var/git", "/opt/x"] {
                assert_eq!(refused(home, os), [""; 0], "{home} {os:?}");
            }
        }
        for os in [Os::Flatcar, Os::FedoraCoreos] {
            for home in ["/usr/x", "/bin/x"] {
                assert_eq!(refused(home, os), ["guest-path guest.users.ops.home"], "{home} {os:?}");
            }
        }
        // A user who cannot log in may have any home.
        let service = Guest::new().user(User::new("app").home("/run/app").shell("/usr/sbin/nologin"));
        assert_eq!(kinds(&service, Os::Debian), [""; 0]);
        let two = with(|user| user.home("/srv/x")).user(User::new("web").key(KEY).home("/srv/x"));
        assert_eq!(kinds(&two, Os::Debian), ["guest-path guest.users.web.home"]);
        let one = with(|user| user.home("/srv/x")).user(User::new("web").home("/srv/x"));
        assert_eq!(kinds(&one, Os::Debian), [""; 0]);
    }

    #[test]
    fn units_that_systemd_would_refuse() {
        let install = "[Install]\nWantedBy=multi-user.target\n";
        let unit =
            |name: &str, contents: String| Guest::new().unit(Unit::new(name).enabled().contents(contents));
        let service = |exec: &str| format!("[Service]\n{exec}\n{install}");
        let mount = |place: &str| format!("[Mount]\nWhat=/dev/vdb\nWhere={place}\n{install}");
        for (name, contents, wrong) in [
            ("a.service", service("ExecStart=bin/true"), true),
            ("a.service", service("ExecStart=-@bin/true a"), true),
            ("a.service", service("ExecStartPre=+./x\nExecStart=/bin/true"), true),
            ("a.service", service("ExecStart=true"), false),
            ("a.service", service("ExecStart=-/bin/sh -c 'bin/true'"), false),
            ("a.service", service("ExecStart=%h/a"), false),
            ("a.service", service("ExecSart=/bin/true"), true),
            ("a.service", service("Type=oneshot\nExecStop=/bin/true"), false),
            ("a@.service", service("ExecStart=/bin/true"), true),
            ("a@x.service", service("ExecStart=/bin/true"), false),
            ("a@.service", format!("[Service]\nExecStart=/bin/true\n{install}DefaultInstance=x\n"), false),
            ("data.mount", mount("/srv/data"), true),
            ("srv-data.mount", mount("/srv/data"), false),
            ("-.mount", mount("/"), false),
            ("srv-my\\x2ddata.mount", mount("/srv/my-data"), false),
        ] {
            let found = kinds(&unit(name, contents.clone()), Os::Debian);
            assert_eq!(found.len(), usize::from(wrong), "{name} {contents}: {found:?}");
            assert!(found.iter().all(|line| line.starts_with("guest-unit guest.units.")), "{found:?}");
        }
        let linked = unit("srv-data.mount", mount("/srv/data"));
        assert_eq!(
            found(&linked, Os::FedoraCoreos),
            [
                "guest-unit guest.units.srv-data.mount.contents: srv-data.mount mounts at /srv/data, which leads through a link \
              to /var/srv/data: systemd refuses that"
            ]
        );
        let dropin = Unit::service("a").contents("[Service]\nRestart=always\n");
        let dropin = dropin.dropin("1.conf", "[Service]\nExecStart=/bin/a\n");
        assert_eq!(kinds(&Guest::new().unit(dropin), Os::Debian), [""; 0]);
        let template = Guest::new()
            .unit(Unit::service("a@").contents("[Service]\nExecStart=/bin/a\n"))
            .unit(Unit::service("a@x").enabled());
        assert_eq!(kinds(&template, Os::Flatcar), ["guest-unit guest.units.a@x.service"]);
    }

    #[test]
    fn packages_that_apt_takes_for_something_else() {
        let wrong = |name: &str, os| kinds(&Guest::new().package(name), os).len() == 1;
        for name in ["nginx-", "nginx-1.20.1", "nginx-1.20.1-14.el9", "Nginx"] {
            assert!(wrong(name, Os::Debian), "{name}");
        }
        for name in [
            "nginx",
            "nginx=1.22.1-9",
            "libstdc++6",
            "gcc-12",
            "libgtk-3-0",
            "linux-image-6.1.0-18-amd64",
            "g++",
        ] {
            assert!(!wrong(name, Os::Debian), "{name}");
        }
        assert!(wrong("nginx-", Os::Rocky));
        assert!(!wrong("nginx-1.20.1", Os::Rocky) && !wrong("NetworkManager", Os::Rocky));
    }
}
