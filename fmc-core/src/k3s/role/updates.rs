//! When the operating system may restart a node for an update of its own.
//!
//! Each server restarts on a weekday of its own, so that the cluster needs no lock: Zincati and locksmith know windows,
//! and a cluster has at most seven servers. The weekday of an agent follows from its name.

use super::Node;
use crate::given::Given;
use crate::guest::{Guest, GuestFile};
use crate::image::Os;
use crate::k3s::cluster::{Clock, Updates};

/// Days, as both Zincati and locksmith spell them.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How long a window is, in minutes.
const LENGTH: u32 = 60;

/// The configuration of the updater: Zincati on Fedora CoreOS (*Updates strategy*), update-engine and locksmith on
/// Flatcar (*Reboot strategies*). The other systems do not restart for updates by themselves.
pub(super) fn guest(node: &Node<'_>) -> Guest {
    let window = match &node.cluster.said().updates {
        Updates::Off => None,
        Updates::Weekly(from) => match from.ok() {
            Some(from) => Some((day(node), *from)),
            None => return Guest::new(),
        },
    };
    match node.site.os() {
        Os::FedoraCoreos => Guest::new().file(zincati(window)),
        Os::Flatcar => Guest::new().file(flatcar(window)),
        _ => Guest::new(),
    }
}

/// The day of a node: seven servers have one each, in the order of their names, so that the order in which they are listed says nothing. An
/// agent's follows from its name, so that a new agent moves no other's day.
fn day(node: &Node<'_>) -> &'static str {
    let machine = node.site.machine();
    let mut servers: Vec<_> = node.cluster.said().servers.iter().filter_map(Given::ok).collect();
    servers.sort();
    let place = servers.iter().position(|name| **name == machine.name);
    let place = match (node.is_server(), place) {
        (true, Some(place)) => place,
        _ => machine.uuid.as_bytes().iter().map(|byte| usize::from(*byte)).sum(),
    };
    DAYS.get(place % DAYS.len()).copied().unwrap_or("Mon")
}

fn zincati(window: Option<(&str, Clock)>) -> GuestFile {
    match window {
        Some((day, from)) => GuestFile::text(
            "/etc/zincati/config.d/55-updates-strategy.toml",
            format!(
                "[updates]\nstrategy = \"periodic\"\n\n[updates.periodic]\ntime_zone = \"localtime\"\n\n\
                 [[updates.periodic.window]]\ndays = [ \"{day}\" ]\nstart_time = \"{from}\"\nlength_minutes = {LENGTH}\n"
            ),
        ),
        None => GuestFile::text(
            "/etc/zincati/config.d/90-disable-auto-updates.toml",
            "[updates]\nenabled = false\n",
        ),
    }
}

fn flatcar(window: Option<(&str, Clock)>) -> GuestFile {
    let text = match window {
        Some((day, from)) => format!(
            "REBOOT_STRATEGY=reboot\nLOCKSMITHD_REBOOT_WINDOW_START=\"{day} {from}\"\n\
             LOCKSMITHD_REBOOT_WINDOW_LENGTH={LENGTH}m\n"
        ),
        None => "SERVER=disabled\nREBOOT_STRATEGY=off\n".to_owned(),
    };
    GuestFile::text("/etc/flatcar/update.conf", text)
}
