//! `compile --out DIR`: every artifact in a folder.
//!
//! ```text
//! DIR/index.json
//! DIR/libvirt/HOST/{networks,pools,domains}/NAME.xml
//! DIR/libvirt/HOST/volumes/POOL/NAME.xml
//! DIR/hosts/HOST.nft
//! DIR/hosts/HOST/etc/…, the files that `host HOST install` takes there
//! DIR/guests/MACHINE/{config.ign | user-data,meta-data,network-config,seed.iso}
//! ```
//!
//! `index.json` lists them:
//!
//! | key | is |
//! | --- | --- |
//! | `form` | `fmc-artifacts` |
//! | `version` | the version of this form: 1 |
//! | `cloud`, `owner`, `lab` | the cloud that they belong to |
//! | `artifacts` | each with `path`, `kind` and `sha256`; with `template: true`, the hash covers the text with holes that name secrets and their generations, not the file |
//! | `secrets` | each by `name` and `generation` |
//! | `root_key` | the key that secrets were made from: `given`, or `sample`, which is public; absent if no secret was made |
//! | `derivation` | how they were made from it: 1 or 2; absent with `root_key` |
//!
//! Only the owner may read the contents of a machine: those files have mode 0600 from their first byte on, in folders of
//! mode 0700. The folder is written beside its place and then moved there, so it is either complete or unchanged.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fmc_core::cloud::Cloud;
use fmc_core::digest::hex;
use fmc_core::provider::Artifact;
use fmc_keys::Keyring;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::DONE;
use super::args::Args;
use super::check::{self, count};
use super::failure::Failure;
use super::io::Io;
use super::root_key;
use crate::compile::Wanted;

const INDEX: &str = "index.json";
const FORM: &str = "fmc-artifacts";

#[derive(Serialize, Deserialize)]
struct Index {
    form: String,
    version: u32,
    cloud: String,
    owner: String,
    lab: bool,
    artifacts: Vec<Entry>,
    secrets: Vec<Needed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derivation: Option<u8>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    path: String,
    kind: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    template: bool,
}

#[derive(Serialize, Deserialize)]
struct Needed {
    name: String,
    generation: u32,
}

pub(super) fn run(cloud: &Cloud, out: &Path, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let checked = check::checked(cloud, args, io)?;
    let wanted = args.compile(&checked);
    // A wrong root key in the environment does not stop a compile that needs none; a wrong --root-key always does.
    let keyring = if wanted.needs_root_key() {
        root_key::keyring(wanted.secret_scope(), args, io)?
    } else {
        root_key::sample(wanted.secret_scope(), args, io)
    };
    root_key::validate(args, io)?;
    root_key::judge_all(&checked, args, io)?;
    let index = write(&wanted, &io.folder.join(out), &keyring)?;
    if wanted.needs_root_key() && keyring.is_sample() {
        root_key::say_sample("Secrets in this folder are", io);
    }
    if args.json {
        io.json(&index)?;
    } else {
        let files = count(index.artifacts.len(), "artifact");
        io.show(format_args!("{files} of {} in {}\n", wanted.name(), out.display()))?;
    }
    Ok(DONE)
}

/// Writes all of it, or nothing.
fn write(wanted: &Wanted, out: &Path, keyring: &Keyring) -> Result<Index, Failure> {
    let out = place(out).map_err(|error| failed("find", out, &error))?;
    let is_there = may_replace(&out)?;
    let new = Beside::new(&out, "new").map_err(|error| failed("write beside", &out, &error))?;
    let mut index = Index {
        form: FORM.to_owned(),
        version: 1,
        cloud: wanted.name().to_string(),
        owner: wanted.owner().to_string(),
        lab: wanted.is_lab(),
        artifacts: Vec::new(),
        secrets: wanted
            .secrets()
            .into_iter()
            .map(|(name, generation)| Needed { name: name.to_string(), generation })
            .collect(),
        root_key: wanted.needs_root_key().then(|| {
            let which = if keyring.is_sample() { "sample" } else { "given" };
            which.to_owned()
        }),
        derivation: wanted.needs_root_key().then(|| wanted.secret_scope().derivation().number()),
    };
    for artifact in wanted.artifacts() {
        let path = new.path.join(&artifact.path);
        let bytes = artifact.render(keyring).map_err(Failure::to)?;
        file(&path, bytes.expose(), artifact.is_private())
            .map_err(|error| failed("write", &out.join(&artifact.path), &error))?;
        index.artifacts.push(entry(&artifact, bytes.expose()));
    }
    let mut text = serde_json::to_string_pretty(&index)
        .map_err(|error| Failure::new(format!("failed to write the index: {error}")))?;
    text.push('\n');
    file(&new.path.join(INDEX), text.as_bytes(), false)
        .map_err(|error| failed("write", &out.join(INDEX), &error))?;
    new.into_place(&out, is_there).map_err(|error| failed("replace", &out, &error))?;
    Ok(index)
}

fn entry(artifact: &Artifact<'_>, bytes: &[u8]) -> Entry {
    let template = artifact.template_digest();
    Entry {
        path: artifact.path.clone(),
        kind: artifact.kind.to_owned(),
        template: template.is_some(),
        // Bytes that hold a secret are not hashed: a short one could be guessed from that.
        sha256: hex(&template.unwrap_or_else(|| Sha256::digest(bytes).into())),
    }
}

/// The folder itself, where a link points, with its name at the end.
fn place(out: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    let name = out.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    Ok(fs::canonicalize(parent)?.join(name))
}

/// Whether the folder exists and may be replaced: it is empty, or everything in it comes from an earlier compile.
fn may_replace(out: &Path) -> Result<bool, Failure> {
    let others = |what: String| {
        Failure::new(format!("failed to write into {}: {what}", out.display()))
            .help("name a new folder, an empty one, or one that `compile` wrote")
    };
    let held = match fs::metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("read", out, &error)),
        Ok(kind) if !kind.is_dir() => return Err(others("it is not a folder".to_owned())),
        Ok(_) => files(out).map_err(|error| failed("read", out, &error))?,
    };
    if held.is_empty() {
        return Ok(true);
    }
    let index = fs::read(out.join(INDEX)).ok().and_then(|text| serde_json::from_slice::<Index>(&text).ok());
    let Some(index) = index.filter(|index| index.form == FORM) else {
        return Err(others("it is not empty and has no index of fmc".to_owned()));
    };
    let ours: BTreeSet<&Path> =
        index.artifacts.iter().map(|entry| Path::new(&entry.path)).chain([Path::new(INDEX)]).collect();
    match held.iter().find(|path| !ours.contains(path.as_path())) {
        Some(stranger) => {
            Err(others(format!("it holds {}, which its index does not list", stranger.display())))
        }
        None => Ok(true),
    }
}

/// The files below a folder, by path, and the empty folders.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        let mut is_empty = true;
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            is_empty = false;
            let path = below.join(entry.file_name());
            if entry.file_type()?.is_dir() { left.push(path) } else { found.push(path) }
        }
        if is_empty && !below.as_os_str().is_empty() {
            found.push(below);
        }
    }
    found.sort();
    Ok(found)
}

/// A temporary folder beside its final place. It is removed unless it is moved there.
struct Beside {
    path: PathBuf,
    kept: bool,
}

impl Beside {
    fn new(out: &Path, what: &str) -> io::Result<Self> {
        let path = beside(out, what);
        // Remove the leftovers of a killed compile.
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir(&path)?;
        Ok(Self { path, kept: false })
    }

    fn into_place(mut self, out: &Path, is_there: bool) -> io::Result<()> {
        let old = beside(out, "old");
        if is_there {
            fs::rename(out, &old)?;
        }
        if let Err(error) = fs::rename(&self.path, out) {
            if is_there {
                fs::rename(&old, out)?;
            }
            return Err(error);
        }
        self.kept = true;
        if is_there { fs::remove_dir_all(&old) } else { Ok(()) }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn beside(out: &Path, what: &str) -> PathBuf {
    let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    out.with_file_name(format!(".{name}.{what}-{}", std::process::id()))
}

fn file(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        builder.create(folder)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)?.write_all(bytes)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("failed to {what} {}: {error}", path.display()))
}
