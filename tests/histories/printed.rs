//! A history that breaks the law is printed as a program that can be pasted here.

use crate::law::Broken;
use crate::words::Ask::{Plain, Replace};
use crate::words::Change::{Add, Remove, Return, Snapshot};
use crate::words::H::East;
use crate::words::How::{CutAfter, Whole};
use crate::words::M::{Db, Web};
use crate::words::{History, Step};
use crate::world::World;

#[test]
fn a_history_is_printed_as_a_program() {
    let step = |change, apply| Some(Step { change, apply });
    let history = History(vec![
        step(Add(Web, East), Some((Plain, Whole))),
        None,
        step(Snapshot(Db), Some((Replace(Web), CutAfter(7)))),
        step(Remove(Db), None),
        step(Return(Db), Some((Plain, Whole))),
    ]);
    // Its lines are those of the program below, as they are.
    let (_, body) = include_str!("printed.rs").rsplit_once("Broken> {\n").unwrap();
    let lines: Vec<&str> = body.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(history.to_string().lines().collect::<Vec<_>>(), lines);
    World::new().run(&history).unwrap();
}

#[test]
fn a_printed_history_is_a_program() {
    the_program().unwrap();
}

fn the_program() -> Result<(), Broken> {
    let mut world = World::new();
    world.change(Add(Web, East));
    world.apply(Plain, Whole)?;
    world.change(Snapshot(Db));
    world.apply(Replace(Web), CutAfter(7))?;
    world.change(Remove(Db));
    world.change(Return(Db));
    world.apply(Plain, Whole)?;
    world.settles()
}
