//! The order of joining: servers one after another, then agents.
//!
//! Two servers that join an etcd at once can take each other down: one finds the other without a name yet. So each
//! waits until the previous one answers as an API server, which it does once it has joined. A node that has joined
//! before does not wait: after a power cut all of them start at once.

use super::Node;
use super::files::script;
use crate::guest::Guest;
use crate::k3s::resolved::url;

/// Where the script is.
pub(super) const PATH: &str = "/etc/rancher/k3s/wait.sh";

/// A path that exists once a server is a member of an etcd.
const MEMBER: &str = "/var/lib/rancher/k3s/server/db/etcd";
/// A path that exists once a server on a database has started.
const STARTED: &str = "/var/lib/rancher/k3s/server/token";
/// A path that exists once an agent has joined.
const JOINED: &str = "/var/lib/rancher/k3s/agent/client-kubelet.key";

/// Asks an API server. It answers 401 or 403 to unknown clients, and 503 while it has no datastore.
const READY: &str = r#"ready() {
    code=$(curl --silent --insecure --max-time 5 --output /dev/null --write-out '%{http_code}' "$1/readyz") || return 1
    case $code in 200 | 401 | 403) ;; *) return 1 ;; esac
}
"#;

/// Asks whether a server answers. The hash in the token identifies it when the node joins.
const THERE: &str = r#"there() {
    curl --silent --insecure --max-time 5 --output /dev/null --fail "$1/ping"
}
"#;

/// Whether a node waits for another.
pub(super) fn waits(node: &Node<'_>) -> bool {
    !node.is_initial()
}

pub(super) fn guest(node: &Node<'_>) -> Guest {
    match text(node) {
        Some(text) => Guest::new().file(script(PATH, text)),
        None => Guest::new(),
    }
}

fn text(node: &Node<'_>) -> Option<String> {
    let endpoint = node.cluster.endpoint.url();
    let Some(order) = node.order else {
        return Some(format!(
            "#!/bin/sh\n# An agent joins when there is something to join; one that has joined waits for nobody.\n\
             [ -e {JOINED} ] && exit 0\n{THERE}until there {endpoint}; do sleep 5; done\n"
        ));
    };
    let before = order.checked_sub(1).and_then(|before| node.cluster.servers.get(before))?;
    let before = node.site.cloud().at(*before)?;
    let address = before.address_towards(node.site.machine())?;
    let before_url = url(&address.to_string());
    let (stamp, there) = if node.cluster.said().datastore.is_some() {
        (STARTED, String::new())
    } else {
        (MEMBER, format!("until there {endpoint}; do sleep 5; done\n"))
    };
    let functions = if there.is_empty() { READY.to_owned() } else { format!("{READY}{THERE}") };
    Some(format!(
        "#!/bin/sh\n# Servers join one after another: this one after {}. One that has joined waits for nobody.\n\
         [ -e {stamp} ] && exit 0\n{functions}until ready {before_url}; do sleep 5; done\n{there}",
        before.name
    ))
}
