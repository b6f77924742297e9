//! Kernel settings for K3s and its kubelet: sysctls and modules.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::Line;
use crate::draft::{Look, Setting};
use crate::finding::{At, Finding, leaf, problems};
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::named::{Keyed, Named, unnamed};
use crate::rust::{Expr, Names, Unsaid};

/// The sysctls that a kubelet with `protect-kernel-defaults` refuses to start without (docs.k3s.io, *CIS Hardening
/// Guide*).
pub const KUBELET_SYSCTLS: [(&str, &str); 4] = [
    ("vm.panic_on_oom", "0"),
    ("vm.overcommit_memory", "1"),
    ("kernel.panic", "10"),
    ("kernel.panic_on_oops", "1"),
];

/// The modules that K3s's own unit loads before it starts.
pub const MODULES: [&str; 2] = ["br_netfilter", "overlay"];

/// Sysctls that are set and modules that are loaded at boot (sysctl.d(5), modules-load.d(5)).
///
/// ```
/// use fmc_core::k3s::tuning::Tuning;
///
/// let tuning = Tuning::kubelet().sysctl("fs.inotify.max_user_instances", "8192");
/// assert!(tuning.sysctl_file().starts_with("fs.inotify.max_user_instances = 8192\nkernel.panic = 10\n"));
/// assert_eq!(tuning.module_file(), "br_netfilter\noverlay\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// Values of sysctls, by name.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    sysctls: Named<Sysctl>,
    /// Modules, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    modules: Vec<Given<ModuleName>>,
}

/// A sysctl and its value. In a file it is only the value, under the name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "Given<Line>", into = "Given<Line>")]
pub struct Sysctl {
    name: Given<SysctlName>,
    value: Given<Line>,
}

impl From<Given<Line>> for Sysctl {
    fn from(value: Given<Line>) -> Self {
        Self { name: unnamed(), value }
    }
}

impl From<Sysctl> for Given<Line> {
    fn from(sysctl: Sysctl) -> Self {
        sysctl.value
    }
}

impl Keyed for Sysctl {
    type Name = SysctlName;

    fn name(&self) -> &Given<SysctlName> {
        &self.name
    }

    fn with_name(mut self, name: Given<SysctlName>) -> Self {
        self.name = name;
        self
    }
}

impl Tuning {
    /// Where the sysctls stand (docs.k3s.io, *CIS Hardening Guide*).
    pub const SYSCTL_PATH: &'static str = "/etc/sysctl.d/90-kubelet.conf";
    /// Where the modules stand.
    pub const MODULE_PATH: &'static str = "/etc/modules-load.d/90-k3s.conf";

    /// No settings: the kernel's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sysctls that a kubelet with `protect-kernel-defaults` needs, and the modules of K3s.
    pub fn kubelet() -> Self {
        let tuning =
            KUBELET_SYSCTLS.iter().fold(Self::new(), |tuning, (name, value)| tuning.sysctl(*name, *value));
        MODULES.iter().fold(tuning, |tuning, name| tuning.module(*name))
    }

    /// A sysctl and its value. A value that it had is replaced.
    #[must_use]
    pub fn sysctl(mut self, name: impl Into<Given<SysctlName>>, value: impl Into<Given<Line>>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.sysctls.iter_mut().find(|sysctl| sysctl.name == name) {
            Some(sysctl) => sysctl.value = value,
            None => self.sysctls.push(Sysctl { name, value }),
        }
        self
    }

    /// A module.
    #[must_use]
    pub fn module(mut self, name: impl Into<Given<ModuleName>>) -> Self {
        let name = name.into();
        if !self.modules.contains(&name) {
            self.modules.push(name);
        }
        self
    }

    /// The value of a sysctl, if it is set.
    pub fn get(&self, name: &str) -> Option<&Given<Line>> {
        let is_it = |sysctl: &&Sysctl| sysctl.name.ok().is_some_and(|given| given.as_str() == name);
        self.sysctls.iter().find(is_it).map(|sysctl| &sysctl.value)
    }

    /// The sysctls that a kubelet with `protect-kernel-defaults` misses here, with the values that it wants.
    pub fn missing(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        KUBELET_SYSCTLS.into_iter().filter(|(name, value)| {
            self.get(name).and_then(Given::ok).is_none_or(|given| given.as_str() != *value)
        })
    }

    /// The file for `/etc/sysctl.d`, sorted, and empty when there is nothing to set.
    pub fn sysctl_file(&self) -> String {
        sorted(self.sysctls.iter().map(|sysctl| format!("{} = {}\n", sysctl.name, sysctl.value)))
    }

    /// The file for `/etc/modules-load.d`, sorted, and empty when there is nothing to load.
    pub fn module_file(&self) -> String {
        sorted(self.modules.iter().map(|name| format!("{name}\n")))
    }

    /// Every leaf that is wrong.
    pub fn check(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        let list = at.key("sysctls");
        for sysctl in &self.sysctls {
            let at = list.name(&sysctl.name);
            leaf(&sysctl.name, &at, findings);
            if let Some(value) = leaf(&sysctl.value, &at, findings)
                && value.as_str().trim() != value.as_str()
            {
                let (value, trimmed) = (value.to_string(), value.as_str().trim().to_owned());
                findings.push(TuningProblem::Space { value, trimmed }.at(at));
            }
        }
        let list = at.key("modules");
        for (index, name) in self.modules.iter().enumerate() {
            leaf(name, &list.index(index), findings);
        }
    }
}

impl Setting for Tuning {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        self.check(at, look.findings);
    }

    /// No setter takes it: a cluster has the setters of its parts.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("kernel settings by themselves".to_owned())
    }

    fn say(&self, _: &str, cluster: &mut Expr, names: &Names) -> Result<(), Unsaid> {
        for Sysctl { name, value } in &self.sysctls {
            cluster.call("sysctl", format!("{}, {}", name.rust(names)?.line(), value.rust(names)?.line()));
        }
        self.modules.say("module", cluster, names)
    }
}

problems! {
    /// Problems with settings of the kernel.
    pub enum TuningProblem {
        Space { value: String, trimmed: String } is ValueInvalid:
            "the value {value:?} begins or ends with white space",
            "write {trimmed:?}";
    }
}

/// The lines of a file, independent of the order of the calls.
fn sorted(lines: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines.concat()
}

macro_rules! words {
    ($(
        $(#[$doc:meta])*
        $name:ident $what:literal $example:literal $extra:literal $pattern:literal $must:literal;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Leaf for $name {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;

            fn parse(text: &str) -> Result<Self, LeafError> {
                let inside = |byte: u8| byte.is_ascii_alphanumeric() || $extra.contains(&byte);
                let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
                if starts && text.bytes().all(inside) {
                    return Ok(Self(text.into()));
                }
                Err(LeafError::mending(format!("it has {}: write, for example, {}", $must, $example)))
            }

            #[cfg(feature = "schema")]
            fn schema() -> schemars::Schema {
                crate::given::text_schema::<Self>(Some($pattern), None)
            }
        }

        leaf_traits!($name);
    )*};
}

words! {
    /// The name of a sysctl, with dots or slashes between its parts (sysctl.d(5)).
    SysctlName "sysctl name" "vm.overcommit_memory" b"._/-:" "^[A-Za-z0-9][A-Za-z0-9._/:-]*$"
        "letters, digits and any of . _ / : -, beginning with a letter or digit";
    /// The name of a module of the kernel (modules-load.d(5)).
    ModuleName "kernel module" "br_netfilter" b"_-" "^[A-Za-z0-9][A-Za-z0-9_-]*$"
        "letters, digits, '_' and '-', beginning with a letter or digit";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::tests::reads_back;

    #[test]
    fn the_files_are_those_of_the_hardening_guide() {
        let tuning = Tuning::kubelet();
        assert_eq!(
            tuning.sysctl_file(),
            "kernel.panic = 10\nkernel.panic_on_oops = 1\nvm.overcommit_memory = 1\nvm.panic_on_oom = 0\n"
        );
        assert_eq!(tuning.module_file(), "br_netfilter\noverlay\n");
        assert_eq!(tuning.missing().count(), 0);
        let other = tuning.sysctl("kernel.panic", "0").module("overlay");
        assert_eq!(other.missing().collect::<Vec<_>>(), [("kernel.panic", "10")]);
        assert_eq!(other.module_file(), "br_netfilter\noverlay\n");
        assert_eq!(Tuning::new().missing().count(), 4);
    }

    #[test]
    fn a_file_of_a_cloud_says_the_same() {
        let file = r#"{
            "sysctls": { "vm.panic_on_oom": 0, "net.ipv4.ip_local_port_range": "1024 65000" },
            "modules": ["overlay"]
        }"#;
        let read: Tuning = serde_json::from_str(file).unwrap();
        let expected = Tuning::new()
            .sysctl("vm.panic_on_oom", "0")
            .sysctl("net.ipv4.ip_local_port_range", "1024 65000")
            .module("overlay");
        assert_eq!(read, expected);
        let again = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Tuning>(&again).unwrap(), read);
    }

    #[test]
    fn what_is_wrong_is_a_finding() {
        let tuning =
            Tuning::new().sysctl("vm panic", "0").sysctl("a", "0\n1").sysctl("b", " 0").module("../x");
        let mut findings = Vec::new();
        tuning.check(&At::ROOT.key("tuning"), &mut findings);
        let findings: Vec<_> =
            findings.iter().map(|finding| format!("{}: {}", finding.at(), finding.message())).collect();
        assert_eq!(
            findings,
            [
                "tuning.sysctls.vm panic: \"vm panic\" is not a valid sysctl name",
                "tuning.sysctls.a: \"0\\n1\" is not a valid text",
                "tuning.sysctls.b: the value \" 0\" begins or ends with white space",
                "tuning.modules[0]: \"../x\" is not a valid kernel module",
            ]
        );
        reads_back(&SysctlName::parse("net.ipv4.conf.eth0/1.forwarding").unwrap());
        reads_back(&ModuleName::parse(ModuleName::EXAMPLE).unwrap());
    }
}
