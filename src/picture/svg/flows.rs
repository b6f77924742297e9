//! The panel of flows: a row for each arrow, with the caller on the left and the listener on the right.

use super::super::Picture;
use super::super::flows::{Arrow, End};
use super::{GAP, MARGIN, NAME, TEXT, escaped, line, pixels};

/// The height of an arrow's row, and of the panel's head.
const ROW: usize = 46;
const HEAD: usize = 40;

/// The panel, with its measures.
pub(super) struct Panel {
    left: usize,
    middle: usize,
    right: usize,
    rows: usize,
}

/// The measures of a picture's flows; `None` if there are none.
pub(super) fn measure(picture: &Picture) -> Option<Panel> {
    let ends = |pick: fn(&Arrow) -> usize| {
        let ends = picture.arrows.iter().filter_map(move |arrow| picture.ends.get(pick(arrow)));
        ends.map(|end| pixels(&end.name, NAME).max(pixels(&end.machines, TEXT)) + 20).max()
    };
    let services = picture.arrows.iter().map(|arrow| pixels(&arrow.services, TEXT) + 50).max();
    Some(Panel {
        left: ends(|arrow| arrow.from)?,
        middle: services?.max(120),
        right: ends(|arrow| arrow.to)?,
        rows: picture.arrows.len(),
    })
}

impl Panel {
    pub(super) fn width(&self) -> usize {
        self.left + self.middle + self.right + 2 * MARGIN
    }

    pub(super) fn height(&self) -> usize {
        HEAD + self.rows * (ROW + GAP) + GAP
    }

    pub(super) fn draw(&self, picture: &Picture, y: usize, width: usize, text: &mut String) {
        let height = self.height();
        line(
            text,
            format_args!(
                "<rect x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#fafafa\" stroke=\"#bbb\"/>"
            ),
        );
        let left = 2 * MARGIN;
        line(text, format_args!("<text class=\"n\" x=\"{left}\" y=\"{}\">flows</text>", y + 24));
        for (number, arrow) in picture.arrows.iter().enumerate() {
            let y = y + HEAD + number * (ROW + GAP);
            let (start, end) = (left + self.left, left + self.left + self.middle);
            if let Some(from) = picture.ends.get(arrow.from) {
                draw_end(from, left, y, self.left, text);
            }
            if let Some(to) = picture.ends.get(arrow.to) {
                draw_end(to, end, y, self.right, text);
            }
            let (middle, at) = (start + self.middle / 2, y + ROW / 2 + 4);
            line(text, format_args!("<path d=\"M{start} {at}H{}\" stroke=\"#444\" fill=\"none\"/>", end - 8));
            let (back, above, below) = (end - 10, at - 5, at + 5);
            line(text, format_args!("<path d=\"M{end} {at}L{back} {above}V{below}Z\" fill=\"#444\"/>"));
            line(
                text,
                format_args!(
                    "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                    at - 7,
                    escaped(&arrow.services)
                ),
            );
        }
    }
}

fn draw_end(end: &End, x: usize, y: usize, width: usize, text: &mut String) {
    line(
        text,
        format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{ROW}\" rx=\"6\" fill=\"#e8f0fb\" stroke=\"#7a95bd\"/>"
        ),
    );
    let x = x + 10;
    let name = if end.machines.is_empty() { y + 28 } else { y + 20 };
    line(text, format_args!("<text class=\"n\" x=\"{x}\" y=\"{name}\">{}</text>", escaped(&end.name)));
    if !end.machines.is_empty() {
        line(
            text,
            format_args!("<text class=\"d\" x=\"{x}\" y=\"{}\">{}</text>", y + 38, escaped(&end.machines)),
        );
    }
}
