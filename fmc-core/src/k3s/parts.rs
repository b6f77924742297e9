//! The clusters of a draft in their order, and the roles that parts of them make: the datastore, the balancer, the mirror.

use crate::check::view::text;
use crate::cloud::Cloud;
use crate::k3s::Cluster;
use crate::role::{Repeated, SpanningRole, Stated};
use crate::sort;

/// The clusters by name, so that a machine that two of them name is a node of the same one in any order of declaration.
pub(super) fn sorted(cloud: &Cloud) -> Vec<&Cluster> {
    let mut clusters: Vec<&Cluster> = cloud.clusters.iter().collect();
    sort::by_key(&mut clusters, |cluster| text(&cluster.name));
    clusters
}

/// The roles that a part of a cluster makes, at the path of that part.
pub(crate) fn stated_by_clusters<'a, R: SpanningRole>(
    cloud: &'a Cloud,
    part: &str,
    make: impl Fn(&Cluster) -> Option<R>,
) -> Vec<Stated<'a>> {
    let each = sorted(cloud).into_iter().filter_map(|cluster| {
        // A machine that is named twice is a finding of the part's own rules.
        let at = format!("clusters.{}.{part}", cluster.name);
        Some(Stated::made(at, make(cluster)?, Repeated::FirstHere))
    });
    each.collect()
}
