//! The root key: `root-key new` makes one, `--root-key FILE` or `FMC_ROOT_KEY` gives it.
//!
//! A file that others can read is refused, as OpenSSH refuses such a private key: a reader has every secret that is made
//! from it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use fmc_core::checked::Checked;
use fmc_core::k3s::pki::Pki;
use fmc_core::secret::{SecretScope, SecretSource};
use fmc_keys::{Keyring, RootKey, judge_own};
use secrecy::zeroize::Zeroizing;

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::style::{Paint, WARN};
use crate::Wanted;
use crate::kubeconfig::Administrator;
use crate::secrets::Local;

/// The environment variable with the text of a root key.
const VARIABLE: &str = "FMC_ROOT_KEY";
/// The greatest size of a file with a key.
const MOST: u64 = 4096;

/// The commands about the root key.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a new one from the operating system's random numbers, and prints it
    New {
        /// Writes it into a new file that only you can read, instead
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
}

pub(super) fn run(command: &Command, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let Command::New { out } = command;
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Failure::new(format!("failed to get random numbers: {error}")))?;
    let text = RootKey::from_bytes(*bytes).to_text();
    let Some(out) = out else {
        io.out(format_args!("{}\n", text.as_str()))?;
        return Ok(DONE);
    };
    let line = Zeroizing::new([text.as_bytes(), b"\n"].concat());
    write(&io.folder.join(out), &line).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(format!("{} already exists: a root key is never overwritten", out.display()))
                .help("name another file; secrets that were made from a lost key cannot be made again")
        }
        _ => Failure::new(format!("failed to write {}: {error}", out.display())),
    })?;
    io.out(format_args!(
        "{0} has a new root key. Whoever has it has every secret that is made from it, and without it they cannot be made \
         again: keep a copy in a safe place, and the file out of version control.\n`{1} apply --root-key {0}` uses it.\n",
        out.display(),
        args.program
    ))?;
    Ok(DONE)
}

/// Writes a new file that only its owner can read.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The keyring of a command: from the given key, or from the public sample.
pub(super) fn keyring(scope: &SecretScope, args: &Args, io: &Io<'_>) -> Result<Arc<Keyring>, Failure> {
    Ok(match given(args, io)? {
        Some(key) => of(key, scope, args, io),
        None => sample(scope, args, io),
    })
}

/// The keyring of a command that does not need one: from the given key, or in a lab from the public sample.
pub(super) fn keyring_if_given(
    scope: impl FnOnce() -> Result<SecretScope, Failure>,
    args: &Args,
    io: &Io<'_>,
) -> Result<Option<Arc<Keyring>>, Failure> {
    Ok(match given(args, io)? {
        Some(key) => Some(of(key, &scope()?, args, io)),
        None if args.lab => Some(sample(&scope()?, args, io)),
        None => None,
    })
}

/// The administrator of the clusters that the cloud makes, if a root key is given, or in a lab.
pub(super) fn administrator(args: &Args, io: &Io<'_>) -> Result<Option<Administrator>, Failure> {
    // A certificate outlives the longest apply.
    const VALID_FOR: Duration = Duration::from_secs(24 * 3600);
    let root = given(args, io)?.or_else(|| args.lab.then(RootKey::sample));
    let own = || Arc::new(Local::anywhere(args.folder(io), Arc::clone(&io.environment)));
    Ok(root.map(|root| Administrator::new(root, own(), SystemTime::now(), VALID_FOR)))
}

/// A keyring from the public sample.
pub(super) fn sample(scope: &SecretScope, args: &Args, io: &Io<'_>) -> Arc<Keyring> {
    of(RootKey::sample(), scope, args, io)
}

fn of(key: RootKey, scope: &SecretScope, args: &Args, io: &Io<'_>) -> Arc<Keyring> {
    let own = Local::anywhere(args.folder(io), Arc::clone(&io.environment));
    Arc::new(Keyring::new(key, scope, Arc::new(own)))
}

/// The keyring of an apply to real hosts, where the sample key is allowed only in a lab. It is needed only if there are
/// secrets to make.
pub(super) fn keyring_for_apply(
    scope: &SecretScope,
    is_lab: bool,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<Arc<Keyring>, Failure> {
    let keyring = keyring(scope, args, io)?;
    if keyring.is_sample() && !is_lab {
        let program = &args.program;
        return Err(Failure::new(
            "the cloud has secrets that are made from a root key, and there is none but the public sample: nothing was done",
        )
        .help(format!("`{program} root-key new --out root.key` makes one"))
        .help(format!("`--root-key root.key` gives it, or the variable {VARIABLE} its text"))
        .help("with --lab the public sample key serves"));
    }
    if keyring.is_sample() {
        say_sample("The lab's secrets are", io);
    }
    Ok(keyring)
}

/// Refuses a wrong --root-key even if the command makes no secret, because the next command would fail.
pub(super) fn validate(args: &Args, io: &Io<'_>) -> Result<(), Failure> {
    if args.root_key.is_some() { given(args, io).map(drop) } else { Ok(()) }
}

/// Refuses a wrong root key, also one from the environment, if secrets of this cloud are made from it.
pub(super) fn validate_for(wanted: &Wanted, args: &Args, io: &Io<'_>) -> Result<(), Failure> {
    if wanted.needs_root_key() { given(args, io).map(drop) } else { Ok(()) }
}

/// Tells that an apply to real hosts needs a root key and has none. Empty if that is not so.
pub(super) fn missing(wanted: &Wanted, args: &Args, io: &Io<'_>) -> Result<String, Failure> {
    if !wanted.needs_root_key() || wanted.is_lab() || given(args, io)?.is_some() {
        return Ok(String::new());
    }
    let program = &args.program;
    Ok(format!(
        "\n  The apply needs a root key, from which it makes secrets: `{program} root-key new --out root.key` makes one, and \
         `--root-key root.key` gives it.\n"
    ))
}

/// Tells a person which files and variables of this computer an apply reads for the secrets of a cloud: a cloud file of somebody
/// else could name any file. Empty if it reads nothing.
///
/// # Errors
/// A secret of the cloud is the root key.
pub(super) fn reads(wanted: &Wanted, args: &Args, io: &Io<'_>) -> Result<String, Failure> {
    let secrets = wanted.reads();
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let key = args.root_key.as_ref().and_then(|file| real(&io.folder.join(file)));
    for secret in &secrets {
        let is_key = match &secret.source {
            SecretSource::Environment(variable) => variable == VARIABLE,
            SecretSource::File(path) => key.is_some() && real(&args.folder(io).join(path)) == key,
            _ => false,
        };
        if is_key {
            return Err(Failure::new(format!(
                "the secret {} is {}, which has the root key: no guest gets it",
                secret.name, secret.source
            ))
            .help("give the secret a source of its own, or let it be generated"));
        }
    }
    let sources: BTreeSet<String> = secrets.iter().map(|secret| secret.source.to_string()).collect();
    if sources.is_empty() {
        return Ok(String::new());
    }
    let sources: Vec<String> = sources.into_iter().collect();
    Ok(format!("\n  The apply reads here, for guests and clusters: {}\n", sources.join(", ")))
}

/// Refuses authorities and keys of the user's own that K3s could not use: a server would get them, and not come up.
pub(super) fn judge_all(checked: &Checked, args: &Args, io: &Io<'_>) -> Result<(), Failure> {
    checked.clusters().iter().try_for_each(|cluster| judge(cluster.name.as_str(), &cluster.pki, args, io))
}

/// The same for one cluster.
pub(super) fn judge(cluster: &str, pki: &Pki, args: &Args, io: &Io<'_>) -> Result<(), Failure> {
    let own = Local::anywhere(args.folder(io), Arc::clone(&io.environment));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    judge_own(pki, &own, i64::try_from(now).unwrap_or(i64::MAX)).map_err(|error| {
        Failure::new(format!("failed to {error}")).help(format!(
            "it is one of the credentials of the cluster {cluster}: see https://docs.k3s.io/cli/certificate, *Using Custom CA \
             Certificates*"
        ))
    })
}

/// Warns that the secrets are public.
pub(super) fn say_sample(what: &str, io: &mut Io<'_>) {
    let warning = Paint("warning", WARN, io.colour_err);
    io.err(format_args!(
        "{warning}: {what} made from the public sample key, which everybody has: they protect nothing (--root-key FILE or \
         {VARIABLE} gives a key of your own)\n"
    ));
}

/// Says which derivation a command takes that does not ask the hosts, if the cloud does not say it.
pub(super) fn say_derivation(checked: &Checked, io: &mut Io<'_>) {
    if checked.derivation().is_none() {
        let now = checked.secret_scope().derivation();
        io.err(format_args!(
            "The secrets are made by derivation {now}, as for new machines. If a plan says that the machines that are there have \
             derivation 1, write `secrets: {{derivation: 1}}`, and run this again\n"
        ));
    }
}

/// The given root key, if any.
fn given(args: &Args, io: &Io<'_>) -> Result<Option<RootKey>, Failure> {
    let variable = (io.environment)(VARIABLE);
    match (&args.root_key, variable) {
        (Some(file), Some(_)) => Err(Failure::usage(format!(
            "the root key is given twice: by --root-key {} and by the variable {VARIABLE}",
            file.display()
        ))
        .help("leave one of them out")),
        (None, None) => Ok(None),
        (None, Some(text)) => {
            let text = Zeroizing::new(text.into_encoded_bytes());
            parsed(&text, VARIABLE).map(Some)
        }
        (Some(file), None) => {
            let shown = file.display().to_string();
            let text = read(&io.folder.join(file), &shown)?;
            parsed(&text, &shown).map(Some)
        }
    }
}

fn parsed(text: &[u8], place: &str) -> Result<RootKey, Failure> {
    // Text that is not UTF-8 is not a key; a replacement character marks the place.
    let text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
    text.parse().map_err(|error| {
        Failure::new(format!("failed to {error} (from {place})")).help(
            "its text is one line, `fmc-root-key-` and 72 hexadecimal digits, as `root-key new` prints it",
        )
    })
}

fn read(path: &Path, shown: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("failed to read the root key {shown}: {error}"));
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o7777;
        if metadata.is_file() && mode & 0o077 != 0 {
            return Err(Failure::new(format!(
                "the root key {shown} is open to others (mode {mode:04o}): it is not used"
            ))
            .help(format!("`chmod 600 {shown}`, and a new key if others may have read it")));
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MOST as usize + 1));
    file.take(MOST + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > MOST {
        return Err(Failure::new(format!("failed to read the root key {shown}: it has more than 4 KiB")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use fmc_core::name::OwnerId;
    use fmc_core::secret::Derivation;

    use super::*;

    fn asked(is_lab: bool, key: Option<&str>) -> (Result<bool, u8>, String) {
        let args = Args::of(["program", "apply"]).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let key = key.map(OsString::from);
        let scope = SecretScope::new(OwnerId::literal("first"), Derivation::V2);
        let mut io = Io {
            environment: Arc::new(move |name: &str| key.clone().filter(|_| name == VARIABLE)),
            ..Io::new(&mut out, &mut err)
        };
        let keyring = keyring_for_apply(&scope, is_lab, &args, &mut io).map(|keyring| keyring.is_sample());
        let keyring = keyring.map_err(|failure| failure.say(&mut io));
        (keyring, String::from_utf8(err).unwrap())
    }

    #[test]
    fn what_is_real_gets_no_sample_key() {
        let sample = RootKey::sample().to_text();
        for key in [None, Some(sample.as_str())] {
            let (refused, err) = asked(false, key);
            assert_eq!(refused, Err(super::super::FAILED));
            for words in
                ["nothing was done", "root-key new --out", "--root-key root.key", "FMC_ROOT_KEY", "--lab"]
            {
                assert!(err.contains(words), "{words} is not in {err}");
            }
            let (given, err) = asked(true, key);
            assert_eq!(given, Ok(true));
            assert!(err.contains("The lab's secrets are made from the public sample key"), "{err}");
        }
        let own = RootKey::from_bytes([3; 32]).to_text();
        for is_lab in [false, true] {
            assert_eq!(asked(is_lab, Some(&own)), (Ok(false), String::new()));
        }
    }
}
