//! Two applies of one cloud at once.

use std::sync::{Arc, Mutex};

use fmc_core::graph::{Choices, Impact, NoteKind, Outcome};
use fmc_core::unit::SizeExt as _;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::sim::{Fault, Sim, When};

use crate::lab::{Lab, cloud, db, delete_all_data, image_file, lan, nothing, small, wanted, web};

/// Every committed image has all its bytes.
#[track_caller]
fn committed_images_are_whole(lab: &Lab, when: &str) {
    let size = std::fs::metadata(image_file().0).unwrap().len();
    for commit in lab.volumes("base.").iter().filter(|name| name.ends_with(".ok")) {
        let sent = lab.sim.sent("fmc-first", commit.trim_end_matches(".ok"));
        assert_eq!(sent.map(|(bytes, _)| bytes), Some(size), "{commit} {when}");
    }
}

/// An apply of another process: a provider of its own.
fn other(sim: &Sim) -> Lab {
    Lab::on(sim.clone())
}

/// What happens while the first apply does not go on.
#[derive(Clone, Copy, Debug)]
enum Other {
    /// The same cloud is applied as a whole.
    Whole,
    /// The same, and it is cut in the image, so that it is over.
    CutInImage,
    /// A cloud with a larger disk and another machine.
    Changed,
    /// All is destroyed.
    Destroy,
}

fn run(other: &Lab, what: Other) {
    match what {
        Other::Whole => drop(other.try_apply(&small(), &Choices::default())),
        Other::CutInImage => {
            other.sim.on(When::call("upload").nth(2), Fault::CutAt(64 << 10));
            drop(other.try_apply(&small(), &Choices::default()));
            other.sim.recover();
        }
        Other::Changed => {
            let changed = wanted(&cloud([lan()], [web().memory(3.gib()), db()]));
            drop(other.try_apply(&changed, &Choices::default()));
        }
        Other::Destroy => drop(other.try_apply(&nothing(), &delete_all_data())),
    }
}

/// Wherever an apply pauses, and whatever another one does meanwhile.
#[test]
fn two_applies_interleaved_at_every_call_leave_whole_images_and_converge() {
    for what in [Other::Whole, Other::CutInImage, Other::Changed, Other::Destroy] {
        let mut nth = 0;
        loop {
            nth += 1;
            let lab = Lab::new();
            let second = other(&lab.sim);
            lab.sim.meanwhile(nth, move || run(&second, what));
            drop(lab.try_apply(&small(), &Choices::default()));
            if lab.sim.is_meanwhile_due() {
                break;
            }
            let when = format!("with {what:?} at call {nth}");
            if lab.sim.pool("fmc-first").unwrap().is_some() {
                committed_images_are_whole(&lab, &when);
            }
            let third = other(&lab.sim);
            if matches!(what, Other::Destroy) {
                // A machine that was defined just after its root was deleted is not made again unasked.
                third.apply_with(&nothing(), &delete_all_data());
            }
            third.apply(&small());
            committed_images_are_whole(&third, &when);
            assert_eq!(third.volumes("lease"), Vec::<String>::new(), "{when}");
        }
        assert!(nth > 40, "{what:?} {nth}");
    }
}

/// The same with two cuts: the second apply is cut at any call, and the first one goes on.
#[test]
fn an_apply_goes_on_beside_one_that_was_cut_at_any_call() {
    for nth in (5..60).step_by(3) {
        for cut in (1..60).step_by(4) {
            let lab = Lab::new();
            let second = other(&lab.sim);
            lab.sim.meanwhile(nth, move || {
                second.sim.on(When::any().nth(cut), Fault::CutAfter);
                second.cut_apply(&small(), &Choices::default());
            });
            drop(lab.try_apply(&small(), &Choices::default()));
            let when = format!("at call {nth}, cut at call {cut}");
            if lab.sim.pool("fmc-first").unwrap().is_some() {
                committed_images_are_whole(&lab, &when);
            }
            other(&lab.sim).apply(&small());
            committed_images_are_whole(&lab, &when);
        }
    }
}

#[test]
fn an_apply_has_a_lease_while_it_works_and_gives_it_back() {
    let lab = Lab::new();
    let sim = lab.sim.clone();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    lab.sim.meanwhile(30, move || {
        let text = sim.volume_tail("fmc-first", "lease", 1 << 10).unwrap();
        *note.lock().unwrap() = text.unwrap_or_default();
    });
    lab.apply(&small());
    let text: serde_json::Value = serde_json::from_slice(&seen.lock().unwrap()).unwrap();
    assert_eq!(text["version"], 1);
    assert_eq!(text["process"], std::process::id());
    assert_eq!(lab.volumes("lease"), Vec::<String>::new());
    lab.apply_with(&nothing(), &delete_all_data());
    assert_eq!(lab.lists(), Vec::<String>::new());
}

/// What the step failed with.
fn failures(outcome: &Outcome) -> Vec<String> {
    outcome.failed.iter().map(|(at, error)| format!("{}: {error}", at.short())).collect()
}

#[test]
fn a_lease_that_grows_belongs_to_an_apply_that_works() {
    let lab = Lab::new();
    lab.apply(&small());
    let text = r#"{"version":1,"nonce":"1","host":"desk","process":7,"began":1800000000}"#;
    lab.sim.plant_lease("fmc-first", text).unwrap();
    let more = wanted(&cloud([lan()], [web().memory(3.gib()), db()]));
    let sim = lab.sim.clone();
    // The first step reads the pool, fails to make a lease, and reads the one that is there; then it waits and looks.
    let plan = lab.plan(&more);
    assert_eq!(plan.impact(), Impact::Restart);
    let length = u64::try_from(text.len()).unwrap();
    lab.sim.meanwhile(6, move || sim.resize_volume("fmc-first", "lease", length + 1).unwrap());
    let outcome = lab.run(plan, &more, &Choices::default(), |_| {}).unwrap();
    let failed = failures(&outcome).join("\n");
    assert!(failed.contains("process 7 on desk, since"), "{failed}");
    assert!(failed.contains("wait until that is done, and plan again"), "{failed}");
    assert_eq!(lab.volumes("lease").len(), 1, "the lease of the other one stays");
    // Its holder is gone: it lapses.
    let before = lab.sim.now();
    lab.apply(&more);
    assert!((lab.sim.now() - before).as_secs() >= 60);
    assert_eq!(lab.volumes("lease"), Vec::<String>::new());
}

#[test]
fn a_plan_says_who_may_still_send_an_image() {
    let lab = Lab::new();
    lab.sim.on(When::call("upload").nth(2), Fault::CutAt(1));
    lab.cut_apply(&small(), &Choices::default());
    let plan = other(&lab.sim).plan(&small()).to_string();
    assert!(plan.contains("another apply (process "), "{plan}");
    assert!(plan.contains("still sends it, or was cut"), "{plan}");
}

/// The commit of a boot configuration was lost, by an apply of an older version beside another: its machine runs.
#[test]
fn a_volume_that_a_machine_of_ours_was_made_with_is_committed_again() {
    for volume in ["web.boot.", "base."] {
        let lab = Lab::new();
        lab.apply(&small());
        let commit = lab.volumes(volume).into_iter().find(|name| name.ends_with(".ok")).unwrap();
        lab.sim.delete_volume("fmc-first", &commit).unwrap();
        let plan = lab.plan(&small());
        assert_eq!(crate::lab::notes(&plan, NoteKind::Refused), Vec::<String>::new());
        assert_eq!(plan.impact(), Impact::Live, "{plan}");
        lab.apply(&small());
        assert!(lab.volumes(volume).contains(&commit));
    }
}
