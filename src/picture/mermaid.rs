//! A picture as a Mermaid flowchart.

use super::{Bus, Node, Picture};

pub(super) fn write(picture: &Picture) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (host, place) in picture.hosts.iter().enumerate() {
        text +=
            &format!("  subgraph h{host}[\"{}\"]\n", lines(&[&format!("host {}", place.name), &place.uri]));
        for (at, machine) in picture.on(host) {
            text += &format!("    m{at}[\"{}\"]\n", machine_text(machine));
        }
        for (at, network) in picture.networks.iter().enumerate() {
            if network.hosts == [host] {
                text += &format!("    n{at}([\"{}\"])\n", network_text(network));
            }
        }
        for (at, (pool, folder)) in place.pools.iter().enumerate() {
            if picture.on(host).any(|(_, machine)| machine.disks.iter().any(|(_, pool)| *pool == at)) {
                text += &format!("    p{host}x{at}[(\"{}\")]\n", lines(&[&format!("pool {pool}"), folder]));
            }
        }
        text += "  end\n";
    }
    for (at, network) in picture.networks.iter().enumerate().filter(|(_, network)| network.hosts.len() != 1) {
        text += &format!("  n{at}([\"{}\"])\n", network_text(network));
    }
    for (at, machine) in picture.machines.iter().enumerate() {
        for plug in &machine.plugs {
            let line = if plug.is_default { "===" } else { "---" };
            let label = plug.label();
            let label = if label.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&label)) };
            text += &format!("  m{at} {line}{label} n{}\n", plug.network);
        }
        for (disk, pool) in &machine.disks {
            text += &format!("  m{at} -.-|\"{}\"| p{}x{pool}\n", escaped(disk), machine.host);
        }
    }
    if !picture.arrows.is_empty() {
        text += "  subgraph flows[\"flows\"]\n";
        for (at, end) in picture.ends.iter().enumerate() {
            text += &format!("    f{at}[\"{}\"]\n", lines(&[&end.name, &end.machines]));
        }
        for arrow in &picture.arrows {
            text += &format!("    f{} -->|\"{}\"| f{}\n", arrow.from, escaped(&arrow.services), arrow.to);
        }
        text += "  end\n";
    }
    text
}

fn machine_text(machine: &Node) -> String {
    lines(&[&machine.name, &machine.size, &machine.os, &machine.roles.join(", ")])
}

fn network_text(network: &Bus) -> String {
    let subnets = network.subnets.join(" ");
    let how = format!("{} · {}", network.forward, network.bridge);
    lines(&[&format!("network {}", network.name), &subnets, &how])
}

fn lines(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().filter(|line| !line.is_empty()).map(|line| escaped(line)).collect();
    lines.join("<br/>")
}

/// Escapes characters that would end a text in Mermaid, or that it would read as Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\\' | '*' | '_' | '|' => {
                escaped += &format!("#{};", u32::from(character));
            }
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
