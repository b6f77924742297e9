//! The programs that consume what fmc compiles, as functions for the tests of every crate.
//!
//! A golden file proves that nothing changed; it does not prove that the result works. Here the real
//! consumer judges: it answers `Ok`, or [`Refused`] with its own words, and a warning is a refusal too.
//! A consumer that is not installed makes the test fail: a test that could not run is never green.
//!
//! | what is compiled | who judges |
//! | --- | --- |
//! | domains, networks, pools, volumes | [`libvirt_schema`], and a whole [`libvirtd`] |
//! | Ignition | [`ignition`]: the validator, and the engine into a scratch root |
//! | user-data, network-config | [`cloud_init`] |
//! | the seed of cloud-init | [`iso`] |
//! | what is fetched | [`http`]: a server that behaves as badly as it is told to |
//! | images, packed and unpacked | [`image`] makes them |
//! | how many calls libvirt is asked | [`relay`] |
//! | all that a machine boots with | [`guest`]: a first boot, and what it says of itself |
//! | pictures | [`graph`] |
//! | firewall rules | [`nft`], and who reaches whom in [`netns`] |
//! | balancers and their shared address | [`haproxy`], [`keepalived`], and both running in [`netns`] |
//! | sshd's configuration, host keys | [`sshd`] |
//! | units and drop-ins | [`systemd`] |
//! | scripts | [`shell`]: whether it reads them, and how long they wait for whom |
//! | files of YAML | [`yaml`]: a reader of version 1.1 |

pub mod cloud_init;
pub mod graph;
pub mod guest;
pub mod haproxy;
pub mod http;
pub mod ignition;
pub mod image;
pub mod iso;
pub mod keepalived;
pub mod libvirt_schema;
pub mod libvirtd;
pub mod netns;
pub mod nft;
pub mod pki;
mod program;
pub mod relay;
pub mod shell;
pub mod sshd;
pub mod systemd;
pub mod tree;
pub mod yaml;

pub use program::Refused;
