//! The output of `--json` agrees with `docs/json.md`, key by key.

use std::collections::{BTreeMap, BTreeSet};

use fmc::finding::Finding;
use fmc::graph::{AboutKind, Action, Event, Impact, NoteKind, Why};
use fmc::json::{CheckedView, DriftObject, FindingView, Line, PageView, PlanObject, StatusObject, Versioned};
use fmc::prelude::*;
use serde_json::Value;

use crate::stage::{Stage, cloud, machine, refused};

const PAGE: &str = include_str!("../../docs/json.md");

/// The tables of the page.
pub(crate) struct Page {
    /// The keys of each object, each with its type and whether it may be missing.
    objects: BTreeMap<&'static str, BTreeMap<&'static str, (&'static str, bool)>>,
    /// The possible words of a type.
    words: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Page {
    pub(crate) fn read() -> Self {
        let mut page = Self { objects: BTreeMap::new(), words: BTreeMap::new() };
        let mut object = "";
        for line in PAGE.lines() {
            if let Some(head) = line.strip_prefix("# ") {
                object = if head == "Words" { "words" } else { "" };
            } else if let Some(head) = line.strip_prefix("## ") {
                object = head.trim();
                assert!(page.objects.insert(object, BTreeMap::new()).is_none(), "{object} is there twice");
            } else if let Some(row) = line.strip_prefix("| ").filter(|row| !row.starts_with("--")) {
                let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
                if object == "words" {
                    let words = cells[1].split(", ").map(|word| word.trim_matches('`'));
                    page.words.insert(cells[0], words.collect());
                } else if let Some((key, rest)) =
                    cells[0].strip_prefix('`').and_then(|cell| cell.split_once('`'))
                {
                    let keys = page.objects.get_mut(object).unwrap();
                    assert!(keys.insert(key, (cells[1], rest.trim() == "?")).is_none(), "{object}.{key}");
                }
            }
        }
        page
    }

    /// Fails unless a value has all keys of an object and no others, each of its type.
    pub(crate) fn object(&self, object: &str, value: &Value) {
        let keys = self.objects.get(object).unwrap_or_else(|| panic!("the page has no {object}: {value}"));
        let has = value.as_object().unwrap_or_else(|| panic!("{object} is no object: {value}"));
        for (key, value) in has {
            let (kind, _) =
                keys.get(key.as_str()).unwrap_or_else(|| panic!("{object} has no {key} on the page"));
            self.value(kind, value, &format!("{object}.{key}"));
        }
        for (key, (_, may_be_missing)) in keys {
            assert!(*may_be_missing || has.contains_key(*key), "{object} lacks {key}: {value}");
        }
        if has.contains_key("version") {
            assert_eq!(value["version"], 1, "{object}");
        }
    }

    fn value(&self, kind: &str, value: &Value, at: &str) {
        if let Some(kind) = kind.strip_suffix(" or null") {
            if !value.is_null() {
                self.value(kind, value, at);
            }
            return;
        }
        if let Some(kind) = kind.strip_prefix("list of ") {
            let list = value.as_array().unwrap_or_else(|| panic!("{at} is no list: {value}"));
            return list.iter().for_each(|value| self.value(kind, value, at));
        }
        if let Some(kind) = kind.strip_prefix("map of ") {
            let map = value.as_object().unwrap_or_else(|| panic!("{at} is no map: {value}"));
            return map.values().for_each(|value| self.value(kind, value, at));
        }
        match kind {
            "string" => assert!(value.is_string(), "{at}: {value}"),
            "number" => assert!(value.is_u64(), "{at}: {value}"),
            "boolean" => assert!(value.is_boolean(), "{at}: {value}"),
            "any" => {}
            words if self.words.contains_key(words) => {
                assert!(self.words[words].contains(value.as_str().unwrap()), "{at}: {value}");
            }
            object => self.object(&format!("`{object}`"), value),
        }
    }

    /// Fails unless a type has exactly these words.
    fn has_words(&self, kind: &str, all: &[impl serde::Serialize]) {
        let all = serde_json::to_value(all).unwrap();
        let all: BTreeSet<&str> = all.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(self.words[kind], all, "{kind}");
    }

    /// Checks lines of events, and gives the names of the events.
    fn events(&self, lines: &str) -> Vec<String> {
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| {
                let event = line["event"].as_str().unwrap().to_owned();
                self.object(&format!("event `{event}`"), &line);
                event
            })
            .collect()
    }
}

#[test]
fn every_key_that_is_written_is_on_the_page() {
    let page = Page::read();
    let stage = Stage::new();
    let json = |cloud: Cloud, command: &str| -> Value {
        serde_json::from_str(&stage.run(cloud, &format!("{command} --json")).out).unwrap()
    };
    let full = || cloud().network(Network::routed("far", "10.17.9.0/24"));
    page.object("`plan-object`", &json(full(), "plan"));
    stage.done(full(), "apply");
    page.object("`plan-object`", &json(full(), "plan --set machines.web.memory=3GiB --replace db"));
    page.object("`plan-object`", &json(Cloud::new("first").host(Host::local()), "plan"));
    page.object("`status-object`", &json(full(), "status"));
    let file = fmc_libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    fmc_libvirt::link::Link::destroy_domain(file.sim(), "web").unwrap();
    file.save().unwrap();
    drop(file);
    let drift = json(full(), "drift");
    assert_eq!(drift["drift"].as_array().unwrap().len(), 1);
    page.object("`drift-object`", &drift);
    stage.done(full(), "destroy");
    page.object("`status-object`", &json(full(), "status"));
    page.object("`index`", &json(full(), "compile --out out"));
    page.object("`page`", &json(full(), "explain address-duplicate"));
    page.object("`pages`", &json(full(), "explain"));
    let findings = json(refused(), "check");
    assert!(!findings.as_array().unwrap().is_empty());
    findings.as_array().unwrap().iter().for_each(|finding| page.object("`finding`", finding));
}

#[test]
fn every_event_that_is_written_is_on_the_page() {
    let page = Page::read();
    let mut seen = BTreeSet::new();
    let stage = Stage::new();
    let first = page.events(&stage.run(cloud(), "apply --json").out);
    assert_eq!((first.first().unwrap().as_str(), first.last().unwrap().as_str()), ("plan", "outcome"));
    seen.extend(first);
    // Only a guest that is asked to shut down gives this event.
    let stopped = "apply --json --replace web";
    seen.extend(page.events(&stage.run(cloud(), stopped).out));
    seen.extend(page.events(&stage.run(cloud(), "destroy --json --delete-data all").out));

    let file = fmc_libvirt::sim::file::SimFile::open(stage.path().join("first.sim.json"), "a test").unwrap();
    file.sim().room("/var/lib/libvirt/images/fmc-first", 1 << 10);
    file.save().unwrap();
    drop(file);
    let full =
        cloud().machine(machine("full", "10.17.3.13").disk(Disk::new("data", 5.gib()).fully_allocated()));
    let failed = stage.run(full, "apply --json");
    assert_eq!(failed.code, 1, "{failed:?}");
    seen.extend(page.events(&failed.out));
    for event in ["plan", "started", "doing", "done", "failed", "skipped", "outcome"] {
        assert!(seen.contains(event), "no run wrote {event}");
    }

    let stage = Stage { impatient: true, ..Stage::new() };
    let stopped = stage.run(cloud(), "apply --json").out;
    page.events(&stopped);
    let last: Value = serde_json::from_str(stopped.lines().last().unwrap()).unwrap();
    assert_eq!((&last["stopped"], &last["done"]), (&true.into(), &0.into()));
}

/// Deserializes a command's output, and serializes it again.
fn round<T: serde::Serialize + serde::de::DeserializeOwned>(value: &Value) -> T {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
    assert_eq!(&serde_json::to_value(&read).unwrap(), value);
    read
}

#[test]
fn what_is_written_is_read_as_its_type_and_written_again() {
    let stage = Stage::new();
    let json = |cloud: Cloud, command: &str| -> Value {
        serde_json::from_str(&stage.run(cloud, &format!("{command} --json")).out).unwrap()
    };
    let plan: Versioned<PlanObject> = round(&json(cloud(), "plan"));
    assert_eq!(plan.version, fmc::json::VERSION);
    assert!(plan.value.plan.counts.create > 0 && !plan.value.plan.steps.is_empty());
    let lines: Vec<Versioned<Line>> = stage
        .run(cloud(), "apply --json")
        .out
        .lines()
        .map(|line| round(&serde_json::from_str(line).unwrap()))
        .collect();
    assert!(matches!(lines.first().unwrap().value, Line::Plan(_)));
    assert!(lines.iter().any(|line| matches!(line.value, Line::Event(Event::Done { .. }))));
    let Line::Outcome(end) = &lines.last().unwrap().value else { panic!("{lines:?}") };
    assert_eq!((end.failed, end.left.len(), end.stopped), (0, 0, false));
    let status: Versioned<StatusObject> = round(&json(cloud(), "status"));
    assert_eq!(status.value.machines[0].state, "running");
    round::<Versioned<DriftObject>>(&json(cloud(), "drift"));
    let page: Versioned<PageView> = round(&json(cloud(), "explain address-duplicate"));
    assert!(page.value.page.is_some());
    let findings: Vec<FindingView> = round(&json(refused(), "check"));
    let kinds: Vec<Finding> = round(&json(refused(), "check"));
    assert_eq!(findings.len(), kinds.len());
    for event in of_each_kind() {
        assert_eq!(round::<Event>(&serde_json::to_value(&event).unwrap()), event);
        assert_eq!(round::<Line>(&serde_json::to_value(&event).unwrap()), Line::Event(event));
    }
}

#[test]
fn what_a_service_answers_has_a_form() {
    let report = refused().check().unwrap_err();
    let findings: Vec<Finding> = round(&serde_json::to_value(&report).unwrap());
    assert_eq!(findings, report.findings());
    let checked = cloud().check().unwrap();
    let view: CheckedView = round(&serde_json::to_value(CheckedView::of(&checked)).unwrap());
    assert_eq!((view.cloud.as_str(), view.machines.len()), ("first", cloud_machines()));
    let budget = serde_json::to_value(fmc::check::budget::Budget::of(&checked)).unwrap();
    assert!(budget[0]["memory"]["machines"].is_string(), "{budget}");
    let outcome = pollster::block_on(async {
        let providers = fmc::sim::Sim::new().providers(&checked);
        providers.plan(&fmc::compile(&checked)).await.unwrap().apply(&providers, |_| ()).await.unwrap()
    });
    let outcome = serde_json::to_value(&outcome).unwrap();
    assert!(
        !outcome["done"].as_array().unwrap().is_empty() && outcome["failed"] == serde_json::json!([]),
        "{outcome}"
    );
    let fmc::file::FileError::Read(mistakes) = fmc::file::from_json("{\"name\": 1, \"nam\": 2}").unwrap_err()
    else {
        panic!("a number is no name");
    };
    let mistakes = serde_json::to_value(&mistakes).unwrap();
    assert_eq!((&mistakes[0]["line"], mistakes[0]["message"].is_string()), (&1.into(), true), "{mistakes}");
}

fn cloud_machines() -> usize {
    cloud().machines.len()
}

/// One event of each kind. A new kind fails the test until it is added here, and then until the page has it.
fn of_each_kind() -> Vec<Event> {
    let address = String::new;
    let next = |event: Option<&Event>| match event {
        None => Some(Event::Started { address: address(), action: Action::Create }),
        Some(Event::Started { .. }) => Some(Event::Doing { address: address(), what: address() }),
        Some(Event::Doing { .. }) => Some(Event::Progress { address: address(), done: 1, total: 2 }),
        Some(Event::Progress { .. }) => Some(Event::Done { address: address(), action: Action::Delete }),
        Some(Event::Done { .. }) => {
            Some(Event::Waiting { address: address(), signal: address(), seconds: 300 })
        }
        Some(Event::Waiting { .. }) => Some(Event::Up { address: address(), seconds: 4 }),
        Some(Event::Up { .. }) => {
            Some(Event::NotUp { address: address(), cause: address(), console: vec![address()] })
        }
        Some(Event::NotUp { .. }) => Some(Event::Failed { address: address(), error: address() }),
        Some(Event::Failed { .. }) => Some(Event::Skipped { address: address(), cause: address() }),
        Some(_) => None,
    };
    let mut events: Vec<Event> = Vec::new();
    while let Some(event) = next(events.last()) {
        events.push(event);
    }
    let names: BTreeSet<&str> = events.iter().map(Event::name).collect();
    assert_eq!(names, Event::NAMES.iter().copied().collect());
    events
}

#[test]
fn every_event_that_there_is_is_on_the_page() {
    let page = Page::read();
    let mut known: BTreeSet<String> = ["plan", "outcome"].map(|event| format!("event `{event}`")).into();
    for event in of_each_kind() {
        let mut value = serde_json::to_value(&event).unwrap();
        let name = format!("event `{}`", value["event"].as_str().unwrap());
        value.as_object_mut().unwrap().insert("version".to_owned(), 1.into());
        page.object(&name, &value);
        known.insert(name);
    }
    let told: BTreeSet<String> =
        page.objects.keys().filter(|name| name.starts_with("event ")).map(ToString::to_string).collect();
    assert_eq!(told, known);
}

#[test]
fn every_word_that_there_is_is_on_the_page() {
    let page = Page::read();
    let actions =
        [Action::Create, Action::Update, Action::Restart, Action::Stop, Action::Replace, Action::Delete];
    page.has_words("action", &actions);
    page.has_words("impact", &Impact::ALL);
    let kinds = [
        NoteKind::Outdated,
        NoteKind::PendingBoot,
        NoteKind::Kept,
        NoteKind::Left,
        NoteKind::Notice,
        NoteKind::LeftOut,
        NoteKind::Beforehand,
        NoteKind::Deferred,
        NoteKind::Held,
        NoteKind::Refused,
    ];
    page.has_words("note-kind", &kinds);
    let subjects = [
        AboutKind::Machine,
        AboutKind::Noun,
        AboutKind::Object,
        AboutKind::Place,
        AboutKind::Host,
        AboutKind::Image,
        AboutKind::Name,
    ];
    page.has_words("subject", &subjects);
    let whys = [Why::Same, Why::Kept, Why::Unknown, Why::NotYet, Why::Refused, Why::Held, Why::LeftOut];
    page.has_words("why", &whys);
}
