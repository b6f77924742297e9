//! zbar, a reader of QR codes: it says what a drawn one holds.

use std::fmt::Write as _;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{scratch, write};

/// How many points of the picture a point of the code is wide: zbar sees none that is smaller than some.
const SCALE: usize = 4;

/// The text of a QR code that is drawn with half blocks, light on dark: two rows of it are a line.
///
/// # Errors
///
/// zbar sees no code, or says more than its text.
pub fn read(drawn: &str) -> Result<String, Refused> {
    let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
    let width = lines.first().map_or(0, Vec::len);
    let mut picture = String::new();
    let _ = writeln!(picture, "P1\n{} {}", SCALE * width, SCALE * 2 * lines.len());
    for line in &lines {
        for is_lit in [|letter: &char| "█▀".contains(*letter), |letter: &char| "█▄".contains(*letter)]
        {
            let row = line.iter().map(|letter| if is_lit(letter) { "0 0 0 0\n" } else { "1 1 1 1\n" });
            let row: String = row.collect();
            (0..SCALE).for_each(|_| picture.push_str(&row));
        }
    }
    let folder = scratch();
    let file = folder.path().join("code.pbm");
    write(&file, picture.as_bytes());
    let mut zbar = command("zbarimg");
    zbar.args(["--raw", "--quiet", "-Sdisable", "-Sqrcode.enable"]);
    run(zbar.arg(&file).env("DBUS_SESSION_BUS_ADDRESS", "none:")).success()
}
