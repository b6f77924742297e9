//! Versions of K3s: `v1.36.3+k3s1`.

use std::cmp::Ordering;
use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::image::Arch;

/// A release of K3s: Kubernetes' own version, and the number of K3s's release of it (docs.k3s.io, *Releases*).
///
/// ```
/// use fmc_core::k3s::Version;
///
/// let version: Version = "v1.36.3+k3s1".parse()?;
/// assert_eq!(version.minor(), 36);
/// assert_eq!(version.image_tag(), "v1.36.3-k3s1");
/// assert!(version > "v1.36.3-rc2+k3s1".parse()?);
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    major: u16,
    minor: u16,
    patch: u16,
    candidate: Option<u16>,
    release: u16,
}

impl Version {
    /// Kubernetes' minor version: 36 of `v1.36.3+k3s1`.
    pub const fn minor(self) -> u16 {
        self.minor
    }

    /// Whether it is a candidate of a release, as `v1.36.3-rc1+k3s1`.
    pub const fn is_candidate(self) -> bool {
        self.candidate.is_some()
    }

    /// Whether it is of this minor version or a later one.
    pub fn is_at_least(self, major: u16, minor: u16) -> bool {
        (self.major, self.minor) >= (major, minor)
    }

    /// The tag of its container images, which can have no `+`: `v1.36.3-k3s1`.
    pub fn image_tag(self) -> String {
        self.to_string().replace('+', "-")
    }

    /// The file name of its binary in K3s's releases (docs.k3s.io, *Air-Gap Install*).
    pub const fn binary(arch: Arch) -> &'static str {
        match arch {
            Arch::X86_64 => "k3s",
            Arch::Aarch64 => "k3s-arm64",
        }
    }

    /// Where K3s publishes a file of this release, as `k3s` or `sha256sum-amd64.txt`: the `+` is escaped.
    pub fn download(self, file: &str) -> String {
        let tag = self.to_string().replace('+', "%2B");
        format!("https://github.com/k3s-io/k3s/releases/download/{tag}/{file}")
    }

    fn key(self) -> (u16, u16, u16, u16, u16) {
        // A candidate comes before its release.
        let candidate = self.candidate.unwrap_or(u16::MAX);
        (self.major, self.minor, self.patch, candidate, self.release)
    }
}

/// Whether an upgrade from one version to the other skips a minor version, which Kubernetes does not support
/// (docs.k3s.io, *Upgrades*).
pub fn skips_a_minor(from: Version, to: Version) -> bool {
    to.major > from.major || (to.major == from.major && to.minor > from.minor.saturating_add(1))
}

/// Whether a change from one version to the other is a downgrade, which neither K3s nor etcd supports.
pub fn goes_back(from: Version, to: Version) -> bool {
    to < from
}

/// Whether an agent of one version may join servers of the other: no kubelet is newer than its API server, nor more
/// than three minor versions older (Kubernetes, *Version Skew Policy*).
pub fn agent_fits(agent: Version, server: Version) -> bool {
    agent.major == server.major && agent <= server && server.minor - agent.minor <= 3
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let candidate = self.candidate.map(|number| format!("-rc{number}")).unwrap_or_default();
        f.pad(&format!("v{}.{}.{}{candidate}+k3s{}", self.major, self.minor, self.patch, self.release))
    }
}

impl Leaf for Version {
    const WHAT: &'static str = "K3s version";
    const EXAMPLE: &'static str = "v1.36.3+k3s1";

    fn parse(text: &str) -> Result<Self, LeafError> {
        if let Some(version) = read(text) {
            return Ok(version);
        }
        if matches!(text, "stable" | "latest" | "testing") || read_channel(text) {
            return Err(LeafError::mending(format!(
                "it is a channel, whose version is another one every month: write one version, for example {}",
                Self::EXAMPLE
            )));
        }
        let near = likely(text);
        let hint =
            near.map_or_else(|| format!("for example {}", Self::EXAMPLE), |near| format!("try {near}"));
        Err(LeafError::mending(format!("it has the form vMAJOR.MINOR.PATCH+k3sNUMBER: {hint}")))
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some(r"^v[0-9]+\.[0-9]+\.[0-9]+(-rc[0-9]+)?\+k3s[0-9]+$"), None)
    }
}

leaf_traits!(Version);

fn read(text: &str) -> Option<Version> {
    let (kubernetes, release) = text.strip_prefix('v')?.split_once("+k3s")?;
    let (numbers, candidate) = match kubernetes.split_once("-rc") {
        Some((numbers, candidate)) => (numbers, Some(number(candidate)?)),
        None => (kubernetes, None),
    };
    let mut parts = numbers.split('.').map(number);
    let version = Version {
        major: parts.next()??,
        minor: parts.next()??,
        patch: parts.next()??,
        candidate,
        release: number(release)?,
    };
    parts.next().is_none().then_some(version)
}

/// `v1.36`, a channel of a minor version.
fn read_channel(text: &str) -> bool {
    let minor = text.strip_prefix('v').and_then(|text| text.split_once('.'));
    minor.is_some_and(|(major, minor)| number(major).is_some() && number(minor).is_some())
}

/// The likely version: the `v` or the release of K3s is missing, or the `+` is written as in an image's tag.
fn likely(text: &str) -> Option<Version> {
    let text = text.trim().to_ascii_lowercase();
    let with_v = if text.starts_with('v') { text } else { format!("v{text}") };
    let plus = with_v.replace("-k3s", "+k3s").replace("%2b", "+");
    let whole = if plus.contains("+k3s") { plus } else { format!("{plus}+k3s1") };
    read(&whole)
}

/// A number in plain decimal digits without a leading zero.
fn number(text: &str) -> Option<u16> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|digit| digit.is_ascii_digit()));
    // The greatest stands for "no candidate" in the order.
    plain.then(|| text.parse().ok()).flatten().filter(|number| *number < u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::tests::{reads_back, refused_or_reads_back};

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn versions_that_are_refused_and_what_was_meant() {
        let form = "it has the form vMAJOR.MINOR.PATCH+k3sNUMBER";
        let cases = [
            ("1.36.3+k3s1", "try v1.36.3+k3s1"),
            ("v1.36.3", "try v1.36.3+k3s1"),
            ("v1.36.3-k3s1", "try v1.36.3+k3s1"),
            ("v1.36.3%2Bk3s2", "try v1.36.3+k3s2"),
            ("V1.36.3-rc1+K3S1", "try v1.36.3-rc1+k3s1"),
            ("v1.36.03+k3s1", "for example v1.36.3+k3s1"),
            ("v1.36.3.4+k3s1", "for example v1.36.3+k3s1"),
            ("v1.36.3+rke2r1", "for example v1.36.3+k3s1"),
            ("v1.36.99999+k3s1", "for example v1.36.3+k3s1"),
            ("", "for example v1.36.3+k3s1"),
        ];
        for (text, hint) in cases {
            assert_eq!(Version::parse(text).unwrap_err().why(), format!("{form}: {hint}"), "{text:?}");
        }
        for channel in ["stable", "latest", "v1.36"] {
            assert_eq!(
                Version::parse(channel).unwrap_err().why(),
                "it is a channel, whose version is another one every month: write one version, for example \
                 v1.36.3+k3s1"
            );
        }
    }

    #[test]
    fn versions_are_ordered_as_they_are_released() {
        let ordered = [
            "v1.35.9+k3s4",
            "v1.36.0-rc1+k3s1",
            "v1.36.0-rc2+k3s1",
            "v1.36.0-rc10+k3s1",
            "v1.36.0+k3s1",
            "v1.36.0+k3s2",
            "v1.36.9+k3s1",
            "v1.36.10+k3s1",
            "v1.37.0+k3s1",
        ];
        assert!(ordered.map(version).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn upgrades_and_skews() {
        let (old, server, next) = (version("v1.33.1+k3s1"), version("v1.36.3+k3s1"), version("v1.37.0+k3s1"));
        assert!(
            !skips_a_minor(server, next) && !skips_a_minor(next, server) && !skips_a_minor(server, server)
        );
        assert!(
            skips_a_minor(server, version("v1.38.0+k3s1")) && skips_a_minor(server, version("v2.0.0+k3s1"))
        );
        assert!(goes_back(server, version("v1.36.2+k3s1")) && !goes_back(server, server));
        assert!(agent_fits(old, server) && agent_fits(server, server));
        assert!(
            !agent_fits(next, server)
                && !agent_fits(old, next)
                && !agent_fits(version("v1.36.3+k3s2"), server)
        );
    }

    #[test]
    fn files_of_a_release() {
        let version = version("v1.36.3+k3s1");
        assert_eq!(
            version.download(Version::binary(Arch::Aarch64)),
            "https://github.com/k3s-io/k3s/releases/download/v1.36.3%2Bk3s1/k3s-arm64"
        );
        assert!(version.is_at_least(1, 32) && !version.is_at_least(1, 37) && !version.is_candidate());
    }

    proptest! {
        #[test]
        fn text_reads_back_and_nothing_panics(
            right in "v[0-9]{1,2}\\.[0-9]{1,3}\\.[0-9]{1,2}(-rc[0-9])?\\+k3s[0-9]", any in "\\PC*"
        ) {
            refused_or_reads_back::<Version>(&right);
            refused_or_reads_back::<Version>(&any);
        }
    }

    #[test]
    fn the_example_reads_back() {
        reads_back(&version(Version::EXAMPLE));
    }
}
