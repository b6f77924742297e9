//! The autoscalers of deployments.

use k8s_openapi::api::autoscaling::v2 as autoscaling;

use super::metadata;
use crate::kind::DEPLOYMENT;
use crate::quantity::Percent;
use crate::workload::{Autoscale, Deployment};

pub(super) fn object(
    of: &Deployment,
    scale: &Autoscale,
    namespace: &str,
) -> autoscaling::HorizontalPodAutoscaler {
    let targets = [("cpu", &scale.cpu), ("memory", &scale.memory)];
    let metrics =
        targets.into_iter().filter_map(|(name, target)| Some(metric(name, *target.as_ref()?.ok()?)));
    autoscaling::HorizontalPodAutoscaler {
        metadata: metadata(&of.name, namespace),
        spec: autoscaling::HorizontalPodAutoscalerSpec {
            min_replicas: Some(scale.min.into()),
            max_replicas: scale.max.into(),
            metrics: Some(metrics.collect()),
            scale_target_ref: autoscaling::CrossVersionObjectReference {
                api_version: Some(DEPLOYMENT.api()),
                kind: DEPLOYMENT.name.to_owned(),
                name: of.name.to_string(),
            },
            ..autoscaling::HorizontalPodAutoscalerSpec::default()
        },
        ..autoscaling::HorizontalPodAutoscaler::default()
    }
}

/// The use of a resource, as a part of what the pods are sure of.
fn metric(name: &str, target: Percent) -> autoscaling::MetricSpec {
    autoscaling::MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(autoscaling::ResourceMetricSource {
            name: name.to_owned(),
            target: autoscaling::MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(target.as_percent().into()),
                ..autoscaling::MetricTarget::default()
            },
        }),
        ..autoscaling::MetricSpec::default()
    }
}
