//! What goes wrong: each failure has its words, and the next run converges.

use fmc::freeipa::server::IpaFault;
use fmc::graph::Event;

use super::*;

#[test]
fn a_user_without_the_rights_is_told_the_role() {
    let world = world().by_user("dns", "dns");
    let plan = world.plan(&cloud(&world, everybody()));
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("make the user ana at ipa") && left.contains("\"User Administrator\""), "{left}");
    assert!(!is_there(&world, "user", "ana"));
    // One who may not even read is not taken for an empty server.
    let world = self::world().by_user("stranger", "none");
    let plan = world.plan(&cloud(&world, everybody()));
    assert!(steps(&plan).is_empty() && !plan.is_empty(), "{plan}");
}

#[test]
fn people_that_cannot_be_read_whole_are_not_made() {
    let world = World::of(directory().account("more", IpaAccount::administrator("more")).limit(5));
    let plan = world.plan(&cloud(&world, everybody()));
    assert!(plan.to_string().contains("leaves entries out"), "{plan}");
    assert!(steps(&plan).iter().all(|step| !step.starts_with("user/")), "{plan}");
}

#[test]
fn a_host_that_is_not_enrolled_is_named() {
    // A group says that it has no such host, and a rule of sudo takes it as one of others.
    for people in [
        People::new().host_group(HostGroup::new("databases").machines(["db"])),
        People::new().sudo_rule(SudoRule::new("root").everyone().machines(["db"]).every_command()),
        People::new().hbac_rule(HbacRule::new("ssh").everyone().machines(["db"]).services(["sshd"])),
    ] {
        let world = World::new();
        let cloud = cloud(&world, people);
        let plan = world.plan(&cloud);
        let left = world.run(&plan).converged().unwrap_err().to_string();
        assert!(
            left.contains("hosts db.cefaslocalserver.com added") && left.contains("must be enrolled"),
            "{left}"
        );
        call(&world, "host_add", HOSTS[1], json!({"force": true}));
        world.apply(&cloud);
    }
}

#[test]
fn a_failure_in_the_middle_is_read_again() {
    for (fault, is_done) in [
        (IpaFault::Nothing, true),
        (IpaFault::Part, true),
        (IpaFault::Cut, true),
        (IpaFault::Session, true),
        (IpaFault::Internal, false),
        (IpaFault::Unavailable, false),
        (IpaFault::Html, false),
    ] {
        let world = world();
        let cloud = cloud(&world, People::new().user(IpaUser::new("ana", "Ana", "Ruiz")));
        world.apply(&Cloud::clone(&self::cloud(&world, People::new())));
        let plan = world.plan(&cloud);
        assert_eq!(steps(&plan), ["user/ana"]);
        // The user is read, and the change fails.
        world.server.fail([IpaFault::Nothing, fault]);
        match world.run(&plan).converged() {
            Ok(_) => assert!(is_done, "{fault:?}"),
            Err(left) => {
                let left = left.to_string();
                assert!(!is_done && left.contains("make the user ana at ipa"), "{fault:?}: {left}");
            }
        }
        world.apply(&cloud);
    }
}

#[test]
fn an_entry_that_changes_between_plan_and_apply_is_not_touched() {
    let world = world();
    world.apply(&cloud(&world, everybody()));
    let more = cloud(&world, everybody().user(IpaUser::new("zoe", "Zoe", "New").groups(["dbas"])));
    let plan = world.plan(&more);
    call(&world, "group_add_member", "dbas", json!({"user": ["eve"]}));
    let left = world.run(&plan).converged().unwrap_err().to_string();
    assert!(left.contains("the group dbas at ipa changed since the plan was made"), "{left}");
    assert!(shown(&world, "group", "dbas").texts("member_user").contains(&"eve".to_owned()));
    world.apply(&more);
}

#[test]
fn an_apply_that_is_killed_is_converged_by_the_next_one() {
    let world = world();
    let users =
        (0..120).map(|number| IpaUser::new(format!("user{number}"), "One", "Of many").groups(["all"]));
    let cloud = cloud(&world, users.fold(everybody().group(IpaGroup::new("all")), People::user));
    let plan = world.plan(&cloud);
    let mut done = 0;
    let outcome = block_on(plan.apply(&world.providers, |event| {
        if matches!(event, Event::Done { .. }) {
            done += 1;
            if done == 60 {
                world.server.end_sessions();
                // The entries are read, and the change fails.
                world.server.fail([IpaFault::Nothing, IpaFault::Unavailable]);
            }
        }
    }));
    assert!(outcome.unwrap().converged().is_err());
    world.apply(&cloud);

    // The program dies: its future is dropped, and another one begins.
    let world = self::world();
    let cloud = self::cloud(&world, everybody());
    let plan = world.plan(&cloud);
    {
        let mut apply = std::pin::pin!(plan.apply(&world.providers, |_| ()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for _ in 0..6 {
            assert!(apply.as_mut().poll(&mut context).is_pending());
        }
    }
    world.apply(&cloud);
}
