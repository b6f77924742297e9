//! A picture as SVG: a panel for each host, in it a row for each machine, and a bar across the rows for each network.
//!
//! A machine's line to a network crosses the bars before it; a dot marks its end. Texts are measured by their
//! number of characters, so that no font is needed.

use std::fmt::Write as _;

use super::{Node, Picture, Plug};

mod flows;

const MARGIN: usize = 24;
/// The height of a panel's head with the host's name.
const HEAD: usize = 58;
/// The height of the bars' heads with the networks' names.
const BARS: usize = 62;
/// The height of a line of a machine's text, and of an interface.
const LINE: usize = 18;
const GAP: usize = 14;
const BAR: usize = 12;
/// The widths of a character, in tenths of a pixel: of a name, of a text, of an address.
const NAME: usize = 88;
const TEXT: usize = 70;
const ADDRESS: usize = 74;

/// The colours of bars and lines, one for each network, in turn; people with colour blindness can tell them
/// apart on white.
const COLOURS: [&str; 6] = ["#0b6e4f", "#b3541e", "#2b59a1", "#8a2c6f", "#5c5c00", "#a11d33"];

/// A host's part of the picture, with its measures.
struct Panel<'a> {
    host: usize,
    rows: Vec<&'a Node>,
    /// Its networks, with the middle of each bar.
    bars: Vec<(usize, usize)>,
    boxes: usize,
    width: usize,
    height: usize,
}

pub(super) fn write(picture: &Picture) -> String {
    let panels: Vec<Panel<'_>> = (0..picture.hosts.len()).map(|host| measure(picture, host)).collect();
    let flows = flows::measure(picture);
    let title = pixels(&picture.title, 110);
    let widths = panels.iter().map(|panel| panel.width).chain(flows.iter().map(flows::Panel::width));
    let width = widths.max().unwrap_or(0).max(title).max(480) + 2 * MARGIN;
    let above = MARGIN + 30;
    let heights = panels.iter().map(|panel| panel.height).chain(flows.iter().map(flows::Panel::height));
    let height = above + heights.map(|height| height + MARGIN).sum::<usize>() + 22;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n"
    );
    let title = escaped(&picture.title);
    line(&mut text, format_args!("<title>{title}</title>"));
    line(
        &mut text,
        "<style>text { font: 12px sans-serif; fill: #222 } .t { font: bold 18px sans-serif } .n { font: bold 14px sans-serif } .a { font: 12px monospace } .d { fill: #555 }</style>",
    );
    line(&mut text, format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
    line(&mut text, format_args!("<text class=\"t\" x=\"{MARGIN}\" y=\"{}\">{title}</text>", MARGIN + 10));
    let mut y = above;
    for panel in &panels {
        draw(picture, panel, y, width - 2 * MARGIN, &mut text);
        y += panel.height + MARGIN;
    }
    if let Some(flows) = &flows {
        flows.draw(picture, y, width - 2 * MARGIN, &mut text);
        y += flows.height() + MARGIN;
    }
    let legend = "A line ends at its dot; the thick one is the machine's default route.";
    line(&mut text, format_args!("<text class=\"d\" x=\"{MARGIN}\" y=\"{}\">{legend}</text>", y + 4));
    text + "</svg>\n"
}

fn measure(picture: &Picture, host: usize) -> Panel<'_> {
    let rows: Vec<&Node> = picture.on(host).map(|(_, machine)| machine).collect();
    let boxes = rows.iter().map(|row| box_width(row)).max().unwrap_or(0);
    let mut x = MARGIN + boxes + 16;
    let mut bars = Vec::new();
    for (at, network) in
        picture.networks.iter().enumerate().filter(|(_, network)| network.hosts.contains(&host))
    {
        let plugs = rows.iter().flat_map(|row| &row.plugs).filter(|plug| plug.network == at);
        let addresses = plugs.map(|plug| pixels(&said(plug), ADDRESS)).max().unwrap_or(0);
        let [name, subnets, how] = bar_text(picture, at);
        let head = pixels(&name, NAME).max(pixels(&subnets, ADDRESS)).max(pixels(&how, TEXT));
        let _ = network;
        // An address is left of its bar; the bar's own text is centred on it.
        let before = (addresses + 24).max(head / 2 + 16);
        let after = head.div_ceil(2);
        bars.push((at, x + before));
        x += before + after.max(BAR);
    }
    let place = picture.hosts.get(host);
    let head = place.map_or(0, |place| pixels(&place.uri, ADDRESS).max(pixels(&pools(picture, host), TEXT)));
    let body: usize = rows.iter().map(|row| row_height(row) + GAP).sum();
    let top = if bars.is_empty() { 0 } else { BARS };
    Panel {
        host,
        rows,
        bars,
        boxes,
        width: (x + MARGIN).max(head + 2 * MARGIN),
        height: HEAD + top + body + GAP,
    }
}

fn draw(picture: &Picture, panel: &Panel<'_>, y: usize, width: usize, text: &mut String) {
    let Some(place) = picture.hosts.get(panel.host) else { return };
    let height = panel.height;
    line(
        text,
        format_args!(
            "<rect x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#fafafa\" stroke=\"#bbb\"/>"
        ),
    );
    let left = 2 * MARGIN;
    let host = escaped(&format!("host {}", place.name));
    line(text, format_args!("<text class=\"n\" x=\"{left}\" y=\"{}\">{host}</text>", y + 24));
    let after = left + pixels(&format!("host {}", place.name), NAME) + 14;
    line(
        text,
        format_args!("<text class=\"a\" x=\"{after}\" y=\"{}\">{}</text>", y + 24, escaped(&place.uri)),
    );
    line(
        text,
        format_args!(
            "<text class=\"d\" x=\"{left}\" y=\"{}\">{}</text>",
            y + 44,
            escaped(&pools(picture, panel.host))
        ),
    );

    let top = if panel.bars.is_empty() { 0 } else { BARS };
    for (at, x) in &panel.bars {
        let (x, colour) = (MARGIN + x, colour(*at));
        for (number, (class, words)) in ["n", "a", "d"].into_iter().zip(bar_text(picture, *at)).enumerate() {
            let y = y + HEAD + 8 + number * 16;
            line(
                text,
                format_args!(
                    "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                    escaped(&words)
                ),
            );
        }
        let (start, length) = (y + HEAD + top - 8, height - HEAD - top);
        line(
            text,
            format_args!(
                "<rect x=\"{}\" y=\"{start}\" width=\"{BAR}\" height=\"{length}\" rx=\"6\" fill=\"{colour}\" fill-opacity=\"0.35\"/>",
                x - BAR / 2
            ),
        );
    }
    let mut row_y = y + HEAD + top;
    for row in &panel.rows {
        draw_row(panel, row, row_y, text);
        row_y += row_height(row) + GAP;
    }
}

fn draw_row(panel: &Panel<'_>, row: &Node, y: usize, text: &mut String) {
    let left = 2 * MARGIN;
    let (width, height) = (panel.boxes, row_height(row));
    let right = left + width;
    for (number, plug) in row.plugs.iter().enumerate() {
        let Some((_, x)) = panel.bars.iter().find(|(at, _)| *at == plug.network) else { continue };
        let (x, colour) = (MARGIN + x, colour(plug.network));
        let at = y + LINE / 2 + 8 + number * LINE;
        let thick = if plug.is_default { 3 } else { 1 };
        line(
            text,
            format_args!(
                "<path d=\"M{right} {at}H{x}\" stroke=\"{colour}\" stroke-width=\"{thick}\" fill=\"none\"/>"
            ),
        );
        line(text, format_args!("<circle cx=\"{x}\" cy=\"{at}\" r=\"5\" fill=\"{colour}\"/>"));
        let said = escaped(&said(plug));
        line(
            text,
            format_args!(
                "<text class=\"a\" x=\"{}\" y=\"{}\" text-anchor=\"end\" stroke=\"#fafafa\" stroke-width=\"4\" paint-order=\"stroke\">{said}</text>",
                x - 11,
                at - 5
            ),
        );
    }
    line(
        text,
        format_args!(
            "<rect x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#e8f0fb\" stroke=\"#7a95bd\"/>"
        ),
    );
    for (number, (class, words)) in box_text(row).into_iter().enumerate() {
        let (x, y) = (left + 10, y + 19 + number * LINE);
        line(text, format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(&words)));
    }
}

fn said(plug: &Plug) -> String {
    plug.addresses.join(" ")
}

/// The lines of a machine's box, each with its class.
fn box_text(row: &Node) -> Vec<(&'static str, String)> {
    let mut lines = vec![("n", row.name.clone()), ("", row.size.clone())];
    let disks: Vec<&str> = row.disks.iter().map(|(disk, _)| disk.as_str()).collect();
    let rest: Vec<String> =
        [row.os.clone(), disks.join(", ")].into_iter().filter(|words| !words.is_empty()).collect();
    if !rest.is_empty() {
        lines.push(("d", rest.join(" · ")));
    }
    if !row.roles.is_empty() {
        lines.push(("", row.roles.join(", ")));
    }
    lines
}

fn box_width(row: &Node) -> usize {
    let widths = box_text(row)
        .into_iter()
        .map(|(class, words)| pixels(&words, if class == "n" { NAME } else { TEXT }));
    widths.max().unwrap_or(0) + 20
}

fn row_height(row: &Node) -> usize {
    box_text(row).len().max(row.plugs.len()) * LINE + 10
}

fn bar_text(picture: &Picture, network: usize) -> [String; 3] {
    picture.networks.get(network).map_or_else(Default::default, |network| {
        [network.name.clone(), network.subnets.join(" "), format!("{} · {}", network.forward, network.bridge)]
    })
}

/// The used pools of a host; its own pool holds every root disk.
fn pools(picture: &Picture, host: usize) -> String {
    let Some(place) = picture.hosts.get(host) else { return String::new() };
    let uses =
        |at: usize| at == 0 || picture.on(host).any(|(_, row)| row.disks.iter().any(|(_, pool)| *pool == at));
    let pools = place.pools.iter().enumerate().filter(|(at, _)| uses(*at));
    pools.map(|(_, (name, folder))| format!("pool {name} in {folder}")).collect::<Vec<_>>().join(" · ")
}

fn colour(network: usize) -> &'static str {
    COLOURS.get(network % COLOURS.len()).copied().unwrap_or("#222")
}

/// How wide a text is, by the width of a character in tenths of a pixel.
fn pixels(text: &str, tenths: usize) -> usize {
    (text.chars().count() * tenths).div_ceil(10)
}

fn line(text: &mut String, what: impl std::fmt::Display) {
    // Writing into a text cannot fail.
    let _ = writeln!(text, "  {what}");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
