//! `/etc/rancher/k3s/registries.yaml`: where images come from (docs.k3s.io, *Private Registry Configuration*).

mod name;
mod pattern;
mod said;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::piece::{Piece, pieces};
use super::value::Line;
use crate::draft::draft;
use crate::finding::{At, Finding, Remedy, leaf, problems};
use crate::given::Given;
use crate::named::{Keyed, Named};
use crate::path::{AbsPath, HttpUrl};
use crate::secret::Secret;
use crate::sort;
use crate::template::Encoding;
use crate::yaml::Node;

pub use name::RegistryName;

draft! {
    /// The mirrors of registries, and the access to them.
    ///
    /// ```
    /// use fmc_core::k3s::registries::{Access, Mirror, Registries};
    /// use fmc_core::secret::Secret;
    ///
    /// let registries = Registries::new()
    ///     .mirror(Mirror::of("docker.io").endpoint("https://mirror.example:5000"))
    ///     .access(
    ///         Access::to("mirror.example:5000")
    ///             .password("puller", Secret::file("mirror-password", "secrets/mirror"))
    ///             .ca_file("/etc/rancher/k3s/mirror-ca.pem"),
    ///     );
    /// # let _ = registries;
    /// ```
    #[derive(Default)]
    pub struct Registries {
        /// Mirrors, by registry; `"*"` is every registry that is not listed.
        #[each(mirror)]
        mirrors: Named<Mirror>,
        /// Credentials and TLS settings, by host and port of a registry or mirror; `"*"` is every one that is not
        /// listed.
        #[each(access)]
        access: Named<Access>,
    }

    /// No mirrors: every registry is asked itself.
    pub fn new(..);
    by hand;
}

draft! {
    /// The mirror of one registry.
    pub struct Mirror {
        /// The registry.
        #[key]
        registry: Given<RegistryName>,
        /// The endpoints to ask, in this order; the registry itself comes last.
        #[each(endpoint)]
        endpoints: Vec<Given<HttpUrl>>,
        /// Names of images at the endpoints: a regular expression of Go's, and its replacement (`$1`).
        #[by_hand(rewrite)]
        rewrites: BTreeMap<String, String>,
    }

    /// A mirror of a registry, as `docker.io` or `registry.example:5000`, or of every one that is not listed: `*`.
    pub fn of(..);
    by hand;
}

draft! {
    /// How K3s logs in to a registry or mirror, and how it verifies it.
    pub struct Access {
        /// Host and port.
        #[key]
        host: Given<RegistryName>,
        /// A user with a password, or a token.
        #[by_hand]
        auth: Option<Auth>,
        /// A file with the authority of its certificate, in PEM, on the machine.
        ca_file: Option<Given<AbsPath>>,
        /// A file with K3s's client certificate.
        #[by_hand]
        cert_file: Option<Given<AbsPath>>,
        /// A file with the key of that certificate.
        #[by_hand]
        key_file: Option<Given<AbsPath>>,
        /// Whether any certificate is accepted.
        #[switch(insecure_skip_verify)]
        insecure_skip_verify: bool,
    }

    /// The access to a registry or mirror, by its host and port as in the endpoint, or to every one that is not listed:
    /// `*`.
    pub fn to(..);
    by hand;
}

/// The credentials of K3s at a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// A user with a password.
    User {
        /// The user's name.
        name: Given<Line>,
        /// The password, one line of text.
        password: Secret,
    },
    /// A token, one line of text.
    Token(Secret),
}

impl Registries {
    /// Where K3s reads it.
    pub const PATH: &'static str = "/etc/rancher/k3s/registries.yaml";

    /// The mirrors.
    pub fn mirrors(&self) -> impl Iterator<Item = &Mirror> {
        self.mirrors.iter()
    }

    /// The access to registries and mirrors.
    pub fn accesses(&self) -> impl Iterator<Item = &Access> {
        self.access.iter()
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.mirrors.is_empty() && self.access.is_empty()
    }

    /// Whether it contains a secret, so that only root may read the file.
    pub fn has_secrets(&self) -> bool {
        self.access.iter().any(|access| access.auth.is_some())
    }

    /// The file, in YAML, sorted by registry and host.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut root = Vec::new();
        let mirrors = sorted(&self.mirrors);
        if !mirrors.is_empty() {
            let members = mirrors.iter().map(|(name, mirror)| (name.as_str(), mirror.node()));
            root.push(("mirrors", Node::Map(members.collect())));
        }
        let access: Vec<_> =
            sorted(&self.access).into_iter().filter(|(_, one)| one.says_something()).collect();
        if !access.is_empty() {
            let members = access.iter().map(|(name, access)| (name.as_str(), access.node()));
            root.push(("configs", Node::Map(members.collect())));
        }
        pieces(&Node::Map(root))
    }

    /// Every leaf that is wrong, and what K3s would refuse or pass over.
    pub fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        let places = at.key("mirrors");
        for mirror in &self.mirrors {
            mirror.check(&places.name(&mirror.registry), findings);
        }
        let places = at.key("access");
        for access in &self.access {
            access.check(&places.name(&access.host), findings);
        }
    }
}

impl Mirror {
    /// Names of images at the endpoints: a regular expression of Go's on the name without the registry, and its
    /// replacement, in which `$1` is the first group.
    #[must_use]
    pub fn rewrite(mut self, pattern: impl Into<String>, replacement: impl Into<String>) -> Self {
        self.rewrites.insert(pattern.into(), replacement.into());
        self
    }

    /// The registry.
    pub fn registry(&self) -> &Given<RegistryName> {
        &self.registry
    }

    /// The endpoints.
    pub fn endpoints(&self) -> &[Given<HttpUrl>] {
        &self.endpoints
    }

    /// The endpoints that equal the registry's own, by their index: K3s skips them and their rewrites.
    pub fn without_effect(&self) -> impl Iterator<Item = usize> {
        let registry = self.registry.ok().filter(|registry| !registry.is_wildcard());
        self.endpoints.iter().enumerate().filter_map(move |(index, endpoint)| {
            let (registry, endpoint) = (registry?, endpoint.ok()?);
            is_itself(registry, endpoint).then_some(index)
        })
    }

    fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        leaf(&self.registry, at, findings);
        let list = at.key("endpoints");
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            leaf(endpoint, &list.index(index), findings);
        }
        if self.endpoints.is_empty() && self.rewrites.is_empty() {
            findings.push(RegistryProblem::NoEndpoint { registry: self.registry.to_string() }.at(at));
        }
        let list = at.key("rewrites");
        for (pattern, replacement) in &self.rewrites {
            if pattern.is_empty() || [pattern, replacement].iter().any(|text| text.contains(char::is_control))
            {
                findings.push(RegistryProblem::Rewrite { pattern: pattern.clone() }.at(list.key(pattern)));
                continue;
            }
            let problem = match pattern::read(pattern) {
                Some(Err(why)) => Some(RegistryProblem::Pattern { pattern: pattern.clone(), why }),
                Some(Ok(groups)) => groups.missing(replacement).map(|group| RegistryProblem::Group {
                    pattern: pattern.clone(),
                    replacement: replacement.clone(),
                    group,
                    count: groups.count,
                }),
                None => None,
            };
            findings.extend(problem.map(|problem| problem.at(list.key(pattern))));
        }
    }

    fn node(&self) -> Node<'_, Secret> {
        let mut members = Vec::new();
        if !self.endpoints.is_empty() {
            let urls = self.endpoints.iter().map(|url| Node::text(url.to_string()));
            members.push(("endpoint", Node::List(urls.collect())));
        }
        if !self.rewrites.is_empty() {
            let pairs = self.rewrites.iter().map(|(pattern, text)| (pattern.as_str(), Node::text(text)));
            members.push(("rewrite", Node::Map(pairs.collect())));
        }
        Node::Map(members)
    }
}

impl Access {
    /// A user with a password; it replaces a token.
    #[must_use]
    pub fn password(mut self, user: impl Into<Given<Line>>, password: Secret) -> Self {
        self.auth = Some(Auth::User { name: user.into(), password });
        self
    }

    /// A token; it replaces a user.
    #[must_use]
    pub fn token(mut self, token: Secret) -> Self {
        self.auth = Some(Auth::Token(token));
        self
    }

    /// Files with K3s's client certificate and its key.
    #[must_use]
    pub fn certificate(mut self, cert: impl Into<Given<AbsPath>>, key: impl Into<Given<AbsPath>>) -> Self {
        self.cert_file = Some(cert.into());
        self.key_file = Some(key.into());
        self
    }

    /// Host and port.
    pub fn host(&self) -> &Given<RegistryName> {
        &self.host
    }

    /// Its files on the machine, each with its field.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &Given<AbsPath>)> {
        let files =
            [("ca_file", &self.ca_file), ("cert_file", &self.cert_file), ("key_file", &self.key_file)];
        files.into_iter().filter_map(|(field, path)| Some((field, path.as_ref()?)))
    }

    /// Whether any certificate is accepted.
    pub fn skips_verification(&self) -> bool {
        self.insecure_skip_verify
    }

    fn has_tls(&self) -> bool {
        self.insecure_skip_verify
            || self.ca_file.is_some()
            || self.cert_file.is_some()
            || self.key_file.is_some()
    }

    fn says_something(&self) -> bool {
        self.auth.is_some() || self.has_tls()
    }

    fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        leaf(&self.host, at, findings);
        let auth = at.key("auth");
        match &self.auth {
            Some(Auth::User { name, password }) => {
                let user = auth.key("user");
                leaf(name, &user.key("name"), findings);
                password.checked(&user.key("password"), findings);
            }
            Some(Auth::Token(token)) => drop(token.checked(&auth.key("token"), findings)),
            None => {}
        }
        for (key, path) in self.files() {
            leaf(path, &at.key(key), findings);
        }
        if self.cert_file.is_some() != self.key_file.is_some() {
            let missing = if self.cert_file.is_some() { "key_file" } else { "cert_file" };
            let host = self.host.to_string();
            findings.push(RegistryProblem::HalfCertificate { host, missing }.at(at));
        }
        if self.insecure_skip_verify && self.ca_file.is_some() {
            let problem = RegistryProblem::AuthorityUnused { host: self.host.to_string() };
            findings.push(problem.at(at.key("insecure_skip_verify")));
        }
    }

    fn node(&self) -> Node<'_, Secret> {
        let mut members = Vec::new();
        match &self.auth {
            Some(Auth::User { name, password }) => members.push((
                "auth",
                Node::Map(vec![
                    ("username", Node::text(name.to_string())),
                    ("password", Node::Hole(password, Encoding::JsonString)),
                ]),
            )),
            Some(Auth::Token(token)) => {
                members.push(("auth", Node::Map(vec![("token", Node::Hole(token, Encoding::JsonString))])));
            }
            None => {}
        }
        if self.has_tls() {
            let mut tls: Vec<_> =
                self.files().map(|(key, path)| (key, Node::text(path.to_string()))).collect();
            if self.insecure_skip_verify {
                tls.push(("insecure_skip_verify", Node::Flag(true)));
            }
            members.push(("tls", Node::Map(tls)));
        }
        Node::Map(members)
    }
}

/// Whether containerd asks an endpoint anyway.
fn is_itself(registry: &RegistryName, endpoint: &HttpUrl) -> bool {
    let path =
        endpoint.as_str().split_once("://").and_then(|(_, rest)| rest.strip_prefix(endpoint.authority()));
    // Docker's registry answers by another name than images have.
    let hosts = match registry.as_str() {
        "docker.io" => ["docker.io", "registry-1.docker.io"],
        other => [other, other],
    };
    endpoint.is_https()
        && hosts.contains(&endpoint.authority())
        && path.is_some_and(|path| matches!(path.trim_end_matches('/'), "" | "/v2"))
}

fn sorted<T: Keyed>(values: &Named<T>) -> Vec<(String, &T)> {
    let mut values: Vec<_> = values.iter().map(|value| (value.name().to_string(), value)).collect();
    sort::by(&mut values, |a, b| a.0.cmp(&b.0));
    values
}

/// The groups of a pattern for people.
fn groups_of(count: u32) -> String {
    match count {
        0 => "no group".to_owned(),
        1 => "only $1".to_owned(),
        count => format!("only $1 to ${count}"),
    }
}

problems! {
    /// Problems with registries and their mirrors.
    pub enum RegistryProblem {
        NoEndpoint { registry: String } is ValueInvalid:
            "the mirror of {registry} has no endpoint",
            "name the place of its images, for example {endpoints}, or leave the mirror out",
            endpoints = Remedy::either(
                "endpoints: [https://mirror.example:5000]",
                ".endpoint(\"https://mirror.example:5000\")",
            );
        Rewrite { pattern: String } is ValueInvalid:
            "the rewrite of {pattern:?} is empty or has a control character in it",
            "write a regular expression on one line, for example ^library/(.*), and its replacement";
        Pattern { pattern: String, why: String } is ValueInvalid:
            "{pattern:?} is not a regular expression of Go's, and K3s would end with it: {why}",
            "write one by the rules of RE2, on the image's name without the registry, for example ^library/(.*)";
        Group { pattern: String, replacement: String, group: String, count: u32 } is ValueInvalid
            with (groups = groups_of(*count)):
            "the replacement {replacement:?} names the group ${group}, but {pattern:?} has {groups}: it would be empty",
            "name a group that is there; put the number in braces where letters or digits follow, as ${{1}}x";
        HalfCertificate { host: String, missing: &'static str } is ValueInvalid:
            "the certificate for {host} has no `{missing}`",
            "give both, `cert_file` and `key_file`, or neither";
        AuthorityUnused { host: String } is ValueInvalid:
            "`insecure_skip_verify` disables `ca_file` of {host}: any certificate is taken",
            "leave `insecure_skip_verify` out: `ca_file` says which certificates are right";
    }
}

#[cfg(test)]
mod tests;
