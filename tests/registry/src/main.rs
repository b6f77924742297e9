//! A program with fmc's commands and a provider of its own, as a user would write it.

use fmc::cli::Program;
use fmc::prelude::*;
use fmc_registry::{Names, cloud};

#[derive(clap::Args)]
struct Flags {
    /// How many machines there are beside the registry's and the database's
    #[arg(long, default_value_t = 0)]
    more: u16,
}

fn main() -> ExitCode {
    let names = Names::new(&[("db.lab", "db", true), ("free.lab", "db", false)]);
    let more = |cloud: Cloud, flags: Flags| {
        let machine = |number| Machine::new(format!("m{number}"), Image::blank()).root_disk(1.gib());
        (0..flags.more).fold(cloud, |cloud, number| cloud.machine(machine(number)))
    };
    Program::new(cloud()).provider(names).flags(more).main()
}
