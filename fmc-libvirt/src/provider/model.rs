//! The pure half: the differences of objects, the removal of unwanted objects, and notes for a person.

mod removal;

use fmc_core::graph::{About, Address, Change, Impact, Note, NoteKind, Verdict};
use fmc_core::machine::Power;
use fmc_core::unit::Size;

pub(super) use self::removal::remove;
use super::object::{DomainObject, NetworkObject, Object, Owner, VolumeObject};
use super::preflight::own_bridge;
use super::records;
use crate::document::{Content, Document, DomainDocument, ImageSource, VolumeDocument};
use crate::drift::{compare_domain, compare_network, compare_pool, compare_volume, pending_boot};
use crate::volume::Ours;
use crate::xml::Outline;

/// A created object in a few words.
pub(super) fn summary(document: &Document) -> String {
    match document {
        Document::Pool(pool) => super::object::pool_identity(&pool.xml).1.unwrap_or_default(),
        Document::Volume(volume) if volume.capacity == 0 => match &volume.content {
            Content::Image(image) => image_summary(&image.source),
            _ => String::new(),
        },
        Document::Volume(volume) => volume_summary(volume),
        Document::Network(network) => network_summary(&network.xml),
        Document::Domain(domain) => {
            let outline = Outline::read(&domain.xml);
            let processors = outline.as_ref().and_then(|outline| outline.root().at("vcpu")?.text());
            format!("{} vCPU, {}", processors.unwrap_or("?"), domain.memory)
        }
    }
}

fn image_summary(source: &ImageSource) -> String {
    match source {
        ImageSource::File(path) => format!("from {path}"),
        ImageSource::Url(url) => format!("fetched from {url}"),
    }
}

fn volume_summary(volume: &VolumeDocument) -> String {
    // The last two parts of a name give the volume's purpose, whichever pool it is in: see `volume::Ours`.
    let name = volume.name.rsplit_once(".disk.").map_or("root", |(_, disk)| disk);
    format!("{name} {}", size(volume.capacity))
}

fn network_summary(xml: &str) -> String {
    let Some(outline) = Outline::read(xml) else { return String::new() };
    let root = outline.root();
    let bridge =
        root.at("bridge").and_then(|bridge| bridge.attribute("name")).map(|name| format!("bridge {name}"));
    let subnet = root.at("ip").and_then(|ip| Some((ip.attribute("address")?, ip.attribute("prefix")?)));
    let subnet = subnet.and_then(|(address, prefix)| {
        let net: ipnet::IpNet = format!("{address}/{prefix}").parse().ok()?;
        Some(net.trunc().to_string())
    });
    bridge.into_iter().chain(subnet).collect::<Vec<_>>().join(" ")
}

pub(super) fn compare(document: &Document, object: &Object) -> Verdict {
    match (document, object) {
        (Document::Domain(wanted), Object::Domain(seen)) => {
            match taken("domain", &wanted.on_host, &seen.owner)
                .or_else(|| another_machine(wanted, seen))
                .or_else(|| prefixed(wanted, seen))
            {
                Some(refused) => refused,
                None => {
                    let mut changes = compare_domain(wanted, &seen.record);
                    changes.extend(remarked(wanted, seen));
                    changes.extend(unrecorded(wanted, seen));
                    verdict(plugged_in(changes, wanted, seen))
                }
            }
        }
        (Document::Network(wanted), Object::Network(seen)) => {
            match taken("network", &wanted.on_host, &seen.owner)
                .or_else(|| renamed("network", &wanted.on_host, &seen.record.name))
            {
                Some(refused) => refused,
                None => verdict(unplugged(compare_network(wanted, &seen.record), seen)),
            }
        }
        (Document::Pool(wanted), Object::Pool(seen)) => match taken("pool", &wanted.name, &seen.owner) {
            Some(taken) => taken,
            None => pool_verdict(compare_pool(wanted, &seen.record)),
        },
        (Document::Volume(_), Object::Volume(seen)) if seen.lacks_its_commit() => verdict(vec![Change {
            path: COMMIT.to_owned(),
            from: Some("not committed".to_owned()),
            to: Some("committed".to_owned()),
            impact: Impact::Live,
            reason: Some("what is made from it shows that all of it had arrived".to_owned()),
        }]),
        // A disk that lies over a volume has a size of its own; its machine is left until it is merged.
        (Document::Volume(_), Object::Volume(seen)) if seen.is_covered() => Verdict::Same,
        (Document::Volume(wanted), Object::Volume(seen)) => {
            let is_known = seen.capacity.is_some();
            let mut grown = if is_known { compare_volume(wanted, &seen.facts()) } else { Vec::new() };
            for change in &mut grown {
                // A machine's line has the changes of all its disks.
                change.path = match &seen.ours {
                    Ours::Disk { disk, .. } => format!("data disk {disk}"),
                    _ => "root disk".to_owned(),
                };
                if change.impact == Impact::None {
                    change.reason = Some(stays(change, seen));
                }
            }
            verdict(grown.into_iter().chain(records::compare(wanted, seen)).collect())
        }
        _ => Verdict::Same,
    }
}

/// Why a disk stays larger than wanted, and what to do.
fn stays(change: &Change, seen: &VolumeObject) -> String {
    let has = change.from.as_deref().unwrap_or_default();
    match (&seen.ours, &seen.machine) {
        (Ours::Root { .. }, Some(machine)) => {
            format!("a disk is never made smaller; say {has} again, or `--replace {machine}` makes it anew")
        }
        _ => format!("a disk is never made smaller; say {has} again"),
    }
}

/// The path of the change that starts a network's dnsmasq again.
pub(super) const DNSMASQ: &str = "dnsmasq";

/// The path of the change that commits an upload.
pub(super) const COMMIT: &str = "upload";

fn verdict(changes: Vec<Change>) -> Verdict {
    if changes.is_empty() { Verdict::Same } else { Verdict::Differs(changes) }
}

/// A mark of an earlier version does not say what its machine was made with. It is known while the machine is on the root
/// that it would be made with now.
fn unrecorded(wanted: &DomainDocument, seen: &DomainObject) -> Option<Change> {
    let is_recorded = seen.mark.as_ref().is_some_and(|mark| mark.born.is_some());
    (wanted.born.is_some() && !is_recorded).then(|| Change {
        path: "mark/born".to_owned(),
        from: None,
        to: Some("what the machine was made with".to_owned()),
        impact: Impact::Live,
        reason: Some("an earlier version of fmc did not record it".to_owned()),
    })
}

/// A guest loses its link when its network is restarted, until the guest itself is restarted. An apply that
/// was cut between the two leaves such guests.
fn plugged_in(mut changes: Vec<Change>, wanted: &DomainDocument, seen: &DomainObject) -> Vec<Change> {
    let starts = seen.record.active && wanted.power == Power::Running;
    let stops = changes.iter().any(|change| change.impact >= Impact::Restart);
    if starts && !stops {
        changes.extend(seen.unplugged.iter().map(|network| Change {
            path: format!("network/{network}"),
            from: Some("unplugged".to_owned()),
            to: Some("plugged in".to_owned()),
            impact: Impact::Restart,
            reason: Some("it was stopped while the guest ran".to_owned()),
        }));
    }
    changes
}

/// A restarted network has lost its guests: they have to restart too.
fn unplugged(mut changes: Vec<Change>, seen: &NetworkObject) -> Vec<Change> {
    for change in changes.iter_mut().filter(|change| change.path == "active" && seen.plugged) {
        change.impact = Impact::Restart;
        change.reason = Some("running guests have lost it".to_owned());
    }
    if !seen.is_served {
        changes.push(Change {
            path: DNSMASQ.to_owned(),
            from: Some("ended".to_owned()),
            to: Some("running".to_owned()),
            impact: Impact::Live,
            reason: Some("guests get their addresses and names of it".to_owned()),
        });
    }
    if !seen.has_bridge {
        changes.push(Change {
            path: "bridge".to_owned(),
            from: Some("deleted".to_owned()),
            to: seen.record.live_xml.as_deref().and_then(own_bridge),
            impact: Impact::Restart,
            reason: Some("libvirt makes it when the network starts".to_owned()),
        });
    }
    changes
}

/// A pool cannot be replaced while it has volumes.
fn pool_verdict(changes: Vec<Change>) -> Verdict {
    match changes.iter().find(|change| change.impact >= Impact::Restart) {
        Some(change) => Verdict::Refused(format!(
            "{change}: move the volumes and define the pool there by hand, or give the host the base folder that it has"
        )),
        None => verdict(changes),
    }
}

fn taken(what: &str, name: &str, owner: &Owner) -> Option<Verdict> {
    let by = match owner {
        Owner::Us => return None,
        Owner::Other(owner) => {
            return Some(Verdict::Refused(format!(
                "the host has a {what} {name} already, and it belongs to the owner {owner}: give ours another name, or remove that \
                 one by hand; if it is this cloud's, from before its name changed, `owner: {owner}` (`.owner(\"{owner}\")` in \
                 Rust) keeps it"
            )));
        }
        Owner::Elsewhere(host) => {
            format!("it belongs to the host {host} of this cloud, which is the same hypervisor")
        }
        Owner::Copied => "it is a copy of one of this cloud's, made by hand".to_owned(),
        Owner::Unmarked => "it is not fmc's".to_owned(),
    };
    Some(Verdict::Refused(format!(
        "the host has a {what} {name} already, and {by}: give ours another name, or remove that one by hand"
    )))
}

/// A machine of ours that has the name, and was made as another one.
fn another_machine(wanted: &DomainDocument, seen: &DomainObject) -> Option<Verdict> {
    let (name, first, was) = (&wanted.name, &wanted.first, seen.first());
    if seen.is_machine(wanted) {
        return None;
    }
    Some(Verdict::Refused(if first == name {
        format!(
            "the machine {name} that is there was called {was} first, and has the UUID, MACs and disks of that name: say \
             {was} as its `formerly` (it may stay there for ever), or give the new machine another name"
        )
    } else {
        format!(
            "the machine {name} that is there is not the one that was called {first}: leave `formerly` out; or, to rename \
             {first}, remove that machine first (an apply without it)"
        )
    }))
}

/// Names of all machines change on the host with `prefixed`.
fn prefixed(wanted: &DomainDocument, seen: &DomainObject) -> Option<Verdict> {
    let mark = seen.mark.as_ref()?;
    let is_prefixed = mark.name() == &*wanted.name && mark.name_of(&seen.record.name).is_some();
    is_prefixed.then(|| renamed("domain", &wanted.on_host, &seen.record.name)).flatten()
}

/// A machine that was renamed on the host has a mark with its earlier name, if the apply was cut.
fn remarked(wanted: &DomainDocument, seen: &DomainObject) -> Option<Change> {
    let mark = seen.mark.as_ref()?;
    let is_cut = mark.name() != &*wanted.name
        && seen.record.name == *wanted.on_host
        && wanted.xml != seen.record.xml.as_str().into();
    is_cut.then(|| Change {
        path: "mark/name".to_owned(),
        from: Some(mark.name().to_owned()),
        to: Some(wanted.name.to_string()),
        impact: Impact::Live,
        reason: Some("renamed".to_owned()),
    })
}

/// libvirt cannot rename a network.
fn renamed(what: &str, wanted: &str, seen: &str) -> Option<Verdict> {
    (wanted != seen).then(|| {
        Verdict::Refused(format!(
            "the {what} is called {seen} on the host and would be called {wanted}, and nothing is renamed there: \
             leave `prefixed` as it was, or destroy the cloud first (its data disks stay)"
        ))
    })
}

pub(super) fn suffers(object: &Object, from: &Address, impact: Impact) -> Option<Change> {
    let Object::Domain(domain) = object else { return None };
    let why = if impact >= Impact::Replace { "is replaced" } else { "restarts" };
    domain.record.active.then(|| Change {
        path: from.short().to_string(),
        from: None,
        to: None,
        impact: Impact::Restart,
        reason: Some(format!("it {why}, and a guest that is plugged into it would lose it")),
    })
}

pub(super) fn part_of(at: &Address, object: &Object) -> Option<String> {
    let machine = match object {
        Object::Domain(_) => at.name(),
        Object::Volume(volume) => volume.machine.as_deref()?,
        Object::Pool(_) | Object::Network(_) | Object::Image(_) => return None,
    };
    Some(format!("machine/{machine}"))
}

pub(super) fn notes(document: &Document, object: &Object) -> Vec<Note> {
    let (Document::Domain(wanted), Object::Domain(seen)) = (document, object) else { return Vec::new() };
    if seen.owner != Owner::Us {
        return Vec::new();
    }
    pending(wanted, seen).into_iter().chain(snapshots(wanted, seen)).collect()
}

/// The snapshots inside the disks of a machine, which go with its root.
fn snapshots(wanted: &DomainDocument, seen: &DomainObject) -> Option<Note> {
    let snapshots = seen.snapshots();
    let text = format!(
        "it has snapshots inside its disks, which go with its root when it is replaced or removed: {snapshots}"
    );
    let about = About::machine(&*wanted.name);
    (!snapshots.is_empty()).then_some(Note { about, kind: NoteKind::Notice, text })
}

fn pending(wanted: &DomainDocument, seen: &DomainObject) -> Option<Note> {
    let changes = pending_boot(wanted, &seen.record);
    if changes.is_empty() {
        return None;
    }
    let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
    Some(Note { about: About::machine(&*wanted.name), kind: NoteKind::PendingBoot, text: words.join(", ") })
}

fn size(bytes: u64) -> String {
    Size::bytes(bytes).to_string()
}
