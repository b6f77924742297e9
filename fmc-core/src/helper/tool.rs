//! Tools of a helper: from a package of the distribution, or by their hash.

use crate::digest::Digest;
use crate::draft::draft;
use crate::given::Given;
use crate::guest::Guest;
use crate::image::Os;
use crate::name::PackageName;
use crate::path::HttpUrl;
use crate::program::Program;

draft! {
    /// A tool of a helper: a package of the machine's distribution, or a program that is fetched and checked by its hash.
    ///
    /// `psql` and `etcdctl` are known by the names of their packages, where the distribution has them.
    ///
    /// ```
    /// use fmc_core::helper::Tool;
    ///
    /// let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// let tools = [
    ///     Tool::new("psql"),
    ///     Tool::new("kubectl").url("https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl").digest(digest),
    ///     Tool::new("helm").url("https://get.helm.sh/helm-v3.18.4-linux-amd64.tar.gz").digest(digest).member("linux-amd64/helm"),
    /// ];
    /// # let _ = tools;
    /// ```
    #[derive(Eq)]
    pub struct Tool {
        /// The name of the program.
        #[key]
        pub(crate) name: Given<PackageName>,
        /// The package of the distribution; for a tool without a URL by default the known one.
        pub(crate) package: Option<Given<PackageName>>,
        /// The URL of the program, or of a `.tar.gz` that has it.
        pub(crate) url: Option<Given<HttpUrl>>,
        /// The hash of what the URL gives. A file with another one is not installed.
        pub(crate) digest: Option<Given<Digest>>,
        /// The program's path inside the `.tar.gz`; by default it is at the top.
        #[by_hand]
        pub(crate) member: Option<String>,
    }

    /// A tool from the known package of its name.
    pub fn new(..);
    in "helper::";
}

/// The packages of tools, by system: those that the distributions' own repositories have.
const PACKAGES: &[(&str, &[(Os, &str)])] = &[
    ("psql", &[(Os::Debian, "postgresql-client"), (Os::Rocky, "postgresql"), (Os::Almalinux, "postgresql")]),
    ("etcdctl", &[(Os::Debian, "etcd-client")]),
];

impl Tool {
    /// The program's path inside the `.tar.gz`.
    #[must_use]
    pub fn member(mut self, member: impl Into<String>) -> Self {
        self.member = Some(member.into());
        self
    }

    /// The package that it is installed from on a system; none if it has a URL, or the system has none.
    pub(super) fn package_on(&self, os: Os) -> Option<Given<PackageName>> {
        if self.url.is_some() || matches!(os, Os::Flatcar | Os::FedoraCoreos | Os::None) {
            return None;
        }
        self.package.clone().or_else(|| {
            let name = self.name.to_string();
            let (_, by_system) = PACKAGES.iter().find(|(tool, _)| *tool == name)?;
            by_system.iter().find(|(system, _)| *system == os).map(|(_, package)| Given::text(package))
        })
    }

    /// Whether its path in an archive is a plain one.
    pub(super) fn has_plain_member(&self) -> bool {
        let is_plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        self.member.as_ref().is_none_or(|member| member.split('/').all(is_plain))
    }

    /// The part of the guest that installs it.
    pub(super) fn guest(&self, os: Os) -> Guest {
        if let Some(package) = self.package_on(os) {
            return Guest::new().package(package);
        }
        match (&self.url, &self.digest, self.name.ok()) {
            (Some(url), Some(digest), Some(name)) if self.has_plain_member() => {
                let program = Program::new(name.as_str(), url.clone(), digest.clone(), os);
                self.member.iter().fold(program, |program, member| program.member(member)).guest()
            }
            _ => Guest::new(),
        }
    }
}
