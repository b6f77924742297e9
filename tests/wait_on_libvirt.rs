//! Waiting on a real libvirtd. Guests boot a kernel and a shell and come up: one by a lease, one by the
//! host's neighbour table (if libvirt can read it), one by a port. A guest whose port never answers shows the
//! end of its console.
#![cfg(all(feature = "cli", feature = "virt"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fmc::prelude::*;
use fmc_testkit::guest::{Style, files};
use fmc_testkit::libvirtd::Own;

/// The guests' init: it gets an address by DHCP, or uses a static one from which it contacts its host, and
/// starts a web server.
const INIT: &str = r#"#!/early/busybox sh
/early/busybox mkdir -p /bin /proc /sys /dev /www
/early/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/early/$module"; done </early/order
for module in failover net_failover virtio_net; do insmod "/net/$module.ko"; done
ip link set lo up
ip link set eth0 up
part=$(sed 's/.*part=\([a-z]*\).*/\1/' /proc/cmdline)
echo "guest $part begins"
if [ "$part" = arp ]; then
    ip address add 10.74.1.50/24 dev eth0
    until ping -c 1 -W 1 10.74.1.1 >/dev/null; do sleep 1; done
else
    until udhcpc -i eth0 -q -n -t 5 -T 2 -s /lease; do sleep 1; done
fi
echo "guest $part is up"
httpd -f -p 80 -h /www
"#;

const LEASE: &str = r#"#!/early/busybox sh
[ "$1" = bound ] && ip address add "$ip/24" dev "$interface"
exit 0
"#;

/// One file of a cpio archive (`newc`, the format of the kernel's initramfs).
fn entry(archive: &mut Vec<u8>, name: &str, mode: usize, content: &[u8]) {
    let fields = [1, mode, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
    archive.extend_from_slice(b"070701");
    for field in fields {
        archive.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    archive.extend_from_slice(name.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The test guest's initial RAM disk, followed by the network driver and an `/init` of our own.
fn initramfs(folder: &Path) -> PathBuf {
    let disk = folder.join("root.raw");
    run(Command::new("qemu-img").args(["convert", "-O", "raw"]).arg(files().image()).arg(&disk));
    run(Command::new("debugfs")
        .args(["-R", &format!("rdump /usr/lib/modules {}", folder.display())])
        .arg(&disk));
    let mut more = Vec::new();
    for (name, mode) in [("net", 0o040_755), ("early", 0o040_755)] {
        entry(&mut more, name, mode, b"");
    }
    for module in ["failover.ko", "net_failover.ko", "virtio_net.ko"] {
        let found = run(Command::new("find").arg(folder.join("modules")).args(["-name", module]));
        entry(&mut more, &format!("net/{module}"), 0o100_644, &fs::read(found.trim()).unwrap());
    }
    entry(&mut more, "init", 0o100_755, INIT.as_bytes());
    entry(&mut more, "lease", 0o100_755, LEASE.as_bytes());
    entry(&mut more, "TRAILER!!!", 0, b"");
    let mut all = fs::read(files().initramfs(Style::Debian)).unwrap();
    all.resize(all.len().next_multiple_of(512), 0);
    all.extend(more);
    let path = folder.join("initramfs");
    fs::write(&path, all).unwrap();
    path
}

/// The first machines of a cloud.
fn cloud(folder: &Path, initrd: &Path, count: usize) -> Cloud {
    let kernel = files().kernel();
    let machine = |part: &str, interface: Interface, ready: Ready| {
        let boot = DirectKernel::new(kernel.to_str().unwrap())
            .initrd(initrd.to_str().unwrap())
            .command_line(format!("console=ttyS0 quiet loglevel=0 tsc=reliable no_timer_check part={part}"));
        Machine::new(part.to_owned(), Image::blank().direct_kernel(boot))
            .memory(128.mib())
            .interface(interface)
            .shutdown(Shutdown::force_now())
            .ready(ready.within(10.minutes()))
    };
    let all = [
        machine("lease", Interface::on("lab"), Ready::lease()),
        machine("port", Interface::on("lab"), Ready::tcp(80)),
        machine("arp", Interface::on("lab").address("10.74.1.50"), Ready::arp()),
    ];
    Cloud::new("waits")
        .host(Host::local().emulated().machine_type("pc").base(folder.join("pools").to_str().unwrap()))
        .network(Network::isolated("lab", "10.74.1.0/24").dhcp("10.74.1.100-10.74.1.199"))
        .machines(all.into_iter().take(count))
}

fn write(host: &Own, cloud: &Cloud) {
    fs::write(host.path().join("cloud.json"), serde_json::to_string(cloud).unwrap()).unwrap();
}

/// Runs `fmc` beside the guests' network, where it can reach their ports, and gives success and output.
fn fmc(host: &Own, arguments: &str) -> (bool, String) {
    let folder = host.path().display();
    let command = format!(
        "cd '{folder}' && '{}' -f cloud.json --connect '{}' {arguments}",
        env!("CARGO_BIN_EXE_fmc"),
        host.uri()
    );
    match host.inside(&command) {
        Ok(said) => (true, said),
        Err(refused) => (false, refused.to_string()),
    }
}

#[test]
fn machines_say_that_they_are_up() {
    let host = Own::start();
    let initrd = initramfs(host.path());
    write(&host, &cloud(host.path(), &initrd, 2));
    let (done, said) = fmc(&host, "apply --yes");
    assert!(done, "{said}\n{}", host.log());
    for part in ["lease", "port"] {
        assert!(said.contains(&format!("libvirt/local/domain/{part}: up after ")), "{said}");
    }
    assert!(said.contains("2 machines up"), "{said}");
    let (done, config) = fmc(&host, "ssh-config");
    assert!(done && config.contains("Host lease\n  HostName 10.74.1.1"), "{config}");
    let (done, log) = fmc(&host, "console lease --log");
    assert!(done && log.contains("guest lease begins") && log.contains("guest lease is up"), "{log}");

    // libvirt 9.0 cannot read the neighbour table of newer kernels (seen with 6.18): the failure then
    // contains libvirt's words.
    let table = host.try_virsh(&["domifaddr", "lease", "--source", "arp"]);
    let (arp, within) = match &table {
        Ok(_) => ("arp: up after ", "10min"),
        Err(refused) => {
            assert!(refused.to_string().contains("wrong nlmsg len"), "{refused}");
            ("wrong nlmsg len", "5s")
        }
    };
    // After the restart the old lease does not count, and the other port does not answer.
    write(&host, &cloud(host.path(), &initrd, 3));
    let (done, said) = fmc(
        &host,
        &format!(
            "apply --yes --set machines.lease.memory=136MiB --set machines.port.memory=136MiB \
             --set machines.port.ready.signal.tcp=81 --set machines.port.ready.within=5s \
             --set machines.arp.ready.within={within}"
        ),
    );
    assert!(!done && said.contains(arp), "{said}");
    assert!(said.contains("libvirt/local/domain/lease: up after "), "{said}");
    assert!(
        said.contains(
            "error: libvirt/local/domain/port: not up: an answer at TCP port 81 did not come within 5 s"
        ),
        "{said}"
    );
    assert!(said.contains("the end of its serial console:\n    | guest port begins\n"), "{said}");
    let booted = fmc(&host, "console lease --log").1.matches("guest lease is up").count();
    assert_eq!(booted, 2, "it is up once its second boot got a lease");

    let (done, said) = fmc(&host, "destroy --yes");
    assert!(done, "{said}");
    assert_eq!(host.virsh(&["pool-list", "--all", "--name"]).trim(), "", "consoles go with their machines");
}
