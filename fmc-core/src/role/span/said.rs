//! Spanning roles that a file can say: by their kind, with their settings.

use std::any::Any;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::{SpanMembers, SpanSite, Spanning, SpanningRole};
use crate::draft::{Look, Setting};
use crate::finding::{At, OwnKind};
use crate::given::Given;
use crate::name::RoleName;
use crate::role::form::{self, Form, Formed, Said, Unknown};
use crate::role::{Described, RoleFindings};
use crate::rust::{Expr, Names, Unsaid};

/// A spanning role whose value a file can hold: it is written below its kind among the `roles` of the cloud, with the settings that
/// serde reads and writes.
///
/// A program that knows it (`Program::spanning_role` of the crate `fmc`) has it in its files, in their schema, in `convert` and in
/// `explain`.
///
#[cfg_attr(feature = "schema", doc = "```")]
#[cfg_attr(not(feature = "schema"), doc = "```text")]
/// use fmc_core::given::Given;
/// use fmc_core::name::MachineName;
/// use fmc_core::role::{CustomRole, FileSpanningRole, SpanMembers, Spanning, SpanningRole};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[derive(schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Store {
///     machines: Vec<Given<MachineName>>,
/// }
///
/// struct Copy;
/// impl CustomRole for Copy {}
///
/// impl SpanningRole for Store {
///     fn members(&self) -> SpanMembers<'_> {
///         SpanMembers::new().list("machines", &self.machines, Copy)
///     }
/// }
///
/// impl FileSpanningRole for Store {
///     const KIND: &'static str = "store";
/// }
///
/// let said = Spanning::said(Store { machines: vec!["a".into()] });
/// assert_eq!(said, Spanning::from_json::<Store>(r#"{"machines": ["a"]}"#));
/// ```
pub trait FileSpanningRole: SpanningRole + Serialize + DeserializeOwned + Described {
    /// Its kind: [`SpanningRole::kind`] of every value.
    const KIND: &'static str;

    /// The kinds of findings that it adds: those of [`SpanningRole::finding_kinds`].
    const FINDINGS: &'static [OwnKind] = &[];

    /// The Rust expression that makes it, as `Store::new(["a", "b"])`. By default it is one that reads the settings as JSON.
    fn to_rust(&self) -> String {
        form::rust_of_json("Spanning", self)
    }
}

impl Formed for Spanning {
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

impl<T: FileSpanningRole> Said<Spanning> for T {
    const KIND: &'static str = <T as FileSpanningRole>::KIND;

    fn rust(&self) -> String {
        self.to_rust()
    }

    fn role(value: Arc<Self>, form: Option<Arc<Form<Spanning>>>) -> Spanning {
        Spanning { role: value, said: form }
    }
}

impl Spanning {
    /// A role with its form in a file.
    pub fn said<R: FileSpanningRole>(role: R) -> Self {
        form::said(Arc::new(role))
    }

    /// The role of a type with its form in a file, whose settings are JSON. A mistake in them is a finding.
    pub fn from_json<R: FileSpanningRole>(settings: &str) -> Self {
        form::from_json::<Self, R>(settings)
    }

    /// The same role with its form in a file, if it is of this type.
    pub fn as_said<R: FileSpanningRole>(&self) -> Option<Self> {
        let shared: Arc<dyn SpanningRole> = Arc::clone(&self.role);
        form::as_said::<Self, R>(shared)
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

impl SpanningRole for Unknown {
    fn kind(&self) -> Given<RoleName> {
        Given::text(&self.kind)
    }

    fn members(&self) -> SpanMembers<'_> {
        SpanMembers::new()
    }

    fn check(&self, _: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        findings.about(self.problem());
    }
}

impl Serialize for Spanning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        form::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Spanning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        form::deserialize(deserializer)
    }
}

/// Any spanning role: the schema of a program lists the ones that it knows.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Spanning {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Spanning".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        form::schema("A role that spans machines: its kind, or a map of the kind to its settings.")
    }
}

impl Setting for Spanning {
    /// The check looks at the settings of every spanning role.
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        form::expression(self)
    }
}

/// Two roles are equal if they are the same value or have the same form: code cannot be compared.
impl PartialEq for Spanning {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.role, &other.role) || form::are_alike(self, other)
    }
}
