//! YAML as readers of version 1.1 understand it, such as cloud-init's `PyYAML`. They do not read `yes`,
//! `0640` and `1:20` as text.

use serde_json::Value;

use crate::Refused;
use crate::program::{command, run_with_input};

/// Text stays distinct from other values, and values that JSON lacks become text with a mark of their own.
const SCRIPT: &str = "import json, sys, yaml
json.dump(yaml.safe_load(sys.stdin.buffer.read().decode()), sys.stdout, default=lambda value: [type(value).__name__])";

/// The value of a document.
///
/// # Errors
///
/// The reader's complaint.
pub fn read(document: &str) -> Result<Value, Refused> {
    let answer = run_with_input(command("python3").args(["-W", "error", "-c", SCRIPT]), document);
    let text = answer.silent_success()?;
    serde_json::from_str(&text).map_err(|error| Refused::new("PyYAML", format!("{error}: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_version_1_1() {
        let document = "a: yes\nb: 0640\nc: \"0640\"\nd: 1:20\ne: 2026-01-01\n";
        let expected = serde_json::json!({ "a": true, "b": 0o640, "c": "0640", "d": 80, "e": ["date"] });
        assert_eq!(read(document).unwrap(), expected);
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        assert!(read("a: [").unwrap_err().words().contains("ParserError"));
    }
}
