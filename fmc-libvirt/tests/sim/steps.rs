//! A person's usual changes: create, change, grow, remove.

use fmc_core::disk::{Disk, Filesystem};
use fmc_core::graph::{Action, Choices, DeleteData, Impact, NoteKind};
use fmc_core::machine::{Interface, Machine, Power, Shutdown};
use fmc_core::network::Reservation;
use fmc_core::role::{CustomRole, Names, Site};
use fmc_core::unit::SizeExt as _;
use fmc_core::world::{Fault, When};
use fmc_libvirt::link::Link as _;

use crate::lab::{Lab, blank, cloud, db, delete_all_data, lan, notes, nothing, rocky, small, wanted, web};

#[test]
fn a_cloud_is_made_and_then_nothing_is_left_to_do() {
    let lab = Lab::new();
    let plan = lab.plan(&small());
    assert!(plan.steps.iter().all(|step| step.action == Action::Create), "{plan}");
    lab.apply(&small());
    let domains = lab.sim.domains().unwrap();
    assert_eq!(domains.len(), 2);
    assert!(domains.iter().all(|domain| domain.active && domain.autostart));
    assert!(lab.sim.network("lab").unwrap().unwrap().active);
    assert_eq!(lab.volumes("base.").len(), 2, "the image once, and its commit");
}

#[test]
fn a_plan_without_a_change_costs_few_calls() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.sim.forget_calls();
    assert!(lab.plan(&small()).is_empty());
    // A list of libvirt's objects takes more than one call of its protocol. The test asserts that the number
    // does not grow with the machines. One call reads the ports of the one network that has guests.
    assert_eq!(lab.sim.calls().len(), 6, "{:?}", lab.sim.calls());
}

#[test]
fn a_dhcp_host_is_added_while_everything_runs() {
    let lab = Lab::new();
    lab.apply(&small());
    let more = wanted(&cloud([lan()], [web(), db(), blank("new")]));
    let plan = lab.plan(&more);
    assert!(plan.impact() <= Impact::Live, "{plan}");
    lab.sim.forget_calls();
    lab.apply(&more);
    for call in ["shutdown-domain", "destroy-domain", "stop-network", "start-network"] {
        assert_eq!(lab.calls(call), 0, "{call}");
    }
    // The network is defined once more for its mark, which records its source.
    assert_eq!(lab.calls("define-network"), 1);
    let network = lab.sim.network("lab").unwrap().unwrap();
    assert!(network.live_xml.unwrap().contains("10.17.3.20"));
    assert!(network.xml.contains("10.17.3.20"));
}

/// A role that publishes a name with so many addresses.
struct Published(u8);

impl CustomRole for Published {
    fn names(&self, _: &Site<'_>) -> Names {
        (1..=self.0).fold(Names::new(), |names, n| names.name("all.example.org", format!("192.0.2.{n}")))
    }
}

#[test]
fn a_name_gets_and_loses_addresses_while_everything_runs() {
    let of = |count: u8| wanted(&cloud([lan()], [web().role(Published(count)), db()]));
    let published = |lab: &Lab, count: u8| {
        let network = lab.sim.network("lab").unwrap().unwrap();
        for document in [&network.xml, network.live_xml.as_ref().unwrap()] {
            let addresses = document.matches("<hostname>all.example.org</hostname>").count();
            assert_eq!(addresses, usize::from(count), "{document}");
        }
    };
    let lab = Lab::new();
    lab.apply(&of(1));
    for (count, edits) in [(3, 2), (2, 1), (0, 2), (1, 1)] {
        let plan = lab.plan(&of(count));
        assert_eq!(plan.impact(), Impact::Live, "{plan}");
        let steps: Vec<_> = plan.steps.iter().map(|step| step.address.short().to_string()).collect();
        assert_eq!(steps, ["network/lab"], "who publishes is not outdated by it: {plan}");
        lab.sim.forget_calls();
        lab.apply(&of(count));
        assert_eq!((lab.calls("update-network"), lab.calls("stop-network")), (edits, 0));
        published(&lab, count);
        assert!(lab.plan(&of(count)).is_empty());
    }
    // This also holds after a cut at any call.
    let counted = lab.copy();
    counted.sim.forget_calls();
    counted.apply(&of(3));
    for nth in 1..=u64::try_from(counted.sim.calls().len()).unwrap() {
        let cut = lab.copy();
        cut.sim.on(When::any().nth(nth), Fault::CutAfter);
        cut.cut_apply(&of(3), &Choices::default());
        cut.apply(&of(3));
        published(&cut, 3);
        assert!(cut.plan(&of(3)).is_empty(), "cut at call {nth}");
    }
}

#[test]
fn a_network_that_must_stop_restarts_its_guests() {
    let lab = Lab::new();
    lab.apply(&small());
    let domain = cloud([lan().domain("lab.example.com")], [web(), db()]);
    let plan = lab.plan(&wanted(&domain));
    assert_eq!(plan.step("network/lab").unwrap().impact(), Impact::Restart, "{plan}");
    assert!(plan.step("machine/web").unwrap().impact() >= Impact::Restart, "{plan}");
    lab.apply(&wanted(&domain));
    assert!(lab.sim.domains().unwrap().iter().all(|domain| domain.active));
}

#[test]
fn memory_restarts_a_guest_gracefully() {
    let lab = Lab::new();
    lab.apply(&small());
    let more = wanted(&cloud([lan()], [web().memory(3.gib()), db()]));
    assert_eq!(lab.plan(&more).step("machine/web").unwrap().impact(), Impact::Restart);
    lab.sim.forget_calls();
    lab.apply(&more);
    assert_eq!(lab.calls("shutdown-domain"), 1);
    assert_eq!(lab.calls("destroy-domain"), 0, "the guest shut down by itself");
    let record = lab.sim.domain("web").unwrap().unwrap();
    assert!(record.live_xml.unwrap().contains("<memory unit='KiB'>3145728</memory>"), "{}", record.xml);
}

#[test]
fn a_guest_that_does_not_answer_is_stopped_by_force_after_its_grace() {
    let lab = Lab::new();
    let of = |memory: u32| {
        wanted(&cloud([lan()], [blank("deaf").memory(memory.gib()).shutdown(Shutdown::grace(7))]))
    };
    lab.apply(&of(1));
    let before = lab.sim.now();
    lab.sim.forget_calls();
    lab.apply(&of(2));
    assert_eq!((lab.sim.now() - before).as_secs(), 7);
    assert_eq!(lab.calls("destroy-domain"), 1);

    let never = wanted(&cloud([lan()], [blank("deaf").shutdown(Shutdown::never_force(3))]));
    let outcome = lab.try_apply(&never, &Choices::default()).unwrap();
    let (_, error) = outcome.failed.first().unwrap();
    assert!(error.to_string().contains("still runs after 3 s"), "{error}");
    assert!(lab.sim.domain("deaf").unwrap().unwrap().active);
}

#[test]
fn a_root_grows_while_its_guest_runs_and_is_never_made_smaller() {
    let lab = Lab::new();
    lab.apply(&small());
    let larger = wanted(&cloud([lan()], [web().root_disk(30.gib()), db()]));
    let plan = lab.plan(&larger);
    assert_eq!(plan.impact(), Impact::Live, "{plan}");
    assert!(plan.to_string().contains("file system grows at the guest's next start"), "{plan}");
    assert!(plan.to_string().contains("root disk 20 GiB -> 30 GiB (its file"), "{plan}");
    lab.sim.forget_calls();
    lab.apply(&larger);
    assert_eq!(lab.calls("resize-block"), 1);
    let plan = lab.plan(&small());
    assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
    assert!(notes(&plan, NoteKind::Left).iter().any(|note| note.contains("never made smaller")), "{plan}");
}

#[test]
fn a_plan_says_what_a_larger_data_disk_takes_inside_its_guest() {
    let with = |disk: Disk| {
        let machine = Machine::new("db", rocky()).memory(4.gib()).root_disk(20.gib());
        wanted(&cloud([lan()], [machine.disk(disk).interface(Interface::on("lab"))]))
    };
    let disk = |gib: u64| Disk::new("data", gib.gib()).serial("db-data");
    let mounted = |gib| disk(gib).mount("/srv/data");
    let formatted = |gib| disk(gib).filesystem(Filesystem::Ext4);
    let kinds: [(&dyn Fn(u64) -> Disk, &str); 3] = [
        (&mounted, "inside the guest: sudo /usr/lib/systemd/systemd-growfs /srv/data"),
        (&formatted, "inside the guest: sudo resize2fs /dev/disk/by-id/virtio-db-data"),
        (&disk, "what is on it stays as large as it was"),
    ];
    for (disk, words) in kinds {
        let lab = Lab::new();
        lab.apply(&with(disk(50)));
        let plan = lab.plan(&with(disk(80)));
        assert_eq!(plan.impact(), Impact::Live, "{plan}");
        assert!(plan.to_string().contains(words), "{words}: {plan}");
    }
}

#[test]
fn a_data_disk_is_added_and_kept_when_its_machine_goes() {
    let lab = Lab::new();
    lab.apply(&small());
    let without = wanted(&cloud([lan()], [web()]));
    let plan = lab.plan(&without);
    assert!(plan.keeps("volume/fmc-first/db.disk.data"), "{plan}");
    lab.apply(&without);
    assert_eq!(lab.volumes("db."), ["db.disk.data"]);
    assert!(notes(&lab.plan(&without), NoteKind::Kept).iter().any(|note| note.contains("50 GiB")));
    // The data comes back with its machine.
    lab.sim.forget_calls();
    lab.apply(&small());
    assert!(lab.sim.domain("db").unwrap().unwrap().xml.contains("db.disk.data"));
    assert!(
        !lab.sim.calls().iter().any(|call| call.name == "create-volume" && call.object == "db.disk.data")
    );
    // It is deleted only on request.
    lab.apply(&without);
    let of_db = Choices { delete_data: DeleteData::Of(["db".to_owned()].into()), ..Choices::default() };
    lab.apply_with(&without, &of_db);
    assert!(lab.volumes("db.").is_empty());
}

#[test]
fn power_and_autostart_follow_what_is_wanted() {
    let lab = Lab::new();
    lab.apply(&small());
    let off = wanted(&cloud([lan()], [web().power(Power::Stopped).autostart(false), db()]));
    let plan = lab.plan(&off);
    assert_eq!(plan.counts().to_string(), "1 to stop, 0 to delete", "{plan}");
    lab.apply(&off);
    let record = lab.sim.domain("web").unwrap().unwrap();
    assert!(!record.active && !record.autostart);
    lab.apply(&small());
    assert!(lab.sim.domain("web").unwrap().unwrap().active);
}

#[test]
fn what_somebody_changed_is_seen_and_mended() {
    let lab = Lab::new();
    lab.apply(&small());
    let xml = lab.sim.domain("web").unwrap().unwrap().xml;
    lab.sim.define_domain(&xml.replace("2097152", "1048576")).unwrap();
    lab.sim.set_domain_autostart("db", false).unwrap();
    lab.sim.stop_network("lab").unwrap();
    let plan = lab.plan(&small());
    assert!(plan.step("machine/web").is_some() && plan.step("machine/db").is_some(), "{plan}");
    assert!(plan.step("network/lab").is_some(), "{plan}");
    lab.apply(&small());
    assert!(lab.sim.network("lab").unwrap().unwrap().active);
}

#[test]
fn a_pool_that_was_stopped_is_started_and_its_volumes_stay() {
    let lab = Lab::new();
    lab.apply(&small());
    let before = lab.lists();
    lab.sim.stop_pool("fmc-first").unwrap();
    lab.apply(&small());
    assert_eq!(lab.lists(), before);
}

#[test]
fn destroy_keeps_data_and_says_so() {
    let lab = Lab::new();
    lab.apply(&small());
    lab.apply(&nothing());
    let record = "volume fmc-first/db.disk.data.v1.none.none";
    assert_eq!(lab.lists(), ["pool fmc-first", "volume fmc-first/db.disk.data", record]);
    lab.apply_with(&nothing(), &delete_all_data());
    assert!(lab.lists().is_empty(), "{:?}", lab.lists());
}

#[test]
fn a_disk_that_is_added_restarts_its_machine_only() {
    let lab = Lab::new();
    lab.apply(&small());
    let more = wanted(&cloud([lan()], [web().disk(Disk::new("log", 5.gib())), db()]));
    let plan = lab.plan(&more);
    assert!(plan.step("machine/db").is_none(), "{plan}");
    lab.apply(&more);
}

#[test]
fn a_reservation_of_the_users_own_is_changed_live() {
    let lab = Lab::new();
    let with = |name: &'static str| {
        let printer = Reservation::new("52:54:00:00:00:01", "10.17.3.5").hostname(name);
        wanted(&cloud([lan().reservation(printer)], [web().interface(Interface::on("lab"))]))
    };
    lab.apply(&with("printer"));
    let renamed = with("plotter");
    assert_eq!(lab.plan(&renamed).impact(), Impact::Live);
    lab.apply(&renamed);
}

#[test]
fn a_machine_that_nobody_wants_any_more_is_stopped_as_it_was_said() {
    for (shutdown, seconds) in [(Shutdown::force_now(), 0), (Shutdown::grace(5), 5)] {
        let lab = Lab::new();
        lab.apply(&wanted(&cloud([lan()], [blank("deaf").shutdown(shutdown)])));
        let before = lab.sim.now();
        lab.apply(&nothing());
        assert_eq!((lab.sim.now() - before).as_secs(), seconds);
    }
}

#[test]
fn data_that_is_not_there_or_wanted_is_not_given_up_in_silence() {
    let lab = Lab::new();
    lab.apply(&small());
    let of_db = Choices {
        delete_data: DeleteData::Of(["db".to_owned(), "bd".to_owned()].into()),
        ..Choices::default()
    };
    let plan = lab.plan_with(&small(), &of_db);
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(
        notes(&plan, NoteKind::Notice).iter().filter(|note| note.contains("--delete-data")).count(),
        2,
        "{plan}"
    );
}
