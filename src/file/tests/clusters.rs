//! Malformed clusters: the message and the place of each mistake.

use Syntax::{Json, Toml, Yaml};

use super::malformed::{Case, all_are_refused};
use super::*;

const CASES: &[Case] = &[
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    config:\n      disable-cloud-controler: true\n",
        Yaml,
        (6, 7),
        "clusters.prod.config: the key `disable-cloud-controler` is not known to K3s, which would skip it: did you mean `disable-cloud-controller`?",
    ),
    Case(
        "name = 'a'\n[clusters.prod]\nversion = 'v1.36.3+k3s1'\nconfig.kubelet-args = ['v=2']\n",
        Toml,
        (4, 8),
        "did you mean `kubelet-arg`?",
    ),
    Case(
        "{\"name\": \"a\", \"clusters\": {\"prod\": {\"version\": \"v1.36.3+k3s1\", \"config\": {\"debug\": true,\n \"debug\": false}}}}",
        Json,
        (2, 2),
        "the key `debug` occurs twice; keep one of the two",
    ),
    Case(
        "name: a\nclusters:\n  prod: {version: v1.36.3+k3s1, severs: [a]}\n",
        Yaml,
        (3, 33),
        "clusters.prod: the key `severs` is not known here; did you mean `servers`?",
    ),
    Case(
        "name = 'a'\n[clusters.prod]\nservers = ['a']\n",
        Toml,
        (2, 11),
        "clusters.prod: `version` is missing",
    ),
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    config:\n      debug: 1\n",
        Yaml,
        (6, 14),
        "clusters.prod.config.debug: true or false is expected here, and this is a text",
    ),
    Case(
        "{\"name\": \"a\", \"clusters\": {\"prod\": {\"version\": \"v1.36.3+k3s1\",\n\"config\": {\"kubelet-arg\": {\"v\": 2}}}}}",
        Json,
        (2, 12),
        "clusters.prod.config.kubelet-arg: a list of texts is expected here, and this is a map",
    ),
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    config: {vpn-auth: HUSH}\n",
        Yaml,
        (5, 24),
        "clusters.prod.config.vpn-auth: a map with name, generation and source is expected here, and this is a text",
    ),
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    endpoint:\n      address: 10.17.4.10\n      name: api.example\n",
        Yaml,
        (5, 5),
        "clusters.prod.endpoint: one key is expected here: one of server, balancer, address, name",
    ),
    Case(
        "name = 'a'\n[clusters.prod]\nversion = 'v1.36.3+k3s1'\nendpoint.balancr.machines = ['lb']\n",
        Toml,
        (4, 10),
        "did you mean `balancer`?",
    ),
    Case(
        "{\"name\": \"a\", \"clusters\": {\"prod\": {\"version\": \"v1.36.3+k3s1\", \"bootstrap\": [\"s1\"]}}}",
        Json,
        (1, 64),
        "clusters.prod.bootstrap: a machine name, for example master1, or a map with `machine`, `files` and `server` is expected here, and this is a list",
    ),
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    endpoint: {balancer: {machines: [lb], software: nginx}}\n",
        Yaml,
        (5, 53),
        "clusters.prod.endpoint.balancer.software: one of haproxy, traefik is expected here",
    ),
    Case(
        "name = 'a'\n[clusters.prod]\nversion = 'v1.36.3+k3s1'\nkubelet.'50-own.conf'.maxPod = 200\n",
        Toml,
        (4, 23),
        "did you mean `maxPods`?",
    ),
    Case(
        "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    updates: {weekly: 04:00, off: x}\n",
        Yaml,
        (5, 5),
        "clusters.prod.updates: one key is expected here: one of weekly, off",
    ),
    Case(
        "{\"name\": \"a\", \"clusters\": {\"prod\": {\"version\": \"v1.36.3+k3s1\", \"credentials\": {\"authorities\": {\"etcd-per\": {}}}}}}",
        Json,
        (1, 96),
        "did you mean `etcd-peer`?",
    ),
];

#[test]
fn each_cluster_is_refused_at_its_place_with_what_would_be_right() {
    all_are_refused(CASES);
}

/// A wrong value is read and kept, and the finding of the check is at its place.
#[test]
fn values_that_are_wrong_are_found_at_their_places() {
    let cases = [
        Case(
            "name: a\nclusters:\n  prod:\n    version: stable\n    servers: [s1]\n",
            Yaml,
            (4, 14),
            "clusters.prod.version: \"stable\" is not a valid",
        ),
        Case(
            "name = 'a'\n[machines.s1]\nimage.os = 'none'\nlabels = ['a=b', 'no label']\n",
            Toml,
            (4, 18),
            "machines.s1.labels[1]: \"no label\" is not a valid",
        ),
        Case(
            "{\"name\": \"a\", \"machines\": {\"s1\": {\"image\": {\"os\": \"none\"},\n\"taints\": [\"a=b:NoScheduel\"]}}}",
            Json,
            (2, 12),
            "machines.s1.taints[0]: \"a=b:NoScheduel\" is not a valid",
        ),
        Case(
            "name: a\nclusters:\n  prod:\n    version: v1.36.3+k3s1\n    disable: [treafik]\n",
            Yaml,
            (5, 15),
            "clusters.prod.disable[0]: \"treafik\" is not a valid",
        ),
        Case(
            "name = 'a'\n[clusters.prod]\nversion = 'v1.36.3+k3s1'\nendpoint.balancer = {machines = ['lb'], virtual_router = 256}\n",
            Toml,
            (4, 58),
            "clusters.prod.endpoint.balancer.virtual_router: \"256\" is not a valid",
        ),
        Case(
            "{\"name\": \"a\", \"clusters\": {\"prod\": {\"version\": \"v1.36.3+k3s1\", \"config\": {\n\"v\": \"much\"}}}}",
            Json,
            (2, 6),
            "clusters.prod.config.v: \"much\" is not a valid",
        ),
    ];
    let mut wrong = Vec::new();
    for Case(text, format, place, says) in cases {
        let source = Source::new(text.as_bytes(), format).unwrap();
        let report = source.cloud().unwrap().check().unwrap_err();
        let found: Vec<String> = report
            .findings()
            .iter()
            .map(|finding| format!("{}: {}", finding.at(), finding.message()))
            .collect();
        let Some(index) = found.iter().position(|finding| finding.starts_with(says)) else {
            wrong.push(format!("{format:?} {text:?}\n  found: {found:#?}\n  not:   {says}"));
            continue;
        };
        let span = source.places().place(report.findings()[index].at());
        let there = source.lines().place(span.start);
        if there != place {
            wrong.push(format!("{format:?} {text:?}\n  found at: {there:?}\n  not:      {place:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
