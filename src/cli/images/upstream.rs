//! Reads the texts in which upstreams publish their newest images; it asks nobody.

use fmc_core::image::Arch;
use serde::Deserialize;

/// Why an upstream's answer cannot be used; a fragment that follows its URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// It is something else.
    #[error("it is not {what}: {why}")]
    Other { what: &'static str, why: String },
    /// It is what it should be, and has no such image.
    #[error("it has no {what}")]
    Missing { what: String },
    /// A field has a value that a cloud cannot have.
    #[error("its {field} is {found:?}: {why}")]
    Field { field: &'static str, found: String, why: String },
}

/// An image of Fedora CoreOS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CoreOs {
    pub(super) version: String,
    pub(super) location: String,
    pub(super) sha256: String,
    pub(super) unpacked_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    architectures: std::collections::BTreeMap<String, Architecture>,
}

#[derive(Deserialize)]
struct Architecture {
    artifacts: Artifacts,
}

#[derive(Deserialize)]
struct Artifacts {
    qemu: Option<Artifact>,
}

#[derive(Deserialize)]
struct Artifact {
    release: String,
    formats: std::collections::BTreeMap<String, Files>,
}

#[derive(Deserialize)]
struct Files {
    disk: Option<File>,
}

#[derive(Deserialize)]
struct File {
    location: String,
    sha256: String,
    #[serde(rename = "uncompressed-sha256")]
    uncompressed_sha256: Option<String>,
}

/// The image for QEMU in a stream's metadata (Fedora CoreOS documentation, *Stream metadata*).
pub(super) fn core_os(json: &str, arch: Arch) -> Result<CoreOs, Malformed> {
    let stream: Stream = serde_json::from_str(json)
        .map_err(|error| Malformed::Other { what: "stream metadata", why: error.to_string() })?;
    let missing = |what: String| Malformed::Missing { what };
    let arch = arch.as_str();
    let architecture =
        stream.architectures.get(arch).ok_or_else(|| missing(format!("architecture {arch}")))?;
    let qemu = architecture.artifacts.qemu.as_ref();
    let qemu = qemu.ok_or_else(|| missing(format!("image for QEMU on {arch}")))?;
    // Whichever way it is packed.
    let disk = qemu.formats.iter().filter(|(format, _)| format.starts_with("qcow2"));
    let disk = disk.filter_map(|(_, files)| files.disk.as_ref()).next();
    let disk = disk.ok_or_else(|| missing(format!("qcow2 image for QEMU on {arch}")))?;
    Ok(CoreOs {
        version: version("release", &qemu.release)?,
        location: disk.location.clone(),
        sha256: disk.sha256.clone(),
        unpacked_sha256: disk.uncompressed_sha256.clone(),
    })
}

/// The version in Flatcar's `version.txt` (Flatcar documentation, *Notes for distributors*): lines of `NAME=VALUE`.
pub(super) fn flatcar(text: &str) -> Result<String, Malformed> {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))
            .map(|it| it.trim_matches('"'))
    };
    match value("FLATCAR_VERSION") {
        Some(found) => version("FLATCAR_VERSION", found),
        None => Err(Malformed::Missing { what: "line FLATCAR_VERSION=…".to_owned() }),
    }
}

/// The newest folder `YYYYMMDD-NUMBER/` that a page of cloud.debian.org links to.
pub(super) fn debian_serial(page: &str) -> Result<String, Malformed> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let serials = links.filter_map(|link| link.strip_suffix('/')).filter(|link| {
        link.split_once('-').is_some_and(|(date, number)| {
            date.len() == 8
                && [date, number]
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
        })
    });
    let newest = serials.max_by_key(|serial| super::sums::numbers(serial));
    newest
        .map(str::to_owned)
        .ok_or_else(|| Malformed::Missing { what: "folder of a build, as 20260101-2345/".to_owned() })
}

/// A version stands in URLs, in a line of Rust and in YAML: it is numbers and dots.
fn version(field: &'static str, found: &str) -> Result<String, Malformed> {
    let is_version =
        found.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if is_version && found.len() < 60 {
        return Ok(found.to_owned());
    }
    let found: String = found.chars().take(60).collect();
    Err(Malformed::Field { field, found, why: "a version is numbers with dots between them".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = r#"{"stream": "stable", "metadata": {"last-modified": "2026-08-20T00:00:00Z"}, "architectures": {
        "aarch64": {"artifacts": {"metal": {}}},
        "s390x": {"artifacts": {"qemu": {"release": "44.1.3.1", "formats": {"raw.xz": {}}}}},
        "x86_64": {"artifacts": {"aws": {}, "qemu": {"release": "44.20260802.3.1", "formats": {"qcow2.xz": {"disk": {
            "location": "https://example.org/a.qcow2.xz", "signature": "x", "sha256": "ab", "uncompressed-sha256": "cd"}}}}},
            "images": {}}}}"#;

    #[test]
    fn the_image_of_a_stream_is_found() {
        let found = core_os(STREAM, Arch::X86_64).unwrap();
        assert_eq!((found.version.as_str(), found.sha256.as_str()), ("44.20260802.3.1", "ab"));
        assert_eq!(found.unpacked_sha256.as_deref(), Some("cd"));
        let error = core_os(STREAM, Arch::Aarch64).unwrap_err();
        assert_eq!(error.to_string(), "it has no image for QEMU on aarch64");
    }

    #[test]
    fn malformed_metadata_says_what_is_wrong() {
        for (text, words) in [
            ("", "it is not stream metadata: EOF"),
            ("<html>", "it is not stream metadata: expected value"),
            ("{}", "missing field `architectures`"),
            (r#"{"architectures": {}}"#, "it has no architecture x86_64"),
            (r#"{"architectures": {"x86_64": []}}"#, "it is not stream metadata"),
            (
                r#"{"architectures": {"x86_64": {"artifacts": {"qemu": {"release": "1", "formats": {}}}}}}"#,
                "no qcow2 image",
            ),
        ] {
            let error = core_os(text, Arch::X86_64).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let evil = STREAM.replace("44.20260802.3.1", "1\\\"); evil(");
        let error = core_os(&evil, Arch::X86_64).unwrap_err().to_string();
        assert!(error.contains("a version is numbers with dots"), "{error}");
        assert!(core_os(&"[".repeat(20_000), Arch::X86_64).is_err());
    }

    #[test]
    fn flatcars_version_is_read() {
        let text = "FLATCAR_BUILD=4593\nFLATCAR_VERSION=4593.2.1\nFLATCAR_VERSION_ID=4593.2.1\nFLATCAR_BUILD_ID=\"\"\n";
        assert_eq!(flatcar(text), Ok("4593.2.1".to_owned()));
        assert_eq!(flatcar("FLATCAR_VERSION=\"4593.2.1\"\r\n"), Ok("4593.2.1".to_owned()));
        for text in ["", "<html>", "FLATCAR_VERSION=", "FLATCAR_VERSION=../..", "FLATCAR_VERSION_ID=1.2.3"] {
            assert!(flatcar(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debians_newest_build_is_found() {
        let page = r#"<a href="/">up</a><a href="20260101-2345/">a</a> <a href="20251231-99999/">b</a>
            <a href="latest/">c</a><a href="daily-1/">d</a><a href="20260101-/">e</a>"#;
        assert_eq!(debian_serial(page), Ok("20260101-2345".to_owned()));
        assert!(debian_serial("<html>").is_err());
    }
}
