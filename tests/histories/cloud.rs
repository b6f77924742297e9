//! The cloud of a history.

use std::collections::BTreeMap;

use fmc::prelude::*;

use crate::words::{Change, D, H, I, M};

/// A machine of the cloud.
#[derive(Clone, Debug)]
struct Spec {
    /// What it was called first, if that is another name.
    formerly: Option<M>,
    host: H,
    image: I,
    memory: u32,
    root: u32,
    zone: bool,
    off: bool,
    disks: BTreeMap<D, DiskSpec>,
}

/// A data disk of it.
#[derive(Clone, Copy, Debug)]
struct DiskSpec {
    formerly: Option<D>,
    size: u32,
    xfs: bool,
}

const FRESH: DiskSpec = DiskSpec { formerly: None, size: 5, xfs: false };

/// A network: it is called one of two names.
#[derive(Clone, Copy, Debug, Default)]
struct NetSpec {
    other_name: bool,
    formerly: bool,
    other_subnet: bool,
    other_mtu: bool,
}

/// What the cloud says now.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    machines: BTreeMap<M, Spec>,
    /// Removed machines, which may return.
    gone: BTreeMap<M, Spec>,
    networks: BTreeMap<H, NetSpec>,
    servers: u8,
    other_pods: bool,
}

impl Model {
    pub(crate) fn new() -> Self {
        let mut model = Self {
            machines: BTreeMap::new(),
            gone: BTreeMap::new(),
            networks: H::ALL.map(|host| (host, NetSpec::default())).into(),
            servers: 0,
            other_pods: false,
        };
        model.add(M::Db, H::East);
        model
    }

    /// Whether it has a machine, and where.
    pub(crate) fn host_of(&self, machine: M) -> Option<H> {
        Some(self.machines.get(&machine)?.host)
    }

    /// What a machine was called first: its domain, its volumes and its data are known by that.
    pub(crate) fn first_of(&self, machine: M) -> M {
        self.machines.get(&machine).and_then(|spec| spec.formerly).unwrap_or(machine)
    }

    /// The machine that was called so first.
    pub(crate) fn called(&self, first: M) -> Option<M> {
        self.machines.keys().copied().find(|machine| self.first_of(*machine) == first)
    }

    /// The names of the volumes of a machine's data disks.
    pub(crate) fn disks_of(&self, machine: M) -> Vec<String> {
        let disks = self.machines.get(&machine).into_iter().flat_map(|spec| &spec.disks);
        disks.map(|(disk, spec)| volume(self.first_of(machine), spec.formerly.unwrap_or(*disk))).collect()
    }

    /// Whether it wants a machine to run.
    pub(crate) fn runs(&self, machine: M) -> bool {
        self.machines.get(&machine).is_some_and(|spec| !spec.off)
    }

    fn add(&mut self, machine: M, host: H) {
        let disks = if machine == M::Web { [].into() } else { [(D::Data, FRESH)].into() };
        let image = if machine == M::Ci { I::Blank } else { I::Debian12 };
        let spec = Spec { formerly: None, host, image, memory: 2, root: 20, zone: false, off: false, disks };
        self.machines.entry(machine).or_insert(spec);
    }

    fn remove(&mut self, machine: M) {
        if let Some(spec) = self.machines.remove(&machine) {
            self.gone.insert(machine, spec);
        }
    }

    /// Changes what the cloud says; changes of hosts are nothing here.
    pub(crate) fn change(&mut self, change: Change) {
        use Change::*;
        let with = |model: &mut Self, machine: M, act: &dyn Fn(&mut Spec)| {
            if let Some(spec) = model.machines.get_mut(&machine) {
                act(spec);
            }
        };
        let of_disk = |model: &mut Self, machine: M, disk: D, act: &dyn Fn(&mut DiskSpec)| {
            let spec = model.machines.get_mut(&machine).and_then(|spec| spec.disks.get_mut(&disk));
            spec.into_iter().for_each(act);
        };
        let net = |model: &mut Self, host: H, act: &dyn Fn(&mut NetSpec)| {
            model.networks.get_mut(&host).into_iter().for_each(act);
        };
        match change {
            Add(machine, host) => self.add(machine, host),
            Remove(machine) => self.remove(machine),
            Return(machine) => {
                if let Some(spec) = self.gone.remove(&machine) {
                    self.machines.entry(machine).or_insert(spec);
                }
            }
            Rename(old, new) if !self.machines.contains_key(&new) => {
                if let Some(spec) = self.machines.remove(&old) {
                    self.machines.insert(new, Spec { formerly: None, ..spec });
                }
            }
            Call(old, new) if !self.machines.contains_key(&new) => {
                if let Some(spec) = self.machines.remove(&old) {
                    let formerly = first_name(spec.formerly, old, new);
                    self.machines.insert(new, Spec { formerly, ..spec });
                }
            }
            Move(machine, host) => with(self, machine, &|spec| spec.host = host),
            AddDisk(machine, disk) => with(self, machine, &|spec| {
                spec.disks.entry(disk).or_insert(FRESH);
            }),
            RemoveDisk(machine, disk) => with(self, machine, &|spec| {
                spec.disks.remove(&disk);
            }),
            RenameDisk(machine, old, new) => with(self, machine, &|spec| {
                if !spec.disks.contains_key(&new)
                    && let Some(was) = spec.disks.remove(&old)
                {
                    spec.disks.insert(new, DiskSpec { formerly: None, ..was });
                }
            }),
            CallDisk(machine, old, new) => with(self, machine, &|spec| {
                if !spec.disks.contains_key(&new)
                    && let Some(was) = spec.disks.remove(&old)
                {
                    spec.disks.insert(new, DiskSpec { formerly: first_name(was.formerly, old, new), ..was });
                }
            }),
            GrowDisk(machine, disk) => of_disk(self, machine, disk, &|disk| disk.size += 5),
            ShrinkDisk(machine, disk) => {
                of_disk(self, machine, disk, &|disk| disk.size = 1.max(disk.size - 1))
            }
            Format(machine, disk) => of_disk(self, machine, disk, &|disk| disk.xfs = !disk.xfs),
            GrowRoot(machine) => with(self, machine, &|spec| spec.root += 5),
            ShrinkRoot(machine) => with(self, machine, &|spec| spec.root = 12.max(spec.root - 2)),
            Memory(machine) => with(self, machine, &|spec| spec.memory = 6 - spec.memory),
            Image(machine, image) => with(self, machine, &|spec| spec.image = image),
            TimeZone(machine) => with(self, machine, &|spec| spec.zone = !spec.zone),
            Power(machine) => with(self, machine, &|spec| spec.off = !spec.off),
            RenameNetwork(host) => net(self, host, &|net| {
                (net.other_name, net.formerly) = (!net.other_name, false);
            }),
            CallNetwork(host) => net(self, host, &|net| {
                (net.other_name, net.formerly) = (!net.other_name, !net.formerly);
            }),
            Subnet(host) => net(self, host, &|net| net.other_subnet = !net.other_subnet),
            Mtu(host) => net(self, host, &|net| net.other_mtu = !net.other_mtu),
            Servers(number) => {
                for (at, machine) in M::SERVERS.into_iter().enumerate() {
                    if at < usize::from(number) {
                        self.add(machine, H::East);
                        with(self, machine, &|spec| spec.host = H::East);
                    } else {
                        self.remove(machine);
                    }
                }
                self.servers = number;
            }
            Pods => self.other_pods = !self.other_pods,
            _ => {}
        }
    }

    pub(crate) fn cloud(&self) -> Cloud {
        let mut cloud = Cloud::new("first")
            .hosts(
                H::ALL.map(|host| Host::new(host.name()).uri(format!("qemu+ssh://{}/system", host.name()))),
            )
            .networks(self.networks.iter().map(|(host, spec)| network(*host, *spec)))
            .machines(self.machines.iter().map(|(machine, spec)| self.machine(*machine, spec)))
            .accept("login-missing", "nobody logs in")
            .accept("image-missing", "nothing boots");
        if self.servers > 0 {
            let members = M::SERVERS.iter().take(self.servers.into()).map(|machine| machine.name());
            let mut cluster = k3s::Cluster::new("prod", "v1.36.3+k3s1")
                .endpoint(k3s::Endpoint::address("10.17.3.5"))
                .servers(members);
            if self.other_pods {
                cluster = cluster.pods("10.50.0.0/16");
            }
            cloud = cloud.cluster(cluster);
        }
        cloud
    }

    fn machine(&self, name: M, spec: &Spec) -> Machine {
        let net = self.networks.get(&spec.host).copied().unwrap_or_default();
        let first = spec.formerly.unwrap_or(name);
        let last = 11 + M::ALL.iter().position(|other| *other == first).unwrap_or(0);
        let interface = Interface::on(network_name(spec.host, net.other_name))
            .address(format!("{}.{last}", prefix(spec.host, net)));
        let disks = spec.disks.iter().map(|(disk, at)| {
            let draft = Disk::new(disk.name(), at.size.gib());
            let draft = match at.formerly {
                Some(first) => draft.formerly(first.name()),
                None => draft,
            };
            match (M::SERVERS.contains(&name) && *disk == D::Data, spec.image) {
                (_, I::Blank) => draft,
                (true, _) => draft.mount("/var/lib/rancher/k3s"),
                (false, _) => {
                    let draft = draft.mount(format!("/srv/{}", disk.name()));
                    if at.xfs { draft.filesystem(Filesystem::Xfs) } else { draft }
                }
            }
        });
        let machine = Machine::new(name.name(), image(spec.image))
            .cpus(2)
            .memory(spec.memory.gib())
            .root_disk(spec.root.gib())
            .host(spec.host.name())
            .interface(interface)
            .power(if spec.off { Power::Stopped } else { Power::Running });
        let machine = disks.fold(machine, Machine::disk);
        let machine = match spec.formerly {
            Some(first) => machine.formerly(first.name()),
            None => machine,
        };
        if spec.zone && spec.image != I::Blank { machine.time_zone("Europe/Madrid") } else { machine }
    }
}

/// What is called otherwise now has its first name as `formerly`, unless that is its name again.
fn first_name<T: PartialEq>(formerly: Option<T>, old: T, new: T) -> Option<T> {
    Some(formerly.unwrap_or(old)).filter(|first| *first != new)
}

fn volume(machine: M, disk: D) -> String {
    format!("{}.disk.{}", machine.name(), disk.name())
}

fn image(image: I) -> Image {
    match image {
        I::Debian12 => Image::debian("12").path("/images/debian-12.qcow2"),
        I::Debian13 => Image::debian("13").path("/images/debian-13.qcow2"),
        I::Raw => Image::debian("12").path("/images/debian-12.raw").format(Format::Raw),
        I::Flatcar => Image::flatcar("4593.2.0").path("/images/flatcar.qcow2"),
        I::Blank => Image::blank(),
    }
}

/// The names that a host's network has.
pub(crate) fn network_name(host: H, other: bool) -> &'static str {
    match (host, other) {
        (H::East, false) => "lab",
        (H::East, true) => "lan",
        (H::West, false) => "dmz",
        (H::West, true) => "net",
    }
}

fn prefix(host: H, spec: NetSpec) -> String {
    let third = match host {
        H::East => 3,
        H::West => 5,
    };
    format!("10.17.{}", third + u8::from(spec.other_subnet))
}

fn network(host: H, spec: NetSpec) -> Network {
    let network = Network::nat(network_name(host, spec.other_name), format!("{}.0/24", prefix(host, spec)))
        .host(host.name());
    let network = if spec.other_mtu { network.mtu(1400) } else { network };
    if spec.formerly { network.formerly(network_name(host, !spec.other_name)) } else { network }
}
