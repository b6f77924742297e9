//! The guide for day two: each of its files and commands runs, and says what the guide shows.

use std::fs;
use std::process::{Command, Stdio};

const GUIDE: &str = include_str!("../../docs/day-two.md");

#[test]
fn each_task_of_the_guide_runs_and_says_what_is_shown() {
    let mut commands = 0;
    let mut tasks = GUIDE.split("\n## ");
    assert!(tasks.next().unwrap().starts_with("# Changes on day two"));
    for task in tasks {
        let folder = tempfile::TempDir::new().unwrap();
        let mut said = String::new();
        for (at, block) in task.split("```").enumerate().filter(|(at, _)| at % 2 == 1) {
            let (language, block) = block.split_once('\n').unwrap();
            match language {
                "yaml" => fs::write(folder.path().join("cloud.yaml"), block).unwrap(),
                "sh" => {
                    said.clear();
                    for line in block.lines() {
                        said += &run(folder.path(), line);
                        commands += 1;
                    }
                }
                "text" => assert!(said.contains(block.trim_end()), "{block}\nis not in\n{said}"),
                other => panic!("block {at} is of {other}"),
            }
        }
    }
    assert!(commands >= 15, "{commands}");
}

#[test]
fn the_first_file_of_the_readme_is_a_cloud() {
    let text = include_str!("../../README.md").split("```yaml\n").nth(1).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("cloud.yaml"), text.split_once("```").unwrap().0).unwrap();
    let checked = run(folder.path(), "fmc check");
    assert!(
        checked.ends_with("1 host · 1 network · 1 machine: 0 errors, 2 warnings, 0 accepted\n"),
        "{checked}"
    );
    assert!(run(folder.path(), "fmc plan").contains("+ machine web"));
    assert!(run(folder.path(), "fmc apply").contains("steps done"));
}

/// The standard output of a line that must succeed.
fn run(folder: &std::path::Path, line: &str) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_fmc")).parent().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).stdin(Stdio::null());
    let ran = shell.env("PATH", format!("{}:/usr/bin:/bin", program.display())).output().unwrap();
    assert!(ran.status.success(), "{line}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}
