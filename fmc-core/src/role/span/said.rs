//! Spanning roles that a file can say: by their kind, with their settings.

use std::any::{Any, type_name};
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{SpanMembers, SpanSite, Spanning, SpanningRole};
use crate::draft::{Look, Setting};
use crate::finding::{At, OwnKind};
use crate::given::Given;
use crate::name::RoleName;
use crate::role::form::{self, Form, Formed};
use crate::role::{Described, RoleFindings, SaidProblem};
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
    /// Its kind, which is what [`SpanningRole::kind`] says of every value of it.
    const KIND: &'static str;

    /// The kinds of findings that it adds: those of [`SpanningRole::finding_kinds`].
    const FINDINGS: &'static [OwnKind] = &[];

    /// The Rust expression that makes it, as `Store::new(["a", "b"])`. By default it is one that reads the settings as JSON.
    fn to_rust(&self) -> String {
        let path = type_name::<Self>();
        let name = path.rsplit("::").next().unwrap_or(path);
        let settings = serde_json::to_string(self).unwrap_or_default();
        format!("Spanning::from_json::<{name}>({settings:?})")
    }
}

impl Formed for Spanning {
    fn form(&self) -> Option<&Arc<Form<Self>>> {
        self.said.as_ref()
    }

    fn kind_text(&self) -> String {
        self.role.kind().to_string()
    }

    fn unresolved(kind: &str, settings: Value) -> Self {
        Unknown::role(kind, settings, "no program has registered it".to_owned())
    }
}

impl Spanning {
    /// A role with its form in a file.
    pub fn said<R: FileSpanningRole>(role: R) -> Self {
        Self::shared_said(Arc::new(role))
    }

    /// The role of a type with its form in a file, whose settings are JSON. Settings that are wrong are a finding.
    pub fn from_json<R: FileSpanningRole>(settings: &str) -> Self {
        match serde_json::from_str::<R>(settings) {
            Ok(role) => Self::said(role),
            Err(error) => Unknown::role(R::KIND, Value::Null, error.to_string()),
        }
    }

    fn shared_said<R: FileSpanningRole>(role: Arc<R>) -> Self {
        let read = |settings: &Value| serde_json::from_value::<R>(settings.clone()).ok().map(Self::said);
        let said = serde_json::to_value(&*role).ok().map(|settings| {
            Arc::new(Form { kind: R::KIND.to_owned(), settings, rust: role.to_rust(), read })
        });
        Self { role, said }
    }

    /// The same role with its form in a file, if it is of this type.
    pub fn as_said<R: FileSpanningRole>(&self) -> Option<Self> {
        let shared: Arc<dyn Any + Send + Sync> = Arc::<dyn SpanningRole>::clone(&self.role);
        shared.downcast::<R>().ok().map(Self::shared_said)
    }

    /// This role with the settings of its form after a change of the cloud's file; a role without a form is unchanged.
    pub(crate) fn changed_to(&self, form: &Self) -> Self {
        form::changed(self, form)
    }

    /// Whether it has a form in a file.
    pub fn is_said(&self) -> bool {
        self.said.is_some()
    }

    /// The kind by which a file named it, if no program has registered that kind: such a role is refused.
    pub fn unknown(&self) -> Option<&str> {
        let role: &dyn Any = &*self.role;
        role.downcast_ref::<Unknown>().map(|unknown| unknown.kind.as_str())
    }

    /// The Rust expression that makes it, if it has a form in a file.
    pub fn to_rust(&self) -> Option<&str> {
        self.said.as_ref().map(|said| said.rust.as_str())
    }
}

/// A spanning role of a file that no program has looked at.
struct Unknown {
    kind: String,
    why: String,
}

impl Unknown {
    fn role(kind: &str, settings: Value, why: String) -> Spanning {
        let said = Form { kind: kind.to_owned(), settings, rust: String::new(), read: |_| None };
        Spanning { role: Arc::new(Self { kind: kind.to_owned(), why }), said: Some(Arc::new(said)) }
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
        findings.about(SaidProblem::NoRole { role: self.kind.clone(), why: self.why.clone() });
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

/// Any spanning role: a program that knows some says which in its own schema.
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Spanning {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Spanning".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        form::schema(
            "What some machines are together: the kind of a role that spans machines, or a map of it to its settings.",
        )
    }
}

impl Setting for Spanning {
    /// The check looks at the settings of every spanning role.
    fn look(&self, _: &At<'_>, _: &mut Look<'_>) {}

    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        self.to_rust().map(Expr::leaf).ok_or_else(|| format!("the role {}, which is code", self.role.kind()))
    }
}

/// Two roles are equal if they are the same value, or have the same form: code cannot be compared.
impl PartialEq for Spanning {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.role, &other.role) || form::are_alike(self, other)
    }
}
