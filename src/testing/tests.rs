use expect_test::{Expect, expect};

use super::artifact::*;
use super::say::{Failed, difference, or_panic};
use super::{finding, plan, script};
use crate::prelude::*;
use crate::sim::Sim;
use fmc_core::graph::NoteKind;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@example.org";

fn says<T: std::fmt::Debug>(result: Result<T, Failed>, message: Expect) {
    message.assert_eq(&result.unwrap_err().to_string());
}

fn lab(machines: impl IntoIterator<Item = Machine>) -> Cloud {
    Cloud::new("first").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machines(machines)
}

fn blank(name: &str, address: &str) -> Machine {
    Machine::new(name, Image::blank())
        .memory(1.gib())
        .root_disk(2.gib())
        .interface(Interface::on("lab").address(address))
}

fn debian() -> Cloud {
    let web = Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
        .memory(2.gib())
        .root_disk(10.gib())
        .interface(Interface::on("lab").address("10.17.3.10"))
        .user(User::admin("ops").key(KEY))
        .file(GuestFile::text("/etc/motd", "one\ntwo\nthree\nfour\nfive\n"))
        .file(GuestFile::secret("/etc/token", Secret::environment("token", "TOKEN")));
    lab([web])
}

#[test]
fn a_finding_is_found_at_each_of_its_places() {
    let cloud = lab([blank("web", "10.17.3.10"), blank("db", "10.17.3.10")]);
    for path in ["machines.web.interfaces[0].address", "machines.db.interfaces[0].address"] {
        super::assert_finding(&cloud, Kind::AddressDuplicate, path);
        super::assert_finding(&cloud.check(), Kind::AddressDuplicate, path);
        super::assert_finding(&cloud.check().unwrap_err(), Kind::AddressDuplicate, path);
    }
    let report = cloud.check().unwrap_err();
    says(
        finding::finding(report.findings(), Kind::AddressDuplicate, "machines.web.interfaces[0]"),
        expect![[r#"
            no finding address-duplicate at machines.web.interfaces[0]
              there: error[address-duplicate] at machines.web.interfaces[0].address and machines.db.interfaces[0].address: 10.17.3.10 is the address of two machines: db and web
              right: to expect it at machines.web.interfaces[0].address, machines.db.interfaces[0].address
        "#]],
    );
    says(
        finding::finding(report.findings(), Kind::AddressOutside, "machines.web.interfaces[0].address"),
        expect![[r#"
            no finding address-outside at machines.web.interfaces[0].address
              there: error[address-duplicate] at machines.web.interfaces[0].address and machines.db.interfaces[0].address: 10.17.3.10 is the address of two machines: db and web
              right: to expect address-duplicate there
        "#]],
    );
    says(
        finding::finding(&[], Kind::RootMissing, "machines.web"),
        expect![[r#"
            no finding root-missing at machines.web
              there: no finding
              right: a cloud in which `machines.web` is wrong in this way (`explain root-missing` says which)
        "#]],
    );
    says(
        finding::passes(&cloud),
        expect![[r#"
        the check refuses the cloud
          there:
            error[address-duplicate]: 10.17.3.10 is the address of two machines: db and web
              at machines.web.interfaces[0].address
              and machines.db.interfaces[0].address
              help: give one of them a free address of lab (10.17.3.0/24), for example 10.17.3.11
              `explain address-duplicate` says more
          right: a cloud without findings of severity error that it does not accept
    "#]],
    );
}

#[test]
fn no_finding_is_none_but_an_accepted_one() {
    let cloud = || lab([blank("web", "10.17.3.10").host("local")]);
    super::assert_no_findings(&cloud());
    super::assert_no_finding(&cloud(), Kind::AddressDuplicate);
    let unused = cloud().accept("cpu-overcommit", "a test");
    says(
        finding::none(unused.check().unwrap().findings().iter(), "anything"),
        expect![[r#"
        the check finds anything
          there: warning[accept-unused] at accept[0].kind: there is no finding of the kind cpu-overcommit
          right: at accept[0].kind: leave it out: it would hide the next one
    "#]],
    );
    says(
        finding::accepted(unused.check().unwrap().findings(), Kind::AddressDuplicate),
        expect![[r#"
        no finding address-duplicate is accepted
          there: warning[accept-unused] at accept[0].kind: there is no finding of the kind cpu-overcommit
          right: a cloud without the finding: address-duplicate cannot be accepted
    "#]],
    );
    says(
        finding::accepted(&[], Kind::CpuOvercommit),
        expect![[r#"
        no finding cpu-overcommit is accepted
          there: no finding
          right: `.accept("cpu-overcommit", "REASON")` on a cloud that has the finding
    "#]],
    );
    let many =
        || Cloud::new("first").host(Host::local().memory(2.gib())).machine(blank_alone().memory(4.gib()));
    let found = super::assert_finding(&many(), Kind::MemoryOvercommit, "hosts.local.memory");
    assert!(found.accepted().is_none());
    let accepted =
        super::assert_accepted(&many().accept("memory-overcommit", "a lab"), Kind::MemoryOvercommit);
    assert_eq!(accepted.accepted(), Some("a lab"));
}

fn blank_alone() -> Machine {
    Machine::new("web", Image::blank()).root_disk(2.gib())
}

#[test]
fn artifacts_are_judged() {
    let artifacts = Artifacts::of(&debian());
    let web = artifacts.machine("web");
    web.file("/etc/motd")
        .assert_text("one\ntwo\nthree\nfour\nfive\n")
        .assert_mode(0o644)
        .assert_contains("two");
    web.file("/etc/token").assert_secret("token").assert_mode(0o600).assert_owner("root");
    web.user("ops").assert_admin().assert_key(KEY);
    web.domain()
        .assert("memory", "2 GiB")
        .assert("devices/disk[vda]/@device", "disk")
        .assert_lacks("devices/sound");
    web.boot("user-data").assert_contains("hostname: web").assert_lacks("TOKEN");
    artifacts.network("lab").assert("bridge/@name", "br-lab").assert("ip/@address", "10.17.3.1");

    says(
        artifacts.find_machine("wbe"),
        expect![[r#"
        there is no machine named wbe
          there: web
          right: did you mean web?
    "#]],
    );
    says(
        web.find_file("/etc/mtod"),
        expect![[r#"
        there is no file in machine web named /etc/mtod
          there: /etc/motd, /etc/token
          right: did you mean /etc/motd?
    "#]],
    );
    says(
        web.file("/etc/motd").has_text("one\nTWO\nthree\nfour\nfive\nsix\n"),
        expect![[r#"
        /etc/motd has another text
          there:
              one
            - two
            + TWO
              three
              four
              five
            + six
          right: the lines without `-`
    "#]],
    );
    says(
        web.file("/etc/token").has_text("hunter2"),
        expect![[r#"
        the text of /etc/token is not known
          there: the bytes of secret token generation 1
          right: hunter2
    "#]],
    );
    says(
        web.user("ops").has_key("ssh-ed25519 AAAA other"),
        expect![[r#"
        the key does not open the account ops
          there: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@example.org
          right: ssh-ed25519 AAAA other
    "#]],
    );
    says(
        web.find_boot("config.ign"),
        expect![[r#"
        there is no boot document of machine web named config.ign
          there: meta-data, network-config, user-data
          right: one of the existing names
    "#]],
    );
    says(
        web.boot("user-data").has_value("/passwd", "x"),
        expect![[r#"
        user-data of machine web is not JSON
          there: a document for cloud-init
          right: an Ignition config
    "#]],
    );
    says(
        web.boot("user-data").lacks("hostname"),
        expect![[r#"
        user-data of machine web holds `hostname`
          there: line 2: hostname: web
          right: a document without it
    "#]],
    );
    says(
        web.domain().has("memory", "4 GiB"),
        expect![[r#"
        memory of domain web differs
          there: 2 GiB
          right: 4 GiB
    "#]],
    );
    says(
        web.domain().has("devices/disk[vdc]/source/@file", "/images/data"),
        expect![[r#"
        domain web has no devices/disk[vdc]/source/@file
          there: devices has disk[vda], disk[sda], interface[22:3e:86:2d:7a:93], serial, console, channel[org.qemu.guest_agent.0], memballoon, rng
          right: /images/data
    "#]],
    );
    says(
        web.domain().has("devices/disk[vda]/target/@device", "vda"),
        expect![[r#"
        domain web has no devices/disk[vda]/target/@device
          there: devices/disk[vda]/target has @dev, @bus
          right: vda
    "#]],
    );
    says(
        artifacts.find_document("network", "lan"),
        expect![[r#"
        there is no network named lan
          there: lab
          right: did you mean lab?
    "#]],
    );
}

#[test]
fn an_ignition_config_is_asked_by_pointer() {
    let web = Machine::new("web", Image::flatcar("4593.2.0").path("/images/flatcar.qcow2"))
        .root_disk(10.gib())
        .user(User::admin("core").key(KEY));
    let artifacts = Artifacts::of(&Cloud::new("first").host(Host::local()).machine(web));
    let config = artifacts.machine("web").boot("config.ign");
    config.assert_value("/passwd/users/0/name", "core");
    says(
        config.has_value("/passwd/users/0/nmae", "core"),
        expect![[r#"
        config.ign of machine web has no /passwd/users/0/nmae
          there: `/passwd/users/0` has groups, name, sshAuthorizedKeys
          right: core
    "#]],
    );
    says(
        config.has_value("/passwd/users/7/name", "core"),
        expect![[r#"
        config.ign of machine web has no /passwd/users/7/name
          there: `/passwd/users` has 1 items
          right: core
    "#]],
    );
    says(
        config.has_value("/passwd/users/0/name", "ops"),
        expect![[r#"
        /passwd/users/0/name of config.ign of machine web differs
          there: core
          right: ops
    "#]],
    );
}

#[test]
fn plans_are_judged() {
    let world = Sim::new();
    let cloud = |memory: Size| {
        lab([
            blank("web", "10.17.3.10").memory(memory),
            blank("db", "10.17.3.11").disk(Disk::new("data", 5.gib())),
        ])
    };
    world.apply(&cloud(1.gib()));
    let same = world.plan(&cloud(1.gib()));
    super::assert_empty(&same);
    super::assert_impact(&same, "machine/web", Impact::None);
    super::assert_touches_only(&same, []);

    let more = world.plan(&cloud(2.gib()));
    super::assert_impact(&more, "machine/web", Impact::Restart);
    super::assert_impact_at_most(&more, Impact::Restart);
    super::assert_keeps(&more, "volume/db.disk.data");
    super::assert_keeps(&more, "machine/web");
    super::assert_touches_only(&more, ["machine/web"]);
    says(
        plan::empty(&more),
        expect![[r#"
        the plan is not empty
          there:
              ~ machine web       restart  memory 1 GiB -> 2 GiB (above or below the maximum it was started with)
                1 machine         no change
                1 network         no change
                1 pool            no change
              1 to restart, 0 to delete
          right: a plan with nothing to do
    "#]],
    );
    says(
        plan::impacts(&more, "machine/web", Impact::Live),
        expect![[r#"
            the impact on machine/web is not `in place`
              there:
                restart
                memory 1 GiB -> 2 GiB (above or below the maximum it was started with)
              right: in place
        "#]],
    );
    says(
        plan::impacts(&more, "machine/wbe", Impact::None),
        expect![[r#"
            the plan does not know machine/wbe
              there: domain/db, domain/web, machine/db, machine/web, network/lab, pool/fmc-first, volume/db.disk.data, volume/db.root.19a703c6, volume/web.root.19a703c6
              right: did you mean machine/web?
        "#]],
    );
    says(
        plan::at_most(&more, Impact::Live),
        expect![[r#"
            the plan does more than `in place`
              there: machine/web: restart: memory 1 GiB -> 2 GiB (above or below the maximum it was started with)
              right: steps of impact create, in place only
        "#]],
    );
    says(
        plan::touches_only(&more, &["machine/db", "network/lab"]),
        expect![[r#"
        the plan touches more than machine/db, network/lab
          there: restart domain/web: memory 1 GiB -> 2 GiB (above or below the maximum it was started with)
          right: steps of machine/db, network/lab only
    "#]],
    );
    says(
        plan::note(&more, NoteKind::Outdated, "machine/web"),
        expect![[r#"
        the plan does not note machine/web as Outdated
          there: no note
          right: a note Outdated about machine/web
    "#]],
    );

    let without = lab([blank("web", "10.17.3.10")]);
    let gone = world.plan(&without);
    super::assert_keeps(&gone, "volume/db.disk.data");
    super::assert_note(&gone, NoteKind::Kept, "volume/db.disk.data");
    says(
        plan::keeps(&gone, "machine/db"),
        expect![[r#"
        the plan does not keep machine/db
          there:
            delete domain/db: no longer wanted
            delete volume/fmc-first/db.root.19a703c6: no longer wanted
            5 GiB of data; --delete-data db deletes it
          right: an object that is there before the apply, and is left as it is or changed in place
    "#]],
    );
    says(
        plan::keeps(&gone, "volume/db.disk.dta"),
        expect![[r#"
            the plan does not know volume/db.disk.dta
              there: domain/db, domain/web, machine/db, machine/web, network/lab, pool/fmc-first, volume/db.disk.data, volume/db.root.19a703c6, volume/web.root.19a703c6
              right: did you mean volume/db.disk.data?
        "#]],
    );
}

#[test]
fn a_fault_that_can_never_happen_is_an_error() {
    says(
        script::known("start_domain"),
        expect![[r#"
            no hypervisor has a call `start_domain`
              there: facts, interfaces, domains, domain, define-domain, start-domain, shutdown-domain, domain-is-active, destroy-domain, undefine-domain, rename-domain, forget-snapshots, set-domain-autostart, resize-block, guest-addresses, connects, networks, network, define-network, start-network, stop-network, undefine-network, set-network-autostart, update-network, pools, pool, create-pool, start-pool, set-pool-autostart, delete-pool, volumes, volume, network-ports, leases, refresh-pool, disk-capacities, create-volume, upload, volume-tail, resize-volume and 3 more
              right: did you mean start-domain?
        "#]],
    );
    or_panic(script::known("start-domain"));
}

#[test]
#[should_panic(expected = "a fault on local still waits for call 2 `start-domain` of db")]
fn a_script_that_was_not_played_is_told() {
    let world = Sim::new();
    world.script(super::Script::call("start-domain").of("db").nth(2).fails("no"));
    world.apply(&lab([blank("web", "10.17.3.10"), blank("db", "10.17.3.11")]));
    world.assert_script_played();
}

#[test]
fn a_script_is_for_one_host_or_for_each() {
    let (one, two) = (HostName::literal("hv1"), HostName::literal("hv2"));
    let cloud = || {
        let host = |name: &HostName| Host::new(name.clone()).uri(format!("qemu+ssh://{name}/system"));
        let on = |name: &str, host: &HostName| Machine::new(name, Image::blank()).host(host.clone());
        Cloud::new("first").hosts([host(&one), host(&two)]).machines([on("a", &one), on("b", &two)])
    };
    let world = Sim::new();
    world.script(super::Script::call("start-domain").on(two.clone()).fails("no"));
    let failed = world.try_apply(&cloud()).unwrap_err().to_string();
    assert!(failed.contains("hv2/domain/b") && !failed.contains("hv1/domain/a"), "{failed}");
    world.assert_script_played();

    let world = Sim::new();
    world.script(super::Script::call("start-domain").hangs());
    let failed = world.try_apply(&cloud()).unwrap_err().to_string();
    assert!(failed.contains("hv2/domain/b") && failed.contains("hv1/domain/a"), "{failed}");
    world.assert_script_played();
    world.apply(&cloud());
}

#[test]
fn a_difference_shows_what_differs_and_a_little_around_it() {
    let difference = |there: &str, right: &str| difference(there, right);
    expect![[r#"
          3
          4
        - 5
        + five
          6
          7"#]]
    .assert_eq(&difference("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nfive\n6\n7\n8\n"));
    expect!["the line breaks at their ends differ"].assert_eq(&difference("a\n", "a"));
    expect![[r#"
        + a
        + b"#]]
    .assert_eq(&difference("", "a\nb"));
    expect![[r#"
        - a
          b
        - c
        + x
          d
        + e"#]]
    .assert_eq(&difference("a\nb\nc\nd\n", "b\nx\nd\ne\n"));
    let many = |from: usize| (from..from + 3000).map(|n| format!("{n}\n")).collect::<String>();
    assert!(difference(&many(0), &many(1)).lines().count() > 3000);
}
