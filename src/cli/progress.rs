//! Progress of an apply: bars on a terminal, lines elsewhere, objects with `--json`.

use std::collections::BTreeMap;
use std::time::Duration;

use fmc_core::graph::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::io::Io;

/// Tells events as they come.
pub(super) struct Progress<'a, 'b> {
    io: &'a mut Io<'b>,
    json: bool,
    bars: Option<Bars>,
}

struct Bars {
    all: MultiProgress,
    steps: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
    waiting: BTreeMap<String, ProgressBar>,
}

/// How often the time of a machine that is waited for is drawn anew.
const TICK: Duration = Duration::from_secs(1);

impl<'a, 'b> Progress<'a, 'b> {
    /// For so many steps.
    pub(super) fn new(steps: usize, json: bool, io: &'a mut Io<'b>) -> Self {
        let bars = (io.bars && !json).then(|| Bars::new(steps as u64));
        Self { io, json, bars }
    }

    /// Tells an event.
    pub(super) fn tell(&mut self, event: &Event) -> Result<(), Failure> {
        if self.json {
            return self.io.json_line(event);
        }
        match (&mut self.bars, event) {
            (Some(bars), event) => bars.tell(event),
            // In a log, what begins and how far it is would drown what is done.
            (None, Event::Started { .. } | Event::Progress { .. }) => {}
            (None, event) => self.io.err(format_args!("{event}\n")),
        }
        Ok(())
    }

    /// Takes the bars away.
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
                let bar = self.all.add(ProgressBar::new(0).with_style(style("  {spinner} {prefix} {msg}")));
                bar.set_prefix(address.clone());
                bar.set_message(action.to_string());
                self.running.insert(address.clone(), bar);
            }
            Event::Doing { address, what } => {
                if let Some(bar) = self.running.get(address) {
                    bar.set_message(what.clone());
                    bar.tick();
                }
            }
            Event::Progress { address, done, total } => {
                if let Some(bar) = self.running.get(address) {
                    if bar.length() != Some(*total) {
                        bar.set_style(style("  {spinner} {prefix} {bar:20} {bytes}/{total_bytes}"));
                        bar.set_length(*total);
                    }
                    bar.set_position(*done);
                }
            }
            Event::Waiting { address, signal, seconds } => {
                let bar = self
                    .all
                    .add(ProgressBar::new(0).with_style(style("  {spinner} {prefix} {msg} {elapsed}")));
                bar.set_prefix(address.clone());
                bar.set_message(format!("waits up to {seconds} s for {signal}"));
                bar.enable_steady_tick(TICK);
                self.waiting.insert(address.clone(), bar);
            }
            Event::Up { address, .. } | Event::NotUp { address, .. } => {
                if let Some(bar) = self.waiting.remove(address) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                let _ = self.all.println(event.to_string());
            }
            Event::Done { address, .. } => self.end(address, None),
            Event::Failed { address, .. } | Event::Skipped { address, .. } => {
                self.end(address, Some(event.to_string()));
            }
        }
    }

    fn end(&mut self, address: &str, line: Option<String>) {
        if let Some(bar) = self.running.remove(address) {
            self.all.remove(&bar);
        }
        if let Some(line) = line {
            let _ = self.all.println(line);
        }
        self.steps.inc(1);
    }
}

/// A template of ours; one that indicatif refuses falls back to its own.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
