//! Roles that a file can say: by their kind, with their settings.

use std::any::Any;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
#[cfg(feature = "schema")]
use serde_json::Value;

use super::form::{self, Form, Formed, Said, Unknown};
use super::{CustomRole, Role, RoleFindings, Site};
use crate::draft::{Look, Setting};
use crate::finding::{At, OwnKind};
use crate::given::Given;
use crate::name::RoleName;
use crate::rust::{Expr, Names, Unsaid};

/// The name of a newtype whose content a file gives with the types that it is written with, as a foreign format needs it: a number is
/// a number, and a text in quotes is a text. Elsewhere a type of Rust says what a scalar is.
///
/// ```
/// #[derive(serde::Deserialize)]
/// #[serde(rename = "fmc::Json")]
/// struct Json(serde_json::Value);
/// ```
pub const JSON: &str = "fmc::Json";

/// A role whose value a file can hold: it is written below its kind, with the settings that serde reads and writes.
///
/// A program that knows it (`Program::role` of the crate `fmc`) has it in its files, in their schema, in `convert` and in `explain`.
///
#[cfg_attr(feature = "schema", doc = "```")]
#[cfg_attr(not(feature = "schema"), doc = "```text")]
/// use fmc_core::role::{CustomRole, FileRole, Role};
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
/// assert_eq!(Role::said(Postgres { version: 17 }), Role::from_json::<Postgres>(r#"{"version": 17}"#));
/// ```
pub trait FileRole: CustomRole + Serialize + DeserializeOwned + Described {
    /// Its kind: [`CustomRole::kind`] of every value.
    const KIND: &'static str;

    /// The kinds of findings that it adds: those of [`CustomRole::finding_kinds`].
    const FINDINGS: &'static [OwnKind] = &[];

    /// The Rust expression that makes it, as `Postgres::new(17)`. By default it is one that reads the settings as JSON.
    fn to_rust(&self) -> String {
        form::rust_of_json("Role", self)
    }
}

/// The bound on a role's settings besides serde: a JSON Schema with the feature `schema`, and nothing without it.
#[cfg(feature = "schema")]
pub trait Described: schemars::JsonSchema {
    /// The JSON Schema of its settings.
    fn described() -> Value {
        crate::schema::of::<Self>().to_value()
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Described for T {}

/// The bound on a role's settings besides serde: a JSON Schema with the feature `schema`, and nothing without it.
#[cfg(not(feature = "schema"))]
pub trait Described {}

#[cfg(not(feature = "schema"))]
impl<T> Described for T {}

impl Formed for Role {
    fn form(&self) -> Option<&Arc<Form<Self>>> {
        self.said.as_ref()
    }

    fn kind_text(&self) -> String {
        self.role.kind().to_string()
    }

    fn value(&self) -> &dyn Any {
        &*self.role
    }

    fn of_unknown(unknown: Unknown, form: Form<Self>) -> Self {
        Self { role: Arc::new(unknown), said: Some(Arc::new(form)) }
    }
}

impl<T: FileRole> Said<Role> for T {
    const KIND: &'static str = <T as FileRole>::KIND;

    fn rust(&self) -> String {
        self.to_rust()
    }

    fn role(value: Arc<Self>, form: Option<Arc<Form<Role>>>) -> Role {
        Role { role: value, said: form }
    }
}

impl Role {
    /// A role with its form in a file.
    pub fn said<R: FileRole>(role: R) -> Self {
        form::said(Arc::new(role))
    }

    /// The role of a type with its form in a file, whose settings are JSON. A mistake in them is a finding.
    pub fn from_json<R: FileRole>(settings: &str) -> Self {
        form::from_json::<Self, R>(settings)
    }

    /// The same role with its form in a file, if it is of this type.
    pub fn as_said<R: FileRole>(&self) -> Option<Self> {
        form::as_said::<Self, R>(self.shared())
    }

    /// This role with the settings of its form after a change of the cloud's file; a role without a form is unchanged.
    #[cfg(feature = "lab")]
    pub(crate) fn changed_to(&self, form: &Self) -> Self {
        form::changed(self, form)
    }

    /// Whether it has a form in a file.
    pub fn is_said(&self) -> bool {
        self.said.is_some()
    }

    /// The kind by which a file named it, if no program has registered that kind: such a role is refused.
    pub fn unknown(&self) -> Option<&str> {
        form::unknown(self)
    }

    /// The Rust expression that makes it, if it has a form in a file.
    pub fn to_rust(&self) -> Option<&str> {
        form::rust(self)
    }
}

impl CustomRole for Unknown {
    fn kind(&self) -> Given<RoleName> {
        Given::text(&self.kind)
    }

    fn check(&self, _: &Site<'_>, findings: &mut RoleFindings<'_>) {
        findings.about(self.problem());
    }
}

/// One role: its kind if there are no settings, or a map of its kind to them. Code has its kind.
impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        form::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        form::deserialize(deserializer)
    }
}

/// Any role: the schema of a program lists the roles that it knows.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Role {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        form::schema("A role of a machine: its kind, or a map of the kind to its settings.")
    }
}

impl Setting for Role {
    /// A role is checked once everything that it needs is right.
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        form::expression(self)
    }
}

/// Two roles are equal if they are the same value or have the same form: code cannot be compared.
impl PartialEq for Role {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.role, &other.role) || form::are_alike(self, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[serde(deny_unknown_fields)]
    struct Cache {
        #[serde(default)]
        size: u32,
    }

    impl CustomRole for Cache {}

    impl FileRole for Cache {
        const KIND: &'static str = "cache";
    }

    #[test]
    fn a_role_is_written_below_its_kind_and_read_as_unknown() {
        let role = Role::said(Cache { size: 3 });
        let text = serde_json::to_string(&role).unwrap();
        assert_eq!(text, r#"{"cache":{"size":3}}"#);
        let read: Role = serde_json::from_str(&text).unwrap();
        assert_eq!((read.unknown(), role.unknown()), (Some("cache"), None));
        assert_eq!(read, role);
        assert_ne!(Role::said(Cache { size: 4 }), role);
        let alone: Role = serde_json::from_str(r#""cache""#).unwrap();
        assert_eq!(serde_json::to_string(&alone).unwrap(), r#""cache""#);
        for wrong in ["{}", r#"{"a": 1, "b": 2}"#, "3", "[]"] {
            serde_json::from_str::<Role>(wrong).unwrap_err();
        }
    }

    #[test]
    fn code_gets_its_form_from_its_type() {
        let code = Role::from(Cache { size: 3 });
        assert!(!code.is_said());
        let said = code.as_said::<Cache>().unwrap();
        assert_eq!(said, Role::said(Cache { size: 3 }));
        assert_eq!(said.to_rust(), Some(r#"Role::from_json::<Cache>("{\"size\":3}")"#));
    }

    #[test]
    fn a_role_without_settings_is_the_same_in_a_lab() {
        let exporter = crate::node_exporter::NodeExporter::new();
        let image = crate::image::Image::debian("12").path("/images/debian-12.qcow2");
        let machine = crate::machine::Machine::new("web", image)
            .root_disk(crate::unit::SizeExt::gib(20_u32))
            .role(Role::said(exporter));
        let cloud = crate::cloud::Cloud::new("first").host(crate::host::Host::local()).machine(machine);
        cloud.check().unwrap();
        cloud.lab().check().unwrap();
        let alone: Role = serde_json::from_str(r#""node-exporter""#).unwrap();
        assert_eq!(alone, Role::said(crate::node_exporter::NodeExporter::new()));
    }

    #[test]
    fn settings_that_are_wrong_are_a_finding() {
        let cloud = |role: Role| {
            let image = crate::image::Image::debian("12").path("/images/debian-12.qcow2");
            let machine = crate::machine::Machine::new("web", image).role(role);
            crate::cloud::Cloud::new("first").host(crate::host::Host::local()).machine(machine)
        };
        for role in [Role::from_json::<Cache>(r#"{"sise": 3}"#), serde_json::from_str(r#""cache""#).unwrap()]
        {
            let report = cloud(role).check().unwrap_err();
            let unknown = report
                .findings()
                .iter()
                .find(|finding| finding.kind() == crate::finding::Kind::ReferenceUnknown)
                .unwrap();
            assert_eq!(unknown.at(), "machines.web.roles[0]");
        }
    }
}
