//! A picture for Graphviz.

use super::{Bus, Picture};

pub(super) fn write(picture: &Picture) -> String {
    let mut text = format!("graph \"{}\" {{\n", escaped(&picture.title));
    text += "  graph [rankdir=LR, fontname=\"sans-serif\", ranksep=1.5];\n";
    text += "  node [fontname=\"sans-serif\", fontsize=11, shape=box, style=\"rounded,filled\", fillcolor=\"#e8f0fb\"];\n";
    text += "  edge [fontname=\"monospace\", fontsize=9];\n";
    for (host, place) in picture.hosts.iter().enumerate() {
        text += &format!("  subgraph cluster_h{host} {{\n");
        text += &format!("    label={};\n", label(&[&format!("host {}", place.name), &place.uri]));
        for (at, machine) in picture.on(host) {
            text += &format!(
                "    m{at} [label={}];\n",
                label(&[&machine.name, &machine.size, &machine.os, &machine.roles.join(", ")])
            );
        }
        for (at, network) in
            picture.networks.iter().enumerate().filter(|(_, network)| network.hosts == [host])
        {
            text += &format!("    {}\n", bus(at, network));
        }
        for (at, (pool, folder)) in place.pools.iter().enumerate() {
            if picture.on(host).any(|(_, machine)| machine.disks.iter().any(|(_, pool)| *pool == at)) {
                let label = label(&[&format!("pool {pool}"), folder]);
                text += &format!(
                    "    p{host}x{at} [label={label}, shape=cylinder, style=filled, fillcolor=\"#f3f3f3\"];\n"
                );
            }
        }
        text += "  }\n";
    }
    for (at, network) in picture.networks.iter().enumerate().filter(|(_, network)| network.hosts.len() != 1) {
        text += &format!("  {}\n", bus(at, network));
    }
    for (at, machine) in picture.machines.iter().enumerate() {
        for plug in &machine.plugs {
            let width = if plug.is_default { 2 } else { 1 };
            let network = plug.network;
            let label = label(&[&plug.label()]);
            text += &format!("  m{at} -- n{network} [label={label}, penwidth={width}];\n");
        }
        for (disk, pool) in &machine.disks {
            text +=
                &format!("  m{at} -- p{}x{pool} [label={}, style=dashed];\n", machine.host, label(&[disk]));
        }
    }
    if !picture.arrows.is_empty() {
        text += "  subgraph cluster_flows {\n    label=\"flows\";\n";
        for (at, end) in picture.ends.iter().enumerate() {
            text += &format!("    f{at} [label={}];\n", label(&[&end.name, &end.machines]));
        }
        for arrow in &picture.arrows {
            let label = label(&[&arrow.services]);
            text += &format!("    f{} -- f{} [label={label}, dir=forward];\n", arrow.from, arrow.to);
        }
        text += "  }\n";
    }
    text + "}\n"
}

fn bus(at: usize, network: &Bus) -> String {
    let how = format!("{} · {}", network.forward, network.bridge);
    let label = label(&[&format!("network {}", network.name), &network.subnets.join(" "), &how]);
    format!("n{at} [label={label}, shape=box, style=filled, fillcolor=\"#dcefe0\"];")
}

/// A quoted text; each given line becomes a line of its own.
fn label(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().filter(|line| !line.is_empty()).map(|line| escaped(line)).collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn escaped(text: &str) -> String {
    let clean = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    // Graphviz also reads HTML entities in a quoted text.
    clean.collect::<String>().replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"")
}
