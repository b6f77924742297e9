//! Draws lines of a terminal as a picture.

use super::screen::{Line, Style};

const LINE: usize = 18;
const MARGIN: usize = 14;
/// The width of a character in hundredths of a pixel, at 14 pixels of height.
const CHARACTER: usize = 843;

/// The eight colours, in shades that can be read on a dark ground.
const COLOURS: [&str; 8] =
    ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#f0f6fc"];

pub(super) fn draw(lines: &[Line], columns: usize) -> String {
    let width = columns * CHARACTER / 100 + 2 * MARGIN;
    let height = lines.len() * LINE + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"14\" fill=\"#c9d1d9\" xml:space=\"preserve\">\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + number * LINE + 13;
        let mut column = 0;
        let mut text = String::new();
        for (run, style) in line.runs() {
            let length = run.chars().count();
            // Each run has its place and its length, so that the columns stay in line with any font.
            let x = column * CHARACTER / 100 + MARGIN;
            let wide = length * CHARACTER / 100;
            if !run.trim().is_empty() {
                text.push_str(&format!(
                    "<tspan x=\"{x}\" textLength=\"{wide}\" lengthAdjust=\"spacingAndGlyphs\"{}>{}</tspan>",
                    look(style),
                    escaped(&run)
                ));
            }
            column += length;
        }
        if !text.is_empty() {
            svg.push_str(&format!("<text y=\"{y}\">{text}</text>\n"));
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn look(style: Style) -> String {
    let Style { bold, dim, colour } = style;
    let mut look = String::new();
    if let Some(colour) = colour.and_then(|colour| COLOURS.get(usize::from(colour))) {
        look.push_str(&format!(" fill=\"{colour}\""));
    }
    if bold {
        look.push_str(" font-weight=\"bold\"");
    }
    if dim {
        look.push_str(" opacity=\"0.6\"");
    }
    look
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
