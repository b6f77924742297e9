//! Machines whose names change, from the code or a file to the world and back.

use fmc::prelude::*;

use crate::stage::{Stage, cloud};

/// The cloud of the stage, with its machine `db` called otherwise now.
fn better(name: &'static str) -> Cloud {
    let mut cloud = cloud();
    for machine in cloud.machines.iter_mut().filter(|machine| machine.name.to_string() == "db") {
        *machine = machine.clone().formerly("db");
        machine.name = name.into();
    }
    cloud
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_renamed_machine_is_one_line_of_the_plan_and_goes_by_its_name() {
    let stage = Stage::new();
    stage.done(cloud(), "apply");
    let plan = one_line(&stage.done(better("store"), "plan"));
    assert!(plan.contains("~ machine store restart name db -> store (renamed, which libvirt does"), "{plan}");
    assert!(!plan.contains("create machine") && !plan.contains("- machine db"), "{plan}");
    // The plan that was shown is the one that runs.
    stage.done(better("store"), "plan --only machine/store --out p.json");
    stage.done(better("store"), "apply p.json");
    let status = stage.run(better("store"), "status");
    assert!(status.out.lines().any(|line| line.contains("store") && line.contains("running")), "{status:?}");
    assert!(!status.out.lines().any(|line| line.trim_start().starts_with("db ")), "{status:?}");
    let drift = stage.run(better("store"), "drift");
    assert!(!drift.out.contains("missing") && !drift.out.contains("extra"), "{drift:?}");
    assert!(!stage.done(better("store"), "plan").contains("restart"));
    // Without the former name it is another machine, which is refused and not made of nothing.
    let mut plain = better("store");
    for machine in plain.machines.iter_mut() {
        machine.formerly = None;
    }
    let refused = stage.run(plain, "plan");
    assert!(refused.code == 1 && one_line(&refused.out).contains("called db first"), "{refused:?}");
    stage.done(better("store"), "destroy --delete-data store");
    let fresh = Stage::new();
    fresh.done(better("store"), "apply");
    // Data that stayed after a destroy has the name that the plan says.
    let gone = Stage::new();
    gone.done(better("store"), "apply");
    gone.done(better("store"), "destroy");
    let said = one_line(&gone.done(better("store"), "plan --destroy"));
    assert!(said.contains("--delete-data store deletes it"), "{said}");
    let ran = one_line(&gone.done(better("store"), "destroy --delete-data store"));
    assert!(ran.contains("released by --delete-data") && !ran.contains("has no unwanted data"), "{ran}");
    assert_eq!(fresh.run(better("store"), "plan --detailed-exitcode").code, 0);
}

#[test]
fn data_goes_by_the_name_that_its_machine_had_first_too() {
    let stage = Stage::new();
    stage.done(better("store"), "apply");
    stage.done(better("store"), "destroy");
    let wrong = stage.run(better("store"), "destroy --delete-data dbb");
    assert!(wrong.code == 64 && wrong.err.contains("did you mean `db`?"), "{wrong:?}");
    let ran = one_line(&stage.done(better("store"), "destroy --delete-data db"));
    assert!(ran.contains("released by --delete-data") && !ran.contains("has no unwanted data"), "{ran}");
}

/// The data of a machine that the cloud has forgotten to be the same is in use: no option deletes it as long as that is so.
#[test]
fn the_data_of_a_machine_whose_former_name_was_forgotten_has_no_advice_that_does_nothing() {
    let stage = Stage::new();
    stage.done(better("store"), "apply");
    let plain = || {
        let mut plain = better("store");
        for machine in plain.machines.iter_mut() {
            machine.formerly = None;
        }
        plain
    };
    let refused = stage.run(plain(), "plan");
    let said = one_line(&refused.out);
    assert!(
        refused.code == 1 && said.contains("called db first") && !said.contains("--delete-data"),
        "{said}"
    );
    assert!(said.contains("the machine store uses it, which the cloud takes for another one"), "{said}");
    // The other advice, followed.
    let plan = stage.done(better("store"), "plan");
    assert!(plan.contains("nothing to do"), "{plan}");
}

#[test]
fn a_former_name_that_nothing_has_is_noticed() {
    let stage = Stage::new();
    let renamed = |first: &'static str| {
        let mut cloud = better("store");
        for machine in cloud.machines.iter_mut().filter(|machine| machine.formerly.is_some()) {
            *machine = machine.clone().formerly(first);
        }
        cloud
    };
    assert!(!stage.done(renamed("dbb"), "plan").contains("formerly"), "nothing of the cloud is there yet");
    stage.done(cloud(), "apply");
    let plan = one_line(&stage.done(renamed("dbb"), "plan"));
    assert!(plan.contains("formerly dbb: no machine of this cloud that is there was called so"), "{plan}");
    assert!(plan.contains("store is made anew; did you mean db?"), "{plan}");
    stage.done(better("store"), "apply");
    assert!(!stage.done(better("store"), "plan").contains("formerly"), "a former name may stay for ever");
}

#[test]
fn a_renamed_node_of_a_cluster_is_judged_by_its_role() {
    let machine = |name: &'static str, address: &str, formerly: Option<&'static str>| {
        let machine = Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
            .cpus(2)
            .memory(4.gib())
            .root_disk(20.gib())
            .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
            .interface(Interface::on("lab").address(address.to_owned()));
        match formerly {
            Some(first) => machine.formerly(first),
            None => machine,
        }
    };
    let cluster = |server: (&'static str, Option<&'static str>),
                   agent: (&'static str, Option<&'static str>)| {
        Cloud::new("first")
            .host(Host::local())
            .network(Network::nat("lab", "10.17.3.0/24"))
            .machine(machine(server.0, "10.17.3.11", server.1))
            .machine(machine("m2", "10.17.3.12", None))
            .machine(machine("m3", "10.17.3.13", None))
            .machine(machine(agent.0, "10.17.3.21", agent.1))
            .cluster(
                k3s::Cluster::new("prod", "v1.36.3+k3s1")
                    .endpoint(k3s::Endpoint::address("10.17.3.5"))
                    .servers([server.0, "m2", "m3"])
                    .agents([agent.0]),
            )
    };
    let stage = Stage::new();
    stage.done(cluster(("m1", None), ("w1", None)), "apply");
    let agent = one_line(&stage.done(cluster(("m1", None), ("worker", Some("w1"))), "plan"));
    assert!(
        agent.contains("node w1 → worker: the node keeps its old name until worker is replaced"),
        "{agent}"
    );
    let server = stage.run(cluster(("head", Some("m1")), ("w1", None)), "plan");
    let said = one_line(&server.out);
    assert!(
        server.code == 1 && said.contains("node m1 → head: the state on its disk is that of the member"),
        "{server:?}"
    );
    // A machine that keeps its host name keeps its node.
    let mut kept = cluster(("head", Some("m1")), ("w1", None));
    for machine in kept.machines.iter_mut().filter(|machine| machine.name.to_string() == "head") {
        *machine = machine.clone().hostname("m1");
    }
    // Others name it in their files, which are of their first boot.
    let ran = stage.run(kept, "apply");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("name m1 -> head (renamed") && !ran.out.contains("refused"), "{ran:?}");
}

#[test]
fn a_machine_that_moves_to_another_host_leaves_its_data_only_by_its_name() {
    let on = |host: &'static str| {
        Cloud::new("first")
            .hosts([Host::new("a"), Host::new("b")])
            .network(Network::nat("lab", "10.17.3.0/24").host(host))
            .machine(
                Machine::new("db", Image::debian("12").path("/images/debian-12.qcow2"))
                    .host(host)
                    .root_disk(20.gib())
                    .disk(Disk::new("data", 50.gib()).mount("/srv/data"))
                    .interface(Interface::on("lab").address("10.17.3.11")),
            )
    };
    let stage = Stage::new();
    let both = "--connect a=sim:a.json --connect b=sim:b.json";
    stage.done(on("a"), &format!("apply {both}"));
    let refused = stage.run(on("b"), &format!("plan {both}"));
    let said = one_line(&refused.out);
    assert!(refused.code == 1 && said.contains("it would move from the host a to b"), "{refused:?}");
    assert!(said.contains("--leave-data db moves the machine without it"), "{said}");
    stage.fails(on("b"), &format!("plan {both} --leave-data dv"), 64, &["--leave-data", "db"]);
    stage.done(on("b"), &format!("plan {both} --leave-data db --out p.json"));
    let done = stage.done(on("b"), &format!("apply {both} p.json"));
    assert!(one_line(&done).contains("moves from the host a to b"), "{done}");
    let plan = one_line(&stage.done(on("b"), &format!("plan {both}")));
    assert!(plan.contains("50 GiB of data (ext4 on /srv/data, of machine db"), "{plan}");
}
