//! A draft with one setting of each kind: what follows from its declaration.

#![expect(unreachable_pub, reason = "the setters of a draft are public, and this one is not")]

use super::{Look, Nouns, Setting};
use crate::addr::Ip;
use crate::draft::{choice, draft};
use crate::finding::{At, Finding, problems};
use crate::given::{Given, Noun};
use crate::image::Image;
use crate::machine::Interface;
use crate::name::{HostName, MachineName, NetworkName};
use crate::named::{Keyed as _, Named};
use crate::rust::Names;
use crate::unit::{Cpus, Size, SizeExt as _};

#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum Colour {
    #[default]
    Red,
    Blue,
}

choice!(Colour);

draft! {
    /// A thing.
    struct Thing {
        /// Its name.
        #[key]
        name: Given<MachineName>,
        /// Its parts.
        #[needed]
        image: Image,
        /// A leaf that may be left out.
        #[rule(is_even)]
        cpus: Option<Given<Cpus>>,
        /// A reference.
        host: Option<Given<HostName>>,
        /// A switch that is on.
        on: bool = true,
        /// A switch that is off.
        #[switch(loud)]
        loud: bool,
        /// A choice.
        #[setter(painted)]
        trim: Option<Colour>,
        /// A choice with a default.
        colour: Colour,
        /// A list.
        #[list]
        resolvers: Vec<Given<Ip>>,
        /// Sizes, one by one.
        #[each(size)]
        sizes: Vec<Given<Size>>,
        /// Drafts.
        #[each(interface, map_interfaces)]
        interfaces: Vec<Interface>,
        /// Drafts by name.
        #[each(part)]
        parts: Named<Part>,
        /// A text.
        note: String,
    }

    /// A thing of an image.
    fn new(..);
}

draft! {
    /// A part.
    struct Part {
        /// Its name.
        #[key]
        name: Given<NetworkName>,
    }

    /// A part of a name.
    fn new(..);
}

fn is_even(cpus: &Option<Given<Cpus>>, at: &At<'_>, findings: &mut Vec<Finding>) {
    if cpus.as_ref().and_then(Given::ok).is_some_and(|cpus| cpus.get() % 2 == 1) {
        findings.push(TestProblem::Odd.at(at));
    }
}

problems! {
    /// The findings of the test's own rules.
    enum TestProblem {
        Odd is ValueInvalid:
            "it is odd",
            "write an even number";
        Missing { name: String } is ReferenceUnknown:
            "there is no {name}",
            "add it";
    }
}

/// A cloud with one host, `local`.
struct OneHost;

impl Nouns for OneHost {
    fn has(&self, noun: Noun, name: &str) -> bool {
        (noun, name) == (Noun::Host, "local")
    }

    fn missing(&mut self, _: Noun, name: &str, at: &At<'_>) -> Option<Finding> {
        Some(TestProblem::Missing { name: name.to_owned() }.at(at))
    }
}

fn whole() -> Thing {
    Thing::new("web", Image::blank())
        .cpus(2)
        .host("local")
        .on(false)
        .loud()
        .painted(Colour::Red)
        .colour(Colour::Blue)
        .resolvers(["9.9.9.9", "2620:fe::fe"])
        .size(2.gib())
        .interface(Interface::on("lab").address("10.17.3.10"))
        .part(Part::new("lab"))
        .note("a \"note\"")
}

fn found(thing: &Thing) -> Vec<(String, String)> {
    let findings = looked_at(thing, "thing", &mut OneHost);
    findings.into_iter().map(|finding| (finding.at().to_owned(), finding.message().to_owned())).collect()
}

fn looked_at(value: &impl Setting, key: &str, nouns: &mut dyn Nouns) -> Vec<Finding> {
    let mut findings = Vec::new();
    value.look(&At::ROOT.key(key), &mut Look { findings: &mut findings, nouns });
    findings
}

/// Says nothing about names that lead nowhere.
struct Silent;

impl Nouns for Silent {
    fn has(&self, _: Noun, _: &str) -> bool {
        false
    }

    fn missing(&mut self, _: Noun, _: &str, _: &At<'_>) -> Option<Finding> {
        None
    }
}

/// The leaves that are wrong in a value at a key, by their paths, sorted.
pub(crate) fn wrong_leaves(value: &impl Setting, key: &str) -> Vec<String> {
    let mut at: Vec<String> =
        looked_at(value, key, &mut Silent).into_iter().map(|finding| finding.at().to_owned()).collect();
    at.sort_unstable();
    at
}

#[test]
fn a_file_says_what_is_not_the_default_and_reads_it_back() {
    assert_eq!(
        serde_json::to_value(Thing::new("web", Image::blank())).unwrap(),
        serde_json::json!({"image": {"os": "none"}})
    );
    let written = serde_json::to_value(whole()).unwrap();
    assert_eq!(
        (&written["on"], &written["loud"], &written["trim"]),
        (&false.into(), &true.into(), &"red".into())
    );
    let read: Thing = serde_json::from_value(written).unwrap();
    assert_eq!(read.with_name("web".into()), whole());
    let wrong = serde_json::from_str::<Thing>(r#"{"image": {"os": "none"}, "nots": ""}"#).unwrap_err();
    assert!(wrong.to_string().starts_with("unknown field `nots`"), "{wrong}");
    let wrong = serde_json::from_str::<Thing>("{}").unwrap_err();
    assert!(wrong.to_string().starts_with("missing field `image`"), "{wrong}");
}

#[test]
fn every_setting_is_looked_at_where_it_is() {
    let wrong = whole()
        .cpus(3)
        .host("elsewhere")
        .resolvers(["here"])
        .size("2 GB")
        .map_interfaces(|interface| interface.mac("no"))
        .part(Part::new("no_name"))
        .note("two\nlines");
    let at: Vec<String> = found(&wrong).into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        at,
        [
            "thing.cpus",
            "thing.host",
            "thing.resolvers[0]",
            "thing.sizes[1]",
            "thing.interfaces[0].network",
            "thing.interfaces[0].mac",
            "thing.parts.no_name",
            "thing.note",
        ]
    );
}

#[test]
fn a_reference_must_lead_to_its_noun() {
    let at_network = ("thing.interfaces[0].network".to_owned(), "there is no lab".to_owned());
    assert_eq!(found(&whole()), std::slice::from_ref(&at_network));
    assert_eq!(
        found(&whole().host("elsewhere")),
        [("thing.host".to_owned(), "there is no elsewhere".to_owned()), at_network]
    );
}

#[test]
fn rust_says_what_is_not_the_default() {
    let constants = Names::from([("lab".to_owned(), "LAB".to_owned())]);
    assert_eq!(
        Thing::new("web", Image::blank()).rust(&constants).unwrap().line(),
        "Thing::new(\"web\", Image::blank())"
    );
    assert_eq!(
        whole().rust(&constants).unwrap().line(),
        "Thing::new(\"web\", Image::blank()).cpus(2).host(\"local\").on(false).loud().painted(Colour::Red)\
         .colour(Colour::Blue).resolvers([\"9.9.9.9\", \"2620:fe::fe\"]).size(2.gib())\
         .interface(Interface::on(LAB).address(\"10.17.3.10\")).part(Part::new(LAB)).note(\"a \\\"note\\\"\")"
    );
}

#[cfg(feature = "schema")]
#[test]
fn the_schema_has_every_setting_with_its_documentation() {
    let schema = schemars::schema_for!(Thing).to_value();
    let described = |setting: &str| schema["properties"][setting]["description"].as_str();
    assert_eq!(described("cpus"), Some("A leaf that may be left out."));
    assert_eq!(described("loud"), Some("A switch that is off."));
    assert_eq!(described("name"), None, "it is the key of a map");
    assert_eq!(schema["required"], serde_json::json!(["image"]));
}
