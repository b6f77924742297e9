//! Data disks that are mounted, by their cases.

use super::{found, yaml};

/// The findings of a cloud with one machine of a system, with these disks and this guest.
fn finds(os: &str, disks: &str, guest: &str, expected: &[&str]) {
    let text = format!(
        "name: first\nhosts: {{hv: {{}}}}\nnetworks: {{lab: {{mode: nat, subnet: 10.17.3.0/24, dhcp: 10.17.3.100-10.17.3.199}}}}\nmachines: {{web: \
         {{interfaces: [{{network: lab}}], image: {{os: {os}, version: '12', source: {{path: /i/x.qcow2}}, \
         digest: '{DIGEST}'}}, root_disk: 10 GiB, disks: {{{disks}}}, guest: {{users: {{ops: {{keys: ['{KEY}']}}}}, {guest}}}}}}}\n"
    );
    assert_eq!(found(&yaml(&text)), expected, "{text}");
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM";
const AT: &str = "machines.web.disks.a.mount";

#[test]
fn a_mount_at_a_path_of_its_own_is_right() {
    for os in ["debian", "rocky", "flatcar", "fedora-coreos"] {
        finds(os, "a: {size: 1 GiB, mount: /srv/a}, b: {size: 1 GiB, mount: /srv/a/b}", "", &[]);
        let below = "files: {/srv/a/f: {contents: {text: a}}}, directories: {/srv/a: {mode: '0750'}}";
        finds(os, "a: {size: 1 GiB, mount: /srv/a}", below, &[]);
    }
}

#[test]
fn paths_where_no_disk_can_be() {
    for path in ["/", "/etc/app", "/boot", "/usr/lib/x", "/run/x", "/tmp", "/srv/a b", "/srv/ä"] {
        for os in ["debian", "flatcar"] {
            finds(os, &format!("a: {{size: 1 GiB, mount: '{path}'}}"), "", &[&format!("guest-path {AT}")]);
        }
    }
    let var = "a: {size: 1 GiB, mount: /var}";
    finds("rocky", var, "", &[&format!("guest-path {AT}")]);
    finds("fedora-coreos", var, "", &[]);
    finds("fedora-coreos", "a: {size: 1 GiB, mount: /data}", "", &[&format!("guest-path {AT}")]);
    finds("debian", "a: {size: 1 GiB, mount: data}", "", &[&format!("value-invalid {AT}")]);
}

#[test]
fn paths_that_something_else_takes() {
    let clash = format!("guest-clash {AT}");
    let clash = [clash.as_str()];
    let one = "a: {size: 1 GiB, mount: /srv/a}";
    finds("debian", one, "files: {/srv/a: {contents: {text: a}}}", &clash);
    finds("debian", one, "links: {/srv: {target: /opt}}", &clash);
    finds("debian", one, "units: {srv-a.mount: {state: masked}}", &clash);
    let two = "a: {size: 1 GiB, mount: /srv/a}, b: {size: 1 GiB, mount: /srv/a}";
    finds("debian", two, "", &["guest-clash machines.web.disks.b.mount"]);
    // The same place by another name.
    let two = "a: {size: 1 GiB, mount: /srv/a}, b: {size: 1 GiB, mount: /var/srv/a}";
    finds("debian", two, "", &[]);
    finds("fedora-coreos", two, "", &["guest-clash machines.web.disks.b.mount"]);
}

#[test]
fn file_systems_that_the_image_cannot_make() {
    let xfs = "a: {size: 1 GiB, filesystem: xfs}";
    finds("rocky", xfs, "", &[]);
    finds("debian", xfs, "", &["guest-reference machines.web.disks.a.filesystem"]);
    let text = "name: first\nhosts: {hv: {}}\nmachines: {web: {image: {os: none}, disks: {a: {size: 1 GiB, mount: /srv}}}}\n";
    assert_eq!(found(&yaml(text)), ["guest-unused machines.web.disks"]);
}

#[test]
fn a_unit_by_another_path_to_the_same_place() {
    let clash = format!("guest-clash {AT}");
    for (path, unit) in
        [("/srv/a", "srv-a.mount"), ("/srv/a", "var-srv-a.mount"), ("/var/srv/a", "srv-a.mount")]
    {
        let disk = format!("a: {{size: 1 GiB, mount: {path}}}");
        finds("fedora-coreos", &disk, &format!("units: {{{unit}: {{state: masked}}}}"), &[&clash]);
    }
    finds("flatcar", "a: {size: 1 GiB, mount: /srv/a}", "units: {var-srv-a.mount: {state: masked}}", &[]);
}

#[test]
fn a_file_in_the_place_of_the_table_of_mounts() {
    let (disk, file) = ("a: {size: 1 GiB, mount: /srv/a}", "files: {/etc/fstab: {contents: {text: a}}}");
    for os in ["debian", "rocky"] {
        finds(os, disk, file, &["guest-clash machines.web.guest.files./etc/fstab"]);
        finds(os, "", file, &["guest-path machines.web.guest.files./etc/fstab"]);
    }
    finds("fedora-coreos", disk, file, &[]);
}
