//! The names that most programs with a cloud use; the others are in the modules of their nouns. None of them shadows a name of
//! Rust's own prelude.
//!
//! ```
//! use fmc::prelude::*;
//! ```

pub use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
pub use std::process::ExitCode;

pub use fmc_core::addr::{Ip, IpRange, Mac, Subnet};
pub use fmc_core::balancer::{Balancer, Software};
pub use fmc_core::bastion::{self, Bastion};
pub use fmc_core::bind::BindServer;
pub use fmc_core::checked::Checked;
pub use fmc_core::chrony::Chrony;
pub use fmc_core::cloud::Cloud;
pub use fmc_core::digest::Digest;
pub use fmc_core::disk::{Allocation, Disk, Filesystem};
pub use fmc_core::dns::{
    Dns, DnsServer, ForwardPolicy, ForwardZone, IpaLogin, ReadBy, TsigAlgorithm, TsigKey, Zone,
};
pub use fmc_core::finding::{Finding, Kind, OwnKind, Report, Severity};
pub use fmc_core::flow::{Flows, Peer, Service, tcp, udp};
pub use fmc_core::given::Given;
pub use fmc_core::graph::Impact;
pub use fmc_core::guest::{
    CloudConfig, Directory, Fragment, Group, Guest, GuestFile, KernelArguments, Symlink, TextPart, Unit, User,
};
pub use fmc_core::helper::{self, Helper};
pub use fmc_core::host::{
    Acceleration, CpuModel, Host, LibvirtUri, MachineType, NetworkDaemon, Pool, Uplink,
};
pub use fmc_core::image::{Arch, DirectKernel, Format, Image, Os};
pub use fmc_core::ipa::FreeIpa;
pub use fmc_core::k3s;
pub use fmc_core::machine::{Interface, Machine, Power, Root, Shutdown};
pub use fmc_core::mirror::Mirror;
pub use fmc_core::name::{
    BridgeName, CloudName, ClusterName, DiskName, DiskSerial, DnsServerName, DomainName, DropinName, Fqdn,
    GroupName, HostName, Hostname, InterfaceName, IpaUserName, MachineName, NetworkName, OwnerId,
    PackageName, PoolName, RoleName, SecretName, UnitName, UserName, VolumeName,
};
pub use fmc_core::network::{Network, NetworkMode, Reservation};
pub use fmc_core::node_exporter::NodeExporter;
pub use fmc_core::path::{AbsPath, HttpUrl};
pub use fmc_core::people::{HbacRule, HostGroup, IpaGroup, IpaUser, People, PeopleOfOthers, SudoRule};
pub use fmc_core::postgresql::{self, Postgresql};
pub use fmc_core::ready::{Ready, TcpPort};
pub use fmc_core::role::{
    After, CustomRole, FileRole, FileSpanningRole, Leaving, Names, Needs, Role, RoleFindings, Site,
    SpanMembers, SpanSite, Spanning, SpanningRole,
};
pub use fmc_core::secret::{Derivation, Generated, Secret, SecretSettings};
pub use fmc_core::ssh::SshKey;
pub use fmc_core::tz::TimeZone;
pub use fmc_core::unit::{Cpus, Mtu, Seconds, SecondsExt, Size, SizeExt, VlanId};
pub use fmc_core::wireguard::{self, Wireguard};
