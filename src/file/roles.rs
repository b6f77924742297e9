//! The roles that a program knows, which a file may have below `roles`.

use std::collections::BTreeMap;
use std::fmt;

use fmc_core::cloud::Cloud;
use fmc_core::finding::{At, OwnKind};
use fmc_core::role::{FileRole, FileSpanningRole, Role, Spanning};
use fmc_core::roles::{self, Takes};

use super::mistake::Mistake;
use super::read::{self, known_instead};
use super::tree::{Members, Node, Value};

/// The roles that a program knows, by kind: the built-in ones, and its own.
///
/// ```
/// use fmc::file::{RoleKinds, Source, Syntax};
/// use fmc::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// #[derive(schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Postgres {
///     version: u8,
/// }
///
/// impl CustomRole for Postgres {}
///
/// impl FileRole for Postgres {
///     const KIND: &'static str = "postgres";
/// }
///
/// let text = r#"{"name": "first", "machines": {"db": {"image": {"os": "none"}, "roles": [{"postgres": {"version": 17}}]}}}"#;
/// let roles = RoleKinds::built_in().with::<Postgres>();
/// let cloud = Source::new(text.as_bytes(), Syntax::Json)?.roles(&roles).cloud()?;
/// assert_eq!(cloud, Cloud::new("first").machine(Machine::new("db", Image::blank()).role(Role::said(Postgres { version: 17 }))));
/// # Ok::<(), fmc::file::FileError>(())
/// ```
#[derive(Clone)]
pub struct RoleKinds {
    kinds: Types<Role>,
    /// The spanning roles of the cloud.
    spanning: Types<Spanning>,
}

/// Types of roles, by kind.
type Types<R> = BTreeMap<&'static str, Type<R>>;

/// The type of a role.
#[derive(Clone)]
struct Type<R> {
    read: fn(&Node<'_>, &At<'_>) -> Result<R, Vec<Mistake>>,
    said: fn(&R) -> Option<R>,
    findings: &'static [OwnKind],
    #[cfg(feature = "schema")]
    schema: fn() -> serde_json::Value,
}

impl RoleKinds {
    /// The built-in ones.
    pub fn built_in() -> Self {
        let mut all = Self { kinds: BTreeMap::new(), spanning: BTreeMap::new() };
        roles::said(&mut all);
        #[cfg(feature = "k8s")]
        all.spanning_role::<fmc_k8s::platform::Platform>();
        all
    }

    /// Adds a role, which replaces a known role of its kind.
    #[must_use]
    pub fn with<R: FileRole>(mut self) -> Self {
        self.role::<R>();
        self
    }

    /// Adds a spanning role, which a file has among the `roles` of the cloud. It replaces a known role of its kind.
    #[must_use]
    pub fn with_spanning<R: FileSpanningRole>(mut self) -> Self {
        self.spanning_role::<R>();
        self
    }

    /// The kinds of spanning roles.
    pub fn spanning_kinds(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.spanning.keys().copied()
    }

    /// The kinds of machines' roles.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.kinds.keys().copied()
    }

    /// The kinds of findings that the roles bring along.
    pub fn findings(&self) -> impl Iterator<Item = &'static OwnKind> {
        let spanning = self.spanning.values().flat_map(|known| known.findings);
        self.kinds.values().flat_map(|known| known.findings).chain(spanning)
    }

    /// The cloud with a form for each role of a known type, so that a program's own roles can be written.
    #[must_use]
    pub fn recognise(&self, cloud: Cloud) -> Cloud {
        let cloud = cloud.map_roles(|_, _, role| {
            let said = || self.kinds.values().find_map(|known| (known.said)(&role));
            if role.is_said() { role } else { said().unwrap_or(role) }
        });
        cloud.map_spanning_roles(|_, role| {
            let said = || self.spanning.values().find_map(|known| (known.said)(&role));
            if role.is_said() { role } else { said().unwrap_or(role) }
        })
    }

    /// The JSON Schema of a cloud's file with these roles: see [`Cloud::schema`].
    #[cfg(feature = "schema")]
    pub fn schema(&self) -> serde_json::Value {
        let mut schema = Cloud::schema();
        let mut definitions = serde_json::Map::new();
        let forms = [
            ("Role", forms(&self.kinds, &mut definitions)),
            ("Spanning", forms(&self.spanning, &mut definitions)),
        ];
        if let Some(all) = schema.get_mut("$defs").and_then(serde_json::Value::as_object_mut) {
            all.extend(definitions);
            // Without known roles the schema describes any role, and the reader refuses each.
            for (name, forms) in forms.into_iter().filter(|(_, forms)| !forms.is_empty()) {
                if let Some(role) = all.get_mut(name).and_then(serde_json::Value::as_object_mut) {
                    role.insert("anyOf".to_owned(), serde_json::Value::Array(forms));
                }
            }
        }
        schema
    }

    /// Reads the roles of a cloud, which a file names by kind, at their places in the file.
    pub(super) fn read(&self, cloud: Cloud, tree: &Node<'_>, mistakes: &mut Vec<Mistake>) -> Cloud {
        self.resolve(cloud, tree, &mut |_, _, _| None, &mut |_, _| None, mistakes)
    }

    /// The same, except for roles that are already known.
    pub(crate) fn resolve(
        &self,
        cloud: Cloud,
        tree: &Node<'_>,
        already: &mut dyn FnMut(&str, usize, &Role) -> Option<Role>,
        already_spanning: &mut dyn FnMut(usize, &Spanning) -> Option<Spanning>,
        mistakes: &mut Vec<Mistake>,
    ) -> Cloud {
        let machines = map(tree).and_then(|cloud| cloud.get("machines")).and_then(|member| map(&member.node));
        let cloud = cloud.map_roles(|machine, index, role| {
            if let Some(role) = already(machine, index, &role) {
                return role;
            }
            let Some(kind) = role.unknown() else { return role };
            let Some(node) = machines.and_then(|all| nth(map(&all.get(machine)?.node)?, index, kind)) else {
                return role;
            };
            let (at, name) = (At::ROOT.key("machines"), machine.to_owned());
            let at = at.name(&name);
            let at = at.key("roles");
            let at = at.index(index);
            let elsewhere = self.spanning.contains_key(kind).then_some(OF_CLOUD);
            one(&self.kinds, kind, node, &at, elsewhere).unwrap_or_else(|wrong| {
                mistakes.extend(wrong);
                role
            })
        });
        cloud.map_spanning_roles(|index, role| {
            if let Some(role) = already_spanning(index, &role) {
                return role;
            }
            let Some(kind) = role.unknown() else { return role };
            let Some(node) = map(tree).and_then(|cloud| nth(cloud, index, kind)) else { return role };
            let at = At::ROOT.key("roles");
            let at = at.index(index);
            let elsewhere = self.kinds.contains_key(kind).then_some(OF_MACHINE);
            one(&self.spanning, kind, node, &at, elsewhere).unwrap_or_else(|wrong| {
                mistakes.extend(wrong);
                role
            })
        })
    }
}

/// The place of a spanning role.
const OF_CLOUD: &str =
    "it spans machines: write it below `roles` of the cloud, with the machines that it names";

/// The place of a machine's role.
const OF_MACHINE: &str = "it is a role of one machine: write it below `roles` of that machine";

/// One of the roles of a machine or a cloud. Beside a role that could not be read, an index may be that of another kind.
fn nth<'a, 'b>(of: &'a Members<'b>, index: usize, kind: &str) -> Option<&'a Node<'b>> {
    let Value::List(nodes) = &of.get("roles")?.node.value else { return None };
    nodes.get(index).filter(|node| match &node.value {
        Value::Map(members) => members.iter().next().is_some_and(|member| member.key == kind),
        Value::List(_) | Value::Null => false,
        Value::Plain(word) | Value::Text(word) | Value::Number(word) => word == kind,
        Value::Bool(_) => true,
    })
}

/// Reads one role of a kind. The help for an unknown kind names the place where it belongs, if that is known.
fn one<R>(
    types: &Types<R>,
    kind: &str,
    node: &Node<'_>,
    at: &At<'_>,
    elsewhere: Option<&str>,
) -> Result<R, Vec<Mistake>> {
    let member = map(node).and_then(|role| role.iter().next());
    let Some(known) = types.get(kind) else {
        let span = member.map_or(node.span, |member| member.span);
        let mistake = Mistake::at(span, format!("the role `{kind}` is not known here")).below(at);
        let instead = || {
            match types.keys().copied().collect::<Vec<_>>() {
            // All built-in roles of files are for machines; only a program of a user's own has one for a whole cloud.
            known if known.is_empty() => {
                "this program has no roles for a whole cloud; `Program::spanning_role` adds one to a program of your own".to_owned()
            }
            known => known_instead(kind, known.into_iter()),
        }
        };
        return Err(vec![mistake.help(elsewhere.map_or_else(instead, str::to_owned))]);
    };
    let at = at.key(kind);
    let said = member.map(|member| &member.node);
    let nothing = |value| Node { value, ..node.clone() };
    match said {
        Some(settings) if matches!(settings.value, Value::Null) => {
            let span = member.map_or(node.span, |member| member.span);
            let mistake = Mistake::at(span, "there is no value here").below(&at);
            Err(vec![mistake.help("write its settings, or the kind alone")])
        }
        Some(settings) => (known.read)(settings, &at),
        // A kind alone has no settings: a struct with fields gets its defaults, and a unit struct is null.
        _ => (known.read)(&nothing(Value::Map(Members::default())), &at)
            .or_else(|wrong| (known.read)(&nothing(Value::Null), &at).map_err(|_| wrong)),
    }
}

/// The schemas of roles, and the definitions that they need.
#[cfg(feature = "schema")]
fn forms<R>(
    types: &Types<R>,
    definitions: &mut serde_json::Map<String, serde_json::Value>,
) -> Vec<serde_json::Value> {
    let mut forms = Vec::new();
    for (kind, known) in types {
        let mut settings = (known.schema)();
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("$schema");
            if let Some(serde_json::Value::Object(own)) = settings.remove("$defs") {
                definitions.extend(own.into_iter().map(|(name, mut of)| {
                    point(&mut of, kind);
                    (format!("{kind}.{name}"), of)
                }));
            }
        }
        point(&mut settings, kind);
        forms.push(serde_json::json!({ "const": kind }));
        forms.push(serde_json::json!({
            "type": "object", "properties": { *kind: settings }, "required": [kind], "additionalProperties": false
        }));
    }
    forms
}

impl Takes for RoleKinds {
    fn role<R: FileRole>(&mut self) {
        let known = Type {
            read: |node, at| read::read_at::<R>(node, *at).map(Role::said),
            said: Role::as_said::<R>,
            findings: R::FINDINGS,
            #[cfg(feature = "schema")]
            schema: R::described,
        };
        self.kinds.insert(R::KIND, known);
    }

    fn spanning_role<R: FileSpanningRole>(&mut self) {
        let known = Type {
            read: |node, at| read::read_at::<R>(node, *at).map(Spanning::said),
            said: Spanning::as_said::<R>,
            findings: R::FINDINGS,
            #[cfg(feature = "schema")]
            schema: R::described,
        };
        self.spanning.insert(R::KIND, known);
    }
}

impl Default for RoleKinds {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for RoleKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds().chain(self.spanning_kinds())).finish()
    }
}

fn map<'a, 'b>(node: &'a Node<'b>) -> Option<&'a Members<'b>> {
    match &node.value {
        Value::Map(members) => Some(members),
        _ => None,
    }
}

/// Redirects the references of a role's own schema to its definitions among those of the cloud.
#[cfg(feature = "schema")]
fn point(schema: &mut serde_json::Value, kind: &str) {
    use serde_json::Value as Json;
    match schema {
        Json::Object(members) => {
            for (key, value) in members {
                match value {
                    Json::String(to) if key == "$ref" => {
                        if let Some(name) = to.strip_prefix("#/$defs/").filter(|name| !name.contains('.')) {
                            *to = format!("#/$defs/{kind}.{name}");
                        }
                    }
                    value => point(value, kind),
                }
            }
        }
        Json::Array(values) => values.iter_mut().for_each(|value| point(value, kind)),
        _ => {}
    }
}
