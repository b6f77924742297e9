//! Our mark on domains and networks: one element in libvirt's `<metadata>` that records the object's owner.
//!
//! There is no state file: our objects record their owner themselves. The mark is for people and for
//! ownership; plans are decided by the document without it.
//!
//! # What the mark carries
//!
//! `destroy`, and the removal of a machine, must know the machine's grace period and its memberships although
//! the cloud no longer describes it. So the mark records how the machine is stopped, and its groups: a plan
//! that removes a K3s server must tell what happens to its etcd member.
//!
//! It also records what the machine was made with, in an element of its own: see [`Born`].

mod born;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fmc_core::boot::Born;
use fmc_core::graph::{Address, Fingerprint};
use fmc_core::machine::{Power, Shutdown};
use fmc_core::role::Membership;
use fmc_core::secret::RootKeyCheck;

use crate::xml::{Element, Outline, Writer};

/// The namespace of our element. It contains the version of its format and never changes.
pub const NAMESPACE: &str = "urn:fmc:mark:1";

const ELEMENT: &str = "fmc:mark";
const FINGERPRINT: &str = "fingerprint";
const ROOT_KEY: &str = "root-key";
const SIZES: &str = "sizes";

/// The content of the mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// The owner.
    pub owner: String,
    /// Its address, as `libvirt/local/domain/web`.
    pub address: String,
    /// The fingerprint of the document that was compiled, for display.
    pub fingerprint: String,
    /// The name that a domain's machine had first, if it is called otherwise now: its UUID and its volumes have that one.
    pub first: Option<String>,
    /// Whether it is of a lab, a cloud's small copy.
    pub lab: bool,
    /// The digest of a domain's image, shortened.
    pub image: Option<String>,
    /// The digest of a domain's boot configuration, shortened.
    pub config: Option<String>,
    /// How to stop a domain when it is no longer wanted and has no document: see [`Mark::shutdown`].
    pub shutdown: Option<String>,
    /// The memberships of a domain's machine.
    pub memberships: Vec<Membership>,
    /// The check of the root key from which the secrets of a domain's machine were made.
    pub root_key: Option<RootKeyCheck>,
    /// The sizes of the data disks of a domain's machine in bytes, by name, as fmc made or grew them.
    pub sizes: BTreeMap<String, u64>,
    /// The birth facts of a domain's machine; `None` if they are not known, as in the mark of an earlier version.
    pub born: Option<Arc<Born>>,
}

impl Mark {
    /// The mark in a libvirt document; `None` if there is none, or if its format is unknown.
    ///
    /// ```
    /// use fmc_libvirt::mark::Mark;
    ///
    /// let xml = "<domain><name>web</name><metadata><fmc:mark xmlns:fmc='urn:fmc:mark:1' owner='first' \
    ///            address='libvirt/local/domain/web' fingerprint='00'/></metadata></domain>";
    /// assert_eq!(Mark::read(xml).map(|mark| mark.owner), Some("first".to_owned()));
    /// assert_eq!(Mark::read("<domain><name>web</name></domain>"), None);
    /// ```
    pub fn read(xml: &str) -> Option<Self> {
        let outline = Outline::read(xml.get(Outline::place(xml, &["metadata"])?)?)?;
        let mark = outline.root().children_named("mark").find(|mark| mark.namespace() == Some(NAMESPACE))?;
        let text = |name| mark.attribute(name).map(str::to_owned);
        Some(Self {
            owner: text("owner")?,
            address: text("address")?,
            fingerprint: text("fingerprint")?,
            first: text("first"),
            lab: mark.attribute("lab") == Some("yes"),
            image: text("image"),
            config: text("config"),
            shutdown: text("shutdown"),
            memberships: mark.attribute("roles").map(Membership::all_of).unwrap_or_default(),
            root_key: mark.attribute(ROOT_KEY).and_then(RootKeyCheck::recorded),
            sizes: mark.attribute(SIZES).map(sizes_of).unwrap_or_default(),
            born: mark.children_named(born::NAME).find_map(born::read).map(Arc::new),
        })
    }

    /// The name in the address: the cloud's name of the object, which may differ from its name on the host.
    pub(crate) fn name(&self) -> &str {
        self.address.rsplit('/').next().unwrap_or_default()
    }

    /// The name that its identity is made from.
    pub(crate) fn first(&self) -> &str {
        self.first.as_deref().unwrap_or_else(|| self.name())
    }

    /// The host in the address.
    pub(crate) fn host(&self) -> Option<&str> {
        self.address.split('/').nth(1)
    }

    /// The cloud's name of an object with this name on its host; `None` if the mark belongs to another
    /// object, as in a manual copy.
    pub(crate) fn name_of(&self, on_host: &str) -> Option<&str> {
        let name = self.name();
        let plain = on_host.strip_prefix(&self.owner).and_then(|rest| rest.strip_prefix('-'));
        (on_host == name || plain == Some(name)).then_some(name)
    }

    /// How a domain is stopped: `60` asks it and waits that many seconds before force, `60!` never uses
    /// force.
    pub fn shutdown(&self) -> Option<Shutdown> {
        let text = self.shutdown.as_deref()?;
        match text.strip_suffix('!') {
            Some(seconds) => Some(Shutdown::never_force(seconds.parse().ok()?)),
            None => Some(Shutdown::grace(text.parse().ok()?)),
        }
    }
}

/// The machine's part of a domain's mark.
pub(crate) struct MachineMark<'a> {
    pub(crate) first: Option<&'a str>,
    pub(crate) lab: bool,
    pub(crate) image: &'a str,
    pub(crate) config: Option<&'a str>,
    pub(crate) shutdown: Shutdown,
    pub(crate) memberships: &'a [Membership],
    pub(crate) born: &'a Born,
}

/// Writes the `<metadata>` of a document, with a fingerprint that [`sealed`] fills in.
pub(crate) fn write(w: &mut Writer, owner: &str, address: &Address, machine: Option<&MachineMark<'_>>) {
    w.el("metadata", |w| {
        w.el(ELEMENT, |w| {
            w.attr("xmlns:fmc", NAMESPACE);
            w.attr("owner", owner);
            w.attr("address", address);
            w.seal(FINGERPRINT);
            let Some(machine) = machine else { return };
            if let Some(first) = machine.first {
                w.attr("first", first);
            }
            if machine.lab {
                w.attr("lab", "yes");
            }
            w.attr("image", machine.image);
            if let Some(config) = machine.config {
                w.attr("config", config);
            }
            let force = if machine.shutdown.forces() { "" } else { "!" };
            w.attr("shutdown", format_args!("{}{force}", machine.shutdown.seconds()));
            if !machine.memberships.is_empty() {
                let words: Vec<String> = machine.memberships.iter().map(ToString::to_string).collect();
                w.attr("roles", words.join(" "));
            }
            born::write(w, machine.born);
        });
    });
}

/// A document whose mark has its fingerprint: that of the document and of the settings beside it.
pub(crate) fn sealed(name: &str, beside: &str, inside: impl FnOnce(&mut Writer)) -> String {
    Writer::sealed(name, inside, |xml| fingerprint_of(xml, beside))
}

fn fingerprint_of(xml: &str, beside: &str) -> String {
    Fingerprint::of(format!("{xml}{beside}").as_bytes()).to_string()
}

/// The settings beside a document, for its seal: empty if it runs and starts with its host.
pub(crate) fn beside(power: Power, autostart: bool) -> String {
    if (power, autostart) == (Power::Running, true) {
        String::new()
    } else {
        format!("power={power:?} autostart={autostart}")
    }
}

/// The mark in a document of ours.
pub(crate) fn of_document(document: &mut Element) -> Option<&mut Element> {
    document.at("metadata")?.at(ELEMENT)
}

/// Keeps the memberships that the guest has by its birth: it is a member until it is replaced, although the cloud may want
/// it to be none, or to have its state elsewhere.
pub(crate) fn keep_members(own: &mut Element, was: &Mark) {
    const ROLES: &str = "roles";
    let is_one = |one: &Membership, other: &Membership| {
        (one.kind(), one.instance()) == (other.kind(), other.instance())
    };
    let born = was.born.iter().flat_map(|born| &*born.roles);
    let kept: Vec<&Membership> = born
        .filter_map(|role| {
            let is_born = |member: &&Membership| {
                *member.kind() == role.kind && member.instance() == role.instance.as_deref()
            };
            was.memberships.iter().find(is_born)
        })
        .collect();
    if kept.is_empty() {
        return;
    }
    let mut members = own.attribute(ROLES).map(|text| Membership::all_of(text)).unwrap_or_default();
    for kept in kept {
        match members.iter_mut().find(|member| is_one(member, kept)) {
            Some(member) => *member = member.clone().with_state_kept(kept.keeps_state()),
            None => members.push(kept.clone()),
        }
    }
    let words: Vec<String> = members.iter().map(ToString::to_string).collect();
    own.set_attribute(ROLES, words.join(" "));
}

/// A domain's document with what tells the root key of its machine. It stands outside of the seal, because only an apply knows it.
pub(crate) fn with_root_key(xml: &str, check: &RootKeyCheck) -> String {
    let Some(mut document) = Element::read(xml) else { return xml.to_owned() };
    if let Some(own) = of_document(&mut document) {
        own.set_attribute(ROOT_KEY, check.to_string());
    }
    document.write()
}

/// A domain's document with how large the data disks of its machine are. It stands outside of the seal, because a disk grows
/// without a change of its domain. Nothing but the mark is written anew: the rest is what a step expects to find.
pub(crate) fn with_sizes<'x>(xml: &'x str, sizes: &BTreeMap<String, u64>) -> Cow<'x, str> {
    let written = || {
        let place = Outline::place(xml, &["metadata", ELEMENT])?;
        let (before, after) = (xml.get(..place.start)?, xml.get(place.end..)?);
        let mut own = Element::read(xml.get(place)?)?;
        let words: Vec<String> = sizes.iter().map(|(disk, bytes)| format!("{disk}={bytes}")).collect();
        own.set_attribute(SIZES, words.join(" "));
        Some(format!("{before}{}{after}", own.write().trim_end()))
    };
    let written = if sizes.is_empty() { None } else { written() };
    written.map_or(Cow::Borrowed(xml), Cow::Owned)
}

fn sizes_of(text: &str) -> BTreeMap<String, u64> {
    let words = text.split(' ').filter_map(|word| word.split_once('='));
    words.filter_map(|(disk, bytes)| Some((disk.to_owned(), bytes.parse().ok()?))).collect()
}

/// Replaces what the mark of a domain says that its machine was made with.
pub(crate) fn set_born(document: &mut Element, born: Option<&Born>) {
    let Some(mark) = of_document(document) else { return };
    mark.remove(born::ELEMENT, |_| true);
    if let Some(element) = born.and_then(born::element) {
        mark.push(element);
    }
}

/// Writes a changed document with a new seal.
pub(crate) fn resealed(mut document: Element, beside: &str) -> String {
    let mut seal = |value: &str| {
        if let Some(own) = of_document(&mut document).and_then(|mark| mark.attribute(FINGERPRINT)) {
            value.clone_into(own);
        }
        document.write()
    };
    let unsealed = seal("");
    seal(&fingerprint_of(&unsealed, beside))
}

/// Whether a document's mark differs from the wanted one: the object was made from another document.
pub(crate) fn is_stale(seen: &str, wanted: &str) -> bool {
    let of = |xml| Mark::read(xml).map(|mark| mark.fingerprint);
    of(seen) != of(wanted)
}

/// The fingerprint of a document as it was read, without our mark, and of the object's other state, for
/// example whether it runs. Two reads of an unchanged object give the same fingerprint.
pub fn fingerprint(xml: &str, state: &str) -> Fingerprint {
    let mark = Outline::place(xml, &["metadata", ELEMENT]).unwrap_or(xml.len()..xml.len());
    let before = xml.get(..mark.start).unwrap_or_default();
    let after = xml.get(mark.end..).unwrap_or_default();
    let mut all = String::with_capacity(xml.len() + state.len() + 2);
    for part in [before, after, "\n\n", state] {
        all.push_str(part);
    }
    Fingerprint::of(all.as_bytes())
}

#[cfg(test)]
mod tests {
    use fmc_core::graph::Place;

    use super::*;

    fn document(image: &str, memory: u32) -> String {
        let address = Address::new(Place::new("libvirt", "local"), "domain", "web");
        sealed("domain", "", |w| {
            w.leaf("name", "web");
            let machine = MachineMark {
                first: None,
                lab: false,
                image,
                config: None,
                shutdown: Shutdown::never_force(7),
                memberships: &["directory/prod/disk".parse().unwrap(), "cache/eu".parse().unwrap()],
                born: &Born::default(),
            };
            write(w, "first", &address, Some(&machine));
            w.leaf("memory", memory);
        })
    }

    #[test]
    fn a_seal_is_of_the_document_and_of_what_is_beside_it() {
        let reseal = |xml: &str, beside: &str| resealed(Element::read(xml).unwrap(), beside);
        let sealed = document("abc", 1);
        assert_eq!(reseal(&sealed, ""), sealed);
        let off = reseal(&sealed, &beside(Power::Stopped, true));
        assert!(is_stale(&off, &sealed) && !is_stale(&reseal(&off, ""), &sealed));
        assert_eq!(reseal(&sealed, &beside(Power::Running, true)), sealed);
        assert_ne!(beside(Power::Running, false), beside(Power::Stopped, true));
        assert_eq!(reseal("<domain/>", ""), "<domain/>\n");
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let mark = Mark::read(&document("abc", 1)).unwrap();
        assert_eq!(mark.owner, "first");
        assert_eq!(mark.address, "libvirt/local/domain/web");
        assert_eq!(mark.image.as_deref(), Some("abc"));
        assert_eq!(mark.config, None);
        assert_eq!(mark.shutdown(), Some(Shutdown::never_force(7)));
        let memberships: Vec<String> = mark.memberships.iter().map(ToString::to_string).collect();
        assert_eq!(memberships, ["directory/prod/disk", "cache/eu"]);
        assert_eq!(mark.fingerprint.len(), 32);
        assert_ne!(mark.fingerprint, Mark::read(&document("abc", 2)).unwrap().fingerprint);
    }

    #[test]
    fn sizes_change_nothing_but_the_mark() {
        let xml = document("abc", 1).replace("  <memory>", "<other/>\n <memory>");
        let sizes = BTreeMap::from([("data".to_owned(), 50 << 30), ("log".to_owned(), 1)]);
        let with = with_sizes(&xml, &sizes);
        assert_eq!(Mark::read(&with).unwrap(), Mark { sizes, ..Mark::read(&xml).unwrap() });
        assert_eq!(fingerprint(&with, ""), fingerprint(&xml, ""));
        assert!(!is_stale(&with, &xml));
        assert_eq!(with_sizes(&with, &BTreeMap::from([("data".to_owned(), 7)])).matches("sizes=").count(), 1);
        assert_eq!(with_sizes(&xml, &BTreeMap::new()), xml);
    }

    #[test]
    fn a_fingerprint_is_of_all_but_the_mark() {
        let of = |image, memory| fingerprint(&document(image, memory), "running");
        assert_eq!(of("abc", 1), of("def", 1));
        assert_ne!(of("abc", 1), of("abc", 2));
        assert_ne!(of("abc", 1), fingerprint(&document("abc", 1), "stopped"));
    }

    #[test]
    fn a_text_that_looks_like_a_mark_is_part_of_the_fingerprint() {
        let of = |inside: &str| {
            fingerprint(&format!("<domain>{inside}<metadata><fmc:mark a='1'/></metadata></domain>"), "")
        };
        let look = |a: &str| of(&format!("<!-- <metadata><fmc:mark a='{a}'/></metadata> -->"));
        assert_ne!(look("1"), look("2"));
        let nested = |a: &str| of(&format!("<x><metadata><fmc:mark a='{a}'/></metadata></x>"));
        assert_ne!(nested("1"), nested("2"));
    }

    #[test]
    fn only_our_own_element_is_a_mark() {
        let wrap = |metadata: &str| format!("<domain><metadata>{metadata}</metadata></domain>");
        let attributes = "owner='a' address='b' fingerprint='c'";
        assert!(Mark::read(&wrap(&format!("<m:mark xmlns:m='{NAMESPACE}' {attributes}/>"))).is_some());
        assert_eq!(Mark::read(&wrap(&format!("<fmc:mark xmlns:fmc='urn:other' {attributes}/>"))), None);
        assert_eq!(
            Mark::read(&wrap(&format!(
                "<o:x xmlns:o='urn:o'><m:mark xmlns:m='{NAMESPACE}' {attributes}/></o:x>"
            ))),
            None
        );
        assert_eq!(Mark::read("<domain><description>&lt;metadata></description></domain>"), None);
    }
}
