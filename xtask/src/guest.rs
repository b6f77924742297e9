//! The test guest: a root image of Debian packages that Ignition or cloud-init configures, its kernel, and an
//! initramfs for each of the two.
//!
//! It is built once per recipe and kept outside of `target/`, in `FMC_GUEST_CACHE` or in `fmc-guest` in the
//! user's cache folder, so that `cargo clean` does not delete it. An interrupted build leaves nothing that a
//! later one would take for an image.
//!
//! The tests use this crate's library, so that a command and a test agree on where the guest is. Its
//! distribution is the one that the tests run on, because package registries have no images of Fedora CoreOS,
//! Flatcar and Rocky Linux.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Failure;
use crate::kept;
use crate::root::as_root;

/// The recipe: the scripts and the files that they put into the image.
const RECIPE: [(&str, &str); 12] = [
    ("build.sh", include_str!("guest/recipe/build.sh")),
    ("cloud.cfg", include_str!("guest/recipe/cloud.cfg")),
    ("download-kernel.sh", include_str!("guest/recipe/download-kernel.sh")),
    ("early-init", include_str!("guest/recipe/early-init")),
    ("guest-report.service", include_str!("guest/recipe/guest-report.service")),
    ("guest.preset", include_str!("guest/recipe/guest.preset")),
    ("guest.target", include_str!("guest/recipe/guest.target")),
    ("initramfs.sh", include_str!("guest/recipe/initramfs.sh")),
    ("kernel.sh", include_str!("guest/recipe/kernel.sh")),
    ("packages", include_str!("guest/recipe/packages")),
    ("report.py", include_str!("guest/recipe/report.py")),
    ("settings.sh", include_str!("guest/recipe/settings.sh")),
];

/// The distributions that the recipe knows, by `ID` of os-release(5), with the package that depends on their
/// smallest kernel.
const KERNELS: [(&str, &str); 2] = [("debian", "linux-image-cloud-amd64"), ("ubuntu", "linux-image-virtual")];

/// The folder with the test guest (`root.qcow2`, `root.sha256`, `vmlinuz`, `initramfs-ignition`,
/// `initramfs-cloud-init`). A missing guest is built, in about a minute, from the mirror that this machine's
/// apt is configured with. If several processes ask at once, one builds and the others wait.
///
/// # Errors
///
/// When this is neither Debian nor Ubuntu, when this process is not root and `sudo -n` does not help, and
/// when a step of the recipe fails.
pub fn prepare() -> Result<PathBuf, Failure> {
    let base = kept::base("guest")?;
    let release = release()?;
    let folder = base.join(format!("{}-{:016x}", release.codename, key(&release)));
    if folder.is_dir() {
        return Ok(folder);
    }
    fs::create_dir_all(&base)?;
    let lock = File::create(base.join("lock"))?;
    lock.lock()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let beside = base.join("being-built");
    let started = Instant::now();
    build(&base, &beside, &release)?;
    fs::rename(&beside, &folder)?;
    println!("    the test guest is built: {}, {:.0} s", folder.display(), started.elapsed().as_secs_f64());
    Ok(folder)
}

fn build(base: &Path, beside: &Path, release: &Release) -> Result<(), Failure> {
    // Files of an earlier build may belong to root.
    run(as_root("rm").args(["--recursive", "--force"]).arg(beside), &mut String::new())?;
    fs::create_dir(beside)?;
    let recipe = base.join("recipe");
    fs::create_dir_all(&recipe)?;
    for (name, text) in RECIPE {
        fs::write(recipe.join(name), text)?;
    }
    let sources = recipe.join("sources.list");
    fs::write(&sources, self::sources(release)?)?;
    let mut log = String::new();
    let mut command = as_root("unshare");
    command.args(["--mount", "sh"]).arg(recipe.join("build.sh")).arg(beside).arg(base.join("packages"));
    command.args([&release.codename, release.kernel]).arg(sources);
    run(&mut command, &mut log)
}

/// Runs a command. Its output is shown only when it fails.
fn run(command: &mut Command, log: &mut String) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    log.push_str(&String::from_utf8_lossy(&output.stdout));
    log.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(());
    }
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n");
    Err(format!("the test guest could not be built ({}):\n{tail}", output.status).into())
}

/// The release that this machine runs; the guest runs the same.
struct Release {
    id: String,
    codename: String,
    kernel: &'static str,
}

fn release() -> Result<Release, Failure> {
    let text = fs::read_to_string("/etc/os-release")?;
    let value = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_matches('"').to_owned())
    };
    let id = value("ID=").unwrap_or_default();
    let kernel = KERNELS.iter().find(|(known, _)| *known == id).map(|(_, kernel)| *kernel);
    let (Some(kernel), Some(codename)) = (kernel, value("VERSION_CODENAME=")) else {
        return Err(
            format!("the test guest is built of Debian's or Ubuntu's packages, and this is {id}").into()
        );
    };
    Ok(Release { id, codename, kernel })
}

/// The apt sources of this machine that belong to its distribution, as lines of sources.list(5). Third
/// parties' sources are left out.
fn sources(release: &Release) -> Result<String, Failure> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)"])
        .arg("Created-By: Packages")
        .output()?;
    let listed = String::from_utf8(output.stdout)?;
    let own = |line: &&str| {
        let mut words = line.split(' ').skip(2);
        words
            .next()
            .is_some_and(|suite| suite.starts_with(&release.codename) && !suite.ends_with("-backports"))
    };
    let mut lines: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_once('|'))
        .filter(|(origin, _)| origin.eq_ignore_ascii_case(&release.id))
        .map(|(_, line)| line)
        .filter(own)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    if lines.is_empty() {
        return Err(format!(
            "apt has no list of {}'s packages: `apt-get update` fetches it",
            release.codename
        )
        .into());
    }
    Ok(lines.join("\n") + "\n")
}

/// The key of an image, which follows from the recipe and the release.
fn key(release: &Release) -> u64 {
    let recipe = RECIPE.iter().flat_map(|(name, text)| [*name, *text]);
    kept::key(recipe.chain([release.id.as_str(), &release.codename, release.kernel]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_from_the_release() {
        let release =
            |codename: &str| Release { id: "debian".into(), codename: codename.into(), kernel: "x" };
        assert_eq!(key(&release("bookworm")), key(&release("bookworm")));
        assert_ne!(key(&release("bookworm")), key(&release("trixie")));
    }

    #[test]
    fn every_file_of_the_recipe_is_in_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guest/recipe");
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, RECIPE.map(|(name, _)| name));
    }
}
