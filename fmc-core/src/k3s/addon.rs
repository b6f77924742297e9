//! Manifests that K3s applies itself when it starts (docs.k3s.io, *Managing Packaged Components*).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::draft::{Look, Setting};
use crate::finding::{At, Finding, leaf, problems};
use crate::given::Given;
use crate::name::AddonName;
use crate::named::{Keyed, unnamed};
use crate::path::AbsPath;
use crate::rust::{Expr, Names, Unsaid, quoted};

/// Where a server of K3s reads manifests.
const FOLDER: AbsPath = AbsPath::literal("/var/lib/rancher/k3s/server/manifests");

/// Names whose files K3s writes itself at each start.
const OF_K3S: [&str; 6] = ["ccm", "coredns", "local-storage", "rolebindings", "runtimes", "traefik"];

/// The beginning of the names of fmc's own files there.
const OF_FMC: &str = "fmc-";

/// Manifests in a file of the server that begins the cluster. K3s applies them when it starts, without anything from outside.
///
/// It is for what a cluster needs before its API is asked for anything, as the settings of K3s's own Traefik. What is
/// changed later belongs to the cluster's platform: a file of a machine changes only with the machine, and K3s deletes
/// nothing when an object leaves the file.
///
/// ```
/// use fmc_core::k3s::{self, Addon};
///
/// let traefik = Addon::new("traefik-config").manifest(
///     r#"{"apiVersion": "helm.cattle.io/v1", "kind": "HelmChartConfig", "metadata": {"name": "traefik", "namespace": "kube-system"},
///         "spec": {"valuesContent": "logs: {access: {enabled: true}}"}}"#,
/// );
/// let k3s = k3s::Cluster::new("prod", "v1.36.3+k3s1").servers(["master1"]).auto_deploy(traefik);
/// # let _ = k3s;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Addon {
    #[serde(skip, default = "unnamed")]
    name: Given<AddonName>,
    /// Objects in the form of the API.
    objects: Vec<Map<String, Value>>,
    /// The reasons why texts could not be read as objects.
    #[serde(skip)]
    unread: Vec<String>,
}

impl Addon {
    /// Without manifests. The name is that of its file, without `.yaml`.
    pub fn new(name: impl Into<Given<AddonName>>) -> Self {
        Self { name: name.into(), objects: Vec::new(), unread: Vec::new() }
    }

    /// An object in the form of the API, as JSON. A text that is none is a finding.
    #[must_use]
    pub fn manifest(mut self, json: &str) -> Self {
        match serde_json::from_str(json) {
            Ok(object) => self.objects.push(object),
            Err(error) => self.unread.push(error.to_string()),
        }
        self
    }

    /// Its objects in the form of the API.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.objects.iter()
    }

    /// Its path on the server, when its name is right.
    pub(crate) fn path(&self) -> Option<AbsPath> {
        FOLDER.join(&format!("{}.yaml", self.name.ok()?)).ok()
    }

    /// The file: each object is a document of JSON, which YAML contains.
    pub(crate) fn text(&self) -> String {
        let documents = self.objects.iter().map(|object| Value::Object(object.clone()).to_string() + "\n");
        documents.collect::<Vec<_>>().join("---\n")
    }

    /// Finds mistakes that show without the rest of the cloud.
    fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if let Some(name) = leaf(&self.name, at, findings) {
            let name = name.as_str();
            if OF_K3S.contains(&name) || name.starts_with(OF_FMC) {
                let writer = if name.starts_with(OF_FMC) { "fmc" } else { "K3s" };
                findings.push(AddonProblem::Reserved { name: name.to_owned(), writer }.at(at));
            }
        }
        for why in &self.unread {
            findings.push(AddonProblem::Unread { why: why.clone() }.at(at));
        }
        if self.objects.is_empty() && self.unread.is_empty() {
            findings.push(AddonProblem::Empty.at(at));
        }
        for (index, object) in self.objects.iter().enumerate() {
            let at = at.index(index);
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map_or("", str::trim).to_owned();
            let name = object.get("metadata").and_then(|metadata| metadata.get("name"));
            let needed = [
                ("apiVersion", object.get("apiVersion")),
                ("kind", object.get("kind")),
                ("metadata.name", name),
            ];
            if object.get("items").is_some_and(Value::is_array) && text(object.get("kind")).ends_with("List")
            {
                findings.push(AddonProblem::List { kind: text(object.get("kind")) }.at(at.key("kind")));
                continue;
            }
            let missing = needed.into_iter().find(|(_, value)| text(*value).is_empty());
            if let Some((field, _)) = missing {
                findings.push(AddonProblem::Incomplete { field }.at(at));
            } else if text(object.get("kind")) == "Secret" {
                findings.push(AddonProblem::Secret.at(at.key("kind")));
            }
        }
    }
}

impl Keyed for Addon {
    type Name = AddonName;

    fn name(&self) -> &Given<AddonName> {
        &self.name
    }

    fn with_name(mut self, name: Given<AddonName>) -> Self {
        self.name = name;
        self
    }
}

impl Setting for Addon {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    fn rust(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::Addon::new", vec![self.name.rust(names)?]);
        for object in &self.objects {
            // In lines, so that the literal needs no backslashes.
            on.call("manifest", quoted(&serde_json::to_string_pretty(object).unwrap_or_default()));
        }
        Ok(on)
    }
}

problems! {
    /// Problems with manifests that K3s applies when it starts.
    pub enum AddonProblem {
        Reserved { name: String, writer: &'static str } is ValueInvalid:
            "{writer} writes {name}.yaml itself at each start",
            "take another name, as {name}-config";
        Unread { why: String } is ValueInvalid:
            "it is not an object of JSON: {why}",
            "write it as the API takes it";
        Empty is ValueInvalid:
            "it has no manifest",
            "add one, or leave it out";
        Incomplete { field: &'static str } is ValueInvalid:
            "`{field}` is missing",
            "write the object as the API takes it";
        List { kind: String } is ValueInvalid:
            "a {kind} is not one object",
            "write its items themselves, one after another";
        Twice { kind: String, name: String, first: String } is ValueInvalid:
            "{first} makes the {kind} {name} too, and the later one wins at each start",
            "leave one of them out";
        Secret is ValueInvalid:
            "everyone who reads the cloud's file or the machine's would see this secret",
            "make it by the cluster's platform: `secret_environment` or `secret_files` of a workload";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(addon: &Addon) -> Vec<(String, String)> {
        let mut findings = Vec::new();
        addon.check(&At::ROOT, &mut findings);
        findings.iter().map(|one| (one.at().to_string(), one.message().to_owned())).collect()
    }

    #[test]
    fn each_mistake_is_found() {
        let map = |name: &str, kind: &str| {
            Addon::new(name).manifest(&format!(
                r#"{{"apiVersion": "v1", "kind": "{kind}", "metadata": {{"name": "a"}}}}"#
            ))
        };
        let right = map("own", "ConfigMap")
            .manifest(r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}}"#);
        assert_eq!(found(&right), []);
        assert_eq!(right.text().lines().nth(1), Some("---"));
        assert_eq!(right.path().unwrap().as_str(), "/var/lib/rancher/k3s/server/manifests/own.yaml");
        let one = |addon: &Addon, at: &str, words: &str| {
            let found = found(addon);
            assert!(found.len() == 1 && found[0].0 == at && found[0].1.contains(words), "{found:?}");
        };
        one(&map("traefik", "ConfigMap"), "", "K3s writes traefik.yaml itself");
        one(&map("fmc-own", "ConfigMap"), "", "fmc writes fmc-own.yaml itself");
        one(&map("own", "Secret"), "[0].kind", "would see this secret");
        one(&map("own", ""), "[0]", "`kind` is missing");
        let list = Addon::new("own").manifest(
            r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}]}"#,
        );
        one(&list, "[0].kind", "a List is not one object");
        one(&Addon::new("own").manifest("kind: Secret"), "", "not an object of JSON");
        one(&Addon::new("own"), "", "no manifest");
    }
}
