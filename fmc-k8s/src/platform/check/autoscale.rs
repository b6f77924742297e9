//! The rules of deployments that grow and shrink by themselves.

use fmc_core::k3s::capacity::packaged;
use fmc_core::role::{RoleFindings, SpanSite};

use super::value::{MOST_REPLICAS, wrong};
use super::{NO_METRICS, optional};
use crate::platform::{Namespace, Platform};
use crate::workload::{Autoscale, one};

pub(super) fn leaves(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    each(namespace, findings, |scale, findings| {
        optional("cpu", scale.cpu.as_ref(), findings);
        optional("memory", scale.memory.as_ref(), findings);
    });
}

/// The settings by themselves.
pub(super) fn values(namespace: &Namespace, findings: &mut RoleFindings<'_>) {
    each(namespace, findings, |scale, findings| {
        if scale.min == 0 {
            wrong("min", findings, "without pods nothing is measured", "say at least 1");
        }
        if scale.max < scale.min {
            let message = format!("at most {} pods are fewer than at least {}", scale.max, scale.min);
            wrong("max", findings, message, format!("say at least {}", scale.min));
        } else if scale.max > MOST_REPLICAS {
            let message = format!("{} pods are more than a cluster takes", scale.max);
            wrong("max", findings, message, format!("say at most {MOST_REPLICAS}"));
        }
        if scale.cpu.is_none() && scale.memory.is_none() {
            wrong(
                "cpu",
                findings,
                "nothing says when there are too few pods",
                "say a part of the CPUs, as 80%",
            );
        }
    });
    for (index, of) in namespace.deployments.iter().enumerate().filter(|(_, of)| of.autoscale.is_some()) {
        findings.part(&format!("deployments[{index}]"), |findings| {
            if of.replicas != one() {
                let message = format!("{} says how many pods it has, and so does `autoscale`", of.name);
                wrong("replicas", findings, message, "leave it out: `autoscale` has `min` and `max`");
            }
            if of.autoscaled {
                let message = "`autoscale` makes the autoscaler, and `autoscaled` says that another one does";
                wrong("autoscaled", findings, message, "leave one of them out");
            }
        });
    }
}

/// An autoscaler asks K3s's metrics-server.
pub(super) fn together(
    namespace: &Namespace,
    platform: &Platform,
    site: &SpanSite<'_>,
    findings: &mut RoleFindings<'_>,
) {
    let cluster = site.cloud().cluster(&platform.cluster.to_string());
    let is_measured = |cluster| packaged(cluster).iter().any(|one| one.name == "metrics-server");
    if cluster.is_none_or(is_measured) {
        return;
    }
    each(namespace, findings, |_, findings| {
        let message = format!("{} leaves out `metrics-server`, which measures pods", platform.cluster);
        let help = "take `metrics-server` out of `disable` of the cluster, or accept this if another program measures";
        findings.find(&NO_METRICS, message, help);
    });
}

fn each(
    namespace: &Namespace,
    findings: &mut RoleFindings<'_>,
    tell: impl Fn(&Autoscale, &mut RoleFindings<'_>),
) {
    for (index, of) in namespace.deployments.iter().enumerate() {
        let Some(scale) = &of.autoscale else { continue };
        findings.part(&format!("deployments[{index}].autoscale"), |findings| tell(scale, findings));
    }
}
