//! `kubeconfig [CLUSTER]`: the administrator's access to a cluster, computed instead of fetched.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fmc_core::checked::Checked;
use fmc_core::path::HttpUrl;
use fmc_core::secret::SecretScope;

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::root_key;
use crate::kubeconfig::{Cluster, kubeconfig};

/// A certificate's default validity.
pub(super) const HOURS: u32 = 24;

/// Writes the kubeconfig of one of a checked cloud's clusters.
pub(super) fn of(
    checked: &Checked,
    name: Option<&str>,
    out: Option<&Path>,
    hours: u32,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let urls = checked.clusters().iter().map(|cluster| {
        let url = cluster.endpoint.public_url();
        let wrong = |error| Failure::new(format!("failed to read {url} as the address of a server: {error}"));
        url.parse().map_err(wrong).map(|url: HttpUrl| (cluster, url))
    });
    let urls: Vec<_> = urls.collect::<Result<_, Failure>>()?;
    let clusters: Vec<Cluster<'_>> = urls
        .iter()
        .map(|(cluster, server)| Cluster { name: cluster.name.as_str(), server, pki: &cluster.pki })
        .collect();
    let code = run(&clusters, &checked.secret_scope(), name, out, hours, args, io)?;
    root_key::say_derivation(checked, io);
    Ok(code)
}

/// Writes the kubeconfig of one of the cloud's clusters, by name or the only one, to standard output or into a new file of
/// mode 0600.
fn run(
    clusters: &[Cluster<'_>],
    scope: &SecretScope,
    name: Option<&str>,
    out: Option<&Path>,
    hours: u32,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let cluster = chosen(clusters, name)?;
    // Its certificates go to people: a private key must not be among them.
    root_key::judge(cluster.name, cluster.pki, args, io)?;
    let keyring = root_key::keyring(scope, args, io)?;
    if keyring.is_sample() {
        root_key::say_sample("The keys of this kubeconfig are", io);
    }
    let valid_for = Duration::from_secs(u64::from(hours) * 3600);
    let file = kubeconfig(cluster, &keyring, SystemTime::now(), valid_for).map_err(Failure::to)?;
    let Some(out) = out else {
        io.out(String::from_utf8_lossy(file.expose()))?;
        return Ok(DONE);
    };
    root_key::write(&io.folder.join(out), file.expose()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::new(format!("{} already exists, and was not changed", out.display()))
                .help("name a new file")
        }
        _ => Failure::new(format!("failed to write {}: {error}", out.display())),
    })?;
    io.show(format_args!(
        "{} lets in the administrator of {} for {hours} h.\n",
        out.display(),
        cluster.name
    ))?;
    Ok(DONE)
}

fn chosen<'a, 'b>(clusters: &'a [Cluster<'b>], name: Option<&str>) -> Result<&'a Cluster<'b>, Failure> {
    let names = || clusters.iter().map(|cluster| cluster.name).collect::<Vec<_>>().join(", ");
    match (name, clusters) {
        (_, []) => Err(Failure::new("the cloud has no cluster")),
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::usage("the cloud has several clusters")
            .help(format!("name one of {}: kubeconfig CLUSTER", names()))),
        (Some(name), _) => clusters.iter().find(|cluster| cluster.name == name).ok_or_else(|| {
            Failure::usage(format!("the cloud has no cluster `{name}`")).help(format!("it has {}", names()))
        }),
    }
}

#[cfg(test)]
mod tests;
