//! zbar, a reader of QR codes: it says what a drawn one holds.

use std::fmt::Write as _;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::{scratch, write};

/// The text of a QR code that is drawn with half blocks, light on dark: two rows of it are a line.
///
/// # Errors
///
/// zbar sees no code, or says more than its text.
pub fn read(drawn: &str) -> Result<String, Refused> {
    let lines: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
    let width = lines.first().map_or(0, Vec::len);
    let mut picture = format!("P1\n{width} {}\n", 2 * lines.len());
    for line in &lines {
        for is_lit in [|letter: &char| "█▀".contains(*letter), |letter: &char| "█▄".contains(*letter)]
        {
            let row: String = line.iter().map(|letter| if is_lit(letter) { "0 " } else { "1 " }).collect();
            let _ = writeln!(picture, "{row}");
        }
    }
    let folder = scratch();
    let file = folder.path().join("code.pbm");
    write(&file, picture.as_bytes());
    let mut zbar = command("zbarimg");
    zbar.args(["--raw", "--quiet", "-Sdisable", "-Sqrcode.enable"]);
    run(zbar.arg(&file).env("DBUS_SESSION_BUS_ADDRESS", "none:")).success()
}
