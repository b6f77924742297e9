//! The laws of the design, on the simulation.

use fmc_core::cloud::Cloud;
use fmc_core::disk::Disk;
use fmc_core::graph::{Action, Choices, Wanted};
use fmc_core::machine::{Interface, Machine, Power};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, Sim, When};
use proptest::prelude::*;

use crate::lab::{Lab, blank, cloud, db, delete_all_data, lan, nothing, rocky, small, wanted, web};

const FOREIGN_DOMAIN: &str =
    "<domain type='qemu'><name>theirs</name><memory>1024</memory><devices/></domain>";
const FOREIGN_NETWORK: &str = "<network><name>default</name><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>";
const FOREIGN_POOL: &str =
    "<pool type='dir'><name>default</name><target><path>/var/lib/libvirt/images</path></target></pool>";
const FOREIGN_VOLUME: &str = "<volume><name>debian-12.qcow2</name><capacity>1000</capacity></volume>";

/// A hypervisor that also has foreign objects.
fn shared() -> Lab {
    let sim = Sim::new();
    sim.plant_domain(FOREIGN_DOMAIN).unwrap();
    sim.plant_network(FOREIGN_NETWORK).unwrap();
    sim.plant_pool(FOREIGN_POOL).unwrap();
    sim.plant_volume("default", FOREIGN_VOLUME).unwrap();
    Lab::on(sim)
}

/// The foreign objects, in full.
fn foreign(lab: &Lab) -> String {
    let domain = lab.sim.domain("theirs").unwrap();
    let network = lab.sim.network("default").unwrap();
    let pool = lab.sim.pool("default").unwrap();
    let volumes = lab.sim.volumes("default").unwrap();
    format!("{domain:?} {network:?} {pool:?} {volumes:?}")
}

/// Small clouds: up to four machines, each with or without a data disk, an image, power.
fn clouds() -> impl Strategy<Value = Cloud> {
    let machine = (0_u8..8, any::<bool>(), any::<bool>(), 1_u32..4, any::<bool>());
    prop::collection::btree_map(0_u8..6, machine, 0..4).prop_map(|machines| {
        let machines = machines.into_iter().map(|(number, (kind, disk, runs, memory, zone))| {
            let image = if kind < 3 { rocky() } else { fmc_core::image::Image::blank() };
            let mut machine = Machine::new(format!("m{number}"), image)
                .memory(memory.gib())
                .root_disk(8.gib())
                .interface(Interface::on("lab").address(std::net::Ipv4Addr::new(10, 17, 3, 10 + number)))
                .power(if runs { Power::Running } else { Power::Stopped });
            if disk {
                machine = machine.disk(Disk::new("data", 5.gib()));
            }
            if zone && kind < 3 {
                machine = machine.time_zone("Europe/Madrid");
            }
            machine
        });
        cloud([lan()], machines)
    })
}

/// Applies, and gives the world after it.
fn applied(wanted: &Wanted<Document>) -> String {
    let lab = Lab::new();
    lab.apply(wanted);
    without_time(&lab)
}

/// The world without its clock and the ids of running objects, which differ between two attempts.
fn without_time(lab: &Lab) -> String {
    let text = lab.sim.to_json().unwrap();
    let mut world: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in ["now", "next_id"] {
        world["host"][key] = serde_json::Value::Null;
    }
    for domain in world["domains"].as_object_mut().unwrap().values_mut() {
        let Some(live) = domain["live"].as_object_mut() else { continue };
        let xml = live["xml"].as_str().unwrap().to_owned();
        let xml = without(&xml, " id='");
        live["xml"] = without(&xml, " portid='").into();
        for key in ["ports", "id", "up_at"] {
            live[key] = serde_json::Value::Null;
        }
    }
    for network in world["networks"].as_object_mut().unwrap().values_mut() {
        network["ports"] = network["ports"].as_array().unwrap().len().into();
    }
    world.to_string()
}

/// A text without an attribute, in every place.
fn without(text: &str, attribute: &str) -> String {
    let mut parts = text.split(attribute);
    let first = parts.next().unwrap().to_owned();
    first + &parts.map(|part| part.split_once('\'').unwrap().1).collect::<String>()
}

/// For each guest, the networks that were restarted since the guest was.
fn unplugged(lab: &Lab) -> Vec<String> {
    let world: serde_json::Value = serde_json::from_str(&lab.sim.to_json().unwrap()).unwrap();
    let mut lost = Vec::new();
    for (name, domain) in world["domains"].as_object().unwrap() {
        for port in domain["live"]["ports"].as_array().into_iter().flatten() {
            let there = world["networks"][port[0].as_str().unwrap()]["ports"].as_array().unwrap();
            if !there.contains(&port[1]) {
                lost.push(format!("{name} has lost {}", port[0]));
            }
        }
    }
    lost
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Law 1: two compiles give the same bytes.
    #[test]
    fn total(cloud in clouds()) {
        let bytes = || wanted(&cloud).nodes.values().map(|node| node.document.xml().to_owned()).collect::<Vec<_>>();
        prop_assert_eq!(bytes(), bytes());
    }

    /// Law 3: a plan after an apply is empty, from any state.
    #[test]
    fn convergent(before in clouds(), after in clouds()) {
        let (before, after) = (wanted(&before), wanted(&after));
        let lab = shared();
        lab.apply(&before);
        lab.apply(&after);
    }

    /// Law 3: an apply that is cut at any call, then planned and applied again, ends in the same state as a
    /// whole one.
    #[test]
    fn convergent_after_a_cut(cloud in clouds(), nth in 1_u64..60, late in any::<bool>()) {
        let wanted = wanted(&cloud);
        let lab = Lab::new();
        lab.sim.on(When::any().nth(nth), if late { Fault::CutAfter } else { Fault::Cut });
        lab.cut_apply(&wanted, &Choices::default());
        lab.apply(&wanted);
        prop_assert_eq!(without_time(&lab), applied(&wanted));
    }

    /// Law 5: foreign objects stay, through create, change, destroy and deletion of data.
    #[test]
    fn ours_only(before in clouds(), after in clouds()) {
        let lab = shared();
        let (theirs, lists) = (foreign(&lab), lab.lists());
        lab.apply(&wanted(&before));
        lab.apply(&wanted(&after));
        lab.apply(&nothing());
        prop_assert_eq!(foreign(&lab), theirs.clone());
        lab.apply_with(&nothing(), &delete_all_data());
        prop_assert_eq!(foreign(&lab), theirs);
        prop_assert_eq!(lab.lists(), lists);
    }

    /// Law 6: each step comes after the steps that it needs, and deletion is the reverse of creation.
    #[test]
    fn ordered(cloud in clouds()) {
        let wanted = wanted(&cloud);
        let lab = Lab::new();
        let make = lab.plan(&wanted);
        for (at, step) in make.steps.iter().enumerate() {
            prop_assert!(step.after.iter().all(|before| *before < at));
        }
        let place = |plan: &fmc_core::graph::Plan<Document>, address: &fmc_core::graph::Address| {
            plan.steps.iter().position(|step| step.address == *address)
        };
        for (address, node) in &wanted.nodes {
            for need in &node.needs {
                prop_assert!(place(&make, &need.to) < place(&make, address));
            }
        }
        lab.apply(&wanted);
        let unmake = lab.plan_with(&nothing(), &delete_all_data());
        prop_assert!(unmake.steps.iter().all(|step| step.action == Action::Delete));
        for (address, node) in &wanted.nodes {
            for need in node.needs.iter().filter(|need| place(&unmake, &need.to).is_some()) {
                prop_assert!(place(&unmake, address) < place(&unmake, &need.to), "{address} {}", need.to);
            }
        }
    }
}

#[test]
fn law_2_a_new_machine_changes_only_what_names_it() {
    let lab = Lab::new();
    lab.apply(&small());
    let more = wanted(&cloud([lan()], [web(), db(), blank("new")]));
    let plan = lab.plan(&more);
    let changed: Vec<String> = plan.steps.iter().map(|step| step.address.short().to_string()).collect();
    let expected = |name: &String| {
        name.contains("/new")
            || name.contains("/network/")
            || name == "network/lab"
            || name.ends_with("domain/new")
    };
    assert!(changed.iter().all(expected), "{changed:?}");
}

/// Every single call of an apply, and not only those that a property test happens to cut.
#[test]
fn an_apply_that_is_cut_at_every_call_converges() {
    let whole = applied(&small());
    let counted = Lab::new();
    counted.apply(&small());
    let calls = counted.sim.calls().len();
    assert!(calls > 30, "{calls}");
    for nth in 1..=u64::try_from(calls).unwrap() {
        for fault in [Fault::Cut, Fault::CutAfter, Fault::Fail("internal error".to_owned())] {
            let lab = Lab::new();
            lab.sim.on(When::any().nth(nth), fault);
            lab.cut_apply(&small(), &Choices::default());
            lab.apply(&small());
            assert_eq!(without_time(&lab), whole, "cut at call {nth}");
        }
    }
}

/// A restart of a network cuts the link of its guests: they get it back, wherever the apply was cut.
#[test]
fn a_restart_of_a_network_that_is_cut_at_every_call_leaves_no_guest_without_a_link() {
    let with_mtu = |mtu: u32| wanted(&cloud([lan().mtu(mtu)], [web(), db()]));
    let counted = Lab::new();
    counted.apply(&with_mtu(1500));
    counted.sim.forget_calls();
    counted.apply(&with_mtu(1400));
    assert_eq!(unplugged(&counted), Vec::<String>::new());
    let calls = counted.sim.calls().len();
    let mut lost = 0;
    for nth in 1..=u64::try_from(calls).unwrap() {
        let lab = Lab::new();
        lab.apply(&with_mtu(1500));
        lab.sim.on(When::any().nth(nth), Fault::CutAfter);
        lab.cut_apply(&with_mtu(1400), &Choices::default());
        lost += usize::from(!unplugged(&lab).is_empty());
        // A guest that was asked to shut down before the cut turns off after it.
        lab.sim.wait(std::time::Duration::from_secs(60));
        lab.apply(&with_mtu(1400));
        assert_eq!(unplugged(&lab), Vec::<String>::new(), "cut after call {nth}");
    }
    assert!(lost > 0, "no cut fell between the network and its guests");
}

#[test]
fn an_upload_that_is_cut_at_every_chunk_converges() {
    let whole = applied(&small());
    for object in ["base.", "web.boot."] {
        for chunk in 1..=3_u64 {
            let lab = Lab::new();
            let plan = lab.plan(&small());
            let name = plan.steps.iter().map(|step| step.address.name().to_owned()).find_map(|name| {
                let (_, name) = name.split_once('/')?;
                name.starts_with(object).then(|| name.to_owned())
            });
            lab.sim.on(When::call("upload").of(name.unwrap()), Fault::CutAt(1 + (chunk - 1) * (64 << 10)));
            let _ = lab.run(plan, &small(), &Choices::default(), |_| {});
            assert!(lab.sim.is_cut());
            lab.sim.recover();
            lab.apply(&small());
            assert_eq!(without_time(&lab), whole, "{object} cut at chunk {chunk}");
        }
    }
}

/// A destroy that is cut at every call ends without our objects.
#[test]
fn a_destroy_that_is_cut_at_every_call_ends_with_nothing() {
    let made = shared();
    let lists = made.lists();
    made.apply(&small());
    let counted = made.copy();
    counted.sim.forget_calls();
    counted.apply_with(&nothing(), &delete_all_data());
    let calls = u64::try_from(counted.sim.calls().len()).unwrap();
    for nth in 1..=calls {
        let lab = made.copy();
        lab.sim.on(When::any().nth(nth), Fault::CutAfter);
        lab.cut_apply(&nothing(), &delete_all_data());
        lab.apply_with(&nothing(), &delete_all_data());
        assert_eq!(lab.lists(), lists, "cut at call {nth}");
    }
}
