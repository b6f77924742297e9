//! Findings speak the format of their author: each kind that a file can have, by the program and a file of YAML.

use std::fs;
use std::process::{Command, Stdio};

use fmc::finding::Kind;
use fmc::json::FindingView;

/// The example of a kind's page; none where a file cannot have the finding.
fn example(kind: Kind) -> Option<&'static str> {
    let (_, rest) = kind.page().split_once("```yaml\n")?;
    Some(rest.split_once("```").unwrap().0)
}

/// What `check` says of a file.
fn check(folder: &tempfile::TempDir, text: &str, more: &[&str]) -> String {
    fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(["check", "-f", "cloud.yaml"]).args(more).current_dir(folder.path());
    let ran = command.stdin(Stdio::null()).output().unwrap();
    assert!(ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// Rust in a text: a path, or a setter or a call in backquotes.
fn rust(text: &str) -> bool {
    let is_path = |(at, _): (usize, &str)| text[at + 2..].starts_with(|c: char| c.is_ascii_alphabetic());
    let mut quoted = text.split('`').skip(1).step_by(2);
    text.match_indices("::").any(is_path) || quoted.any(|piece| piece.starts_with('.') || piece.contains('('))
}

#[test]
fn a_file_is_told_what_to_write_in_a_file() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut kinds = 0;
    for (kind, example) in Kind::ALL.iter().filter_map(|kind| Some((kind, example(*kind)?))) {
        // Only a build without Ignition has it.
        if *kind == Kind::IgnitionAbsent {
            continue;
        }
        let findings: Vec<FindingView> = serde_json::from_str(&check(&folder, example, &["--json"])).unwrap();
        assert!(!findings.is_empty(), "{kind}");
        for finding in findings {
            assert!(!rust(&finding.help), "{kind}: {}", finding.help);
            assert!(!rust(&finding.message), "{kind}: {}", finding.message);
            assert!(!finding.case.is_empty() && finding.kind == kind.as_str(), "{finding:?}");
            assert!(finding.remedies.iter().all(|remedy| !rust(&remedy.file)), "{finding:?}");
        }
        kinds += 1;
    }
    assert!(kinds >= 95, "{kinds}");
}

#[test]
fn an_argument_that_is_wrong_is_told_in_words_of_a_file_too() {
    let folder = tempfile::TempDir::new().unwrap();
    let text = example(Kind::HostAmbiguous).unwrap();
    let text = check(&folder, text, &["--set", "machines.web.host=hv3"]);
    assert!(text.contains("--set machines.web.host=hv3"), "{text}");
    assert!(text.contains("there is no host hv3") && !rust(&text), "{text}");
}
