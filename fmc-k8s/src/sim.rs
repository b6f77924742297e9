//! A simulated API server: the kinds of fmc and those that a `CustomResourceDefinition` adds, server-side apply with its managers and conflicts, and what a test wants to go wrong.
//!
//! It fills in a few of the defaults that the real server does, so that a test sees objects which have more than their manifests. Pods
//! do not exist: a deployment is ready at once, unless a test says otherwise. Operators do not exist either: a custom object
//! is ready at once, unless a test [reports](Sim::reports) another status, and no field of it is judged by the schema of its definition.

mod apply;
mod claims;
mod custom;
mod fields;
mod other;
mod patch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use crate::kind::{CUSTOM_RESOURCE_DEFINITION, KINDS, Kind, NAMESPACE};
use crate::link::{Answering, ApiLink, NoAnswer, Request, Response, Verb};

/// A simulated API server. A clone is another handle of it.
#[derive(Clone, Default)]
pub struct Sim(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Value>,
    /// The version of the newest write.
    version: u64,
    is_away: bool,
    /// Whether the next request gets no answer.
    is_starting: bool,
    has_answered: bool,
    /// Deployments whose pods do not get ready, as `shop/web`, with the reason.
    broken: BTreeMap<String, String>,
    /// The number of writes of a kind, by its word, that are still answered as by a server whose webhook is away.
    silent: BTreeMap<String, u32>,
    /// The status of custom objects that a test says, by kind, namespace and name.
    reported: BTreeMap<(String, String, String), Value>,
    /// Objects that the server refuses, as `deployment/shop/web`, with its words.
    refused: BTreeMap<String, String>,
    /// The texts that pods wrote, as `shop/web-1`.
    logs: BTreeMap<String, String>,
    /// Objects of kinds that fmc does not write.
    others: other::Others,
    /// The number of requests by verb, as `GET`.
    requests: BTreeMap<&'static str, u32>,
}

/// The namespaces of every cluster.
const BEGINNING: [&str; 2] = ["default", "kube-system"];

/// An object: its kind, its namespace, its name.
type Key = (&'static str, String, String);

impl Sim {
    /// An empty one, with the namespaces that every cluster has.
    pub fn new() -> Self {
        let sim = Self::default();
        for name in BEGINNING {
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            sim.put(namespace);
        }
        sim
    }

    /// One whose server is just starting: its first request gets no answer.
    pub fn starting() -> Self {
        let sim = Self::new();
        sim.state_mut().is_starting = true;
        sim
    }

    /// Whether nobody made anything in it.
    pub fn is_empty(&self) -> bool {
        self.state_mut().objects.len() <= BEGINNING.len()
    }

    /// Whether its API has answered once.
    pub(crate) fn has_answered(&self) -> bool {
        self.state_mut().has_answered
    }

    /// The simulation whose state is this text, as [`Sim::state`] gave it.
    ///
    /// # Errors
    ///
    /// The text is not such a state.
    pub fn of_state(text: &str) -> Result<Self, String> {
        let objects: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let sim = Self::default();
        let mut state = sim.state_mut();
        state.has_answered = true;
        // A definition comes before the objects of its kind.
        let (first, rest): (Vec<Value>, Vec<Value>) =
            objects.into_iter().partition(|object| kind_of(object).is_some_and(|kind| !kind.is_custom()));
        for object in first.into_iter().chain(rest) {
            let Some(key) = state.key_of(&object) else {
                state.others.put(object).ok_or_else(|| "an object has no kind or no name".to_owned())?;
                continue;
            };
            let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
            let version = version.and_then(|version| version.parse().ok()).unwrap_or_default();
            state.version = state.version.max(version);
            state.objects.insert(key, object);
        }
        drop(state);
        Ok(sim)
    }

    /// All objects, as a text that [`Sim::of_state`] reads.
    pub fn state(&self) -> String {
        let state = self.state_mut();
        let all: Vec<&Value> = state.objects.values().chain(state.others.objects()).collect();
        serde_json::to_string_pretty(&all).unwrap_or_default()
    }

    /// The object of a kind, as `deployment`, if it is there; the namespace is empty for a kind without one.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let state = self.state_mut();
        let kind = state.by_word(kind)?;
        state.objects.get(&(kind.word, namespace.to_owned(), name.to_owned())).cloned()
    }

    /// Writes an object as another person's `kubectl create` or `kubectl replace` does. One of a kind that fmc does not write is in a
    /// namespace, and stays as it is.
    pub fn put(&self, object: Value) {
        let mut state = self.state_mut();
        let manager = "kubectl-create";
        match state.key_of(&object) {
            Some(key) => {
                let object = apply::written(&mut state, &key, object, manager);
                state.objects.insert(key, object);
            }
            None => drop(state.others.put(object)),
        }
    }

    /// Deletes an object as another person's `kubectl delete` does, with all that is in it if it is a namespace.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) {
        let mut state = self.state_mut();
        if let Some(kind) = state.by_word(kind) {
            state.take((kind.word, namespace.to_owned(), name.to_owned()));
        }
    }

    /// It does not answer, or it does again.
    pub fn away(&self, is_away: bool) {
        self.state_mut().is_away = is_away;
    }

    /// The pods of a deployment, as `shop/web`, do not get ready, for this reason; those that were ready are not any more.
    pub fn breaks(&self, deployment: &str, why: &str) {
        let mut state = self.state_mut();
        state.broken.insert(deployment.to_owned(), why.to_owned());
        apply::report(&mut state, deployment);
    }

    /// The pods of a deployment, as `shop/web`, are starting and do not come to an end, until it [mends](Sim::mends).
    pub fn holds_back(&self, deployment: &str) {
        self.breaks(deployment, "");
    }

    /// The pods of a deployment, as `shop/web`, get ready again.
    pub fn mends(&self, deployment: &str) {
        let mut state = self.state_mut();
        state.broken.remove(deployment);
        apply::report(&mut state, deployment);
    }

    /// The status of a custom object from now on, as its controller writes it; null for none. The kind is its word, as
    /// `cluster.postgresql.cnpg.io`.
    pub fn reports(&self, kind: &str, namespace: &str, name: &str, status: Value) {
        let mut state = self.state_mut();
        let told = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        state.reported.insert(told, status);
        let Some(kind) = state.by_word(kind) else { return };
        let key = (kind.word, namespace.to_owned(), name.to_owned());
        if let Some(mut object) = state.objects.get(&key).cloned() {
            state.report(&key, &mut object);
            state.objects.insert(key, object);
        }
    }

    /// The next so many writes of a kind, by its word, are answered as by a server whose webhook does not answer yet.
    pub fn silences(&self, kind: &str, writes: u32) {
        self.state_mut().silent.insert(kind.to_owned(), writes);
    }

    /// The server refuses an object, as `deployment/shop/web`, with these words, until they are empty.
    pub fn refuses(&self, object: &str, words: &str) {
        let mut state = self.state_mut();
        match words {
            "" => drop(state.refused.remove(object)),
            words => drop(state.refused.insert(object.to_owned(), words.to_owned())),
        }
    }

    /// The text that a pod, as `shop/web-1`, wrote.
    pub fn writes(&self, pod: &str, text: &str) {
        self.state_mut().logs.insert(pod.to_owned(), text.to_owned());
    }

    /// The number of requests so far: reads, and writes that were no dry runs.
    pub fn requests(&self) -> (u32, u32) {
        let state = self.state_mut();
        let of = |verb| state.requests.get(verb).copied().unwrap_or_default();
        (of("read"), of("write"))
    }

    fn state_mut(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sim({} objects)", self.state_mut().objects.len())
    }
}

impl ApiLink for Sim {
    fn send(&self, request: Request) -> Answering<'_, Result<Response, NoAnswer>> {
        let answer = self.state_mut().answer(request);
        async move { answer }.boxed()
    }

    fn pause(&self, _: u64) -> Answering<'_, ()> {
        async {}.boxed()
    }
}

/// The kind that an object says.
fn kind_of(object: &Value) -> Option<&'static Kind> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (api, name) = (text("/apiVersion")?, text("/kind")?);
    Kind::of(api, name).or_else(|| Kind::custom(api, name, text("/metadata/namespace").is_some()))
}

/// The object or the list that a path names.
struct Target {
    kind: &'static Kind,
    namespace: String,
    name: Option<String>,
    query: BTreeMap<String, String>,
}

impl Target {
    fn of(path: &str, custom: &[custom::Custom]) -> Option<Self> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| {
            (key.to_owned(), percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
        });
        let all = KINDS.iter().copied().chain(custom.iter().map(|one| one.kind));
        let kind = all.into_iter().find_map(|kind| {
            let all = kind.path(None);
            if let Some(rest) = path.strip_prefix(&all)
                && (rest.is_empty() || rest.starts_with('/'))
                && (rest.is_empty() || !(kind.is_namespaced || rest.trim_start_matches('/').contains('/')))
            {
                return Some((kind, String::new(), rest.trim_start_matches('/').to_owned()));
            }
            let (root, plural) = all.rsplit_once('/')?;
            let (namespace, rest) = path.strip_prefix(root)?.strip_prefix("/namespaces/")?.split_once('/')?;
            let rest = rest.strip_prefix(plural)?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| (kind, namespace.to_owned(), rest.trim_start_matches('/').to_owned()))
        });
        let (kind, namespace, name) = kind?;
        Some(Self { kind, namespace, name: (!name.is_empty()).then_some(name), query: query.collect() })
    }

    fn key(&self) -> Key {
        (self.kind.word, self.namespace.clone(), self.name.clone().unwrap_or_default())
    }

    fn is_dry(&self) -> bool {
        self.query.contains_key("dryRun")
    }
}

pub(super) fn status(code: u16, reason: &str, message: String, causes: Vec<Value>) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code,
        "details": { "causes": causes },
    });
    Response { status: code, body, warnings: Vec::new() }
}

fn good(body: Value) -> Response {
    Response { status: 200, body, warnings: Vec::new() }
}

impl State {
    fn answer(&mut self, request: Request) -> Result<Response, NoAnswer> {
        if self.is_away || std::mem::take(&mut self.is_starting) {
            return Err(NoAnswer { cause: "connection refused".to_owned(), is_absent: true });
        }
        self.has_answered = true;
        if request.path == "/readyz" {
            return Ok(good(Value::from("ok")));
        }
        if let Some(text) = self.log(&request.path) {
            return Ok(good(Value::from(text)));
        }
        let custom = self.custom();
        if let (Verb::Get, Some(body)) = (&request.verb, self.others.answer(&request.path, &custom)) {
            *self.requests.entry("read").or_default() += 1;
            return Ok(good(body));
        }
        let Some(target) = Target::of(&request.path, &custom) else {
            return Ok(status(
                404,
                "NotFound",
                "the server could not find the requested resource".to_owned(),
                Vec::new(),
            ));
        };
        let is_write = !matches!(request.verb, Verb::Get) && !target.is_dry();
        *self.requests.entry(if is_write { "write" } else { "read" }).or_default() += 1;
        if let Some(refused) = self.refusal(&request.verb, &target) {
            return Ok(refused);
        }
        Ok(match request.verb {
            Verb::Get => self.get(&target),
            Verb::Apply(manifest) => apply::apply(self, &target, manifest),
            Verb::Patch(patch) => self.patch(&target, &patch),
            Verb::Delete(options) => self.delete(&target, &options),
        })
    }

    /// The text that the pod of a path wrote.
    fn log(&self, path: &str) -> Option<&str> {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let pod = path.strip_prefix("/api/v1/namespaces/")?.strip_suffix("/log")?.replacen("/pods/", "/", 1);
        self.logs.get(&pod).map(String::as_str)
    }

    fn get(&self, target: &Target) -> Response {
        let Some(name) = &target.name else {
            let selected = |object: &Value| {
                target.query.get("labelSelector").is_none_or(|selector| {
                    let (key, value) = selector.split_once('=').unwrap_or_default();
                    object
                        .pointer("/metadata/labels")
                        .and_then(|labels| labels.get(key))
                        .and_then(Value::as_str)
                        == Some(value)
                })
            };
            let of_kind = self.objects.iter().filter(|((kind, namespace, _), _)| {
                *kind == target.kind.word && (target.namespace.is_empty() || *namespace == target.namespace)
            });
            let selected = of_kind.map(|(_, object)| object).filter(|object| selected(object));
            // The server says the kind of a list's items once.
            let items: Vec<Value> = selected.map(|object| without_kind(object.clone())).collect();
            return good(
                json!({ "kind": format!("{}List", target.kind.name), "items": items, "metadata": {} }),
            );
        };
        match self.objects.get(&target.key()) {
            Some(object) => good(custom::converted(object, target.kind)),
            None => not_found(target.kind, name),
        }
    }

    fn patch(&mut self, target: &Target, changes: &Value) -> Response {
        let key = target.key();
        let Some(object) = self.objects.get(&key) else { return not_found(target.kind, &key.2) };
        match patch::patched(object, changes) {
            Ok(changed) => {
                if let Some(refused) = claims::refused(&key, object, &changed) {
                    return refused;
                }
                if target.is_dry() {
                    return good(changed);
                }
                let manager = target.query.get("fieldManager").map_or("unknown", String::as_str).to_owned();
                let object = apply::written(self, &key, changed, &manager);
                self.objects.insert(key, object.clone());
                good(object)
            }
            Err(why) => status(422, "Invalid", why, Vec::new()),
        }
    }

    fn delete(&mut self, target: &Target, options: &Value) -> Response {
        let key = target.key();
        let Some(object) = self.objects.get(&key) else { return not_found(target.kind, &key.2) };
        for (asked, is) in [("uid", "/metadata/uid"), ("resourceVersion", "/metadata/resourceVersion")] {
            let asked = options
                .pointer("/preconditions")
                .and_then(|all| all.get(asked))
                .filter(|asked| !asked.is_null());
            if asked.is_some_and(|asked| Some(asked) != object.pointer(is)) {
                return status(409, "Conflict", "the precondition does not hold".to_owned(), Vec::new());
            }
        }
        self.take(key);
        good(json!({ "kind": "Status", "status": "Success" }))
    }
}

impl State {
    /// Takes an object away, and all that is in it if it is a namespace.
    fn take(&mut self, key: Key) {
        self.objects.remove(&key);
        if key.0 == NAMESPACE.word {
            self.objects.retain(|(_, namespace, _), _| *namespace != key.2);
            self.others.leave(&key.2);
        }
        if key.0 == CUSTOM_RESOURCE_DEFINITION.word {
            self.leave_without_definition();
        }
    }
}

fn without_kind(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        ["apiVersion", "kind"].iter().for_each(|key| drop(map.remove(*key)));
    }
    object
}

fn not_found(kind: &Kind, name: &str) -> Response {
    status(404, "NotFound", format!("{} \"{name}\" not found", kind.plural), Vec::new())
}
