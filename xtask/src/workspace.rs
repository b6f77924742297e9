//! The workspace as its manifests describe it, so that a new member or feature needs no line here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The feature of the slow tier: a crate with slow tests puts them behind it.
pub(crate) const SLOW: &str = "full";

pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Runs cargo on the workspace. A failure repeats the command.
pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    cargo_with(arguments, &[])
}

/// Like [`cargo`], with variables in its environment.
pub(crate) fn cargo_with(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Failure> {
    let shown: Vec<String> = variables.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
    let shown = [shown.join(" "), format!("cargo {}", arguments.join(" "))].join(" ");
    println!("    {}", shown.trim());
    let status = command().args(arguments).envs(variables.iter().copied()).status()?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown.trim()).into()) }
}

/// The standard output of a cargo command that succeeds.
pub(crate) fn cargo_output(arguments: &[&str]) -> Result<String, Failure> {
    let output = command().args(arguments).output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`cargo {}` failed: {}", arguments.join(" "), complaint.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The folder that cargo builds in, by cargo's own configuration.
pub(crate) fn target_folder() -> Result<String, Failure> {
    let metadata = cargo_output(&["metadata", "--no-deps", "--format-version", "1"])?;
    let (_, rest) = metadata.split_once("\"target_directory\":\"").ok_or("cargo names no target folder")?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

fn command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    command
}

/// Every feature of every member except the slow tier's, for `--features`: `fmc/cli,fmc-libvirt/virt,…`.
pub(crate) fn features_without_slow() -> Result<String, Failure> {
    let mut features = Vec::new();
    for folder in member_folders()? {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml"))?;
        let package = package_name(&manifest).ok_or("a manifest without a package name")?;
        let own = feature_names(&manifest).filter(|name| !["default", SLOW].contains(name));
        features.extend(own.map(|feature| format!("{package}/{feature}")));
    }
    Ok(features.join(","))
}

/// Whether the workspace has a member of this name.
pub(crate) fn has_member(name: &str) -> Result<bool, Failure> {
    for folder in member_folders()? {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml"))?;
        if package_name(&manifest) == Some(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The dependencies of each member, without those that only its tests have.
pub(crate) fn dependencies() -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut found = BTreeMap::new();
    for folder in member_folders()? {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml"))?;
        let package = package_name(&manifest).ok_or("a manifest without a package name")?;
        let names =
            section(&manifest, "[dependencies]").filter_map(|line| line.split(['.', ' ', '=']).next());
        let names = names.filter(|name| !name.is_empty() && !name.starts_with('#'));
        found.insert(package.to_owned(), names.map(str::to_owned).collect());
    }
    Ok(found)
}

fn member_folders() -> Result<Vec<String>, Failure> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let (_, rest) =
        manifest.split_once("\nmembers = [").ok_or("the workspace's manifest lists no members")?;
    let (list, _) = rest.split_once(']').ok_or("the list of members has no end")?;
    let named = list.split('"').skip(1).step_by(2).map(str::to_owned);
    Ok([".".to_owned()].into_iter().chain(named).collect())
}

fn package_name(manifest: &str) -> Option<&str> {
    section(manifest, "[package]").find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

fn feature_names(manifest: &str) -> impl Iterator<Item = &str> {
    section(manifest, "[features]")
        .filter_map(|line| line.split_once(" = [").map(|(name, _)| name))
        .filter(|name| !name.starts_with('#'))
}

fn section<'a>(manifest: &'a str, header: &'a str) -> impl Iterator<Item = &'a str> {
    manifest
        .lines()
        .skip_while(move |line| line.trim() != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_a_manifest() {
        let manifest = "[package]\nname = \"a\"\n\n[features]\ndefault = []\n# Not this = [\nvirt = [\n  \"dep:virt\",\n]\n\n[dependencies]\nx = []\n";
        assert_eq!(package_name(manifest), Some("a"));
        assert_eq!(feature_names(manifest).collect::<Vec<_>>(), ["default", "virt"]);
    }

    #[test]
    fn the_members_of_this_workspace_are_found() {
        assert!(has_member("fmc").unwrap() && has_member("xtask").unwrap());
        assert!(!has_member("no-such-member").unwrap());
        assert!(dependencies().unwrap()["fmc-libvirt"].contains("fmc-core"));
        assert!(features_without_slow().unwrap().contains("fmc-libvirt/virt"));
    }
}
