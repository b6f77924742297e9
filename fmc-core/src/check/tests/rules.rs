//! Each rule by its cases: what is found, where, and what is not.

use super::{found, yaml};
use crate::cloud::Cloud;
use crate::finding::{Kind, Severity};

mod networks;
mod special;

/// Asserts what is found in a cloud, as `kind path` in the order of the report.
#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    assert_eq!(found(&yaml(text)), expected, "{text}");
}

/// A cloud with one host and these networks and machines.
fn small(networks: &str, machines: &str) -> String {
    format!(
        "name: first\nhosts: {{hv: {{bridges: [br0]}}}}\nnetworks: {{{networks}}}\nmachines: {{{machines}}}\n"
    )
}

/// A machine that is provisioned and finds nothing wrong by itself.
fn debian(name: &str, rest: &str) -> String {
    format!(
        "{name}: {{image: {{os: debian, version: '12', source: {{path: /i/d12.qcow2}}, digest: '{DIGEST}'}}, root_disk: 9 GiB, \
         guest: {{users: {{ops: {{keys: ['{KEY}']}}}}}}, {rest}}}"
    )
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
const TWO_HOSTS: &str =
    "name: first\nhosts: {a: {uri: qemu+ssh://a/system, bridges: [br0]}, b: {uri: qemu+ssh://b/system}}\n";

#[test]
fn every_wrong_leaf_has_its_path() {
    finds(
        "name: First
owner: a_b
domain: -x
time_zone: Nowhere
resolvers: [10.0.0.300]
public_addresses: [x]
hosts:
  h_v:
    uri: virtualbox
    memory: 35 GB
    reserve: x
    machine_type: isapc
    base: images
    capacity: 1 TB
    topology: {sockets: 0, cores: 1, threads: 1}
    cpu: {named: 'a b'}
    bridges: [a-bridge-of-17-ch]
    pools: {fast: {path: x, capacity: '0'}}
networks:
  n_t:
    mode: bridge
    bridge: a-bridge-of-17-ch
    subnet: 10.17.4.1/24
    gateway: x
    domain: .
    mtu: 9
    resolvers: [y]
machines:
  m_c:
    image:
      os: none
      version: \"1\\n2\"
      source: {file: {path: a, digest: md5}}
      digest: x
      minimum: x
      kernel: {kernel: k, initrd: i, command_line: \"a\\0b\"}
    cpus: 0
    memory: 1000 KiB
    root_disk: {size: 1000 B, allocation: full}
    disks: {d_d: {size: x, serial: 'a b', pool: '/'}}
    interfaces: [{network: n t, address: x, address6: y, reserved: z, reserved6: u, mac: v}]
    hostname: h_n
    fqdn: x_y.z
    time_zone: Nowhere
    resolvers: [w]
accept: [{kind: pool-thin, reason: ' '}]
",
        &[
            "value-invalid accept[0].reason",
            "name-invalid domain",
            "name-invalid hosts.h_v",
            "value-invalid hosts.h_v.base",
            "name-invalid hosts.h_v.bridges[0]",
            "size-invalid hosts.h_v.capacity",
            "value-invalid hosts.h_v.cpu",
            "value-invalid hosts.h_v.machine_type",
            "size-invalid hosts.h_v.memory",
            "size-invalid hosts.h_v.pools.fast.capacity",
            "value-invalid hosts.h_v.pools.fast.path",
            "size-invalid hosts.h_v.reserve",
            "value-invalid hosts.h_v.topology",
            "value-invalid hosts.h_v.uri",
            "name-invalid machines.m_c",
            "value-invalid machines.m_c.cpus",
            "name-invalid machines.m_c.disks.d_d",
            "name-invalid machines.m_c.disks.d_d.pool",
            "name-invalid machines.m_c.disks.d_d.serial",
            "size-invalid machines.m_c.disks.d_d.size",
            "name-invalid machines.m_c.fqdn",
            "name-invalid machines.m_c.hostname",
            "value-invalid machines.m_c.image.digest",
            "value-invalid machines.m_c.image.kernel.command_line",
            "value-invalid machines.m_c.image.kernel.initrd",
            "value-invalid machines.m_c.image.kernel.kernel",
            "size-invalid machines.m_c.image.minimum",
            "value-invalid machines.m_c.image.source.file.digest",
            "value-invalid machines.m_c.image.source.file.path",
            "value-invalid machines.m_c.image.version",
            "address-invalid machines.m_c.interfaces[0].address",
            "address-invalid machines.m_c.interfaces[0].address6",
            "address-invalid machines.m_c.interfaces[0].mac",
            "name-invalid machines.m_c.interfaces[0].network",
            "address-invalid machines.m_c.interfaces[0].reserved",
            "network-conflict machines.m_c.interfaces[0].reserved",
            "address-invalid machines.m_c.interfaces[0].reserved6",
            "network-conflict machines.m_c.interfaces[0].reserved6",
            "size-invalid machines.m_c.memory",
            "address-invalid machines.m_c.resolvers[0]",
            "size-invalid machines.m_c.root_disk.size",
            "value-invalid machines.m_c.time_zone",
            "name-invalid name",
            "name-invalid networks.n_t",
            "name-invalid networks.n_t.bridge",
            "name-invalid networks.n_t.domain",
            "address-invalid networks.n_t.gateway",
            "value-invalid networks.n_t.mtu",
            "address-invalid networks.n_t.resolvers[0]",
            "address-invalid networks.n_t.subnet",
            "name-invalid owner",
            "address-invalid public_addresses[0]",
            "address-invalid resolvers[0]",
            "value-invalid time_zone",
            "accept-unused accept[0].kind",
        ],
    );
}

#[test]
fn references_and_hosts() {
    finds("name: first\n", &[]);
    finds("name: first\nnetworks: {lan: {mode: bridge, bridge: br0}}\n", &[]);
    finds("name: first\nnetworks: {n: {mode: nat, subnet: 10.0.0.0/24}}\n", &["host-missing hosts"]);
    finds(
        &format!(
            "{TWO_HOSTS}networks: {{n: {{mode: nat, subnet: 10.0.0.0/24}}, o: {{mode: isolated, host: c}}}}\n"
        ),
        &["host-ambiguous networks.n.host", "reference-unknown networks.o.host"],
    );
    finds(
        &small(
            "",
            "m: {image: {os: none, source: {volume: {pool: x, name: y}}}, root_disk: 1 GiB, host: hw, disks: {d: {size: 1 GiB, pool: p}}}",
        ),
        &["reference-unknown machines.m.host", "image-unpinned machines.m.image.digest"],
    );
    finds(
        &small(
            "",
            "m: {image: {os: none, source: {volume: {pool: x, name: y}}, digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}, root_disk: 1 GiB, disks: {d: {size: 1 GiB, pool: p}}}",
        ),
        &[
            "reference-unknown machines.m.disks.d.pool",
            "reference-unknown machines.m.image.source.volume.pool",
        ],
    );
    finds(
        &format!(
            "{TWO_HOSTS}networks: {{n: {{mode: nat, host: a, subnet: 10.0.0.0/24}}}}\nmachines: {{m: {{image: {{os: none}}, host: b, interfaces: [{{network: n}}]}}}}\n"
        ),
        &["host-mismatch machines.m.interfaces[0].network"],
    );
    finds(
        "name: first\nhosts: {hv: {pools: {fmc-first: {path: /a}, b: {path: /var/lib/libvirt/images/fmc-first}}}}\n",
        &["pool-conflict hosts.hv.pools.b.path", "pool-conflict hosts.hv.pools.fmc-first"],
    );
}

#[test]
fn machines_that_must_be_apart_are_on_two_hosts() {
    let pair = |other: &str, apart: &str| {
        let blank = "image: {os: none}, root_disk: 1 GiB";
        format!(
            "{TWO_HOSTS}machines: {{db1: {{{blank}, host: a, apart_from: [{apart}]}}, db2: {{{blank}, host: {other}}}}}\n"
        )
    };
    finds(&pair("b", "db2"), &[]);
    finds(&pair("a", "db2"), &["host-mismatch machines.db1.apart_from[0]"]);
    assert!(
        found(&yaml(&pair("a", "db2")).lab()).iter().all(|finding| !finding.starts_with("host-mismatch"))
    );
    finds(&pair("b", "db3"), &["reference-unknown machines.db1.apart_from[0]"]);
    finds(&pair("b", "d_b"), &["name-invalid machines.db1.apart_from[0]"]);
}

#[test]
fn an_unknown_name_is_answered_with_those_that_are_known() {
    let cloud = yaml(&small(
        "core: {mode: nat, subnet: 10.0.0.0/24}, kube: {mode: nat, subnet: 10.0.1.0/24}",
        "a: {image: {os: none}, interfaces: [{network: kubr}]}, b: {image: {os: none}, interfaces: [{network: lan}]}",
    ));
    let help: Vec<_> = super::findings(&cloud).into_iter().map(|finding| finding.help()).collect();
    assert_eq!(
        help,
        [
            "did you mean kube? known here: core and kube",
            "add the network to the cloud; known here: core and kube"
        ]
    );
}

#[test]
fn memory_processors_and_pools() {
    let host = |host: &str, machines: &str, expected: &[&str]| {
        finds(&format!("name: first\nhosts: {{hv: {{{host}}}}}\nmachines: {{{machines}}}\n"), expected);
    };
    let one = "m: {image: {os: none}, cpus: 2, memory: 2 GiB}";
    // 2048 for the guest, 38 + 16 + 4 for QEMU, 1024 for the host.
    host("memory: 3130 MiB", one, &[]);
    host("memory: 3129 MiB", one, &["memory-overcommit hosts.hv.memory"]);
    host("memory: 2618 MiB, reserve: 512 MiB", one, &[]);
    host("memory: 1 GiB", "m: {image: {os: none}, memory: 2 GiB, power: stopped}", &[]);
    host("topology: {sockets: 1, cores: 3, threads: 1}", one, &[]);
    host("topology: {sockets: 1, cores: 2, threads: 1}", one, &["cpu-overcommit hosts.hv.topology"]);
    // One thread: the advice is possible, and nothing is said where there is none.
    let thread = "topology: {sockets: 1, cores: 1, threads: 1}";
    host(thread, one, &["cpu-overcommit hosts.hv.topology"]);
    host(thread, "m: {image: {os: none}, cpus: 1}", &[]);
    let cloud = yaml(&format!("name: first\nhosts: {{hv: {{{thread}}}}}\nmachines: {{{one}}}\n"));
    assert_eq!(super::findings(&cloud)[0].help(), "give the machines at most 1 together");
    let disks = "m: {image: {os: none}, root_disk: 10 GiB, disks: {a: {size: 10 GiB, allocation: full}, b: {size: 10 GiB, pool: p}}}";
    let pools = |own: u32, other: u32| {
        format!("capacity: {own} GiB, pools: {{p: {{path: /p, capacity: {other} GiB}}}}")
    };
    host(&pools(20, 10), disks, &[]);
    host(&pools(19, 10), disks, &["pool-thin hosts.hv.capacity"]);
    host(&pools(9, 10), disks, &["pool-overcommit hosts.hv.capacity"]);
    host(&pools(20, 9), disks, &["pool-thin hosts.hv.pools.p.capacity"]);
}

#[test]
fn a_lab_is_warned_of_its_size_and_not_refused() {
    let cloud = yaml(
        "name: first\nhosts: {hv: {memory: 1 GiB}}\nmachines: {m: {image: {os: debian, version: '12', minimum: 9 GiB}, root_disk: 1 GiB}}\n",
    );
    let lab = super::findings(&cloud.lab());
    assert!(lab.iter().all(|finding| finding.severity() == Severity::Warning), "{lab:?}");
    let kinds: Vec<_> = lab.iter().map(|finding| finding.kind()).collect();
    assert_eq!(kinds, [Kind::MemoryOvercommit, Kind::ImageTooLarge]);
}

#[test]
fn a_lab_of_a_lan_is_not_refused() {
    let lan = "lan: {mode: bridge, bridge: br0, subnet: 192.168.0.0/24, gateway: 192.168.0.1}, s: {mode: nat, subnet: 10.0.0.0/24}";
    let machine = debian(
        "m",
        "interfaces: [{network: lan, address: 192.168.0.20, default_route: true}], resolvers: [9.9.9.9]",
    );
    let cloud = yaml(&small(lan, &machine));
    assert_eq!(found(&cloud), [""; 0]);
    assert_eq!(found(&cloud.lab()), [""; 0]);
    let bare = yaml(&small("lan: {mode: bridge, bridge: br0}", &debian("m", "interfaces: [{network: lan}]")));
    assert_eq!(found(&bare.lab()), [""; 0]);
}

#[test]
fn images() {
    let image = |image: &str, rest: &str, expected: &[&str]| {
        finds(&small("", &format!("m: {{image: {{{image}}}, {rest}}}")), expected);
    };
    let pinned = format!("digest: '{DIGEST}'");
    let disk = "root_disk: 9 GiB";
    image("os: none", "cpus: 1", &[]);
    image(&format!("os: none, source: {{path: /i/a.qcow2}}, {pinned}"), disk, &[]);
    image("os: none, source: {path: /i/a.qcow2}", disk, &["image-unpinned machines.m.image.digest"]);
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, {pinned}"),
        "cpus: 1",
        &["root-missing machines.m.root_disk"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, format: raw, {pinned}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.raw}}, {pinned}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    // A packed file is unpacked on its way; an archive is not.
    image(&format!("os: none, source: {{url: {{url: 'https://x.org/a.img.bz2', {pinned}}}}}"), disk, &[]);
    image(
        &format!("os: none, source: {{url: {{url: 'https://x.org/a.img.zip', {pinned}}}}}"),
        disk,
        &["image-format machines.m.image.source"],
    );
    image(
        &format!("os: none, source: {{path: /i/a.qcow2}}, minimum: 10 GiB, {pinned}"),
        disk,
        &["image-too-large machines.m.root_disk"],
    );
    image("os: none, architecture: aarch64", disk, &["arch-mismatch machines.m.image.architecture"]);
    image("os: none, kernel: {kernel: /boot/vmlinuz}", "cpus: 1", &[]);
    image(
        "os: none",
        "disks: {a: {size: 1 GiB}, b: {size: 1 GiB, serial: a}}",
        &["serial-duplicate machines.m.disks.b.serial"],
    );
}

#[test]
fn one_image_is_one_finding() {
    let machine =
        |n: usize| format!("m{n}: {{image: {{os: none, source: {{path: /i/a.qcow2}}}}, root_disk: 1 GiB}}");
    let machines: Vec<_> = (1..=9).map(machine).collect();
    let cloud = yaml(&small("", &machines.join(", ")));
    assert_eq!(found(&cloud), ["image-unpinned machines.m1.image.digest"]);
    let finding = &super::findings(&cloud)[0];
    assert_eq!(
        finding.machines().iter().collect::<Vec<_>>(),
        ["m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"]
    );
}

#[test]
fn processors_by_level() {
    let el = |host: &str, os: &str, version: &str, expected: bool| {
        let text = format!(
            "name: first\nhosts: {{hv: {{{host}}}}}\nmachines: {{m: {{image: {{os: {os}, version: '{version}', source: {{path: /i/a.qcow2}}, digest: '{DIGEST}'}}, root_disk: 9 GiB}}}}\n"
        );
        let found = found(&yaml(&text));
        assert_eq!(
            found.contains(&"cpu-level machines.m.image".to_owned()),
            expected,
            "{host} {os} {version}: {found:?}"
        );
    };
    el("acceleration: kvm", "rocky", "9.4", false);
    el("acceleration: emulated", "rocky", "9.4", true);
    el("acceleration: emulated", "rocky", "8.10", false);
    el("acceleration: emulated", "debian", "12", false);
    el("acceleration: emulated, cpu: {named: max}", "rocky", "9.4", false);
    el("cpu: {named: Westmere}", "rocky", "9.4", false);
    el("cpu: {named: Penryn}", "almalinux", "9.4", true);
    el("cpu: {named: Westmere-IBRS}", "almalinux", "10.0", true);
    el("cpu: {named: EPYC-Rome}", "almalinux", "10.0", false);
    el("cpu: host-model, acceleration: emulated", "rocky", "9", false);
}

#[test]
fn what_is_accepted_has_its_reason() {
    let cloud = || {
        yaml("name: first\nhosts: {hv: {memory: 1 GiB}}\nmachines: {m: {image: {os: none}, memory: 2 GiB}}\n")
    };
    let refused = cloud().check().unwrap_err();
    assert_eq!(refused.findings()[0].accepted(), None);
    let checked = cloud().accept("memory-overcommit", "a test").check().unwrap();
    assert_eq!(checked.findings().len(), 1);
    assert_eq!(checked.findings()[0].accepted(), Some("a test"));
    let accepts = |kind: &str| found(&Cloud::new("first").accept(kind, "x"));
    assert_eq!(accepts("name-invalid"), ["accept-unknown accept[0].kind"]);
    assert_eq!(accepts("nonsense"), ["accept-unknown accept[0].kind"]);
    assert_eq!(accepts("pool-thin"), ["accept-unused accept[0].kind"]);
    let twice = cloud().accept("memory-overcommit", "a").accept("memory-overcommit", "b");
    assert_eq!(found(&twice), ["memory-overcommit hosts.hv.memory", "accept-unused accept[1].kind"]);
}

#[test]
fn a_machine_that_nothing_configures() {
    finds(
        &small("", &format!("m: {{image: {{os: none}}, guest: {{users: {{ops: {{keys: ['{KEY}']}}}}}}}}")),
        &["guest-unused machines.m.guest"],
    );
    let locked = |n: usize| {
        debian(&format!("m{n}"), "interfaces: [{network: n}]").replace(&format!("keys: ['{KEY}']"), "")
    };
    let cloud = yaml(&small(
        "n: {mode: nat, subnet: 10.0.0.0/24, dhcp: 10.0.0.100-10.0.0.199}",
        &format!("{}, {}", locked(2), locked(1)),
    ));
    assert_eq!(found(&cloud), ["login-missing machines.m1.guest.users.ops"]);
    let words = "no user can log in to m1 and m2: ops has neither a key nor a password";
    assert_eq!(super::findings(&cloud)[0].message(), words);
}

#[test]
fn a_secret_is_one_in_the_whole_cloud() {
    let machine = |name: &str, variable: &str| {
        debian(name, "interfaces: [{network: n}]").replace(
            "guest: {",
            &format!(
                "guest: {{files: {{/etc/t: {{contents: {{secret: {{name: t, source: {{environment: {variable}}}}}}}}}}}, "
            ),
        )
    };
    let cloud = |a: &str, b: &str| {
        let machines = format!("{}, {}", machine("b", b), machine("a", a));
        yaml(&small("n: {mode: nat, subnet: 10.0.0.0/24, dhcp: 10.0.0.100-10.0.0.199}", &machines))
    };
    assert_eq!(found(&cloud("T", "T")), [""; 0]);
    assert_eq!(found(&cloud("T", "U")), ["guest-clash machines.b.guest"]);
}

#[test]
fn a_former_name_is_one_machines() {
    let machine = |name: &str, formerly: &str| {
        debian(name, &format!("interfaces: [{{network: n}}], formerly: {formerly}"))
    };
    let cloud = |machines: &[String]| {
        let machines = machines.join(", ");
        found(&yaml(&small("n: {mode: nat, subnet: 10.0.0.0/24, dhcp: 10.0.0.100-10.0.0.199}", &machines)))
    };
    let plain = debian("b", "interfaces: [{network: n}]");
    assert_eq!(cloud(&[machine("a", "old"), plain.clone()]), [""; 0]);
    assert_eq!(cloud(&[machine("a", "b"), plain]), ["name-duplicate machines.a.formerly"]);
    assert_eq!(cloud(&[machine("a", "a")]), ["name-duplicate machines.a.formerly"]);
    assert_eq!(
        cloud(&[machine("a", "old"), machine("c", "old")]),
        ["name-duplicate machines.a.formerly", "name-duplicate machines.c.formerly"]
    );
    assert_eq!(cloud(&[machine("a", "Old")]), ["name-invalid machines.a.formerly"]);
}
