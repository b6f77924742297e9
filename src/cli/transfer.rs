//! The progress of a fetch or an upload as occasional lines of a log, with rate and remaining time.

use std::time::{Duration, Instant};

/// The interval between lines of a log.
const EVERY: Duration = Duration::from_secs(10);

/// A running transfer.
pub(super) struct Transfer {
    /// Its start, and how many bytes it had then.
    begun: (Instant, u64),
    told: Instant,
    done: u64,
    total: u64,
}

impl Transfer {
    /// A transfer that begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: (now, 0), told: now, done: 0, total: 0 }
    }

    /// The line for a log, if it is time; none for a quick transfer.
    pub(super) fn tell(&mut self, now: Instant, done: u64, total: u64) -> Option<String> {
        // A fetched image is sent afterwards, as a transfer of its own. The bytes of a resumed transfer cost no time.
        if total != self.total || done < self.done {
            self.begun = (now, done);
        }
        (self.done, self.total) = (done, total);
        if now.saturating_duration_since(self.told) < EVERY {
            return None;
        }
        self.told = now;
        let (at, from) = self.begun;
        Some(far(now.saturating_duration_since(at), from, done, total))
    }
}

fn far(took: Duration, from: u64, done: u64, total: u64) -> String {
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    let so_far = format!("{} of {} ({percent} %)", bytes(done), bytes(total));
    let rate = u128::from(done.saturating_sub(from)) * 1000 / took.as_millis().max(1);
    if rate == 0 {
        return so_far;
    }
    let left = u128::from(total.saturating_sub(done)) / rate;
    format!("{so_far}, {}/s, {} left", bytes(u64::try_from(rate).unwrap_or(u64::MAX)), clock(left))
}

/// A number of bytes in a readable unit, with one decimal.
fn bytes(count: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, bits)| count >> bits > 0) {
        None => format!("{count} B"),
        Some((unit, bits)) => {
            let tenths = (u128::from(count) * 10) >> bits;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

fn clock(seconds: u128) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a_log_is_told_now_and_then_how_far_it_is() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut transfer = Transfer::new(start);
        assert_eq!(transfer.tell(after(0), 0, 4 * GIB), None);
        assert_eq!(transfer.tell(after(9), GIB / 2, 4 * GIB), None, "what is quick needs no word");
        let told = transfer.tell(after(10), GIB, 4 * GIB).unwrap();
        assert_eq!(told, "1.0 GiB of 4.0 GiB (25 %), 102.3 MiB/s, 30 s left");
        assert_eq!(transfer.tell(after(11), GIB, 4 * GIB), None);
        // It is fetched, and sent: that has a rate of its own.
        assert_eq!(transfer.tell(after(12), 0, 5 * GIB), None);
        let told = transfer.tell(after(22), 5 * GIB / 2, 5 * GIB).unwrap();
        assert_eq!(told, "2.5 GiB of 5.0 GiB (50 %), 256.0 MiB/s, 10 s left");
    }

    #[test]
    fn what_goes_on_where_it_was_cut_is_no_faster_for_that() {
        let start = Instant::now();
        let mut transfer = Transfer::new(start);
        transfer.tell(start, 3 * GIB, 4 * GIB);
        let told = transfer.tell(start + Duration::from_secs(1024), 3 * GIB + (GIB >> 10), 4 * GIB).unwrap();
        assert_eq!(told, "3.0 GiB of 4.0 GiB (75 %), 1.0 KiB/s, 290 h 59 min left");
    }

    #[test]
    fn sizes_and_times_as_people_say_them() {
        assert_eq!(
            [bytes(0), bytes(1023), bytes(1536), bytes(u64::MAX)],
            ["0 B", "1023 B", "1.5 KiB", "16777215.9 TiB"]
        );
        assert_eq!([clock(59), clock(61), clock(7261)], ["59 s", "1 min 1 s", "2 h 1 min"]);
        assert_eq!(far(Duration::ZERO, 0, 0, 0), "0 B of 0 B (0 %)");
    }
}
