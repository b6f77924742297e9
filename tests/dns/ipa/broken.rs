//! What goes wrong: each failure has its words, nothing is half-known, and the next run converges.

use fmc::freeipa::server::IpaFault;
use fmc::graph::Event;

use super::*;

fn cloud(world: &World) -> Cloud {
    Cloud::new("first")
        .dns(world.dns().zone(World::zone().records("www", ["A 192.0.2.1"]).records("mail", ["A 192.0.2.2"])))
}

/// The plan of a server that cannot be read.
fn unread(world: &World, words: &str) {
    let plan = world.plan(&cloud(world));
    let text = plan.to_string();
    assert!(text.contains(words), "{words}:\n{text}");
    assert!(plan.steps.iter().all(|step| step.address.provider() != "ipa"), "{text}");
    assert!(!plan.is_empty());
}

#[test]
fn a_server_that_cannot_be_read_is_not_empty() {
    unread(&World::new().by_user("stranger", "none"), "DNS Administrators");
    unread(&World::new().by_user("old", "old"), "ipa passwd");
    unread(&World::new().by_user("admin", "wrong"), "invalid-password");
    unread(&World::of(directory().limit(1)), "leaves entries out");
    let (world, other) = (World::new(), World::new());
    let providers = World::providers(other.server.authority(), "secret");
    unread(&World { providers, ..world }, "/etc/ipa/ca.crt");
    let world = World::new();
    let providers = World::providers("no certificate", "secret");
    unread(&World { providers, ..world }, "no certificate in PEM");
    let world = World::new();
    world.server.fail([IpaFault::Html]);
    unread(&world, "not application/json");
    let world = World::new();
    world.server.fail([IpaFault::Nothing, IpaFault::Internal]);
    unread(&world, "/var/log/httpd/error_log");
}

#[test]
fn a_user_who_may_only_read_changes_nothing() {
    let world = World::new().by_user("reader", "read");
    let cloud = cloud(&world);
    let plan = world.plan(&cloud);
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("DNS Administrators"), "{left}");
    assert!(left.contains("mail.cefaslocalserver.com in the zone cefaslocalserver.com at ipa"), "{left}");
    assert_eq!(world.values("cefaslocalserver.com", "mail", "A"), [""; 0]);
}

#[test]
fn a_zone_is_made_although_its_last_step_was_refused() {
    let world = World::new().by_user("dns", "dns");
    let zone = Zone::new("other.example").records("www", ["A 192.0.2.1"]);
    world.apply(&seed(world.dns().zone(World::zone()).zone(zone)));
}

#[test]
fn a_failure_in_the_middle_is_read_again() {
    for fault in [IpaFault::Part, IpaFault::Cut, IpaFault::Session] {
        let world = World::new();
        let cloud = cloud(&world);
        let plan = world.plan(&cloud);
        // The zone is read, and the batch fails.
        world.server.fail([IpaFault::Nothing, fault]);
        world.run(&plan).converged().unwrap_or_else(|left| panic!("{fault:?}: {left}"));
        assert!(world.plan(&cloud).is_empty(), "{fault:?}");
    }
    for fault in [IpaFault::Internal, IpaFault::Unavailable, IpaFault::Html] {
        let world = World::new();
        let cloud = cloud(&world);
        let plan = world.plan(&cloud);
        world.server.fail([IpaFault::Nothing, fault]);
        let left = world.run(&plan).converged().unwrap_err().to_string();
        assert!(left.contains("www.cefaslocalserver.com in the zone"), "{fault:?}: {left}");
        world.apply(&cloud);
    }
}

#[test]
fn a_collision_is_tried_again() {
    let world = World::new();
    let cloud = cloud(&world);
    let plan = world.plan(&cloud);
    world.server.fail([IpaFault::Nothing, IpaFault::Collision, IpaFault::Collision]);
    world.run(&plan).converged().unwrap();
    assert!(world.plan(&cloud).is_empty());
}

#[test]
fn a_name_that_changes_between_plan_and_apply_is_not_touched() {
    let world = World::new();
    let cloud = cloud(&world);
    let plan = world.plan(&cloud);
    world.by_hand(async |client| {
        let change = fmc::freeipa::client::RecordChange::new().set("A", ["192.0.2.66"]);
        client.record_add("cefaslocalserver.com.", "www", &change).await
    });
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("www.cefaslocalserver.com at ipa changed since the plan was made"), "{left}");
    assert_eq!(world.values("cefaslocalserver.com", "www", "A"), ["192.0.2.66"]);
    assert_eq!(world.values("cefaslocalserver.com", "mail", "A"), ["192.0.2.2"]);
}

#[test]
fn an_apply_that_is_killed_is_converged_by_the_next_one() {
    let world = World::new();
    let cloud = cloud_of(&world, 120);
    let plan = world.plan(&cloud);
    let mut done = 0;
    let outcome = block_on(plan.apply(&world.providers, |event| {
        if matches!(event, Event::Done { .. }) {
            done += 1;
            if done == 60 {
                // The server restarts between two batches, and the directory comes later.
                world.server.end_sessions();
                world.server.fail([IpaFault::Unavailable]);
            }
        }
    }));
    assert!(outcome.unwrap().converged().is_err());
    world.apply(&cloud);
    world.has_every_record_of(&cloud);

    // The program dies: its future is dropped, and another one begins.
    let world = World::new();
    let plan = world.plan(&cloud_of(&world, 120));
    {
        let mut apply = std::pin::pin!(plan.apply(&world.providers, |_| ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..6 {
            assert!(apply.as_mut().poll(&mut context).is_pending());
        }
    }
    world.apply(&cloud_of(&world, 120));
}

fn cloud_of(world: &World, count: usize) -> Cloud {
    let names = (0..count).map(|number| format!("n{number}"));
    let zone = names.fold(World::zone(), |zone, name| zone.records(name, ["A 192.0.2.1"]));
    Cloud::new("many").dns(world.dns().zone(zone))
}
