//! Images and disks: whether a machine has something to boot, of which it is known what it is, and can run it.

use super::say::first_of;
use super::view::{Placed, View, text};
use crate::finding::{Finding, Kind, Severity};
use crate::given::Given;
use crate::host::{Acceleration, CpuModel, Host};
use crate::image::{Arch, Format, Image, Os, Provisioner, Source};

mod level;

/// Looks at every image, root disk and data disk.
pub(crate) fn check(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut shared = Vec::new();
    for placed in &view.machines {
        boots(view, placed, findings);
        root(view, placed, findings);
        serials(placed, findings);
        let host = placed.host.and_then(|host| view.hosts.get(host));
        let name = text(&placed.draft.name);
        let image = &placed.draft.image;
        shared.extend(unconfigurable(image).map(|fault| (name, image, fault)));
        // A lab has neither the images nor the processor of the cloud.
        if !view.cloud.lab {
            shared.extend(unpinned(image).map(|fault| (name, image, fault)));
            shared.extend(format(image).map(|fault| (name, image, fault)));
            shared.extend(host.and_then(|host| too_old(image, host)).map(|fault| (name, image, fault)));
        }
        shared.extend(host.and_then(|host| foreign(image, host)).map(|fault| (name, image, fault)));
    }
    group(shared, findings);
}

/// What is wrong with an image, wherever it is used.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    kind: Kind,
    field: &'static str,
    also: Option<String>,
    message: String,
    help: String,
}

/// A thousand machines of one image are one finding, at the first by name.
fn group(mut shared: Vec<(&str, &Image, Fault)>, findings: &mut Vec<Finding>) {
    shared.sort_by(|a, b| (&a.2, place(a.1), a.0).cmp(&(&b.2, place(b.1), b.0)));
    for same in shared.chunk_by(|a, b| a.2 == b.2 && place(a.1) == place(b.1)) {
        let [(first, _, fault), ..] = same else { continue };
        let of = if same.len() > 1 {
            format!(" ({})", first_of(first, same.len(), "machine"))
        } else {
            String::new()
        };
        let at = format_args!("machines.{first}.image{}", fault.field);
        let finding = Finding::new(fault.kind, at, format!("{}{of}", fault.message), &*fault.help);
        findings.push(match &fault.also {
            Some(also) => finding.also(also),
            None => finding,
        });
    }
}

/// Where an image's bytes are: images of one place are one to whoever mends them.
fn place(image: &Image) -> (Os, &str, Option<&str>) {
    let source = match &image.source {
        Source::Path(path) | Source::File { path, .. } => path.ok().map(|path| path.as_str()),
        Source::Url { url, .. } => url.ok().map(|url| url.as_str()),
        Source::Volume { name, .. } => name.ok().map(|name| name.as_str()),
        Source::Blank => None,
    };
    (image.os, &image.version, source)
}

/// An image whose configuration this build cannot write.
fn unconfigurable(image: &Image) -> Option<Fault> {
    let is_absent = cfg!(not(feature = "ignition")) && image.os.provisioner() == Some(Provisioner::Ignition);
    is_absent.then(|| Fault {
        kind: Kind::IgnitionAbsent,
        field: ".os",
        also: None,
        message: format!("{} boots with Ignition, and this program is built without it", image.os.label()),
        help: "build it with the feature `ignition` of fmc, or take an image that boots with cloud-init"
            .to_owned(),
    })
}

fn boots(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let image = &placed.draft.image;
    if image.os != Os::None && image.source == Source::Blank && image.kernel.is_none() && !view.cloud.lab {
        let os = image.os.label();
        findings.push(Finding::new(
            Kind::ImageMissing,
            format_args!("machines.{}.image", placed.draft.name),
            format!("nothing says where the image of {os} is"),
            "say it: `.path(…)` of a file on the hypervisor, or `.file(…)`, `.url(…)` or `.volume(…)`",
        ));
    }
}

fn root(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let draft = placed.draft;
    let image = &draft.image;
    let name = &draft.name;
    let Some(root) = &draft.root_disk else {
        let needs_one = image.source != Source::Blank || image.os != Os::None && image.kernel.is_none();
        if needs_one {
            let what = if image.os == Os::None { "its image" } else { image.os.label() };
            findings.push(Finding::new(
                Kind::RootMissing,
                format_args!("machines.{name}.root_disk"),
                format!("{name} has no root disk to put {what} on"),
                "give it one, for example `.root_disk(20.gib())`",
            ));
        }
        return;
    };
    let minimum = image.minimum.as_ref().and_then(Given::ok);
    if let Some((minimum, size)) = minimum.zip(root.size.ok()).filter(|(minimum, size)| minimum > size) {
        let mut finding = Finding::new(
            Kind::ImageTooLarge,
            format_args!("machines.{name}.root_disk"),
            format!("the image is {minimum}, and the root disk {size}"),
            format!("make the root disk {minimum} at least"),
        )
        .also(format_args!("machines.{name}.image.minimum"));
        if view.cloud.lab {
            finding.severity = Severity::Warning;
        }
        findings.push(finding);
    }
}

fn unpinned(image: &Image) -> Option<Fault> {
    let fault = |field, message: String, help: &str| {
        Some(Fault { kind: Kind::ImageUnpinned, field, also: None, message, help: help.to_owned() })
    };
    if image.source == Source::Blank {
        return None;
    }
    let os = image.os.label();
    if image.os != Os::None && (image.version.is_empty() || image.version.contains("latest")) {
        let message = match image.version.as_str() {
            "" => format!("the image of {os} has no version"),
            version => format!("the version {version:?} of {os} is another one tomorrow"),
        };
        return fault(
            ".version",
            message,
            "write the version that the image has, as the distribution calls it",
        );
    }
    if image.digest.is_none() && matches!(image.source, Source::Path(_) | Source::Volume { .. }) {
        let message = format!("nothing says what the image of {os} hashes to");
        let help = "say it: `.digest(\"sha256:…\")`, which `sha256sum` prints and the distribution publishes";
        return fault(".digest", message, help);
    }
    None
}

/// Endings of packed files, and how one is unpacked. Of those that we send, we do.
const PACKED: &[(&str, &str)] = &[
    (".xz", "unpack it: `xz -d`"),
    (".gz", "unpack it: `gunzip`"),
    (".bz2", "unpack it: `bunzip2`"),
    (".zst", "unpack it: `zstd -d`"),
];

/// Endings of files that QEMU does not read as a disk, and what they are.
const UNREADABLE: &[(&str, &str, &str)] = &[
    (".zip", "an archive", "unpack it: `unzip`"),
    (".ova", "an archive", "unpack it, and convert the disk in it: `qemu-img convert -O qcow2`"),
    (".vmdk", "VMware's", "convert it: `qemu-img convert -O qcow2`"),
    (".vdi", "VirtualBox's", "convert it: `qemu-img convert -O qcow2`"),
    (".vhdx", "Hyper-V's", "convert it: `qemu-img convert -O qcow2`"),
];

/// A format that the name of the file speaks against: a guest then finds no disk, or reads another's header.
fn format(image: &Image) -> Option<Fault> {
    let (_, _, file) = place(image);
    let file = file?.rsplit('/').next()?.to_ascii_lowercase();
    let fault = |message, help: &str| {
        Some(Fault { kind: Kind::ImageFormat, field: ".source", also: None, message, help: help.to_owned() })
    };
    let file = match PACKED.iter().find_map(|(ending, help)| Some((file.strip_suffix(ending)?, help))) {
        Some((inner, _)) if matches!(image.source, Source::File { .. } | Source::Url { .. }) => {
            inner.to_owned()
        }
        Some((_, help)) => return fault(format!("{file} is compressed, and QEMU takes qcow2 or raw"), help),
        None => file,
    };
    if let Some((_, what, help)) = UNREADABLE.iter().find(|(ending, ..)| file.ends_with(ending)) {
        return fault(format!("{file} is {what}, and QEMU takes qcow2 or raw"), help);
    }
    match image.format {
        Format::Raw if file.ends_with(".qcow2") => fault(
            format!("{file} is given as raw, and named as qcow2"),
            "say `.format(Format::Qcow2)`, or leave it out",
        ),
        Format::Qcow2 if file.ends_with(".raw") => {
            fault(format!("{file} is given as qcow2, and named as raw"), "say `.format(Format::Raw)`")
        }
        _ => None,
    }
}

/// A processor that is older than the system is compiled for.
fn too_old(image: &Image, host: &Host) -> Option<Fault> {
    let (needs, model, has) = level::too_old(image, host)?;
    let os = image.os.label();
    Some(Fault {
        kind: Kind::CpuLevel,
        field: "",
        also: Some(format!("hosts.{}.cpu", host.name)),
        message: format!(
            "{os} {} needs a processor of level {needs}, and {model} is of {has}",
            image.version
        ),
        help: match host.acceleration {
            Acceleration::Kvm => format!(
                "name a model of level {needs}, for example {}, or let guests see the host's own",
                needs.example()
            ),
            Acceleration::Emulated => {
                format!("name a model of level {needs} that QEMU emulates, for example {}", needs.example())
            }
        },
    })
}

/// An image of one architecture on a machine of another.
fn foreign(image: &Image, host: &Host) -> Option<Fault> {
    let machine_type = match &host.machine_type {
        Some(given) => given.ok()?.as_str(),
        None => "q35",
    };
    let is_virt = machine_type.starts_with("virt");
    let arch = image.architecture.as_str();
    let fault = |field: &str, message, help: &str| {
        let also = Some(format!("hosts.{}.{field}", host.name));
        Some(Fault { kind: Kind::ArchMismatch, field: ".architecture", also, message, help: help.to_owned() })
    };
    match (image.architecture, &host.cpu) {
        (Arch::Aarch64, _) if !is_virt => fault(
            "machine_type",
            format!("{machine_type} is a machine of x86_64, and the image of {arch}"),
            "say `.machine_type(\"virt\")` on a host of aarch64, or take an image of x86_64",
        ),
        (Arch::X86_64, _) if is_virt => fault(
            "machine_type",
            format!("{machine_type} is a machine of aarch64, and the image of {arch}"),
            "say `.machine_type(\"q35\")` on a host of x86_64, or take an image of aarch64",
        ),
        (Arch::Aarch64, CpuModel::Named(model)) if level::of(model).is_some() => fault(
            "cpu",
            format!("{model} is a processor of x86_64, and the image of {arch}"),
            "leave the processor out: guests see the host's own",
        ),
        _ => None,
    }
}

/// A guest finds its disks by their serials.
fn serials(placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    if placed.draft.disks.len() < 2 {
        return;
    }
    let serial = |disk: &crate::disk::Disk| match &disk.serial {
        Some(serial) => serial.ok().map(|serial| serial.as_str().to_owned()),
        None => disk.name.ok().map(|name| name.as_str().to_owned()),
    };
    let disks = placed.draft.disks.iter();
    let mut serials: Vec<_> = disks.filter_map(|disk| Some((serial(disk)?, text(&disk.name)))).collect();
    serials.sort_unstable();
    for same in serials.chunk_by(|a, b| a.0 == b.0) {
        let [(serial, first), .., (_, last)] = same else { continue };
        // Two disks of one name are a finding by that.
        if first != last {
            let name = &placed.draft.name;
            findings.push(
                Finding::new(
                    Kind::SerialDuplicate,
                    format_args!("machines.{name}.disks.{last}.serial"),
                    format!("{serial} is the serial of {} disks of {name}", same.len()),
                    "give each its own, or leave it out: it is then the disk's name",
                )
                .also(format_args!("machines.{name}.disks.{first}.serial")),
            );
        }
    }
}
