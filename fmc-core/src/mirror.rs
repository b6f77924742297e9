//! The mirror on the bootstrap machine. Other machines fetch files from it on their first boot, over HTTP inside the
//! cloud, each by its hash.
//!
//! It serves the install files of K3s whose hashes are known, and every further file that it lists, such as those that
//! are too large for a machine's own configuration, which firmware hands over slowly. A node of the cluster whose guest
//! has a [`GuestFile::remote`](crate::guest::GuestFile::remote) of the same address and hash fetches it from here.
//!
//! It fetches the files itself on its own first boot, and serves them read-only at a path that has the hash in it, so
//! that two releases of one name are two files. HTTP without TLS is enough: every client knows the hash of the file.
//!
//! # What it carries
//!
//! The mirror carries published files whose hashes are known. Nodes are redirected to it after all roles have spoken,
//! so a file is redirected however it came into the guest. A large text in the cloud itself stays where it is: the
//! mirror would receive it by the same slow way.
//!
//! ```
//! use fmc_core::digest::Digest;
//! use fmc_core::mirror::Mirror;
//! use fmc_core::name::MachineName;
//!
//! const BOOTSTRAP: MachineName = MachineName::literal("bootstrap");
//!
//! let mirror = Mirror::on(BOOTSTRAP).file("https://example.org/releases/k3s", Digest::sha256(b"k3s"));
//! # let _ = mirror;
//! ```

pub mod caddy;
mod file;
pub mod nginx;
mod role;
pub(crate) mod room;
pub mod socket;

use std::net::{IpAddr, SocketAddr};

use crate::digest::Digest;
use crate::draft::{Look, Setting, draft};
use crate::finding::At;
use crate::given::Given;
use crate::name::MachineName;
use crate::path::HttpUrl;
use crate::rust::{Expr, Names, Unsaid};

pub use role::{KIND, MirrorRole};

/// The port of a mirror. A distribution's default site and K3s's `ServiceLB` take 80. A program without root may listen
/// on this one, and the policy of an Enterprise Linux lists it as a web server's.
pub const PORT: u16 = 8080;

/// Where the files are. The policy of an Enterprise Linux lets web servers read here.
pub const ROOT: &str = "/var/www/fmc-mirror";

/// A mirror: the machine that it is on, and what it serves.
///
/// In a file it is the name of its machine, or a map with `machine`, `files` and `server`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// The machine that it is on.
    pub(crate) machine: Given<MachineName>,
    /// Further files that it serves, besides the cluster's own.
    pub(crate) files: Vec<Body>,
    /// The program that serves on Fedora CoreOS and Flatcar: Caddy. By default the web server of the system itself.
    pub(crate) server: Option<Body>,
}

draft! {
    /// A file, by its published address and its hash.
    #[derive(Eq)]
    pub struct Body {
        /// Its published address.
        #[needed]
        pub(crate) url: Given<HttpUrl>,
        /// Its hash.
        #[needed]
        pub(crate) digest: Given<Digest>,
    }
    arguments;
}

impl Mirror {
    /// A mirror on a machine.
    pub fn on(machine: impl Into<Given<MachineName>>) -> Self {
        Self { machine: machine.into(), files: Vec::new(), server: None }
    }

    /// A file that it serves, by its published address and its hash. A node of the cluster whose guest has it as
    /// [`GuestFile::remote`](crate::guest::GuestFile::remote), with the same address and hash, fetches it here.
    #[must_use]
    pub fn file(mut self, url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        self.files.push(Body { url: url.into(), digest: digest.into() });
        self
    }

    /// The program that serves on systems without a web server, Fedora CoreOS and Flatcar: Caddy 2, by itself or as the
    /// `.tar.gz` that Caddy publishes. Without it systemd and bash serve there ([`socket`]), which is enough for some
    /// dozens of machines at a time.
    #[must_use]
    pub fn server(mut self, url: impl Into<Given<HttpUrl>>, digest: impl Into<Given<Digest>>) -> Self {
        self.server = Some(Body { url: url.into(), digest: digest.into() });
        self
    }

    /// The program that serves on a system without a web server, if it is set.
    pub fn program(&self) -> Option<&Body> {
        self.server.as_ref()
    }

    /// Whether it serves files besides the cluster's own.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether only its machine is set.
    fn is_plain(&self) -> bool {
        self.files.is_empty() && self.server.is_none()
    }

    /// With the path of its machine. In a file that is the path of the mirror itself if nothing else is set.
    pub(crate) fn at_machine<T>(&self, at: &At<'_>, with: impl FnOnce(&At<'_>) -> T) -> T {
        if self.is_plain() { with(at) } else { with(&at.key("machine")) }
    }

    /// Further files that it serves besides the cluster's own, without the wrong ones.
    fn bodies(&self) -> impl Iterator<Item = (HttpUrl, Digest)> {
        self.files.iter().filter_map(|body| Some((body.url.ok()?.clone(), *body.digest.ok()?)))
    }
}

impl Setting for Mirror {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.at_machine(at, |at| self.machine.look(at, look));
        self.files.look(&at.key("files"), look);
        self.server.look(&at.key("server"), look);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("Mirror::on", vec![self.machine.rust(names)?]);
        self.files.say("file", &mut on, names)?;
        self.server.say("server", &mut on, names)?;
        Ok(on)
    }

    /// A mirror with only a machine is written as the machine's name.
    fn say(&self, setter: &str, cluster: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        let mirror = if self.is_plain() { self.machine.rust(names)? } else { self.rust(names)? };
        cluster.nest(setter, mirror);
        Ok(())
    }
}

impl From<MachineName> for Mirror {
    fn from(machine: MachineName) -> Self {
        Self::on(machine)
    }
}

impl From<&MachineName> for Mirror {
    fn from(machine: &MachineName) -> Self {
        Self::on(machine)
    }
}

impl From<&str> for Mirror {
    fn from(machine: &str) -> Self {
        Self::on(machine)
    }
}

impl From<String> for Mirror {
    fn from(machine: String) -> Self {
        Self::on(machine)
    }
}

/// The path of a file below the mirror's root: `sha256-…/k3s`. In its published name, each character that an address
/// would have to escape becomes a dash, so that the path is the same on a disk and in an address.
pub fn path(url: &HttpUrl, digest: &Digest) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '~' | '-');
    let mut name: String = url.file_name().chars().map(|c| if is_plain(&c) { c } else { '-' }).collect();
    if name.is_empty() || name.starts_with('.') {
        name.insert_str(0, "file");
    }
    format!("{}-{}/{name}", digest.algorithm(), digest.hex())
}

/// Where a machine fetches a file from the mirror at an address.
///
/// ```
/// use fmc_core::digest::Digest;
/// use fmc_core::mirror;
///
/// let url = "https://example.org/releases/k3s".parse()?;
/// let there = mirror::url_of([10, 17, 4, 27].into(), &url, &Digest::sha256(b""));
/// assert!(there.starts_with("http://10.17.4.27:8080/sha256-e3b0c442"));
/// assert!(there.ends_with("/k3s"));
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
pub fn url_of(mirror: IpAddr, url: &HttpUrl, digest: &Digest) -> String {
    format!("http://{}/{}", SocketAddr::new(mirror, PORT), path(url, digest))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::draft::tests::wrong_leaves;

    #[test]
    fn nginx_takes_it_and_it_is_read_only() {
        let text = nginx::configuration("www-data");
        fmc_testkit::nginx::check(&text).unwrap();
        fmc_testkit::nginx::check(&text.replace("tcp_nopush", "tcp_nopsh")).unwrap_err();
        expect![[r#"
            # The mirror of the bootstrap machine, written by fmc.
            user www-data;
            worker_processes auto;
            pid /run/nginx.pid;
            error_log /var/log/nginx/error.log;

            events {
                worker_connections 1024;
            }

            http {
                access_log /var/log/nginx/access.log;
                default_type application/octet-stream;
                server_tokens off;
                sendfile on;
                tcp_nopush on;

                server {
                    listen 8080;
                    listen [::]:8080;
                    root /var/www/fmc-mirror;

                    location / {
                        limit_except GET {
                            deny all;
                        }
                        try_files $uri =404;
                    }
                }
            }
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn what_caddy_is_told() {
        expect![[r#"
            # The mirror of the bootstrap machine, written by fmc.
            {
            	admin off
            	auto_https off
            	persist_config off
            }

            http://:8080 {
            	root * /var/www/fmc-mirror
            	file_server
            }
        "#]]
        .assert_eq(&caddy::configuration());
    }

    #[test]
    fn wrong_leaves_are_found_where_they_are() {
        let mirror = Mirror::on("boot_strap").file("ftp://example.org/k3s", "sha256:1").server("caddy", "");
        assert_eq!(
            wrong_leaves(&mirror, "bootstrap"),
            [
                "bootstrap.files[0].digest",
                "bootstrap.files[0].url",
                "bootstrap.machine",
                "bootstrap.server.digest",
                "bootstrap.server.url",
            ]
        );
    }

    #[test]
    fn it_is_read_and_written() {
        let mirror = Mirror::on("bootstrap").file("https://example.org/k3s", Digest::sha256(b""));
        let text = serde_json::to_string(&mirror).unwrap();
        assert_eq!(serde_json::from_str::<Mirror>(&text).unwrap(), mirror);
        assert_eq!(serde_json::to_string(&Mirror::on("bootstrap")).unwrap(), r#""bootstrap""#);
        for text in [r#""bootstrap""#, r#"{"machine": "bootstrap"}"#] {
            assert_eq!(serde_json::from_str::<Mirror>(text).unwrap(), Mirror::on("bootstrap"));
        }
        let wrong = serde_json::from_str::<Mirror>(r#"{"machine": "bootstrap", "file": []}"#).unwrap_err();
        assert!(wrong.to_string().contains("unknown field `file`"), "{wrong}");
        let wrong = serde_json::from_str::<Mirror>("[]").unwrap_err();
        assert!(wrong.to_string().contains("or a map with `machine`"), "{wrong}");
    }

    #[test]
    fn names_are_the_same_on_a_disk_and_in_an_address() {
        for (url, name) in [
            ("https://example.org/v1.36.3%2Bk3s1/k3s-arm64", "k3s-arm64"),
            ("https://example.org/k3s%20a+b.rpm?raw=1", "k3s-20a+b.rpm"),
            ("https://example.org/", "file"),
            ("https://example.org/..", "file.."),
            ("https://example.org/a,b;c='d'", "a-b-c--d-"),
        ] {
            let path = path(&url.parse().unwrap(), &Digest::sha256(b""));
            assert_eq!(path.split_once('/').unwrap().1, name);
        }
    }
}
