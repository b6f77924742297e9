//! Progress of an apply: bars on a terminal, lines elsewhere, objects with `--json`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fmc_core::graph::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::io::Io;
use super::plain::{plain, shown};
use super::transfer::Transfer;

/// The bar of a step that transfers bytes: progress, rate and remaining time.
const TRANSFER: &str =
    "  {spinner} {prefix} {bar:20} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}, {eta} left";

/// The bar of any other step.
const STEP: &str = "  {spinner} {prefix} {msg}";

/// Shows events as they arrive.
pub(super) struct Progress {
    json: bool,
    bars: Option<Bars>,
    /// The running transfers, for the lines of a log.
    transfers: BTreeMap<String, Transfer>,
    /// The machines that are waited for. One that is up at once, without a wait, has no line.
    awaited: BTreeSet<String>,
}

struct Bars {
    all: MultiProgress,
    steps: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
    waiting: BTreeMap<String, ProgressBar>,
}

/// How often the elapsed time of an awaited machine is redrawn.
const TICK: Duration = Duration::from_secs(1);

impl Progress {
    /// Starts with this number of steps.
    pub(super) fn new(steps: usize, json: bool, io: &Io<'_>) -> Self {
        let bars = (io.bars && !json).then(|| Bars::new(steps as u64));
        Self { json, bars, transfers: BTreeMap::new(), awaited: BTreeSet::new() }
    }

    /// Shows an event.
    pub(super) fn tell(&mut self, event: &Event, io: &mut Io<'_>) -> Result<(), Failure> {
        if self.json {
            return io.json_line(event);
        }
        match event {
            Event::Waiting { address, .. } => _ = self.awaited.insert(address.clone()),
            Event::Up { address, .. } if !self.awaited.remove(address) => return Ok(()),
            _ => {}
        }
        match (&mut self.bars, event) {
            // A failure may skip thousands of steps: the report at the end counts them.
            (_, Event::Skipped { .. }) => {}
            (Some(bars), event) => bars.tell(event),
            // In a log, lines for each start and each mebibyte would drown the results.
            (None, Event::Started { .. }) => {}
            (None, Event::Progress { address, done, total }) => {
                let now = Instant::now();
                let transfer = self.transfers.entry(address.clone()).or_insert_with(|| Transfer::new(now));
                if let Some(far) = transfer.tell(now, *done, *total) {
                    io.err(format_args!("{address}: {far}\n"));
                }
            }
            (None, event) => io.err(format_args!("{event}\n")),
        }
        Ok(())
    }

    /// Removes the bars.
    pub(super) fn finish(self) {
        if let Some(bars) = self.bars {
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn new(steps: u64) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let steps =
            all.add(ProgressBar::new(steps).with_style(style("{bar:30} {pos}/{len} steps {elapsed}")));
        Self { all, steps, running: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::Started { address, action } => {
                let bar = self.all.add(ProgressBar::new(0).with_style(style(STEP)));
                bar.set_prefix(plain(address).into_owned());
                bar.set_message(action.to_string());
                self.running.insert(address.clone(), bar);
            }
            Event::Doing { address, what } => {
                if let Some(bar) = self.running.get(address) {
                    bar.set_style(style(STEP));
                    bar.set_message(plain(what).into_owned());
                    bar.set_length(0);
                    bar.tick();
                }
            }
            Event::Progress { address, done, total } => {
                if let Some(bar) = self.running.get(address) {
                    if bar.length() != Some(*total) {
                        bar.set_style(style(TRANSFER));
                        bar.reset();
                        bar.set_length(*total);
                    }
                    bar.set_position(*done);
                }
            }
            Event::Waiting { address, .. } => {
                let bar = self
                    .all
                    .add(ProgressBar::new(0).with_style(style("  {spinner} {prefix} {msg} {elapsed}")));
                bar.set_prefix(plain(address).into_owned());
                // The event's own words, without the address that stands before them.
                let words = event.to_string();
                let words = words.strip_prefix(&format!("{address}: ")).unwrap_or(&words).to_owned();
                bar.set_message(words);
                bar.enable_steady_tick(TICK);
                self.waiting.insert(address.clone(), bar);
            }
            Event::Up { address, .. } | Event::NotUp { address, .. } => {
                if let Some(bar) = self.waiting.remove(address) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                let _ = self.all.println(shown(&event.to_string(), false));
            }
            Event::Done { address, .. } => self.end(address, None),
            Event::Failed { address, .. } => {
                self.end(address, Some(event.to_string()));
            }
            // A bar has no place for these.
            _ => {}
        }
    }

    fn end(&mut self, address: &str, line: Option<String>) {
        if let Some(bar) = self.running.remove(address) {
            self.all.remove(&bar);
        }
        if let Some(line) = line {
            let _ = self.all.println(shown(&line, false));
        }
        self.steps.inc(1);
    }
}

/// The style of a template; falls back to indicatif's default if it refuses the template.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
