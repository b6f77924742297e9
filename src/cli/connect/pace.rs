//! How often a simulation is saved while steps run.

use std::time::{Duration, Instant};

/// The least time between two saves.
const LEAST: Duration = Duration::from_millis(500);

/// A save waits for this many times as long as the one before it took, so that saving takes at most a tenth of an apply, however large the
/// simulation gets.
const TIMES: u32 = 9;

/// When the next save is due. A killed apply loses what was done since the last one.
pub(super) struct Pace {
    due: Instant,
}

impl Pace {
    /// As if a save just ended.
    pub(super) fn new() -> Self {
        Self { due: Instant::now() + LEAST }
    }

    /// A save began and ended.
    pub(super) fn saved(&mut self, begins: Instant, ends: Instant) {
        let took = ends.saturating_duration_since(begins);
        self.due = ends + LEAST.max(took.saturating_mul(TIMES));
    }

    /// Whether a save is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many saves so many steps of 10 ms have, how long they take together, and the last one: each step makes the next save 1 ms longer.
    fn saves(steps: u32) -> (u32, Duration, Duration) {
        let mut now = Instant::now();
        let mut pace = Pace { due: now + LEAST };
        let (mut count, mut saving, mut last) = (0, Duration::ZERO, Duration::ZERO);
        for step in 0..steps {
            now += Duration::from_millis(10);
            if pace.is_due(now) {
                let took = Duration::from_millis(step.into());
                pace.saved(now, now + took);
                now += took;
                saving += took;
                last = took;
                count += 1;
            }
        }
        (count, saving, last)
    }

    #[test]
    fn a_slow_save_does_not_follow_each_step() {
        for steps in [1_000, 10_000, 100_000] {
            let (count, saving, last) = saves(steps);
            // 50 ms after half a second, and each later one after nine times as long: the fifth is at step 686.
            assert!(count >= 5, "{count} saves of {steps} steps");
            let acting = Duration::from_millis(10) * steps;
            assert!((saving - last) * TIMES <= acting, "{saving:?} of {steps} steps");
        }
    }
}
