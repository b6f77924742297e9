//! A cluster as a role that spans machines: servers and agents, and the other machines that it names.

use std::sync::Arc;

use super::{Agent, Server};
use crate::checked::Checked;
use crate::given::Given;
use crate::k3s::Cluster;
use crate::name::RoleName;
use crate::role::{SpanMembers, SpanningRole};

/// The kind of a cluster.
const KIND: RoleName = RoleName::literal("k3s");

impl SpanningRole for Cluster {
    fn kind(&self) -> Given<RoleName> {
        Given::value(KIND)
    }

    fn instance(&self) -> Option<&str> {
        self.name.ok().map(|name| name.as_str())
    }

    fn members(&self) -> SpanMembers<'_> {
        let instance: Arc<str> = self.instance().unwrap_or_default().into();
        SpanMembers::new().list("servers", &self.servers, Server(Arc::clone(&instance))).list(
            "agents",
            &self.agents,
            Agent(instance),
        )
    }

    fn is_resolved(&self, cloud: &Checked) -> bool {
        self.instance().is_some_and(|name| cloud.cluster(name).is_some())
    }
}
