//! Functions that let the consumers of fmc's output judge it, for the tests of every crate.
//!
//! A golden file proves that nothing changed; it does not prove that the result works. Here the real consumer
//! judges: it answers `Ok`, or [`Refused`] with its own words, and a warning is a refusal too. A missing
//! consumer makes the test fail, because a test that could not run must not be green.
//!
//! | output | judge |
//! | --- | --- |
//! | domains, networks, pools, volumes | [`libvirt_schema`], and a whole [`libvirtd`] |
//! | Ignition | [`ignition`]: the validator, and the engine into a scratch root |
//! | user-data, network-config | [`cloud_init`] |
//! | a login by a ticket of Kerberos | [`kdc`]: a realm of MIT's, with its tickets and keytabs; [`mod_auth_gssapi`]: the web server's judge of tickets, as FreeIPA has it |
//! | the enrolment in FreeIPA | [`ipa_client`]: Debian's program, as far as it goes without a server |
//! | the seed of cloud-init | [`iso`] |
//! | downloads | [`http`]: a server that misbehaves as the test asks |
//! | images, packed and unpacked | [`image`] makes them |
//! | the number of calls to libvirt | [`relay`] |
//! | a machine's whole boot configuration | [`guest`]: a first boot, and the guest's report of it |
//! | pictures | [`graph`] |
//! | firewall rules | [`nft`], and connections between hosts in [`netns`] |
//! | balancers and their shared address | [`haproxy`], [`keepalived`], and both running in [`netns`] |
//! | Traefik's dynamic configuration | [`traefik`]: its own file provider, in the slow tier |
//! | certificates and their keys | [`openssl`], and [`tls`]: stand-ins for API servers |
//! | K3s's configuration | [`k3s`]: a stand-in that reads it and refuses as K3s does, and a real one if the machine has one |
//! | access to a cluster: authorities, kubeconfig | [`kube`]: etcd, API servers, kubectl |
//! | a cloud with operators | [`operators`]: stand-ins for the files of their projects |
//! | an operator from its project's file, and objects of its kinds | [`prometheus_operator`] and [`cloudnative_pg`] with its webhooks: the operators themselves, in the slow tier |
//! | waits for pods | [`kwok`]: stand-ins for kubelets, in the slow tier |
//! | zones, and dynamic updates of them | [`named`]: the strict judge of zone files, and a server of zones |
//! | a client of zone transfers | [`dns_faults`]: a server that breaks them in many ways |
//! | the mirror's web server | [`nginx`] |
//! | manifests of Kubernetes | [`manifests`]: schemas and rules without a cluster; [`kube`]: the real API server |
//! | pods: user, mounts, arguments, probes | [`pod`]: Debian's program in the compiled container, by crun |
//! | digests of container images | [`registry`]: Debian's registry, filled by skopeo |
//! | clocks | [`chrony`]: its own check, and servers and clients in [`netns`]; [`ntp`]: a time server for guests |
//! | sshd's configuration, host keys | [`sshd`] |
//! | files of systemd-networkd and of `NetworkManager` | [`networkd`], and [`keyfile`]: nmcli |
//! | QR codes | [`qr`]: zbar |
//! | units and drop-ins | [`systemd`] |
//! | scripts | [`shell`]: their syntax, and the services that they wait for |
//! | files of YAML | [`yaml`]: a reader of version 1.1 |
//! | the code of benches | [`mod@bench`]: their short form, which the tests run |

pub mod activate;
pub mod bench;
pub mod chrony;
pub mod cloud_init;
pub mod cloudnative_pg;
pub mod dns_faults;
mod go;
pub mod graph;
pub mod guest;
pub mod haproxy;
pub mod http;
pub mod ignition;
pub mod image;
pub mod ipa_client;
pub mod iso;
pub mod k3s;
pub mod kdc;
pub mod keepalived;
pub mod keyfile;
pub mod kube;
pub mod kwok;
pub mod libvirt_schema;
pub mod libvirtd;
pub mod manifests;
pub mod mod_auth_gssapi;
pub mod named;
pub mod netns;
pub mod networkd;
pub mod nft;
pub mod nginx;
pub mod ntp;
pub mod openssl;
pub mod operators;
pub mod pki;
pub mod pod;
mod program;
pub mod prometheus;
pub mod prometheus_operator;
pub mod qr;
pub mod registry;
pub mod relay;
pub mod shell;
pub mod sshd;
pub mod systemd;
pub mod tls;
pub mod traefik;
pub mod tree;
pub mod yaml;

pub use program::Refused;
