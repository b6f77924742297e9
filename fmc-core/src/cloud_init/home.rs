//! Gives users what the first boot made below their homes as root: directories above files, and data disks.
//!
//! All of it is in the last stage, when users exist. Only what is still root's is given away: a data disk that a new
//! machine takes over keeps the owners that it has.

use crate::boot::Inside;
use crate::guest::home::{self, Home};
use crate::path::AbsPath;
use crate::yaml::Node;

/// The commands for all homes.
pub(super) fn commands<'a>(inside: &Inside<'a>) -> Vec<Node<'a>> {
    let mut commands = Vec::new();
    let mounts: Vec<&AbsPath> = inside.filesystems.iter().filter_map(|made| made.mount.as_deref()).collect();
    let is_listed = |path: &AbsPath| home::nodes(inside.guest).any(|listed| listed == path);
    let above_mounts = inside.homes.between(mounts.iter().copied(), inside.guest);
    let above_files = inside.homes.between(home::nodes(inside.guest), inside.guest);
    for home in inside.homes.iter() {
        let of_home = |between: &[(AbsPath, &Home)]| -> Vec<AbsPath> {
            between.iter().filter(|(_, other)| *other == home).map(|(path, _)| path.clone()).collect()
        };
        let disks = mounts.iter().copied().filter(|path| inside.homes.over(path) == Some(home));
        let mut early: Vec<AbsPath> = disks.cloned().collect();
        if !early.is_empty() {
            early.push(home.path.clone());
            early.extend(of_home(&above_mounts));
            early.retain(|path| !is_listed(path));
            crate::sort::all(&mut early);
            early.dedup();
            commands.extend(given(home, &early, true, inside));
            // useradd leaves a home alone that is there.
            let skeleton =
                ["runuser", "-u", home.user.as_str(), "--", "cp", "-rnT", "/etc/skel", home.path.as_str()];
            commands.push(Node::line(skeleton.map(str::to_owned)));
        }
        let mut late = of_home(&above_files);
        late.retain(|path| !early.contains(path));
        commands.extend(given(home, &late, false, inside));
    }
    commands
}

/// Gives the directories that are root's to the user; those that were made for a disk become as private as a home.
fn given<'a>(home: &Home, paths: &[AbsPath], is_private: bool, inside: &Inside<'_>) -> Vec<Node<'a>> {
    if paths.is_empty() {
        return Vec::new();
    }
    let paths = || paths.iter().map(ToString::to_string);
    let mode: &[&str] = if is_private { &["-exec", "chmod", "0700", "{}", "+"] } else { &[] };
    let owner = home.owner();
    let test = ["-maxdepth", "0", "-user", "root"];
    let give = ["-exec", "chown", owner.as_str(), "{}", "+"];
    let words = test.iter().chain(mode).chain(&give);
    let mut commands = vec![Node::line(
        std::iter::once("find".to_owned()).chain(paths()).chain(words.map(|word| (*word).to_owned())),
    )];
    if inside.os.is_enterprise_linux() {
        // SELinux gives them the labels that the policy has for their paths.
        let words = ["restorecon", "-F"].map(str::to_owned);
        commands.push(Node::line(words.into_iter().chain(paths())));
    }
    commands
}
