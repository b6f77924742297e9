//! `images pin`: asks registries for digests, and writes them into the image lock. No other command asks a registry.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use fmc_core::cloud::Cloud;
use fmc_core::digest::Digest;
use fmc_core::finding::NameList;
use serde::Serialize;

use super::super::args::Args;
use super::super::check::count;
use super::super::failure::Failure;
use super::super::io::Io;
use super::super::plain::plain;
use super::super::style::{BAD, Paint};
use super::super::{DONE, FAILED};
use super::lock::{LockFile, text};
use crate::container_images::{self, ImageLock, ImageReference, Logins, RegistryClient, Used};
use crate::json::Versioned;

/// The request.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct Request {
    /// Asks again for an image that has a digest in the lock, by its name with or without the tag, or for `all`; may be repeated
    #[arg(long, value_name = "IMAGE|all")]
    update: Vec<String>,
    /// Speaks HTTP without encryption to this registry, as 10.17.3.2:5000, also to sign in; may be repeated. To this machine it always
    /// does
    #[arg(long, value_name = "HOST")]
    insecure_registry: Vec<String>,
    /// The lock of a program with a cloud of its own, which reads it by `Platform::image_lock`
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

/// The output with `--json`: see `docs/json.md`.
#[derive(Default, Serialize)]
struct Report {
    file: String,
    asked: Vec<Asked>,
    removed: Vec<String>,
    failed: Vec<Failed>,
    written: bool,
}

/// An image whose registry gave a digest.
#[derive(Serialize)]
struct Asked {
    image: String,
    digest: Digest,
    /// The digest in the lock before.
    was: Option<Digest>,
}

/// An image without a digest.
#[derive(Serialize)]
struct Failed {
    image: String,
    why: String,
}

pub(super) fn run(request: &Request, cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let file = lock_file(request, args, io)?;
    let before = file.read()?;
    let used = container_images::used(cloud);
    if let Some(wrong) = used.iter().find(|one| one.image.image.ok().is_none()) {
        let message = format!("{} is not an image: {:?}", wrong.at, wrong.image.image.to_string());
        return Err(
            Failure::new(plain(&message)).help(format!("`{} check` says what would be right", args.program))
        );
    }
    // A program gives its lock to the cloud itself; in a file, a lock that the cloud states is not the one beside it.
    let takes = |one: &&Used| args.file.is_none() || !one.has_own_lock;
    let open = used.iter().filter(|one| one.image.image.ok().is_some_and(|image| !image.is_pinned()));
    let wanted: BTreeSet<ImageReference> = open.clone().filter(takes).filter_map(Used::reference).collect();
    let again = updates(&request.update, &wanted)?;
    let mut lock = before.clone();
    let mut report = Report { file: file.name().to_owned(), ..Report::default() };
    for one in open.filter(|one| !takes(one) && one.image.pinned.is_none()) {
        let why =
            "the cloud states an `image_lock` for it, which lacks it: add it there, or take that setting out";
        report.failed.push(Failed { image: one.image.image.to_string(), why: why.to_owned() });
    }
    let asked: Vec<&ImageReference> =
        wanted.iter().filter(|image| again.contains(*image) || before.digest(image).is_none()).collect();
    if !asked.is_empty() {
        let mut registries = registries(request, io)?;
        for image in asked {
            let answer =
                registries.digest(image, &mut |host| io.err(format_args!("asking {}\n", plain(host))));
            match answer {
                Ok(digest) => {
                    let was = lock.pin(image.clone(), digest);
                    report.asked.push(Asked { image: image.to_string(), digest, was });
                }
                Err(error) => report.failed.push(Failed { image: image.to_string(), why: error.to_string() }),
            }
        }
    }
    for (image, _) in before.iter().filter(|(image, _)| !wanted.contains(image)) {
        lock.remove(image);
        report.removed.push(image.to_string());
    }
    if lock != before {
        file.write(&lock)?;
        report.written = true;
    }
    tell(&report, &lock, args, io)
}

fn lock_file(request: &Request, args: &Args, io: &Io<'_>) -> Result<LockFile, Failure> {
    match (&request.lock, &args.file) {
        (Some(_), Some(_)) => Err(Failure::usage("--lock is for a program with a cloud of its own")
            .help("the lock of a cloud's file is beside it")),
        (Some(path), None) => Ok(LockFile::at(path, io)),
        (None, Some(_)) => LockFile::beside(args, io).ok_or_else(|| {
            Failure::usage("a lock is beside the cloud's file, and standard input has no place")
                .help("name the cloud's file with -f FILE")
        }),
        (None, None) => Err(Failure::usage("which lock?")
            .help("name its file with --lock FILE, and give its text to the cloud: `.image_lock(include_str!(\"FILE\"))`")),
    }
}

/// The images that are asked for again.
fn updates(names: &[String], wanted: &BTreeSet<ImageReference>) -> Result<BTreeSet<ImageReference>, Failure> {
    let mut again = BTreeSet::new();
    for name in names {
        let all = wanted.iter().filter(|image| name == "all" || is_named(image, name));
        let found: Vec<ImageReference> = all.cloned().collect();
        if found.is_empty() && name != "all" {
            let known = NameList::new(wanted.iter().map(ToString::to_string));
            let failure =
                Failure::usage(plain(&format!("no container takes the digest of {name} from the lock")));
            return Err(match wanted.is_empty() {
                true => failure.help("an image that the cloud has with its digest is changed there"),
                false => failure.help(plain(&format!("name one of {known}"))),
            });
        }
        again.extend(found);
    }
    Ok(again)
}

/// Whether a name is an image's, with or without the tag.
fn is_named(image: &ImageReference, name: &str) -> bool {
    if let Ok(whole) = name.parse::<ImageReference>() {
        return *image == whole;
    }
    let with_its_tag = format!("{name}:{}", image.tag());
    with_its_tag.parse::<ImageReference>().is_ok_and(|whole| *image == whole)
}

fn registries(request: &Request, io: &Io<'_>) -> Result<RegistryClient, Failure> {
    let registries = RegistryClient::new().logins(logins(io)?);
    Ok(request.insecure_registry.iter().fold(registries, RegistryClient::plain_http))
}

/// The logins of the usual files, in the order of *containers-auth.json(5)*: that of Podman and Skopeo, then that of Docker.
fn logins(io: &Io<'_>) -> Result<Logins, Failure> {
    let variable = |name: &str| (io.environment)(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let read = |logins: Logins, path: &Path, text: &str| logins.file(path, text).map_err(Failure::to);
    let unread =
        |path: &Path, error: std::io::Error| Failure::to(format!("read {}: {error}", path.display()));
    if let Some(path) = variable("REGISTRY_AUTH_FILE") {
        let text = text(&io.folder.join(&path)).map_err(|error| {
            unread(&path, error).help("REGISTRY_AUTH_FILE names it: correct the variable, or leave it out")
        })?;
        return read(Logins::new(), &path, &text);
    }
    let home = variable("HOME");
    let settings = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
    let usual = [
        variable("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json")),
        settings.map(|folder| folder.join("containers/auth.json")),
        docker.map(|folder| folder.join("config.json")),
    ];
    usual.into_iter().flatten().try_fold(Logins::new(), |logins, path| match text(&io.folder.join(&path)) {
        Ok(text) => read(logins, &path, &text),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(logins),
        Err(error) => Err(unread(&path, error)),
    })
}

fn tell(report: &Report, lock: &ImageLock, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Report { file, asked, removed, failed, written } = report;
    if args.json {
        io.json(&Versioned::new(report))?;
    } else {
        for Asked { image, digest, was } in asked {
            io.show(match was {
                None => format!("+ {image} {digest}\n"),
                Some(was) if was == digest => format!("= {image} {digest}\n"),
                Some(was) => format!("~ {image} {was} -> {digest}\n"),
            })?;
        }
        for image in removed {
            io.show(format_args!("- {image}: no container takes its digest from the lock\n"))?;
        }
        let images = count(lock.iter().count(), "image");
        io.tell(match (written, lock.is_empty()) {
            (true, _) => format!("{file} is written: {images}\n"),
            (false, false) => format!("{file} stays as it is: {images}\n"),
            (false, true) => format!("{file} is not written: it would have no image\n"),
        })?;
    }
    for Failed { image, why } in failed {
        let head = Paint("error", BAD, io.colour_err);
        io.err(format_args!("{head}: {}: {}\n", plain(image), plain(why)));
    }
    if failed.is_empty() {
        return Ok(DONE);
    }
    let many = count(failed.len(), "image");
    let found = if asked.is_empty() { String::new() } else { format!(", and {file} has the other digests") };
    io.err(format_args!("{many} could not be pinned{found}\n"));
    Ok(FAILED)
}
