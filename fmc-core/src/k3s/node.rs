//! Labels and taints of a Kubernetes node.

use std::fmt;

use super::word::Effect;
use crate::given::{Leaf, LeafError, leaf_traits};
use crate::name::DomainName;

/// The greatest length of a label's name and of its value (Kubernetes, *Labels and Selectors*).
const MAX: usize = 63;

/// Labels of Kubernetes' own that a kubelet may give its node (Kubernetes, *kubelet*, `--node-labels`).
const SETTABLE: [&str; 11] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

/// A label that a node registers with: `KEY=VALUE`.
///
/// A key is a name of at most 63 characters, maybe with a domain before it (`example.com/disk`); a value has at most 63
/// characters or none (Kubernetes, *Labels and Selectors*). Most keys below `kubernetes.io` and `k8s.io`, such as
/// `node-role.kubernetes.io/…`, are refused because a kubelet refuses to start with them.
///
/// ```
/// use fmc_core::k3s::Label;
///
/// let label: Label = "example.com/disk=ssd".parse()?;
/// assert_eq!((label.key(), label.value()), ("example.com/disk", "ssd"));
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    key: Box<str>,
    value: Box<str>,
}

impl Label {
    /// The key, with its domain if it has one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, which may be empty.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}={}", self.key, self.value))
    }
}

impl Leaf for Label {
    const WHAT: &'static str = "node label";
    const EXAMPLE: &'static str = "example.com/disk=ssd";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| LeafError::mending(format!("it has no `=`: write {}", Self::EXAMPLE)))?;
        check_key(key)?;
        check_value(value)?;
        if !is_settable(key) {
            let remedy = match key.strip_prefix("node-role.kubernetes.io/") {
                Some(role) => format!("after the node is there, run `kubectl label node NODE {key}={role}`"),
                None => "use a domain of your own, or none".to_owned(),
            };
            return Err(LeafError::new(format!("a kubelet may not give its node the label {key}: {remedy}")));
        }
        Ok(Self { key: key.into(), value: value.into() })
    }
}

leaf_traits!(Label);

/// A taint that a node registers with: `KEY=VALUE:EFFECT`, or `KEY:EFFECT`.
///
/// ```
/// use fmc_core::k3s::{Effect, Taint};
///
/// let taint: Taint = "CriticalAddonsOnly=true:NoExecute".parse()?;
/// assert_eq!(taint.effect(), Effect::NoExecute);
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Taint {
    key: Box<str>,
    value: Option<Box<str>>,
    effect: Effect,
}

impl Taint {
    /// The key, with its domain if it has one.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, if it has one.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Its effect on pods that do not tolerate it.
    pub fn effect(&self) -> Effect {
        self.effect
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_deref().map(|value| format!("={value}")).unwrap_or_default();
        f.pad(&format!("{}{value}:{}", self.key, self.effect))
    }
}

impl Leaf for Taint {
    const WHAT: &'static str = "node taint";
    const EXAMPLE: &'static str = "example.com/dedicated=database:NoSchedule";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (rest, effect) = text.rsplit_once(':').ok_or_else(|| {
            LeafError::mending(format!(
                "it has no effect behind a `:`: write, for example, {}",
                Self::EXAMPLE
            ))
        })?;
        let effect = Effect::parse(effect)
            .map_err(|error| error.before(&format!("its effect {effect:?} is not known; ")))?;
        let (key, value) = match rest.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (rest, None),
        };
        check_key(key)?;
        value.map_or(Ok(()), check_value)?;
        Ok(Self { key: key.into(), value: value.map(Into::into), effect })
    }
}

leaf_traits!(Taint);

/// Whether a kubelet may give the label to its own node.
fn is_settable(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return true };
    let within = |zone: &str| domain == zone || domain.ends_with(&format!(".{zone}"));
    !(within("kubernetes.io") || within("k8s.io"))
        || within("kubelet.kubernetes.io")
        || within("node.kubernetes.io")
        || SETTABLE.contains(&key)
}

fn check_key(key: &str) -> Result<(), LeafError> {
    let name = match key.split_once('/') {
        Some((domain, name)) => {
            DomainName::parse(domain)
                .map_err(|error| error.before(&format!("the domain {domain:?} of its key is wrong: ")))?;
            name
        }
        None => key,
    };
    let wrong = match word(name) {
        Ok(()) if name.is_empty() => "is empty".to_owned(),
        Ok(()) => return Ok(()),
        Err(wrong) => wrong,
    };
    Err(LeafError::new(format!("the name of its key {key:?} {wrong}")))
}

fn check_value(value: &str) -> Result<(), LeafError> {
    word(value).map_err(|wrong| LeafError::new(format!("its value {value:?} {wrong}")))
}

/// The characters of names and values; an empty text is right.
fn word(text: &str) -> Result<(), String> {
    if text.len() > MAX {
        return Err(format!("has {} characters, but at most {MAX} are allowed", text.chars().count()));
    }
    let ends = !text.starts_with(['-', '_', '.']) && !text.ends_with(['-', '_', '.']);
    if ends && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Ok(());
    }
    Err("is not of letters, digits, '-', '_' and '.', beginning and ending with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::tests::{reads_back, refused_or_reads_back};

    #[test]
    fn labels_that_are_right() {
        for text in [
            "disk=ssd",
            "disk=",
            "example.com/disk=ssd_1.a-b",
            "topology.kubernetes.io/zone=a",
            "node.kubernetes.io/pool=a",
            "a.kubelet.kubernetes.io/b=c",
            "notkubernetes.io/a=b",
            Label::EXAMPLE,
        ] {
            reads_back(&Label::parse(text).unwrap());
        }
    }

    #[test]
    fn labels_that_are_refused_and_why() {
        let long = format!("a={}", "a".repeat(64));
        let cases = [
            ("disk", "it has no `=`: write example.com/disk=ssd"),
            ("=ssd", "the name of its key \"\" is empty"),
            ("a.b/=c", "the name of its key \"a.b/\" is empty"),
            ("a b=c", "the name of its key \"a b\" is not of letters"),
            ("a=-b", "its value \"-b\" is not of letters"),
            ("a=b=c", "its value \"b=c\" is not of letters"),
            ("A.b/c=d", "the domain \"A.b\" of its key is wrong: 'A' (character 1) is not allowed"),
            (&long, "has 64 characters, but at most 63 are allowed"),
            (
                "node-role.kubernetes.io/worker=true",
                "run `kubectl label node NODE node-role.kubernetes.io/worker=worker`",
            ),
            (
                "x.k8s.io/a=b",
                "a kubelet may not give its node the label x.k8s.io/a: use a domain of your own",
            ),
        ];
        for (text, why) in cases {
            let error = Label::parse(text).unwrap_err();
            assert!(error.why().contains(why), "{text:?}: {}", error.why());
        }
    }

    #[test]
    fn taints() {
        for text in
            ["a:NoSchedule", "a=:NoExecute", "node-role.kubernetes.io/control-plane=true:PreferNoSchedule"]
        {
            reads_back(&Taint::parse(text).unwrap());
        }
        let cases = [
            ("a=b", "it has no effect behind a `:`: write, for example, "),
            ("a=b:noschedule", "its effect \"noschedule\" is not known; it is NoSchedule, "),
            (":NoSchedule", "the name of its key \"\" is empty"),
            ("a=b c:NoSchedule", "its value \"b c\" is not of letters"),
        ];
        for (text, why) in cases {
            let error = Taint::parse(text).unwrap_err();
            assert!(error.why().contains(why), "{text:?}: {}", error.why());
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", near in "[a-z./=:-]{0,12}(:NoExecute)?") {
            for text in [text, near] {
                refused_or_reads_back::<Label>(&text);
                refused_or_reads_back::<Taint>(&text);
            }
        }
    }
}
