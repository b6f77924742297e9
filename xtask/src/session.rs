//! Records a session of the first example as a person sees it, in `docs/session.md` and `docs/session.svg`:
//! commands in a terminal of 80 columns, their output in colour, and the last state of their progress bars.
//!
//! The terminal is a real one, made by script(1). [`screen`] obeys the control sequences as a terminal does
//! and gives the final content of the screen.

mod screen;
mod svg;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;
use crate::workspace::{cargo, features_without_slow, root, target_folder};
use screen::Line;

const EXAMPLE: &str = "first_cloud";

/// The commands in order. The folder is empty before the first.
const COMMANDS: [&str; 8] = [
    "check --set 'machines.web.interfaces[0].address=10.17.4.10'",
    "check",
    "plan",
    "apply",
    "status",
    "plan --set machines.web.memory=4GiB",
    "plan --replace web",
    "destroy",
];

/// The terminal's width.
const COLUMNS: u16 = 80;

/// Records the session and writes the committed files.
pub(crate) fn record() -> Result<(), Failure> {
    for (path, text) in recorded()? {
        fs::write(root().join(path), text)?;
    }
    Ok(())
}

/// Records the session and compares it with the committed one.
pub(crate) fn compare() -> Result<(), Failure> {
    for (path, text) in recorded()? {
        let committed = fs::read_to_string(root().join(path)).unwrap_or_default();
        if committed != text {
            let differs = committed.lines().zip(text.lines()).find(|(old, new)| old != new);
            let (old, new) = differs.unwrap_or(("another length", ""));
            return Err(format!(
                "{path} differs from the commands' output:\n- {old}\n+ {new}\n`cargo xtask session` records it again: look at it"
            )
            .into());
        }
    }
    println!("    {} commands, as recorded", COMMANDS.len());
    Ok(())
}

fn recorded() -> Result<[(&'static str, String); 2], Failure> {
    // The same features as the tests have, so that nothing is built again after them.
    cargo(&["build", "--workspace", "--features", &features_without_slow()?, "--example", EXAMPLE])?;
    let target = target_folder()?;
    let folder = Path::new(&target).join("session");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let program = format!("{target}/debug/examples/{EXAMPLE}");
    let mut lines = Vec::new();
    let mut text = String::from(PAGE);
    for command in COMMANDS {
        let prompt = format!("$ {EXAMPLE} {command}");
        let shown = screen::shown(&run(&program, command, &folder)?, COLUMNS);
        text.push_str("\n```text\n");
        text.push_str(&format!("{prompt}\n"));
        shown.iter().for_each(|line| text.push_str(&format!("{}\n", line.text())));
        text.push_str("```\n");
        lines.push(Line::bold(&prompt));
        lines.extend(shown);
        lines.push(Line::default());
    }
    lines.pop();
    fs::remove_dir_all(&folder)?;
    Ok([("docs/session.md", text), ("docs/session.svg", svg::draw(&lines, usize::from(COLUMNS)))])
}

const PAGE: &str = "\
# A session

The first example, `examples/first_cloud.rs`, on the simulation, in a terminal of 80 columns. `cargo xtask session` records
it, and the test command compares it with what the commands show.

![the session in colour](session.svg)
";

/// Runs a command in a terminal and gives its output.
fn run(program: &str, command: &str, folder: &Path) -> Result<String, Failure> {
    let line = format!("stty cols {COLUMNS} rows 50; exec '{program}' {command}");
    let mut child = Command::new("script")
        .args(["--quiet", "--command", &line, "/dev/null"])
        .current_dir(folder)
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("run script(1), of the package bsdutils: {error}"))?;
    // Kept open until the end: the terminal hangs up when its input ends.
    let input = child.stdin.take();
    let output = child.wait_with_output()?;
    drop(input);
    Ok(String::from_utf8(output.stdout)?)
}
