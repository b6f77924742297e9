//! The small copy of a cloud for a laptop or for CI.

mod moved;
mod together;

use crate::cloud::Cloud;
use crate::disk::Disk;
use crate::given::Given;
use crate::host::{Acceleration, CpuModel, MachineType};
use crate::image::{Image, Source};
use crate::machine::Shutdown;
use crate::name::OwnerId;
use crate::network::NetworkMode;
use crate::unit::{Cpus, Size};

/// The memory of a machine in a lab: enough for SeaBIOS to say that nothing boots.
const MEMORY: Size = Size::mib(64);

impl Cloud {
    /// A small copy of the cloud: emulated, with one processor and 64 MiB for each machine, blank disks in place of its
    /// images, and an isolated network in place of each host bridge. Findings about sizes are warnings. Machines have
    /// no operating system and are stopped by force.
    ///
    /// Where machines of several hosts share a bridge, all of them are on the first host by name: an isolated network does
    /// not reach from one host to another.
    ///
    /// It has an owner of its own, `OWNER-lab`, and so its own pool and objects, whose names on the host begin with it;
    /// and its networks have subnets of their own, `10.145.3.0/24` for `10.17.3.0/24`, with every address moved to
    /// them. So a lab and its cloud fit on one host.
    #[must_use]
    pub fn lab(mut self) -> Self {
        if self.lab {
            return self;
        }
        self.lab = true;
        self.prefixed = true;
        let owner = self.owner.as_ref().map_or_else(|| self.name.to_string(), ToString::to_string);
        self.owner = Some(Given::<OwnerId>::text(&format!("{owner}-lab")));
        together::on_one_host(&mut self);
        for host in self.hosts.iter_mut() {
            host.acceleration = Acceleration::Emulated;
            host.cpu = CpuModel::default();
            host.machine_type = Some(Given::<MachineType>::text("pc"));
            host.base = None;
            // A laptop's own network is left alone.
            host.manager = None;
            host.uplinks = Default::default();
        }
        for network in self.networks.iter_mut() {
            // Its own name is the cloud's.
            network.bridge = None;
            network.vlan = None;
            if network.mode == NetworkMode::Bridge {
                network.mode = NetworkMode::Isolated;
            }
        }
        for machine in self.machines.iter_mut() {
            machine.cpus = Cpus::new(1).map(Given::from);
            machine.memory = Some(Given::from(MEMORY));
            machine.shutdown = Shutdown::force_now();
            // Nothing boots, so no signal can come.
            machine.ready = None;
            machine.image = stand_in(&machine.image);
            if let Some(root) = &mut machine.root_disk {
                root.allocation = crate::disk::Allocation::Thin;
            }
            machine.disks.iter_mut().for_each(Disk::make_small);
            for role in &mut machine.roles {
                if let Some(small) = role.as_custom().lab() {
                    *role = small;
                }
            }
        }
        for role in &mut self.roles {
            if let Some(small) = role.as_spanning().lab() {
                *role = small;
            }
        }
        moved::moved(self)
    }
}

/// The same system without its bytes: the machine is configured as it would be, and boots nothing.
fn stand_in(image: &Image) -> Image {
    Image { source: Source::Blank, digest: None, unpacked_digest: None, kernel: None, ..image.clone() }
}
