//! Looks up a value of a document by its path in a plan.

use fmc_core::provider::NoValue;

use super::table;
use crate::xml::Outline;
use crate::xml::outline::Node;

/// The value at a path of a document, in the words of a plan: `devices/disk[vdb]/source/@file`, `memory`.
///
/// An element among siblings is named by its identity in brackets, or by its number among those of its name, from 0;
/// without either it is the first.
///
/// ```
/// use fmc_core::provider::NoValue;
/// use fmc_libvirt::drift::value;
///
/// let domain = "<domain><memory unit='KiB'>2097152</memory><devices><disk type='file'><target dev='vdb'/></disk></devices></domain>";
/// assert_eq!(value(domain, "memory")?, "2 GiB");
/// assert_eq!(value(domain, "devices/disk[vdb]/@type")?, "file");
/// assert_eq!(value(domain, "devices/disk[0]/target/@dev")?, "vdb");
/// assert_eq!(
///     value(domain, "devices/disk[vda]/@type"),
///     Err(NoValue { upto: "devices".to_owned(), has: vec!["disk[vdb]".to_owned()] })
/// );
/// # Ok::<(), NoValue>(())
/// ```
///
/// # Errors
///
/// The path does not exist: the part that exists, and the values there.
pub fn value(document: &str, path: &str) -> Result<String, NoValue> {
    let outline = Outline::read(document).ok_or_else(|| NoValue { upto: String::new(), has: Vec::new() })?;
    let mut node = outline.root();
    let mut upto = String::new();
    for step in path.split('/').filter(|step| !step.is_empty()) {
        let missing = || NoValue { upto: upto.clone(), has: parts(node) };
        if let Some(name) = step.strip_prefix('@') {
            return node.attribute(name).map(str::to_owned).ok_or_else(missing);
        }
        node = child(node, step).ok_or_else(missing)?;
        if !upto.is_empty() {
            upto.push('/');
        }
        upto.push_str(step);
    }
    Ok(table::words(node))
}

fn child<'t>(node: Node<'t>, step: &str) -> Option<Node<'t>> {
    let (name, which) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
        Some((name, which)) => (name, Some(which)),
        None => (step, None),
    };
    let same = || node.children().filter(|child| child.name() == name);
    let Some(which) = which else { return same().next() };
    let known = same().find(|child| identity(*child).as_deref() == Some(which));
    known.or_else(|| same().nth(which.parse().ok()?))
}

/// The attributes and elements of an element; elements of the same name with their identities.
fn parts(node: Node<'_>) -> Vec<String> {
    let attributes = node.attributes().map(|(name, _)| format!("@{name}"));
    let children = node.children().filter(|child| !table::is_ignored(*child)).map(shown);
    let mut parts: Vec<String> = attributes.chain(children).collect();
    parts.dedup();
    parts
}

fn shown(node: Node<'_>) -> String {
    match identity(node) {
        Some(identity) => format!("{}[{identity}]", node.name()),
        None => node.name().to_owned(),
    }
}

fn identity(node: Node<'_>) -> Option<String> {
    let parts: Vec<&str> = table::key(node).into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
