//! The law of day two, over random histories: what a guest wrote is there and in its machine, or is kept and said, or a person
//! asked by name for it to go.
//!
//! A history is some ten changes of a cloud and of its hosts, each followed by an apply. One that breaks the law is made shorter
//! and printed as a program: its lines are those of [`printed::the_program`].
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod cloud;
mod grammar;
mod harm;
mod law;
mod look;
mod printed;
mod words;
mod world;

use std::cell::Cell;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::words::History;
use crate::world::World;

/// The seeds of the histories: the first ones, and the same ones at each run. `HISTORIES_SEED` is another one in their place.
const SEEDS: Range<u64> = 0..5;

/// How many histories each seed has. `PROPTEST_CASES` is another number.
const HISTORIES: u32 = if cfg!(feature = "full") { 2_000 } else { 40 };

/// How many of them are tried at once.
const THREADS: u32 = 4;

fn variable<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nothing_that_was_written_is_lost() {
    let histories = variable("PROPTEST_CASES").unwrap_or(HISTORIES);
    let seeds = variable("HISTORIES_SEED").map_or(SEEDS, |seed| seed..seed + 1);
    for seed in seeds {
        let is_broken = AtomicBool::new(false);
        let broken = std::thread::scope(|scope| {
            let tried = |thread| tried(seed, thread, histories.div_ceil(THREADS), &is_broken);
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || tried(thread))).collect();
            threads.into_iter().find_map(|thread| thread.join().unwrap())
        });
        if let Some(broken) = broken {
            panic!("with the seed {seed}: {broken}");
        }
    }
}

/// Tries so many histories. The first that breaks the law is made shorter, and ends all threads.
fn tried(seed: u64, thread: u32, cases: u32, is_broken: &AtomicBool) -> Option<String> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let is_here = Cell::new(false);
    let holds = |history: History| {
        if is_broken.load(Ordering::Relaxed) && !is_here.get() {
            return Ok(());
        }
        World::new().run(&history).map_err(|broken| {
            is_here.set(true);
            is_broken.store(true, Ordering::Relaxed);
            TestCaseError::fail(broken.to_string())
        })
    };
    let mut bytes = [0; 32];
    let of_both = thread.to_le_bytes().into_iter().chain(seed.to_le_bytes());
    bytes.iter_mut().zip(of_both).for_each(|(byte, of)| *byte = of);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    match runner.run(&grammar::histories(), holds) {
        Ok(()) => None,
        Err(TestError::Fail(why, history)) => Some(format!("{why}\nafter this program:\n{history}")),
        Err(TestError::Abort(why)) => Some(why.to_string()),
    }
}
