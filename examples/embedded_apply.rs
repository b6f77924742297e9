//! fmc inside your own program: it plans, decides by impact, applies, and prints events in its own words.
//! `cargo run --example embedded_apply`
//!
//! It runs on the simulation. For a real libvirt only `providers` changes: `Providers::new().host(HOST,
//! fmc::libvirt::virt::VirtLink::connect("qemu:///system")?)`, with the feature `virt`.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use fmc::Providers;
use fmc::graph::{Event, Outcome};
use fmc::prelude::*;
use fmc::sim::Sim;

const WEB: MachineName = MachineName::literal("web");

fn cloud(memory: Size) -> Cloud {
    let web = Machine::new(WEB, Image::blank())
        .memory(memory)
        .root_disk(2.gib())
        .interface(Interface::on("lab").address("10.17.3.10"));
    Cloud::new("shop").host(Host::local()).network(Network::nat("lab", "10.17.3.0/24")).machine(web)
}

/// Applies plans without interruptions, and refuses others with the plan as the reason.
async fn converge(cloud: &Cloud, world: &Sim) -> Result<Outcome, Box<dyn Error>> {
    let checked = cloud.check()?;
    let wanted = fmc::compile(&checked);
    let providers: Providers = world.providers(&checked);
    let plan = providers.plan(&wanted).await?;
    if plan.impact() > Impact::Live {
        return Err(format!("this needs a person:\n{plan}").into());
    }
    Ok(plan.apply(&providers, say).await?)
}

/// A service would send these events to its log or its clients.
fn say(event: Event) {
    match event {
        Event::Started { address, action } => println!("{action} {address}"),
        Event::Failed { address, error } => println!("{address} failed: {error}"),
        Event::Skipped { address, cause } => println!("{address} was left out: {cause}"),
        // A finished step was announced when it began; progress is for uploads.
        _ => {}
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let world = Sim::new();
    // Any executor works; this is the smallest one.
    pollster::block_on(async {
        let outcome = converge(&cloud(1.gib()), &world).await?;
        println!("made {} objects", outcome.done.len());

        let outcome = converge(&cloud(1.gib()), &world).await?;
        println!("and again: {} to do", outcome.done.len());

        let refused = converge(&cloud(2.gib()), &world).await;
        println!("{}", refused.err().ok_or("a restart was not refused")?);
        Ok(())
    })
}
