//! Stages run one after the other. Each is timed, and a table at the end shows the times.

use std::time::{Duration, Instant};

use crate::Failure;

/// The stages that ran so far.
pub(crate) struct Stages {
    started: Instant,
    finished: Vec<(&'static str, Duration)>,
}

impl Stages {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), finished: Vec::new() }
    }

    /// Runs one stage. A failure names the stage and ends the run.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        println!("\n==> {name}");
        let started = Instant::now();
        let result = work();
        let time = started.elapsed();
        match &result {
            Ok(()) => println!("    {name}: ok, {}", seconds(time)),
            Err(_) => println!("    {name}: FAILED after {}", seconds(time)),
        }
        self.finished.push((name, time));
        result.map_err(|failure| format!("stage `{name}`: {failure}").into())
    }

    pub(crate) fn summary(&self) {
        println!("\nall stages passed");
        for (name, time) in &self.finished {
            println!("  {:>8}  {name}", seconds(*time));
        }
        println!("  {:>8}  together", seconds(self.started.elapsed()));
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
