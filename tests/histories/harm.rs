//! The law is broken by what a broken provider does: each question of the law has a harm that it sees.

use fmc::libvirt::link::Link as _;
use fmc::libvirt::sim::Sim;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::grammar;
use crate::words::Ask::{Plain, Replace};
use crate::words::Change::{Add, LoseDisk, Nothing, Power, Snapshot};
use crate::words::D::Data;
use crate::words::H::East;
use crate::words::How::Whole;
use crate::words::M::{Db, Web};
use crate::words::{Ask, Change, History};
use crate::world::{FOLDER, POOL, World};

const DISK: &str = "db.disk.data";

/// The machine db has run and written; then something changes, and the apply after it does harm.
fn broken(change: Change, ask: Ask, harm: impl Fn(&Sim)) -> String {
    let mut world = World::new();
    world.apply(Plain, Whole).unwrap();
    world.change(change);
    world.apply_with(ask, Whole, harm).unwrap_err().what
}

#[track_caller]
fn is_seen(what: &str, words: &str) {
    assert!(what.contains(words), "{what}");
}

fn delete(sim: &Sim, begin: &str) {
    let volumes = sim.volumes(POOL).unwrap().into_iter().filter(|volume| volume.name.starts_with(begin));
    for volume in volumes {
        sim.delete_volume(POOL, &volume.name).unwrap();
    }
}

fn create(sim: &Sim, name: &str) {
    let text = format!("<volume><name>{name}</name><capacity>5</capacity></volume>");
    sim.create_volume(POOL, &text).unwrap();
}

#[test]
fn a_written_volume_that_goes_is_seen() {
    for begin in [DISK, "db.root."] {
        is_seen(&broken(Nothing, Plain, |sim| delete(sim, begin)), "nobody asked for it to go");
    }
    // Data does not go by what a person asks of the root.
    is_seen(&broken(Nothing, Replace(Db), |sim| delete(sim, DISK)), "nobody asked for it to go");
}

#[test]
fn a_written_volume_that_is_blank_is_seen() {
    let harm = |sim: &Sim| {
        delete(sim, DISK);
        create(sim, DISK);
    };
    is_seen(&broken(Nothing, Plain, harm), "nobody asked for it to go");
}

#[test]
fn a_disk_that_is_another_file_is_seen() {
    let harm = |sim: &Sim| {
        create(sim, "other");
        sim.now_on("db", &format!("{FOLDER}/{DISK}"), &format!("{FOLDER}/other")).unwrap();
    };
    is_seen(&broken(Nothing, Plain, harm), "no more");
}

#[test]
fn a_lost_disk_that_begins_empty_is_seen() {
    is_seen(&broken(LoseDisk(Db, Data), Plain, |sim| create(sim, DISK)), "begins empty");
}

#[test]
fn a_stranger_that_goes_is_seen() {
    is_seen(&broken(Nothing, Plain, |sim| sim.undefine_domain("theirs").unwrap()), "strangers were touched");
}

#[test]
fn what_no_plan_said_is_seen() {
    is_seen(&broken(Nothing, Plain, |sim| delete(sim, "db.boot.")), "is gone, and no plan said so");
    is_seen(&broken(Nothing, Plain, |sim| sim.destroy_domain("db").unwrap()), "db does not go on");
    let written = |sim: &Sim| sim.write("web", "of an earlier one").unwrap();
    is_seen(&broken(Add(Web, East), Plain, written), "web begins with what is on");
}

#[test]
fn a_refused_plan_that_does_something_is_seen() {
    let harm = |sim: &Sim| sim.stop_network("lab").unwrap();
    is_seen(&broken(Snapshot(Db), Replace(Db), harm), "the plan was refused");
}

#[test]
fn done_that_is_not_is_seen() {
    is_seen(&broken(Power(Db), Plain, |sim| sim.start_domain("db").unwrap()), "db runs: true");
    is_seen(&broken(Nothing, Plain, |sim| sim.stop_network("lab").unwrap()), "there is more to do");
}

#[test]
fn random_histories_find_a_provider_that_deletes_data_when_a_machine_goes() {
    // The data disk of a machine whose domain is not there.
    let harm = |sim: &Sim| {
        if sim.domain("db").unwrap().is_none() && sim.volumes(POOL).is_ok() {
            delete(sim, DISK);
        }
    };
    let config = Config { cases: 200, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let found = runner.run(&grammar::histories(), |history: History| {
        let ran = World::new().run_with(&history, harm);
        ran.map_err(|broken| TestCaseError::fail(broken.what))
    });
    let Err(TestError::Fail(why, _)) = found else { panic!("{found:?}") };
    assert!(why.message().contains("db.disk.data on East had"), "{why}");
}
