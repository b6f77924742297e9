//! Domains: the document of a machine for libvirt and QEMU.

use std::sync::Arc;

use fmc_core::boot::Born;
use fmc_core::checked::{Checked, Host, Image, Machine};
use fmc_core::graph::Address;
use fmc_core::host::{Acceleration, CpuModel};
use fmc_core::image::{Arch, Format, Os, Provisioner};
use fmc_core::unit::Size;

use crate::document::DomainDocument;
use crate::mark::MachineMark;
use crate::mark::{self, Mark};
use crate::volume::{self, FirstBoot};
use crate::xml::{Element, Writer};

/// The inputs of a domain's document.
pub(crate) struct Parts<'a> {
    pub(crate) owner: &'a str,
    pub(crate) address: &'a Address,
    pub(crate) host: &'a Host,
    pub(crate) checked: &'a Checked,
    pub(crate) machine: &'a Machine,
    pub(crate) first_boot: &'a FirstBoot,
    pub(crate) born: &'a Born,
    /// The path of the root volume, if there is one.
    pub(crate) root: Option<&'a str>,
    /// The path of the boot volume, if there is one.
    pub(crate) boot: Option<&'a str>,
    /// The paths of the data disks, in the machine's order.
    pub(crate) disks: &'a [String],
    /// The path of the file that records its serial console, if it is recorded.
    pub(crate) console: Option<&'a str>,
}

/// QEMU's cache for the translated code of a small emulated guest. QEMU's own default is up to 1 GiB,
/// whatever the guest's memory is; with this size, a Debian in 384 MiB starts no slower.
const TRANSLATED: Size = Size::mib(128);

/// The document of a domain.
pub(crate) fn xml(parts: &Parts<'_>) -> String {
    let Parts { owner, address, host, machine, first_boot, .. } = *parts;
    mark::sealed("domain", &mark::beside(machine.power, machine.autostart), |w| {
        w.attr("type", if host.acceleration == Acceleration::Kvm { "kvm" } else { "qemu" });
        w.leaf("name", parts.checked.name_on_host(machine.name.as_str()));
        w.leaf("uuid", machine.uuid);
        let mark = MachineMark {
            first: (machine.first_name != machine.name).then(|| machine.first_name.as_str()),
            lab: parts.checked.is_lab(),
            image: &first_boot.image,
            config: first_boot.config.as_deref(),
            shutdown: machine.shutdown,
            memberships: &machine.memberships,
            born: parts.born,
        };
        mark::write(w, owner, address, Some(&mark));
        for name in ["memory", "currentMemory"] {
            w.el(name, |w| {
                w.attr("unit", "KiB");
                w.text(machine.memory.as_kib());
            });
        }
        w.el("vcpu", |w| {
            w.attr("placement", "static");
            w.text(machine.cpus.get());
        });
        os(w, host, &machine.image);
        if let (Some(path), Some(key)) = (parts.boot, fw_cfg_key(machine.image.os)) {
            w.el("sysinfo", |w| {
                w.attr("type", "fwcfg");
                w.el("entry", |w| {
                    w.attr("name", key);
                    w.attr("file", path);
                });
            });
        }
        w.el("features", |w| {
            w.empty("acpi");
            if machine.image.arch == Arch::X86_64 {
                w.empty("apic");
            }
            if host.acceleration == Acceleration::Emulated && machine.memory <= Size::gib(1) {
                w.el("tcg", |w| {
                    w.el("tb-cache", |w| {
                        w.attr("unit", "KiB");
                        w.text(TRANSLATED.as_kib());
                    });
                });
            }
        });
        cpu(w, host);
        w.el("clock", |w| w.attr("offset", "utc"));
        w.leaf("on_poweroff", "destroy");
        w.leaf("on_reboot", "restart");
        w.leaf("on_crash", "destroy");
        w.el("devices", |w| devices(w, parts));
    })
}

/// The `fw_cfg` file that the system's Ignition reads (Ignition's documentation, *Supported platforms*, `qemu`).
fn fw_cfg_key(os: Os) -> Option<&'static str> {
    match os {
        Os::Flatcar => Some("opt/org.flatcar-linux/config"),
        _ if os.provisioner() == Some(Provisioner::Ignition) => Some("opt/com.coreos/config"),
        _ => None,
    }
}

fn os(w: &mut Writer, host: &Host, image: &Image) {
    w.el("os", |w| {
        if image.arch == Arch::Aarch64 {
            // QEMU's Arm machines have no firmware of their own, and ACPI needs UEFI.
            w.attr("firmware", "efi");
        }
        w.el("type", |w| {
            w.attr("arch", image.arch.as_str());
            match image.arch {
                Arch::X86_64 => w.attr("machine", &host.machine_type),
                // QEMU calls its machine without a model so, for every architecture but this one.
                _ => w.attr("machine", "virt"),
            }
            w.text("hvm");
        });
        if let Some(kernel) = &image.kernel {
            w.leaf("kernel", kernel.kernel.as_str());
            if let Some(initrd) = &kernel.initrd {
                w.leaf("initrd", initrd.as_str());
            }
            if !kernel.command_line.is_empty() {
                w.leaf("cmdline", &kernel.command_line);
            }
        }
    });
}

fn cpu(w: &mut Writer, host: &Host) {
    match (&host.cpu, host.acceleration) {
        (CpuModel::Named(model), _) => w.el("cpu", |w| {
            w.attr("mode", "custom");
            w.attr("match", "exact");
            w.leaf("model", model);
        }),
        // Emulation cannot pass on the host's processor: QEMU's own default stays.
        (_, Acceleration::Emulated) => {}
        (CpuModel::HostPassthrough, Acceleration::Kvm) => w.el("cpu", |w| w.attr("mode", "host-passthrough")),
        (CpuModel::HostModel, Acceleration::Kvm) => w.el("cpu", |w| w.attr("mode", "host-model")),
    }
}

fn devices(w: &mut Writer, parts: &Parts<'_>) {
    let machine = parts.machine;
    // The guest finds a data disk by its serial, so these names may shift.
    let mut targets = DiskNames { next: 0 };
    if let Some(path) = parts.root {
        let disk = Disk { path, format: volume::root_format(&machine.image), target: targets.take() };
        disk.write(w, |w| w.el("boot", |w| w.attr("order", 1)));
    }
    for (disk, path) in machine.disks.iter().zip(parts.disks) {
        Disk { path, format: volume::DISK_FORMAT, target: targets.take() }
            .write(w, |w| w.leaf("serial", &disk.serial));
    }
    if let (Some(path), Some(Provisioner::CloudInit)) = (parts.boot, machine.image.os.provisioner()) {
        seed(w, parts.host, machine.image.arch, path);
    }
    for interface in &machine.interfaces {
        let Some(network) = parts.checked.at(interface.network) else { continue };
        w.el("interface", |w| {
            w.attr("type", "network");
            w.el("mac", |w| w.attr("address", interface.mac));
            w.el("source", |w| w.attr("network", parts.checked.name_on_host(network.name.as_str())));
            w.el("model", |w| w.attr("type", "virtio"));
            if let Some(mtu) = network.mtu {
                w.el("mtu", |w| w.attr("size", mtu.get()));
            }
        });
    }
    for name in ["serial", "console"] {
        w.el(name, |w| {
            w.attr("type", "pty");
            if let Some(path) = parts.console {
                w.el("log", |w| {
                    w.attr("file", path);
                    w.attr("append", "on");
                });
            }
            w.el("target", |w| {
                if name == "console" {
                    w.attr("type", "serial");
                }
                w.attr("port", 0);
            });
        });
    }
    w.el("channel", |w| {
        w.attr("type", "unix");
        w.el("target", |w| {
            w.attr("type", "virtio");
            w.attr("name", "org.qemu.guest_agent.0");
        });
    });
    w.el("memballoon", |w| w.attr("model", "virtio"));
    w.el("rng", |w| {
        w.attr("model", "virtio");
        w.el("backend", |w| {
            w.attr("model", "random");
            w.text("/dev/urandom");
        });
    });
}

/// A disk of the guest. It refers to a file by its path, not to a volume by its name, because libvirt's
/// `AppArmor` helper cannot look up a volume.
struct Disk<'a> {
    path: &'a str,
    format: Format,
    target: String,
}

impl Disk<'_> {
    fn write(&self, w: &mut Writer, rest: impl FnOnce(&mut Writer)) {
        w.el("disk", |w| {
            w.attr("type", "file");
            w.attr("device", "disk");
            w.el("driver", |w| {
                w.attr("name", "qemu");
                w.attr("type", self.format.as_str());
                w.attr("discard", "unmap");
            });
            w.el("source", |w| w.attr("file", self.path));
            w.el("target", |w| {
                w.attr("dev", &self.target);
                w.attr("bus", "virtio");
            });
            rest(w);
        });
    }
}

/// The image that cloud-init finds by its label.
fn seed(w: &mut Writer, host: &Host, arch: Arch, path: &str) {
    let (target, bus) = match arch {
        Arch::X86_64 if host.machine_type.is_q35() => ("sda", "sata"),
        Arch::X86_64 => ("hda", "ide"),
        // The machine `virt` has neither SATA nor IDE.
        _ => ("sda", "scsi"),
    };
    w.el("disk", |w| {
        w.attr("type", "file");
        w.attr("device", "cdrom");
        w.el("driver", |w| {
            w.attr("name", "qemu");
            w.attr("type", Format::Raw.as_str());
        });
        w.el("source", |w| w.attr("file", path));
        w.el("target", |w| {
            w.attr("dev", target);
            w.attr("bus", bus);
        });
        w.empty("readonly");
        w.leaf("serial", "cloud-init");
    });
    if bus == "scsi" {
        w.el("controller", |w| {
            w.attr("type", "scsi");
            w.attr("index", 0);
            w.attr("model", "virtio-scsi");
        });
    }
}

/// The names of virtio disks in their order: `vda` … `vdz`, `vdaa` ….
struct DiskNames {
    next: usize,
}

impl DiskNames {
    fn take(&mut self) -> String {
        let mut letters = Vec::new();
        let mut rest = self.next + 1;
        self.next += 1;
        while rest > 0 {
            rest -= 1;
            letters.extend(u32::try_from(rest % 26).ok().and_then(|digit| char::from_digit(digit + 10, 36)));
            rest /= 26;
        }
        // Digits from 10 on in base 36 are the letters, 26 of them.
        let letters = letters.into_iter().rev();
        ["v", "d"].into_iter().flat_map(str::chars).chain(letters).collect()
    }
}

impl DomainDocument {
    /// The same domain on its present root and boot volumes. A guest reads its image and configuration on its
    /// first boot only, so a newer one waits for a replacement. The mark still records the ones that it
    /// booted with. The root comes with its format, if it is known: a guest would see the container of another format
    /// as its disk.
    #[must_use]
    pub fn keeping(&self, root: Option<(&str, Option<&str>)>, boot: Option<&str>, mark: &Mark) -> Self {
        let mut kept = self.clone();
        // The document was written by us a moment ago, so it can be read.
        let Some(mut document) = Element::read(&self.xml) else { return kept };
        if let (Some((pool, new)), Some((old, format))) = (&self.root, root) {
            for file in files_of(&mut document, new) {
                rename(file, new, old);
            }
            if let Some(format) = format {
                drive(&mut document, old, format);
            }
            kept.root = Some((pool.clone(), old.into()));
        }
        match (&self.boot, boot) {
            (Some((pool, new)), Some(old)) => {
                for file in files_of(&mut document, new) {
                    rename(file, new, old);
                }
                kept.boot = Some((pool.clone(), old.into()));
            }
            (Some((_, new)), None) => {
                document
                    .remove("sysinfo", |sysinfo| sysinfo.at("entry").is_some_and(|entry| names(entry, new)));
                if let Some(devices) = document.at("devices") {
                    devices.remove("disk", |disk| disk.at("source").is_some_and(|source| names(source, new)));
                }
                kept.boot = None;
            }
            (None, _) => {}
        }
        if let Some(own) = mark::of_document(&mut document) {
            mark::keep_members(own, mark);
            for (attribute, was) in [("image", &mark.image), ("config", &mark.config)] {
                match (own.attribute(attribute), was) {
                    (Some(value), Some(was)) => value.clone_from(was),
                    (Some(_), None) => own.remove_attribute(attribute),
                    (None, _) => {}
                }
            }
        }
        mark::set_born(&mut document, mark.born.as_deref());
        kept.born.clone_from(&mark.born);
        kept.image_digest = mark.image.as_deref().unwrap_or_default().into();
        kept.config_digest = mark.config.as_deref().unwrap_or_default().into();
        // The seal of the unpinned document, by which drift detects whether the cloud has changed since.
        kept.xml = mark::resealed(document, &mark::beside(self.power, self.autostart)).into();
        kept
    }
}

impl DomainDocument {
    /// The same domain, with other birth facts in its mark.
    #[must_use]
    pub(crate) fn born_as(&self, born: Option<&Arc<Born>>) -> Self {
        let mut kept = self.clone();
        let Some(mut document) = Element::read(&self.xml) else { return kept };
        mark::set_born(&mut document, born.map(|born| &**born));
        kept.born = born.cloned();
        kept.xml = mark::resealed(document, &mark::beside(self.power, self.autostart)).into();
        kept
    }
}

/// The paths of a volume in a domain: the source of a disk, or a firmware configuration file.
fn files_of<'a>(domain: &'a mut Element, volume: &'a str) -> Vec<&'a mut String> {
    let mut holders = Vec::new();
    for child in domain.children() {
        match child.name() {
            "devices" => holders.extend(child.children_named("disk").filter_map(|disk| disk.at("source"))),
            "sysinfo" => holders.extend(child.children_named("entry")),
            _ => {}
        }
    }
    let files = holders.into_iter().filter_map(|holder| holder.attribute("file"));
    files.filter(|file| is_path_of(file, volume)).collect()
}

/// Sets the format in which a domain uses a volume as its disk.
fn drive(domain: &mut Element, volume: &str, format: &str) {
    let devices = domain.children().filter(|child| child.name() == "devices");
    for disk in devices.flat_map(|devices| devices.children_named("disk")) {
        if disk.at("source").is_some_and(|source| names(source, volume))
            && let Some(driver) = disk.at("driver")
            && let Some(own) = driver.attribute("type")
        {
            format.clone_into(own);
        }
    }
}

fn names(holder: &mut Element, volume: &str) -> bool {
    holder.attribute("file").is_some_and(|file| is_path_of(file, volume))
}

fn is_path_of(file: &str, volume: &str) -> bool {
    file.strip_suffix(volume).is_some_and(|folder| folder.ends_with('/'))
}

fn rename(file: &mut String, from: &str, to: &str) {
    if let Some(folder) = file.strip_suffix(from) {
        *file = format!("{folder}{to}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_named_as_the_kernel_names_them() {
        let mut names = DiskNames { next: 0 };
        let names: Vec<String> = std::iter::repeat_with(|| names.take()).take(704).collect();
        assert_eq!(
            [0, 1, 25, 26, 27, 701, 702, 703].map(|at| names[at].as_str()),
            ["vda", "vdb", "vdz", "vdaa", "vdab", "vdzz", "vdaaa", "vdaab"]
        );
    }
}
