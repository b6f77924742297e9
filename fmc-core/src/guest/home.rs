//! Homes: whose the files below a user's home are.
//!
//! # Ownership
//!
//! A file, directory or link below the home of one of the guest's users belongs to that user, unless an owner or a group
//! is given. So do the directories between the home and it, which nobody lists: both provisioners would make them as
//! root, and the user could not write there (coreos/fedora-coreos-docs#367, canonical/cloud-init#6042).
//!
//! cloud-init writes files before it makes users. A file below a home is therefore written in the last stage, whoever
//! owns it: a home that is there already gets no skeleton files and stays root's. The mount point of a data disk below a
//! home is made even earlier, so the last stage gives the home, the directories below it and the new file system to the
//! user. Ignition does that by itself since 2.12 (coreos/ignition#1220).

use super::checked::Owner;
use super::{Parts, mount};
use crate::image::{Os, Provisioner};
use crate::name::{GroupName, UserName};
use crate::path::AbsPath;
use crate::sort;

/// The homes of a machine's users, inner ones before outer ones.
#[derive(Clone, Debug)]
pub(crate) struct Homes {
    homes: Vec<Home>,
    os: Os,
}

/// The home of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// The user.
    pub(crate) user: UserName,
    /// The path, without links of the image.
    pub(crate) path: AbsPath,
}

impl Homes {
    /// The homes of a guest's users, and of the account that images of Fedora CoreOS and Flatcar have.
    pub(crate) fn of(parts: &Parts, os: Os) -> Self {
        let said = parts.users.iter().map(|user| (user.name.clone(), user.home.clone()));
        let core = (os.provisioner() == Some(Provisioner::Ignition)).then(|| "core".parse().ok()).flatten();
        let core = core.filter(|core| !parts.users.iter().any(|user| user.name == *core));
        let all = said.chain(core.map(|user| (user, None)));
        let mut homes: Vec<Home> = all.filter_map(|(user, home)| Home::new(user, home, os)).collect();
        sort::by(&mut homes, |a, b| b.path.cmp(&a.path).then_with(|| a.user.cmp(&b.user)));
        Self { homes, os }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Home> {
        self.homes.iter()
    }

    /// The home that a path is, or is below.
    pub(crate) fn over(&self, path: &AbsPath) -> Option<&Home> {
        let real = mount::without_links(path, self.os);
        self.homes.iter().find(|home| real.is_within(&home.path))
    }

    /// The owner of what is at a path: the one that is given, or the user below whose home it is.
    pub(crate) fn owner(&self, path: &AbsPath, said: &Owner) -> Owner {
        match self.over(path) {
            Some(home) if said.user.is_none() => {
                Owner { user: Some(home.user.clone()), group: said.group.clone().or_else(|| home.group()) }
            }
            _ => said.clone(),
        }
    }

    /// The directories between homes and these paths that none of `parts` is at, each with its home, outer ones first.
    pub(crate) fn between<'a>(
        &self,
        paths: impl Iterator<Item = &'a AbsPath>,
        parts: &Parts,
    ) -> Vec<(AbsPath, &Home)> {
        if self.homes.is_empty() {
            return Vec::new();
        }
        let is_listed = |path: &AbsPath| {
            let real = mount::without_links(path, self.os);
            nodes(parts).any(|listed| mount::without_links(listed, self.os) == real)
        };
        let mut between = Vec::new();
        for path in paths {
            let Some(home) = self.over(path) else { continue };
            let above = std::iter::successors(path.parent(), AbsPath::parent);
            let below_home = above.take_while(|above| {
                let real = mount::without_links(above, self.os);
                *real != home.path && real.is_within(&home.path)
            });
            between.extend(below_home.filter(|above| !is_listed(above)).map(|above| (above, home)));
        }
        sort::by(&mut between, |a, b| a.0.cmp(&b.0));
        between.dedup_by(|a, b| a.0 == b.0);
        between
    }
}

/// The paths of a guest's files, directories and links.
pub(crate) fn nodes(parts: &Parts) -> impl Iterator<Item = &AbsPath> {
    let files = parts.files.iter().map(|file| &file.path);
    let directories = parts.directories.iter().map(|directory| &directory.path);
    files.chain(directories).chain(parts.links.iter().map(|link| &link.path))
}

impl Home {
    /// The home of a user; `None` if what is below it is not the user's alone.
    fn new(user: UserName, home: Option<AbsPath>, os: Os) -> Option<Self> {
        let home = match home {
            Some(home) => home,
            None => format!("/home/{user}").parse().ok()?,
        };
        (user != "root" && !is_shared(&home))
            .then(|| Self { user, path: mount::without_links(&home, os).into_owned() })
    }

    /// The user and their group as chown(1) reads them.
    pub(crate) fn owner(&self) -> String {
        format!("{0}:{0}", self.user)
    }

    fn group(&self) -> Option<GroupName> {
        self.user.as_str().parse().ok()
    }
}

/// Whether a directory is one of the system's, which has more below it than one user's files. Accounts of services have
/// such homes.
fn is_shared(home: &AbsPath) -> bool {
    let mut names = home.as_str().trim_start_matches('/').split('/');
    let (top, rest) = (names.next().unwrap_or_default(), names.next());
    match top {
        "" | "bin" | "boot" | "dev" | "etc" | "lib" | "lib64" | "proc" | "root" | "run" | "sbin" | "sys"
        | "usr" => true,
        "home" | "media" | "mnt" | "opt" | "srv" | "tmp" => rest.is_none(),
        "var" => names.next().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::At;
    use crate::guest::{Directory, Guest, GuestFile, User};

    fn parts(guest: &Guest) -> Parts {
        guest.parts(&At::ROOT, &mut Vec::new()).unwrap()
    }

    fn path(text: &str) -> AbsPath {
        text.parse().unwrap()
    }

    #[test]
    fn the_innermost_home_counts_and_directories_of_the_system_are_no_ones_home() {
        let guest = Guest::new()
            .user(User::new("ops"))
            .user(User::new("inner").home("/home/ops/inner"))
            .user(User::new("app").home("/srv/app"))
            .user(User::new("everyone").home("/"))
            .user(User::new("etc").home("/etc"))
            .user(User::new("lib").home("/var/lib"))
            .user(User::new("root"));
        let homes = Homes::of(&parts(&guest), Os::Debian);
        let over = |text: &str| homes.over(&path(text)).map(|home| home.user.to_string());
        for (text, user) in [
            ("/home/ops", Some("ops")),
            ("/home/ops/a/b", Some("ops")),
            ("/home/ops/inner/a", Some("inner")),
            ("/home/opsx/a", None),
            ("/srv/app/a", Some("app")),
            ("/etc/a", None),
            ("/var/lib/a", None),
            ("/root/a", None),
            ("/home/core/a", None),
        ] {
            assert_eq!(over(text).as_deref(), user, "{text}");
        }
    }

    #[test]
    fn links_of_fedora_coreos_lead_to_the_same_home() {
        let homes = Homes::of(&parts(&Guest::new().user(User::new("ops"))), Os::FedoraCoreos);
        for text in ["/home/ops/a", "/var/home/ops/a"] {
            assert_eq!(homes.over(&path(text)).map(|home| home.user.as_str()), Some("ops"), "{text}");
        }
        // The image has this account.
        assert_eq!(homes.over(&path("/home/core/a")).map(|home| home.user.as_str()), Some("core"));
    }

    #[test]
    fn directories_between_are_those_that_nobody_lists() {
        let guest = Guest::new()
            .user(User::new("ops"))
            .directory(Directory::new("/home/ops/a/b"))
            .file(GuestFile::text("/home/ops/a/b/c/d", ""))
            .file(GuestFile::text("/home/ops/e", ""));
        let parts = parts(&guest);
        let homes = Homes::of(&parts, Os::Debian);
        let between: Vec<String> =
            homes.between(nodes(&parts), &parts).into_iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(between, ["/home/ops/a", "/home/ops/a/b/c"]);
    }
}
