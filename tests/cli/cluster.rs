//! A cluster that is there, and clouds that want it otherwise: what cannot be done is refused, with what helps.

use fmc::prelude::*;

use crate::birth::{cluster, cluster_of, node, refused, same};
use crate::stage::Stage;

/// The output of a plan, with single spaces.
#[track_caller]
pub(crate) fn planned(stage: &Stage, cloud: Cloud, arguments: &str) -> String {
    let plan = stage.done(cloud, arguments);
    plan.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A cluster of one server and one agent, each with K3s's folder on a data disk if it is said.
fn with_agent(version: &'static str, has_disk: bool, change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    let agent = node("w1", 20);
    let agent =
        if has_disk { agent.disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s")) } else { agent };
    let cluster = k3s::Cluster::new("prod", version);
    cluster_of(cluster, &["m1"], |cluster| change(cluster).agents(["w1"])).machine(agent)
}

/// A cluster of one server of a release.
fn of_release(version: &'static str) -> Cloud {
    cluster_of(k3s::Cluster::new("prod", version), &["m1"], same)
}

pub(crate) const NOW: &str = "v1.36.3+k3s1";

#[test]
fn a_cluster_goes_up_one_minor_version_at_a_time_by_what_its_servers_were_made_with() {
    let stage = Stage::new();
    stage.done(of_release("v1.33.4+k3s1"), "apply");
    let far = || of_release("v1.36.3+k3s1");
    let words = [
        "release v1.33.4+k3s1 → v1.36.3+k3s1",
        "one minor version at a time",
        "the last release of v1.34",
        "then of v1.35, then v1.36.3+k3s1",
        "--replace m1",
        "`upgraded_from`",
    ];
    refused(&stage, far(), "plan", "m1", &words);
    refused(&stage, far(), "plan --replace m1", "m1", &words);
    assert_eq!(stage.run(far(), "apply --replace m1").code, 1);
    // One that was upgraded in place is known by what a person says.
    let said = || cluster(&["m1"], |cluster| cluster.upgraded_from("v1.35.9+k3s1"));
    let plan = planned(&stage, said(), "plan --replace m1");
    assert!(!plan.contains("refused"), "{plan}");
    // A patch and one minor version are replacements, as other parts.
    for near in ["v1.33.9+k3s1", "v1.34.6+k3s1"] {
        let plan = planned(&stage, of_release(near), "plan");
        assert!(plan.contains(&format!("release v1.33.4+k3s1 → {near}")), "{plan}");
        assert!(plan.contains("--replace m1 replaces it") && !plan.contains("refused"), "{plan}");
    }
    stage.done(of_release("v1.34.6+k3s1"), "apply --replace m1");
    stage.done(of_release("v1.35.9+k3s1"), "apply --replace m1");
    stage.done(far(), "apply --replace m1");
}

#[test]
fn a_cluster_does_not_go_back() {
    let stage = Stage::new();
    stage.done(with_agent(NOW, true, same), "apply");
    let back = || with_agent("v1.36.1+k3s1", true, same);
    let words = ["release v1.36.3+k3s1 → v1.36.1+k3s1", "cannot go back", "restore a snapshot"];
    refused(&stage, back(), "plan", "m1", &words);
    refused(&stage, back(), "plan --replace m1", "m1", &words);
    let agent = ["release v1.36.3+k3s1 → v1.36.1+k3s1", "images and containers of the newer one"];
    refused(&stage, back(), "plan", "w1", &agent);
    let agents_alone = || with_agent(NOW, true, |cluster| cluster.agent_version("v1.35.1+k3s1"));
    refused(
        &stage,
        agents_alone(),
        "plan --replace w1",
        "w1",
        &["release v1.36.3+k3s1 → v1.35.1+k3s1", "images and containers of the newer one"],
    );
}

#[test]
fn an_agent_that_keeps_nothing_goes_back_by_its_replacement() {
    let stage = Stage::new();
    stage.done(with_agent(NOW, false, same), "apply");
    let back = || with_agent(NOW, false, |cluster| cluster.agent_version("v1.35.1+k3s1"));
    let plan = planned(&stage, back(), "plan");
    assert!(plan.contains("k3s-agent prod: release v1.36.3+k3s1 → v1.35.1+k3s1"), "{plan}");
    assert!(!plan.contains("refused"), "{plan}");
    stage.done(back(), "apply --replace w1");
}

#[test]
fn a_cluster_keeps_the_name_that_its_tokens_and_authorities_are_made_from() {
    let stage = Stage::new();
    stage.done(cluster(&["m1"], same), "apply");
    let renamed = || cluster_of(k3s::Cluster::new("stage", NOW), &["m1"], same);
    let words = ["it was made as k3s-server prod", "tokens and authorities", "leave the cluster its name"];
    refused(&stage, renamed(), "plan", "m1", &words);
    refused(&stage, renamed(), "plan --replace m1", "m1", &words);
}

/// A cluster of machines without data disks, except those of these names.
pub(crate) fn with_disks(
    servers: &[&'static str],
    agents: &[&'static str],
    disks: &[&'static str],
    change: impl Fn(k3s::Cluster) -> k3s::Cluster,
) -> Cloud {
    let mut all: Vec<&'static str> = servers.iter().chain(agents).copied().collect();
    all.sort_unstable();
    let machine = |(at, name): (usize, &&'static str)| {
        let disk = Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s");
        if disks.contains(name) { node(name, at).disk(disk) } else { node(name, at) }
    };
    let cloud = cluster_of(k3s::Cluster::new("prod", NOW), &[], |cluster| {
        change(cluster.servers(servers.iter().copied()).agents(agents.iter().copied()))
    });
    cloud.machines(all.iter().enumerate().map(machine))
}

pub(crate) const THREE: [&str; 3] = ["m1", "m2", "m3"];

#[test]
fn a_majority_of_servers_is_not_replaced_in_one_plan() {
    let stage = Stage::new();
    let three = || cluster(&THREE, same);
    stage.done(three(), "apply");
    let words = [
        "m1, m2 would be gone at once, and etcd of prod needs 2 of its 3 members",
        "one after another",
        "`apply --only machine/m1 --replace m1`, then `apply --only machine/m2 --replace m2`",
    ];
    refused(&stage, three(), "plan --replace m1 --replace m2", "m1", &words);
    assert_eq!(stage.run(three(), "apply --yes --replace m1 --replace m2").code, 1);
    refused(
        &stage,
        three(),
        "plan --replace m1 --replace m2 --replace m3",
        "m1",
        &["m1, m2, m3 would be gone at once"],
    );
    let plan = planned(&stage, three(), "plan --replace m1");
    assert!(plan.contains("must stay a member of etcd until then") && !plan.contains("refused"), "{plan}");
    for name in THREE {
        stage.done(three(), &format!("apply --only machine/{name} --replace {name}"));
    }
}

#[test]
fn servers_leave_one_after_another() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let one = || cluster(&["m1"], same);
    let words = [
        "m2, m3 would be gone at once",
        "`kubectl delete node m2` and this plan with `--only machine/m2`, then `kubectl delete node m3`",
    ];
    refused(&stage, one(), "plan", "m2", &words);
    let plan = planned(&stage, one(), "plan --only machine/m2");
    assert!(plan.contains("takes it out of etcd") && !plan.contains("refused"), "{plan}");
    assert!(matches!(stage.run(one(), "apply --only machine/m2").code, 0 | 2));
    assert!(matches!(stage.run(one(), "apply --only machine/m3").code, 0 | 2));
    // K3s goes on with its etcd.
    let plan = planned(&stage, one(), "plan");
    assert!(!plan.contains("sqlite") && !plan.contains("refused"), "{plan}");
}

#[test]
fn the_server_that_begins_does_not_begin_a_second_cluster() {
    let stage = Stage::new();
    let three = || with_disks(&THREE, &[], &[], same);
    stage.done(three(), "apply");
    let words = [
        "m1 begins prod",
        "a second cluster beside that of m2, m3",
        "`initial: m2`",
        "`--replace m1` joins them",
    ];
    refused(&stage, three(), "plan --replace m1", "m1", &words);
    // Another one that is new begins a new cluster too.
    let others = || with_disks(&["m1", "m2", "m4"], &[], &[], |cluster| cluster.initial("m4"));
    refused(&stage, others(), "plan", "m4", &["m4 begins prod", "`initial: m1`", "then m4 joins them"]);
    let by_m2 = || with_disks(&THREE, &[], &[], |cluster| cluster.initial("m2"));
    let ran = stage.run(by_m2(), "apply");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    let plan = planned(&stage, by_m2(), "plan --replace m1");
    assert!(plan.contains("takes it out of etcd") && !plan.contains("refused"), "{plan}");
    let ran = stage.run(by_m2(), "apply --replace m1");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    refused(&stage, by_m2(), "plan --replace m2", "m2", &["m2 begins prod", "`initial: m1`"]);
}

#[test]
fn a_server_that_comes_back_as_something_else_leaves_etcd_first() {
    let stage = Stage::new();
    let made = |servers: &[&'static str], agents: &[&'static str]| {
        with_disks(servers, agents, &["m1", "m2", "m3", "w1"], same)
    };
    stage.done(made(&["m1", "m2", "m3"], &["w1"]), "apply");
    let swapped = || made(&["m1", "m2", "w1"], &["m3"]);
    let plan = planned(&stage, swapped(), "plan");
    assert!(plan.contains("k3s-server prod → k3s-agent prod"), "{plan}");
    let check = |plan: &str| {
        assert!(!plan.contains("must stay a member"), "{plan}");
        for said in
            ["`kubectl delete node m3`, which takes it out of etcd", "`rm -r /var/lib/rancher/k3s/server`"]
        {
            assert!(plan.contains(said), "no {said:?}: {plan}");
        }
    };
    check(&planned(&stage, swapped(), "plan --replace m3 --replace w1"));
    // It is a server still once an apply has written its new mark.
    let ran = stage.run(swapped(), "apply");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    check(&planned(&stage, swapped(), "plan --replace m3"));
    let ran = stage.run(swapped(), "apply --replace m3 --replace w1");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    assert!(!planned(&stage, swapped(), "plan --replace m3").contains("etcd"));
}

#[test]
fn a_server_without_the_disk_of_its_state_is_a_new_member() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let without = || with_disks(&THREE, &[], &["m1", "m2"], same);
    // Its guest would not start without the disk that it mounts: nothing is done unasked.
    let left = planned(&stage, without(), "plan");
    assert!(left.contains("machine m3 left") && left.contains("its guest mounts k3s"), "{left}");
    // Without its data it would be a member of etcd that knows nothing.
    let words =
        ["the disk with the state of m3, a server of prod, would be taken out", "`kubectl delete node m3`"];
    refused(&stage, without(), "plan --delete-data m3", "m3", &words);
    let plan = planned(&stage, without(), "plan --replace m3");
    assert!(plan.contains("`kubectl delete node m3`, which takes it out of etcd"), "{plan}");
    assert!(!plan.contains("must stay a member"), "{plan}");
}

#[test]
fn a_disk_of_another_name_has_no_state() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let renamed = || {
        cluster(&THREE, same).map_machines(|machine| match machine.name.ok() {
            Some(name) if name.as_str() == "m3" => {
                machine.map_disks(|_| Disk::new("rancher", 20.gib()).mount("/var/lib/rancher/k3s"))
            }
            _ => machine,
        })
    };
    // Its guest would not start without the disk that it mounts: nothing is done unasked.
    let left = planned(&stage, renamed(), "plan");
    assert!(left.contains("machine m3 left") && left.contains("its guest mounts k3s"), "{left}");
    let plan = planned(&stage, renamed(), "plan --replace m3");
    assert!(plan.contains("`kubectl delete node m3`, which takes it out of etcd"), "{plan}");
    assert!(!plan.contains("must stay a member"), "{plan}");
}

#[test]
fn servers_of_a_cluster_that_is_not_wanted_any_more_leave_it() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let without = || {
        let mut cloud = cluster(&THREE, same);
        cloud.clusters = Cloud::new("first").clusters;
        cloud
    };
    let plan = planned(&stage, without(), "plan --replace m3");
    assert!(plan.contains("`kubectl delete node m3`, which takes it out of etcd"), "{plan}");
    let plan = planned(&stage, without(), "plan --replace m1 --replace m2 --replace m3");
    assert!(plan.contains("prod ends with its servers (m1, m2, m3)"), "{plan}");
    for plan in [plan, planned(&stage, without(), "plan")] {
        assert!(!plan.contains("must stay a member") && !plan.contains("delete node"), "{plan}");
    }
}

#[test]
fn a_destroy_takes_no_server_out_of_etcd() {
    let stage = Stage::new();
    let three = || cluster(&THREE, same);
    stage.done(three(), "apply");
    let plan = planned(&stage, three(), "plan --destroy");
    assert!(!plan.contains("delete node"), "{plan}");
    assert!(plan.contains("prod ends with its servers (m1, m2, m3)"), "{plan}");
    stage.done(three(), "destroy");
}

#[test]
fn servers_that_restart_in_one_plan_do_so_one_after_another() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let larger = || cluster(&THREE, same).map_machines(|machine| machine.memory(6.gib()));
    let plan = planned(&stage, larger(), "plan");
    assert!(
        plan.contains("m1, m2, m3 stop in this plan") && plan.contains("`apply --only machine/m1`"),
        "{plan}"
    );
    let plan = planned(&stage, larger(), "plan --only machine/m1");
    assert!(!plan.contains("stop in this plan"), "{plan}");
}

#[test]
fn a_new_server_is_not_let_in_by_the_firewalls_that_are_there() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let five = || cluster(&["m1", "m2", "m3", "m4", "m5"], same);
    let plan = planned(&stage, five(), "plan");
    for said in [
        "the firewalls inside m1, m2, m3 were made before m4 and do not let it in",
        "`apply --only machine/m1 --replace m1`",
        "`systemctl reload fmc-firewall.service`",
    ] {
        assert!(plan.contains(said), "no {said:?}: {plan}");
    }
    for name in THREE {
        let ran = stage.run(five(), &format!("apply --only machine/{name} --replace {name}"));
        assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    }
    let plan = planned(&stage, five(), "plan");
    assert!(!plan.contains("were made before") && plan.contains("+ machine m4"), "{plan}");
}

/// A cluster of three servers that keep nothing on data disks.
pub(crate) fn on_roots(change: impl Fn(k3s::Cluster) -> k3s::Cluster) -> Cloud {
    with_disks(&THREE, &[], &[], change)
}

#[test]
fn settings_that_are_equal_on_all_servers_change_on_all_of_them_first() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    type Change = fn(k3s::Cluster) -> k3s::Cluster;
    let changes: [(Change, &[&str]); 5] = [
        (
            |cluster| cluster.cluster_domain("prod.internal"),
            &[
                "cluster_domain cluster.local → prod.internal",
                "write `cluster-domain: prod.internal` to /etc/rancher/k3s/config.yaml on m1, m2, m3",
                "names that end in cluster.local are not answered any more",
            ],
        ),
        (
            |cluster| cluster.cluster_dns("10.43.0.53"),
            &["cluster_dns 10.43.0.10 → 10.43.0.53", "`kubectl -n kube-system delete service kube-dns`"],
        ),
        (
            |cluster| cluster.flannel(k3s::FlannelBackend::WireguardNative),
            &[
                "flannel vxlan → wireguard-native",
                "nodes of different backends do not reach each other's pods",
                "let UDP 51820 through",
                "reboot every node, servers first",
            ],
        ),
        (
            |cluster| cluster.disable(k3s::Component::Traefik).disable(k3s::Component::Servicelb),
            &["disable [] → [servicelb, traefik]", "write `disable: [servicelb, traefik]` to"],
        ),
        (
            |cluster| cluster.egress(k3s::EgressMode::Disabled),
            &["egress agent → disabled", "write `egress-selector-mode: disabled` to"],
        ),
    ];
    for (change, words) in changes {
        let changed = || cluster(&THREE, change);
        for arguments in ["plan", "plan --replace m1"] {
            let plan = planned(&stage, changed(), arguments);
            for said in words {
                assert!(plan.contains(said), "no {said:?} of {arguments}: {plan}");
            }
            assert_eq!(plan.matches("Before one is replaced or added, write").count(), 1, "{plan}");
            assert!(!plan.contains("a secret, or the form"), "{plan}");
        }
    }
    // The same in other words is no change.
    let plain = || {
        let said = |cluster: k3s::Cluster| {
            cluster
                .cluster_domain("cluster.local")
                .cluster_dns("10.43.0.10")
                .flannel(k3s::FlannelBackend::Vxlan)
        };
        cluster(&THREE, said)
    };
    assert!(!planned(&stage, plain(), "plan").contains("Before one is replaced or added"));
}

#[test]
fn secrets_are_encrypted_from_the_beginning_or_never() {
    use k3s::EncryptionProvider::{Aescbc, Secretbox};
    let stage = Stage::new();
    stage.done(on_roots(same), "apply");
    let encrypted = || on_roots(|cluster| cluster.secrets_encryption(Aescbc));
    let words = ["secrets_encryption off → aescbc", "does not turn the encryption of Secrets on or off"];
    refused(&stage, encrypted(), "plan", "m1", &words);
    // A server that joins the others would be refused by them.
    refused(&stage, encrypted(), "plan --replace m2", "m2", &words);

    let stage = Stage::new();
    stage.done(encrypted(), "apply");
    let other = || on_roots(|cluster| cluster.secrets_encryption(Secretbox));
    let plan = planned(&stage, other(), "plan");
    for said in ["write `secrets-encryption-provider: secretbox`", "`k3s secrets-encrypt rotate-keys` on m1"]
    {
        assert!(plan.contains(said) && !plan.contains("refused"), "no {said:?}: {plan}");
    }
    let stage = Stage::new();
    stage.done(other(), "apply");
    refused(&stage, encrypted(), "plan", "m1", &["from aescbc to secretbox, and not back"]);
    refused(&stage, on_roots(same), "plan", "m1", &["secrets_encryption secretbox → off"]);
}

#[test]
fn the_networks_of_several_servers_do_not_change_by_replacements() {
    let stage = Stage::new();
    stage.done(on_roots(same), "apply");
    let moved = || on_roots(|cluster| cluster.pods("10.50.0.0/16"));
    refused(&stage, moved(), "plan --replace m2", "m2", &["a cluster keeps the networks that it began with"]);
}

#[test]
fn a_member_of_etcd_keeps_its_address() {
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let moved = || {
        cluster(&THREE, same).map_machines(|machine| match machine.name.ok() {
            Some(name) if name.as_str() == "m3" => {
                machine.map_interfaces(|interface| interface.address("10.17.3.99"))
            }
            _ => machine,
        })
    };
    let words = ["address 10.17.3.13 → 10.17.3.99", "etcd knows m3 by its address"];
    refused(&stage, moved(), "plan --replace m3", "m3", &words);
}

#[test]
fn a_cluster_keeps_the_token_that_its_state_is_opened_with() {
    use k3s::pki::{Credentials, Part};
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let other = || {
        cluster(&THREE, |cluster| cluster.credentials(Credentials::new().generation(Part::ServerToken, 2)))
    };
    let words =
        ["server_token generation 1 → generation 2", "K3s opens the state of prod with the server token"];
    refused(&stage, other(), "plan", "m1", &words);
    refused(&stage, other(), "plan --replace m1", "m1", &words);
}

#[test]
fn a_new_balancer_is_not_let_in_by_the_firewalls_that_are_there() {
    let stage = Stage::new();
    let made = |balancers: &[&'static str]| {
        let cloud = cluster(&THREE, |cluster| {
            let balancer = Balancer::on_all(balancers.iter().copied()).virtual_address("10.17.3.5");
            cluster.endpoint(k3s::Endpoint::balancer(balancer))
        });
        cloud.machines(balancers.iter().enumerate().map(|(at, name)| node(name, 30 + at)))
    };
    stage.done(made(&["lb1"]), "apply");
    let two = || made(&["lb1", "lb2"]);
    let plan = planned(&stage, two(), "plan");
    let said = "the firewalls inside m1, m2, m3 were made before lb2 and do not let it in (TCP 6443";
    assert!(plan.contains(said), "{plan}");
    // It is true until they are made anew.
    let ran = stage.run(two(), "apply");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    let plan = planned(&stage, two(), "plan");
    assert!(plan.contains(said), "{plan}");
    let ran = stage.run(two(), "apply --only machine/m1 --replace m1");
    assert!(matches!(ran.code, 0 | 2), "{ran:?}");
    assert!(planned(&stage, two(), "plan").contains("the firewalls inside m2, m3 were made before lb2"));
}

#[test]
fn a_server_with_its_state_on_a_disk_keeps_the_name_of_its_node() {
    let called = |cloud: Cloud| {
        cloud.map_machines(|machine| match machine.name.ok() {
            Some(name) if name.as_str() == "m3" => machine.hostname("k3"),
            _ => machine,
        })
    };
    let stage = Stage::new();
    stage.done(cluster(&THREE, same), "apply");
    let words = ["node m3 → k3", "that of the member with the old name", "`hostname` with the old name"];
    refused(&stage, called(cluster(&THREE, same)), "plan --replace m3", "m3", &words);
    // On its root it comes back as another node.
    let stage = Stage::new();
    stage.done(on_roots(same), "apply");
    let plan = planned(&stage, called(on_roots(same)), "plan --replace m3");
    assert!(plan.contains("k3 joins as another node") && !plan.contains("refused"), "{plan}");
}
