//! The errors of commands, with FreeIPA's codes, names and words.

use serde_json::{Map, Value, json};

/// Why a command is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    code: i64,
    name: &'static str,
    message: String,
    data: Map<String, Value>,
}

impl Refusal {
    fn new(code: i64, name: &'static str, message: String) -> Self {
        Self { code, name, message, data: Map::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.data.insert(name.to_owned(), json!(value));
        self
    }

    pub(super) fn internal() -> Self {
        Self::new(903, "InternalError", "an internal error has occurred".to_owned())
    }

    pub(super) fn command(name: &str) -> Self {
        Self::new(905, "CommandError", format!("unknown command '{name}'")).with("name", name)
    }

    pub(super) fn json(why: &str) -> Self {
        Self::new(909, "JSONError", format!("Invalid JSON-RPC request: {why}")).with("error", why)
    }

    pub(super) fn rights(what: &str) -> Self {
        let info = format!("Insufficient '{what}' privilege");
        Self::new(2100, "ACIError", format!("Insufficient access: {info}")).with("info", &info)
    }

    pub(super) fn elsewhere(zone: &str) -> Self {
        let text =
            format!("DNS zone {zone} already exists in DNS and is handled by server(s): ns.elsewhere.test.");
        Self::new(3000, "InvocationError", text)
    }

    pub(super) fn arguments(command: &str, most: usize) -> Self {
        let text = format!("command '{command}' takes at most {most} argument(s)");
        Self::new(3004, "MaxArgumentError", text)
    }

    pub(super) fn option(name: &str) -> Self {
        Self::new(3005, "OptionError", format!("Unknown option: {name}")).with("option", name)
    }

    pub(super) fn no_option() -> Self {
        let text = "Neither --del-all nor options to delete a specific record provided.";
        Self::new(3005, "OptionError", text.to_owned())
    }

    pub(super) fn required(name: &str) -> Self {
        Self::new(3007, "RequirementError", format!("'{name}' is required")).with("name", name)
    }

    pub(super) fn conversion(name: &str, why: &str) -> Self {
        let text = format!("invalid '{name}': {why}");
        Self::new(3008, "ConversionError", text).with("name", name).with("error", why)
    }

    pub(super) fn validation(name: &str, why: &str) -> Self {
        let text = format!("invalid '{name}': {why}");
        Self::new(3009, "ValidationError", text).with("name", name).with("error", why)
    }

    pub(super) fn not_found(reason: &str) -> Self {
        Self::new(4001, "NotFound", reason.to_owned()).with("reason", reason)
    }

    pub(super) fn duplicate(zone: &str) -> Self {
        Self::new(4002, "DuplicateEntry", format!("DNS zone with name \"{zone}\" already exists"))
    }

    pub(super) fn host_exists(name: &str) -> Self {
        Self::new(4002, "DuplicateEntry", format!("host with name \"{name}\" already exists"))
    }

    /// An entry of this name is there.
    pub(super) fn exists(what: &str, name: &str) -> Self {
        Self::new(4002, "DuplicateEntry", format!("{what} with name \"{name}\" already exists"))
    }

    pub(super) fn posix_already() -> Self {
        Self::new(4007, "AlreadyPosixGroup", "This is already a posix group".to_owned())
    }

    pub(super) fn active() -> Self {
        Self::new(4009, "AlreadyActive", "This entry is already enabled".to_owned())
    }

    pub(super) fn default_group() -> Self {
        Self::new(4018, "DefaultGroupError", "The default users group cannot be removed".to_owned())
    }

    pub(super) fn private_group(name: &str) -> Self {
        let text = format!("Unable to create private group. A group '{name}' already exists.");
        Self::new(4024, "ManagedGroupExistsError", text).with("group", name)
    }

    /// A value twice in one attribute.
    pub(super) fn type_or_value_exists() -> Self {
        Self::new(4203, "DatabaseError", "Type or value exists: ".to_owned())
    }

    pub(super) fn invocation(text: &str) -> Self {
        Self::new(3000, "InvocationError", text.to_owned())
    }

    pub(super) fn exclusive(why: &str) -> Self {
        Self::new(4303, "MutuallyExclusiveError", why.to_owned()).with("reason", why)
    }

    pub(super) fn dependent(name: &str, rules: &str) -> Self {
        let text = format!("{name} cannot be deleted because sudorule {rules} requires it");
        Self::new(4307, "DependentEntry", text).with("key", name)
    }

    pub(super) fn last_member(name: &str) -> Self {
        let text =
            format!("{name} cannot be deleted or disabled because it is the last member of group admins");
        Self::new(4308, "LastMemberError", text).with("key", name)
    }

    pub(super) fn protected(what: &str, name: &str) -> Self {
        let text = format!("{what} {name} cannot be deleted/modified: privileged {what}");
        Self::new(4309, "ProtectedEntryError", text).with("key", name)
    }

    pub(super) fn inactive() -> Self {
        Self::new(4010, "AlreadyInactive", "This entry is already disabled".to_owned())
    }

    pub(super) fn no_address(host: &str) -> Self {
        let text = format!("Host '{host}' does not have corresponding DNS A/AAAA record");
        Self::new(4019, "DNSNotARecordError", text).with("hostname", host)
    }

    /// A zone and a forward zone exclude each other.
    pub(super) fn other_kind() -> Self {
        Self { message: "Only one zone type is allowed per zone name".to_owned(), ..Self::duplicate("") }
    }

    pub(super) fn no_value(attribute: &str, value: &str) -> Self {
        let text = format!("{attribute} does not contain '{value}'");
        Self::new(4026, "AttrValueNotFound", text).with("attr", attribute).with("value", value)
    }

    pub(super) fn collision() -> Self {
        Self::new(4201, "MidairCollision", "change collided with another change".to_owned())
    }

    pub(super) fn unchanged() -> Self {
        Self::new(4202, "EmptyModlist", "no modifications to be performed".to_owned())
    }

    pub(super) fn part() -> Self {
        let text = "The record was added, but a later step failed";
        Self::new(4304, "NonFatalError", text.to_owned())
    }

    /// The error of a request.
    pub(super) fn of_request(&self) -> Value {
        json!({"code": self.code, "message": self.message, "data": self.data, "name": self.name})
    }

    /// The error of an item of a batch, whose members have other names.
    pub(super) fn of_item(&self) -> Value {
        json!({
            "error": self.message, "error_code": self.code, "error_name": self.name, "error_kw": self.data,
        })
    }
}
