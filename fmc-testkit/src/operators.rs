//! Stand-ins for the files that the projects of operators publish: the files themselves are large and
//! not ours. The definitions take every field, so a stand-in judges nothing; the real definitions do, in the slow tier.

use std::fmt::Write as _;

/// A project: its file in the examples, its namespace, its deployment, the group of its kinds, and those of them that fmc writes.
struct Project(&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const PROJECTS: [Project; 3] = [
    Project("cnpg-1.30.0.yaml", "cnpg-system", "cnpg-controller-manager", "postgresql.cnpg.io", &["Cluster"]),
    Project(
        "rook-1.20.6.yaml",
        "rook-ceph",
        "rook-ceph-operator",
        "ceph.rook.io",
        &["CephCluster", "CephBlockPool"],
    ),
    Project(
        "strimzi-1.2.0.yaml",
        "kafka",
        "strimzi-cluster-operator",
        "kafka.strimzi.io",
        &["Kafka", "KafkaNodePool", "KafkaTopic"],
    ),
];

/// The files by name.
pub fn files() -> Vec<(&'static str, String)> {
    PROJECTS.iter().map(|project| (project.0, text(project))).collect()
}

/// The file of a name, as one who reads files for a platform answers.
///
/// # Errors
///
/// There is no such file.
pub fn file(name: &str) -> Result<String, String> {
    PROJECTS.iter().find(|project| project.0 == name).map(text).ok_or_else(|| format!("there is no {name}"))
}

fn text(Project(_, namespace, deployment, group, kinds): &Project) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{ name: {namespace} }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {deployment}, \
         namespace: {namespace} }}\nspec:\n  selector: {{ matchLabels: {{ app: {deployment} }} }}\n  template:\n    metadata: {{ labels: {{ app: \
         {deployment} }} }}\n    spec:\n      containers:\n        - {{ name: {deployment}, image: 'registry.example.org/{deployment}:1' }}\n"
    );
    for kind in *kinds {
        let singular = kind.to_lowercase();
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{ name: {singular}s.{group} }}\nspec:\n  group: \
             {group}\n  scope: Namespaced\n  names: {{ kind: {kind}, plural: {singular}s, singular: {singular} }}\n  versions:\n    - name: v1\n      \
             served: true\n      storage: true\n      subresources: {{ status: {{}} }}\n      schema: {{ openAPIV3Schema: {{ type: object, \
             x-kubernetes-preserve-unknown-fields: true }} }}\n"
        );
    }
    text
}
