//! Images and disks: whether a machine has a pinned image to boot, and can run it.

use super::view::{Placed, View, text};
use crate::finding::{Finding, Kind, NameList, Problem as _, Remedy, problems};
use crate::given::Given;
use crate::host::{Acceleration, CpuModel, Host};
use crate::image::{Arch, Format, Image, Os, Provisioner, Source};
use crate::sort;
use crate::unit::Size;

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

/// Problems with an image, wherever it is used.
#[derive(PartialEq)]
struct Fault {
    field: &'static str,
    also: Option<String>,
    problem: ImageProblem,
}

impl Fault {
    /// Equal faults are next to each other where they are sorted by this.
    fn key(&self) -> (&'static str, Kind, String) {
        (self.field, self.problem.kind(), self.problem.message())
    }
}

/// A thousand machines of one image are one finding, at the first by name.
fn group(mut shared: Vec<(&str, &Image, Fault)>, findings: &mut Vec<Finding>) {
    shared.sort_by_cached_key(|(name, image, fault)| {
        let (os, version, source) = place(image);
        (fault.key(), os, version.to_owned(), source.map(str::to_owned), (*name).to_owned())
    });
    for same in shared.chunk_by(|a, b| a.2 == b.2 && place(a.1) == place(b.1)) {
        let [(first, _, fault), others @ ..] = same else { continue };
        let mut finding = fault.problem.clone().at(format_args!("machines.{first}.image{}", fault.field));
        finding.shared_with(NameList::new(others.iter().map(|(name, ..)| *name)));
        findings.push(match &fault.also {
            Some(also) => finding.also(also),
            None => finding,
        });
    }
}

/// The place of an image's bytes: images of one place are one finding.
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
    let problem = ImageProblem::IgnitionAbsent { os: image.os.label() };
    is_absent.then_some(Fault { field: ".os", also: None, problem })
}

fn boots(view: &View<'_>, placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let image = &placed.draft.image;
    if image.os != Os::None && image.source == Source::Blank && image.kernel.is_none() && !view.cloud.lab {
        let problem = ImageProblem::Missing { os: image.os.label() };
        findings.push(problem.at(format_args!("machines.{}.image", placed.draft.name)));
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
            findings.push(ImageProblem::NoRoot { what }.at(format_args!("machines.{name}.root_disk")));
        }
        return;
    };
    if let (None, Some(size)) = (&image.minimum, root.size.ok())
        // The header of an image that fmc reads itself says how large it is.
        && matches!(image.source, Source::Path(_) | Source::Volume { .. })
        && let Some(least) = least(image.os).filter(|least| least > size)
        && !view.cloud.lab
    {
        let problem = ImageProblem::Small { os: image.os.label(), least, root: *size };
        // An image of one's own may be smaller: only its makers' are known.
        let mut finding = problem.at(format_args!("machines.{name}.root_disk"));
        finding.only_warn();
        findings.push(finding);
    }
    let minimum = image.minimum.as_ref().and_then(Given::ok);
    if let Some((minimum, size)) = minimum.zip(root.size.ok()).filter(|(minimum, size)| minimum > size) {
        let problem = ImageProblem::TooLarge { minimum: *minimum, root: *size };
        let mut finding = problem
            .at(format_args!("machines.{name}.root_disk"))
            .also(format_args!("machines.{name}.image.minimum"));
        if view.cloud.lab {
            finding.only_warn();
        }
        findings.push(finding);
    }
}

/// The virtual size of the smallest image that a system's makers publish for clouds; an overlay that is smaller ends in the
/// middle of its file system.
fn least(os: Os) -> Option<Size> {
    match os {
        // Debian 12 `genericcloud`: 3 GiB since 2024, 2 GiB before.
        Os::Debian => Some(Size::gib(2)),
        // Flatcar's `qemu` image: 8.5 GiB less what its last partition may lack.
        Os::Flatcar => Some(Size::gib(8)),
        // `GenericCloud-Base` and Fedora CoreOS's `qemu` image.
        Os::Rocky | Os::Almalinux | Os::FedoraCoreos => Some(Size::gib(10)),
        Os::None => None,
    }
}

fn unpinned(image: &Image) -> Option<Fault> {
    let fault = |field, problem| Some(Fault { field, also: None, problem });
    if image.source == Source::Blank {
        return None;
    }
    let os = image.os.label();
    if image.os != Os::None && image.version.is_empty() {
        return fault(".version", ImageProblem::NoVersion { os });
    }
    if image.os != Os::None && image.version.contains("latest") {
        return fault(".version", ImageProblem::Moving { os, version: image.version.clone() });
    }
    if image.digest.is_none() && matches!(image.source, Source::Path(_) | Source::Volume { .. }) {
        return fault(".digest", ImageProblem::NoDigest { os });
    }
    None
}

/// Endings of packed files, and how to unpack one. Uploaded files are unpacked by fmc itself.
const PACKED: &[(&str, &str)] = &[
    (".xz", "unpack it: `xz -d`"),
    (".gz", "unpack it: `gunzip`"),
    (".bz2", "unpack it: `bunzip2`"),
    (".zst", "unpack it: `zstd -d`"),
];

/// Endings of files that QEMU does not read as a disk, and their formats.
const UNREADABLE: &[(&str, &str, &str)] = &[
    (".zip", "an archive", "unpack it: `unzip`"),
    (".ova", "an archive", "unpack it, and convert the disk in it: `qemu-img convert -O qcow2`"),
    (".vmdk", "VMware's", "convert it: `qemu-img convert -O qcow2`"),
    (".vdi", "VirtualBox's", "convert it: `qemu-img convert -O qcow2`"),
    (".vhdx", "Hyper-V's", "convert it: `qemu-img convert -O qcow2`"),
];

/// A format that contradicts the name of the file: a guest then finds no disk, or reads the header of another format.
fn format(image: &Image) -> Option<Fault> {
    let (_, _, file) = place(image);
    let file = file?.rsplit('/').next()?.to_ascii_lowercase();
    let fault = |problem| Some(Fault { field: ".source", also: None, problem });
    let file = match PACKED.iter().find_map(|(ending, how)| Some((file.strip_suffix(ending)?, how))) {
        Some((inner, _)) if matches!(image.source, Source::File { .. } | Source::Url { .. }) => {
            inner.to_owned()
        }
        Some((_, how)) => return fault(ImageProblem::Packed { file, how }),
        None => file,
    };
    if let Some((_, what, how)) = UNREADABLE.iter().find(|(ending, ..)| file.ends_with(ending)) {
        return fault(ImageProblem::Unreadable { file, what, how });
    }
    match image.format {
        Format::Raw if file.ends_with(".qcow2") => fault(ImageProblem::NamedQcow2 { file }),
        Format::Qcow2 if file.ends_with(".raw") => fault(ImageProblem::NamedRaw { file }),
        _ => None,
    }
}

/// A processor that is older than the system is compiled for.
fn too_old(image: &Image, host: &Host) -> Option<Fault> {
    let (needs, model, has) = level::too_old(image, host)?;
    let (os, version, model) = (image.os.label(), image.version.clone(), model.to_owned());
    let (needs, has, example) = (needs.to_string(), has.to_string(), needs.example());
    let problem = match host.acceleration {
        Acceleration::Kvm => ImageProblem::OldModel { os, version, needs, model, has, example },
        Acceleration::Emulated => ImageProblem::OldEmulated { os, version, needs, model, has, example },
    };
    Some(Fault { field: "", also: Some(format!("hosts.{}.cpu", host.name)), problem })
}

/// An image of one architecture on a machine of another.
fn foreign(image: &Image, host: &Host) -> Option<Fault> {
    let machine_type = match &host.machine_type {
        Some(given) => given.ok()?.as_str(),
        None => "q35",
    };
    let is_virt = machine_type.starts_with("virt");
    let arch = image.architecture.as_str();
    let fault = |field: &str, problem| {
        let also = Some(format!("hosts.{}.{field}", host.name));
        Some(Fault { field: ".architecture", also, problem })
    };
    let machine = machine_type.to_owned();
    match (image.architecture, &host.cpu) {
        (Arch::Aarch64, _) if !is_virt => fault("machine_type", ImageProblem::NotVirt { machine, arch }),
        (Arch::X86_64, _) if is_virt => fault("machine_type", ImageProblem::Virt { machine, arch }),
        (Arch::Aarch64, CpuModel::Named(model)) if level::of(model).is_some() => {
            fault("cpu", ImageProblem::ForeignModel { model: model.clone(), arch })
        }
        _ => None,
    }
}

/// A disk is on the volume of its first name, and so is a disk that has this name now.
fn same_volume(placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    let disks = &placed.draft.disks;
    for disk in disks.iter().filter(|disk| disk.formerly.is_some()) {
        let first = text(disk.first_name());
        let Some(other) =
            disks.iter().find(|other| other.name != disk.name && text(other.first_name()) == first)
        else {
            continue;
        };
        let (machine, name) = (&placed.draft.name, &disk.name);
        let problem = ImageProblem::Volume { first: first.to_owned(), disk: text(name).to_owned() };
        findings.push(
            problem
                .at(format_args!("machines.{machine}.disks.{name}.formerly"))
                .also(format_args!("machines.{machine}.disks.{}", other.name)),
        );
    }
}

/// A guest finds its disks by their serials.
fn serials(placed: &Placed<'_>, findings: &mut Vec<Finding>) {
    if placed.draft.disks.len() < 2 {
        return;
    }
    let serial = |disk: &crate::disk::Disk| match &disk.serial {
        Some(serial) => serial.ok().map(|serial| serial.as_str().to_owned()),
        None => disk.first_name().ok().map(|name| name.as_str().to_owned()),
    };
    same_volume(placed, findings);
    let disks = placed.draft.disks.iter();
    let mut serials: Vec<_> = disks.filter_map(|disk| Some((serial(disk)?, text(&disk.name)))).collect();
    sort::all(&mut serials);
    for same in serials.chunk_by(|a, b| a.0 == b.0) {
        let [(serial, first), .., (_, last)] = same else { continue };
        // Two disks of one name are a finding by that.
        if first != last {
            let name = &placed.draft.name;
            let problem = ImageProblem::Serial { serial: serial.clone(), count: same.len() };
            findings.push(
                problem
                    .at(format_args!("machines.{name}.disks.{last}.serial"))
                    .also(format_args!("machines.{name}.disks.{first}.serial")),
            );
        }
    }
}

problems! {
    /// Problems with images and disks.
    pub enum ImageProblem {
        IgnitionAbsent { os: &'static str } is IgnitionAbsent:
            "{os} boots with Ignition, and this program is built without it",
            "build it with the feature `ignition` of fmc, or take an image that boots with cloud-init";
        Missing { os: &'static str } is ImageMissing:
            "the image of {os} has no source",
            "give it one: {path} for a file on the hypervisor, or {others}",
            path = Remedy::either("source: {path: …}", ".path(…)"),
            others = Remedy::either("source: {file: …}`, `source: {url: …}` or `source: {volume: …}", ".file(…)`, `.url(…)` or `.volume(…)");
        NoRoot { what: &'static str } is RootMissing:
            "the machine has no root disk to put {what} on",
            "give it one, for example {root}",
            root = Remedy::either("root_disk: 20 GiB", ".root_disk(20.gib())");
        Small { os: &'static str, least: Size, root: Size } is ImageTooLarge:
            "the images that {os} publishes have {least} at least, but the root disk has {root}",
            "make the root disk at least {least}, or say that your image is smaller, with {minimum}",
            minimum = Remedy::set("minimum", root.to_string());
        TooLarge { minimum: Size, root: Size } is ImageTooLarge:
            "the image needs {minimum}, but the root disk has {root}",
            "make the root disk at least {minimum}";
        NoVersion { os: &'static str } is ImageUnpinned:
            "the image of {os} has no version",
            "write the version of the image as the distribution names it";
        Moving { os: &'static str, version: String } is ImageUnpinned:
            "the version {version:?} of {os} names another image tomorrow",
            "write the version of the image as the distribution names it";
        NoDigest { os: &'static str } is ImageUnpinned:
            "the image of {os} has no digest",
            "give it one: {digest}; `sha256sum` prints it, and the distribution publishes it",
            digest = Remedy::set("digest", "\"sha256:…\"");
        Packed { file: String, how: &'static str } is ImageFormat:
            "{file} is compressed, and QEMU takes qcow2 or raw",
            "{how}";
        Unreadable { file: String, what: &'static str, how: &'static str } is ImageFormat:
            "{file} is {what}, and QEMU takes qcow2 or raw",
            "{how}";
        NamedQcow2 { file: String } is ImageFormat:
            "{file} is given as raw, but its name says qcow2",
            "say {format}, or leave it out",
            format = Remedy::either("format: qcow2", ".format(Format::Qcow2)");
        NamedRaw { file: String } is ImageFormat:
            "{file} is given as qcow2, but its name says raw",
            "say {format}",
            format = Remedy::either("format: raw", ".format(Format::Raw)");
        OldModel { os: &'static str, version: String, needs: String, model: String, has: String, example: &'static str } is CpuLevel:
            "{os} {version} needs a processor of level {needs}, but {model} has {has}",
            "name a model of level {needs}, for example {example}, or let guests see the host's own";
        OldEmulated { os: &'static str, version: String, needs: String, model: String, has: String, example: &'static str } is CpuLevel:
            "{os} {version} needs a processor of level {needs}, but {model} has {has}",
            "name a model of level {needs} that QEMU emulates, for example {example}";
        NotVirt { machine: String, arch: &'static str } is ArchMismatch:
            "the machine type {machine} is for x86_64, but the image is for {arch}",
            "write {machine_type} on a host of aarch64, or take an image of x86_64",
            machine_type = Remedy::set("machine_type", "virt");
        Virt { machine: String, arch: &'static str } is ArchMismatch:
            "the machine type {machine} is for aarch64, but the image is for {arch}",
            "write {machine_type} on a host of x86_64, or take an image of aarch64",
            machine_type = Remedy::set("machine_type", "q35");
        ForeignModel { model: String, arch: &'static str } is ArchMismatch:
            "{model} is a processor of x86_64, but the image is for {arch}",
            "leave the processor out: guests see the host's own";
        Volume { first: String, disk: String } is SerialDuplicate:
            "{disk} was called {first}, and so is or was another disk of the machine",
            "one disk has this name's volume and serial: leave `formerly` out of the other one";
        Serial { serial: String, count: usize } is SerialDuplicate:
            "{serial} is the serial of {count} disks of the machine",
            "give each its own, or leave it out: the disk's name is then its serial";
    }
}
