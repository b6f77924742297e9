//! Ceph on the disks of a cluster's machines, by the operator Rook: a class of volumes that outlive a node.

use fmc_core::checked::{Checked, Disk, Machine};
use fmc_core::given::Given;
use fmc_core::k3s::capacity::Amount;
use fmc_core::k3s::resolved::Cluster;
use fmc_core::name::DiskName;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::setters::setters;

/// The name of its `CephCluster`.
pub(crate) const NAME: &str = "ceph";

/// Its monitors: two of three are a majority when one is away.
pub(crate) const MONITORS: u16 = 3;

/// The memory of a monitor and of a manager, the least that Rook takes (*Cluster-wide Resources Configuration Settings* of Rook).
pub(crate) const MONITOR: Size = Size::mib(1024);
pub(crate) const MANAGER: Size = Size::mib(512);

/// The least memory of an OSD that Rook takes.
pub(crate) const LEAST: Size = Size::mib(2048);

/// The share of a CPU of a monitor and of a manager.
pub(crate) const CPU: u32 = 100;

/// The class, if nothing is said.
const CLASS: &str = "ceph-block";

/// The copies of a volume, if nothing is said.
const COPIES: u16 = 3;

/// How long an apply waits for a Ceph, in seconds: it makes its monitors one after another, and then each disk.
const WITHIN: u32 = 1200;

/// A Ceph on disks of the cluster's machines, each of which is named: no other device is touched. Claims of its [class](Ceph::class) have copies
/// on several machines.
///
/// Each machine that has a data disk of the name brings that disk, which has neither file system nor mount. The platform has the files of Rook
/// among its [`operators`](crate::operator::Operator).
///
/// ```
/// use fmc_k8s::ceph::Ceph;
/// use fmc_k8s::platform::Platform;
///
/// let platform = Platform::on("prod").ceph(Ceph::new("quay.io/ceph/ceph:v20.2.0", "ceph"));
/// let made: Vec<String> = platform.manifests().iter().map(ToString::to_string).collect();
/// assert!(made.contains(&"storage-class ceph-block".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ceph {
    /// An image of Ceph, of a version that Rook's runs.
    pub(crate) image: Given<ImageName>,
    /// The name of the data disks that machines of the cluster bring.
    pub(crate) disk: Given<DiskName>,
    /// The name of its class of volumes, and of the pool behind it: `ceph-block` if not said.
    #[serde(default = "class")]
    pub(crate) class: Given<ObjectName>,
    /// The copies of each volume, each on another machine: 3 if not said, at least 2.
    #[serde(default = "copies")]
    pub(crate) copies: u16,
    /// The memory of the program of each disk (OSD): 2 GiB if not said, which is also the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Given<Size>>,
    /// The share of CPUs that the program of each disk is sure of; 250m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// How long an apply waits until it is ready, in seconds: 1200 if not said, 0 for not at all.
    #[serde(default = "within")]
    pub(crate) ready_within: u32,
}

fn class() -> Given<ObjectName> {
    CLASS.into()
}

const fn copies() -> u16 {
    COPIES
}

const fn within() -> u32 {
    WITHIN
}

setters! { Ceph: cpu, ready_within }

impl Ceph {
    /// One of an image, on the disks of this name.
    pub fn new(image: impl Into<Given<ImageName>>, disk: impl Into<Given<DiskName>>) -> Self {
        Self {
            image: image.into(),
            disk: disk.into(),
            class: class(),
            copies: COPIES,
            memory: None,
            cpu: None,
            ready_within: WITHIN,
        }
    }

    /// The name of its class of volumes.
    #[must_use]
    pub fn class(self, class: impl Into<Given<ObjectName>>) -> Self {
        Self { class: class.into(), ..self }
    }

    /// The copies of each volume, each on another machine.
    #[must_use]
    pub fn copies(self, copies: u16) -> Self {
        Self { copies, ..self }
    }

    /// The memory of the program of each disk.
    #[must_use]
    pub fn memory(self, memory: impl Into<Given<Size>>) -> Self {
        Self { memory: Some(memory.into()), ..self }
    }

    /// The memory of the program of each disk, said or not.
    pub(crate) fn osd_memory(&self) -> Size {
        self.memory.as_ref().and_then(|memory| memory.ok().copied()).unwrap_or(LEAST)
    }

    /// The share of CPUs of the program of each disk, said or not.
    pub(crate) fn osd_cpu(&self) -> Cpu {
        self.cpu.as_ref().and_then(|cpu| cpu.ok().copied()).unwrap_or_else(|| 250.millicores())
    }

    /// Its disks, each with its machine, in the order of the machines.
    pub(crate) fn disks<'a>(&self, cluster: &Cluster, cloud: &'a Checked) -> Vec<(&'a Machine, &'a Disk)> {
        let name = self.disk.to_string();
        let machines = cluster.servers.iter().chain(&cluster.agents).filter_map(|at| cloud.at(*at));
        let mut all: Vec<(&Machine, &Disk)> = machines
            .filter_map(|machine| {
                Some((machine, machine.disks.iter().find(|disk| disk.name.as_str() == name)?))
            })
            .collect();
        all.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        all
    }

    /// The pods that Rook makes for it, in groups that are alike: the name, the request of one, their number.
    pub(crate) fn pods(&self, cluster: &Cluster, cloud: &Checked) -> [(&'static str, Amount, u64); 3] {
        let amount = |cpu: u32, memory: Size| Amount::new(cpu.into(), memory, 1);
        let disks = self.disks(cluster, cloud).len();
        [
            ("rook-ceph-mon", amount(CPU, MONITOR), MONITORS.into()),
            ("rook-ceph-mgr", amount(CPU, MANAGER), 1),
            (
                "rook-ceph-osd",
                amount(self.osd_cpu().as_millicores(), self.osd_memory()),
                u64::try_from(disks).unwrap_or(u64::MAX),
            ),
        ]
    }
}
