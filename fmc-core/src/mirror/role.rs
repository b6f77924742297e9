//! The role of the machine that a mirror is on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Body, Mirror, PORT, ROOT, caddy, nginx, path, socket};
use crate::checked::{Checked, Idx, Machine};
use crate::digest::Digest;
use crate::flow::{Flows, Peer, tcp};
use crate::given::Given;
use crate::guest::checked::Contents;
use crate::guest::{self, Directory, Guest, GuestFile, Parts, Unit};
use crate::image::Os;
use crate::k3s::Cluster;
use crate::k3s::resolved::Fetched;
use crate::name::RoleName;
use crate::path::HttpUrl;
use crate::program::{Program, lasting};
use crate::role::{CustomRole, Needs, Site, SpanMembers, SpanningRole};

/// The role's kind.
pub const KIND: RoleName = RoleName::literal("mirror");

/// The machine that a mirror is on.
#[derive(Clone, Debug)]
pub struct MirrorRole {
    cluster: Arc<str>,
    files: BTreeMap<String, (HttpUrl, Digest)>,
    server: Option<Body>,
}

impl MirrorRole {
    /// The mirror of a cluster, with the files that its machines fetch; the server is a program that replaces systemd
    /// and bash on systems without a web server.
    pub fn new(
        cluster: impl Into<Arc<str>>,
        files: impl IntoIterator<Item = (HttpUrl, Digest)>,
        server: Option<Body>,
    ) -> Self {
        // Two that are the same file are one.
        let files = files.into_iter().map(|(url, digest)| (path(&url, &digest), (url, digest))).collect();
        Self { cluster: cluster.into(), files, server }
    }

    /// The input of `sha256sum --check`, and of the same program of each other algorithm, by file name.
    fn sums(&self) -> BTreeMap<String, String> {
        let mut sums: BTreeMap<String, String> = BTreeMap::new();
        for (path, (_, digest)) in &self.files {
            let list = sums.entry(format!("{}SUMS", digest.algorithm().to_uppercase())).or_default();
            list.push_str(&format!("{}  {path}\n", digest.hex()));
        }
        sums
    }

    fn program(&self, os: Os) -> Option<Program> {
        let Body { url, digest } = self.server.clone()?;
        is_without_packages(os).then(|| Program::new("caddy", url, digest, os))
    }
}

/// The mirror of a cluster as a role that spans machines: it is on one of them, and names it.
pub(crate) struct Served {
    cluster: String,
    mirror: Mirror,
    /// The files that the machines of the cluster fetch, and the further ones that the mirror serves.
    files: Vec<(HttpUrl, Digest)>,
}

impl Served {
    /// The role of a cluster, if it has one.
    pub(crate) fn of(cluster: &Cluster) -> Option<Self> {
        let mirror = cluster.bootstrap.clone()?;
        let fetched = cluster.downloads();
        let fetched = fetched.filter_map(|file| Fetched::of(file).map(|file| (file.url, file.digest)));
        let files = fetched.chain(mirror.bodies()).collect();
        Some(Self { cluster: cluster.name.to_string(), mirror, files })
    }
}

impl SpanningRole for Served {
    fn kind(&self) -> Given<RoleName> {
        Given::value(KIND)
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    fn members(&self) -> SpanMembers<'_> {
        let Self { cluster, mirror, files } = self;
        let role = MirrorRole::new(cluster.as_str(), files.iter().cloned(), mirror.program().cloned());
        let key = if mirror.is_plain() { "" } else { "machine" };
        SpanMembers::new().one(key, &mirror.machine, role).told_above()
    }

    fn is_resolved(&self, cloud: &Checked) -> bool {
        cloud.cluster(&self.cluster).is_some()
    }
}

/// Redirects the nodes' downloads of mirrored files to their cluster's mirror, whichever role or user added them.
pub(super) fn redirected(cloud: &Checked) -> Vec<(Idx<Machine>, Parts, Vec<Parts>)> {
    let mut guests = Vec::new();
    for cluster in cloud.clusters() {
        let served: BTreeSet<(HttpUrl, Digest)> =
            cluster.said().bootstrap.iter().flat_map(Mirror::bodies).collect();
        let mirror = cluster.bootstrap.and_then(|at| cloud.at(at)).and_then(Machine::address);
        let Some(mirror) = mirror.filter(|_| !served.is_empty()) else { continue };
        for &node in cluster.servers.iter().chain(&cluster.agents) {
            let Some(machine) = cloud.at(node) else { continue };
            let is_remote =
                |file: &Arc<guest::checked::GuestFile>| matches!(file.contents, Contents::Remote { .. });
            if !machine.guest.files.iter().any(is_remote) {
                continue;
            }
            let redirect = |guest: &Parts| {
                let mut guest = guest.clone();
                for file in &mut guest.files {
                    if let Contents::Remote { url, digest } = &file.contents
                        && served.contains(&(url.clone(), **digest))
                        && let Ok(there) = super::url_of(mirror, url, digest).parse()
                    {
                        let contents = Contents::Remote { url: there, digest: digest.clone() };
                        Arc::make_mut(file).contents = contents;
                    }
                }
                guest
            };
            let equal = machine.equal_guests.iter().map(|guest| redirect(guest)).collect();
            guests.push((node, redirect(&machine.guest), equal));
        }
    }
    guests
}

/// Whether the system has no web server.
fn is_without_packages(os: Os) -> bool {
    matches!(os, Os::FedoraCoreos | Os::Flatcar)
}

impl CustomRole for MirrorRole {
    fn kind(&self) -> Given<RoleName> {
        KIND.into()
    }

    fn instance(&self) -> Option<&str> {
        Some(&self.cluster)
    }

    fn guest(&self, site: &Site<'_>) -> Guest {
        let mut guest = Guest::new().directory(Directory::new(ROOT));
        for (path, (url, digest)) in &self.files {
            guest = guest.file(GuestFile::remote(format!("{ROOT}/{path}"), url, digest));
        }
        for (name, text) in self.sums() {
            guest = guest.file(GuestFile::text(format!("{ROOT}/{name}"), text));
        }
        match self.program(site.os()) {
            Some(program) => guest
                .with(program.guest())
                .file(GuestFile::text(caddy::PATH, caddy::configuration()))
                .unit(Unit::service("caddy").enabled().contents(caddy::unit(&program))),
            None if is_without_packages(site.os()) => guest.with(socket::guest()),
            None => {
                let user = if site.os() == Os::Debian { "www-data" } else { "nginx" };
                guest
                    .package("nginx")
                    .file(GuestFile::text(nginx::PATH, nginx::configuration(user)))
                    .unit(Unit::service("nginx").enabled().dropin("50-fmc.conf", lasting()))
            }
        }
    }

    fn flows(&self, site: &Site<'_>) -> Flows {
        let of = |kind: &str| Peer::subnet_of_role(kind).of(&self.cluster);
        let flows = Flows::new().accept(tcp(PORT), of("k3s-server")).accept(tcp(PORT), of("k3s-agent"));
        let server = self.server.as_ref().filter(|_| is_without_packages(site.os()));
        let urls = self.files.values().map(|(url, _)| url).chain(server.and_then(|server| server.url.ok()));
        let ports: BTreeSet<u16> = urls.map(HttpUrl::port).chain([443]).collect();
        ports.into_iter().fold(flows, |flows, port| flows.reach(tcp(port), Peer::Anywhere))
    }

    fn needs(&self, _: &Site<'_>) -> Needs {
        Needs::new().address()
    }
}
