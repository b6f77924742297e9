//! The numeric ids that a system gives its own accounts for ever.
//!
//! Debian: *Policy* §9.2.2 and `base-passwd`. Enterprise Linux and Fedora CoreOS: `setup`, `uidgid`. Flatcar: `baselayout`.

use crate::image::Os;

type Ids = &'static [(u32, &'static str)];

/// The account of the image that has a user id.
pub(in crate::check::guest::parts) fn user(os: Os, uid: u32) -> Option<&'static str> {
    let own = match os {
        Os::Debian => DEBIAN_USERS,
        Os::Rocky | Os::Almalinux | Os::FedoraCoreos => FEDORA_USERS,
        Os::Flatcar => FLATCAR_USERS,
        Os::None => &[],
    };
    find(own, uid).or_else(|| find(EVERY_USER, uid))
}

/// The group of the image that has a group id.
pub(in crate::check::guest::parts) fn group(os: Os, gid: u32) -> Option<&'static str> {
    let own = match os {
        Os::Debian => DEBIAN_GROUPS,
        Os::Rocky | Os::Almalinux | Os::FedoraCoreos => FEDORA_GROUPS,
        Os::Flatcar => FLATCAR_GROUPS,
        Os::None => &[],
    };
    find(own, gid).or_else(|| find(EVERY_GROUP, gid))
}

fn find(ids: Ids, id: u32) -> Option<&'static str> {
    ids.iter().find(|(other, _)| *other == id).map(|(_, name)| *name)
}

static EVERY_USER: Ids = &[(0, "root"), (65534, "nobody")];

static EVERY_GROUP: Ids = &[(0, "root")];

static DEBIAN_USERS: Ids = &[
    (1, "daemon"),
    (2, "bin"),
    (3, "sys"),
    (4, "sync"),
    (5, "games"),
    (6, "man"),
    (7, "lp"),
    (8, "mail"),
    (9, "news"),
    (10, "uucp"),
    (13, "proxy"),
    (33, "www-data"),
    (34, "backup"),
    (38, "list"),
    (39, "irc"),
];

static DEBIAN_GROUPS: Ids = &[
    (1, "daemon"),
    (2, "bin"),
    (3, "sys"),
    (4, "adm"),
    (5, "tty"),
    (6, "disk"),
    (7, "lp"),
    (8, "mail"),
    (9, "news"),
    (10, "uucp"),
    (12, "man"),
    (13, "proxy"),
    (15, "kmem"),
    (20, "dialout"),
    (21, "fax"),
    (22, "voice"),
    (24, "cdrom"),
    (25, "floppy"),
    (26, "tape"),
    (27, "sudo"),
    (29, "audio"),
    (30, "dip"),
    (33, "www-data"),
    (34, "backup"),
    (37, "operator"),
    (38, "list"),
    (39, "irc"),
    (40, "src"),
    (42, "shadow"),
    (43, "utmp"),
    (44, "video"),
    (45, "sasl"),
    (46, "plugdev"),
    (50, "staff"),
    (60, "games"),
    (100, "users"),
    (65534, "nogroup"),
];

static FEDORA_USERS: Ids = &[
    (1, "bin"),
    (2, "daemon"),
    (3, "adm"),
    (4, "lp"),
    (5, "sync"),
    (6, "shutdown"),
    (7, "halt"),
    (8, "mail"),
    (11, "operator"),
    (12, "games"),
    (14, "ftp"),
];

static FEDORA_GROUPS: Ids = &[
    (1, "bin"),
    (2, "daemon"),
    (3, "sys"),
    (4, "adm"),
    (5, "tty"),
    (6, "disk"),
    (7, "lp"),
    (8, "mem"),
    (9, "kmem"),
    (10, "wheel"),
    (11, "cdrom"),
    (12, "mail"),
    (15, "man"),
    (18, "dialout"),
    (19, "floppy"),
    (20, "games"),
    (33, "tape"),
    (39, "video"),
    (50, "ftp"),
    (54, "lock"),
    (63, "audio"),
    (100, "users"),
    (65534, "nobody"),
];

static FLATCAR_USERS: Ids = &[(1, "bin"), (2, "daemon"), (3, "adm"), (4, "lp"), (500, "core")];

static FLATCAR_GROUPS: Ids = &[
    (1, "bin"),
    (2, "daemon"),
    (3, "sys"),
    (4, "adm"),
    (10, "wheel"),
    (150, "sudo"),
    (233, "docker"),
    (500, "core"),
];
