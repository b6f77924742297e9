//! Follows an apply: prints its events, saves a simulation meanwhile, and asks before it runs steps that were not
//! announced.

use fmc_core::graph::{Event, Further, StopFlag, Watch};
use fmc_core::provider::AnyDocument;

use crate::cli::args::Args;
use crate::cli::check::count;
use crate::cli::connect::World;
use crate::cli::failure::Failure;
use crate::cli::io::Io;
use crate::cli::plan;
use crate::cli::progress::Progress;
use crate::cli::style::{BAD, GOOD, Paint, STRONG};
use crate::compile::Wanted;
use crate::json::Line;

pub(super) struct Follow<'a, 'b> {
    command: &'a str,
    wanted: &'a Wanted,
    /// The hypervisors. The apply borrows the providers meanwhile.
    world: &'a mut World,
    stop: StopFlag,
    args: &'a Args,
    io: &'a mut Io<'b>,
    progress: Progress,
    /// How many steps the plan of this phase has.
    steps: usize,
    failed: Option<Failure>,
    is_saved: bool,
}

impl<'a, 'b> Follow<'a, 'b> {
    /// Starts with this number of steps.
    pub(super) fn new(
        command: &'a str,
        wanted: &'a Wanted,
        steps: usize,
        world: &'a mut World,
        stop: StopFlag,
        args: &'a Args,
        io: &'a mut Io<'b>,
    ) -> Self {
        let progress = Progress::new(steps, args.json, io);
        Self { command, wanted, world, stop, args, io, progress, steps, failed: None, is_saved: false }
    }

    /// Whether the plan comes from a file: then steps that it does not announce are never run.
    pub(super) fn of_a_saved_plan(mut self, is_saved: bool) -> Self {
        self.is_saved = is_saved;
        self
    }

    /// Removes the bars and saves the simulation for the last time.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.progress.finish();
        let saved = self.world.save();
        self.failed.map_or(saved, Err)
    }

    /// If the simulation cannot be saved or the reader is gone, the apply ends as after an interrupt.
    fn stop_if(&mut self, told: Result<(), Failure>) {
        if let Err(error) = told {
            self.failed.get_or_insert(error);
            self.stop.stop();
        }
    }

    fn show(&mut self, further: &Further<'_, AnyDocument>) -> Result<(), Failure> {
        if self.args.json {
            return self.io.json_line(&Line::Plan(Box::new(plan::shown(
                further.plan(),
                self.wanted,
                self.world,
            ))));
        }
        let title = Paint("what could not be planned before", STRONG, self.io.colour_out);
        self.io.show(format_args!("{title}\n{}", plan::tree(further.plan(), self.io.colour_out)))
    }

    /// Whether a person consents to steps that no plan has announced.
    fn consents(&mut self, further: &Further<'_, AnyDocument>) -> bool {
        let steps = count(further.unannounced().count(), "step");
        if self.is_saved {
            let error = Paint("error", BAD, self.io.colour_err);
            let help = Paint("help", GOOD, self.io.colour_err);
            self.io.err(format_args!(
                "{error}: the plan in the file does not announce {steps}: not done\n  {help}: `{} plan` shows them\n",
                self.args.program
            ));
            return false;
        }
        if self.world.is_simulation() || self.args.yes {
            return true;
        }
        if self.io.input.is_none() {
            let error = Paint("error", BAD, self.io.colour_err);
            let help = Paint("help", GOOD, self.io.colour_err);
            self.io.err(format_args!(
                "{error}: the plan before did not announce {steps}, and nobody can be asked: there is no terminal\n  \
                 {help}: `{} {}` again shows them and asks, --yes consents\n",
                self.args.program, self.command
            ));
            return false;
        }
        let question = format!("the plan before did not announce {steps}: {} them too?", self.command);
        match super::answers_yes(&question, self.io) {
            Ok(consents) => consents,
            Err(error) => {
                self.stop_if(Err(error));
                false
            }
        }
    }
}

impl Watch<AnyDocument> for Follow<'_, '_> {
    fn event(&mut self, event: Event) {
        // Saved first, so that a step is reported once it is in the file.
        let is_end = matches!(event, Event::Done { .. } | Event::Failed { .. });
        let saved = if is_end { self.world.save_step(self.steps) } else { Ok(()) };
        let told = saved.and_then(|()| self.progress.tell(&event, self.io));
        self.stop_if(told);
    }

    fn further(&mut self, further: &Further<'_, AnyDocument>) -> bool {
        self.steps = further.plan().steps.len();
        let next = Progress::new(self.steps, self.args.json, self.io);
        std::mem::replace(&mut self.progress, next).finish();
        let shown = self.show(further);
        self.stop_if(shown);
        self.failed.is_none() && (further.is_announced() || self.consents(further))
    }
}
