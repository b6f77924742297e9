//! A cloud as a Rust program.
//!
//! [`Cloud::to_rust`] makes the expression. This file adds the rest of the program: its imports, a constant for each network,
//! and a `main` with the commands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fmc_core::cloud::Cloud;

/// The program of a cloud.
pub(super) fn program(cloud: &Cloud) -> Result<String, String> {
    let constants = constants(cloud);
    let mut text = "use fmc::prelude::*;\n\n".to_owned();
    for (name, constant) in &constants {
        let _ = writeln!(text, "const {constant}: NetworkName = NetworkName::literal({name:?});");
    }
    if !constants.is_empty() {
        text.push('\n');
    }
    let _ = write!(text, "fn cloud() -> Cloud {{\n    {}\n}}\n", cloud.to_rust(&constants)?);
    text += "\nfn main() -> ExitCode {\n    fmc::cli::main(cloud())\n}\n";
    Ok(text)
}

/// A constant for each network with a valid name.
fn constants(cloud: &Cloud) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for name in cloud.networks.iter().filter_map(|network| network.name.ok()) {
        let constant = name.as_str().to_uppercase().replace(['-', '.'], "_");
        let begins = constant.starts_with(|first: char| first.is_ascii_alphabetic());
        let constant = if begins { constant } else { format!("NET_{constant}") };
        let is_plain = constant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_plain && !names.values().any(|other| *other == constant) {
            names.insert(name.to_string(), constant);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use crate::file::{FileError, to_rust};
    use crate::prelude::*;

    #[test]
    fn what_no_setter_says_is_refused() {
        #[cfg(feature = "lab")]
        {
            let lab = Cloud::new("a").lab();
            let FileError::Write(why) = to_rust(&lab).unwrap_err() else { panic!("it was not written") };
            assert!(why.contains("`Cloud::lab`"), "{why}");
        }
        let half = r#"{"name": "a", "clusters": {"prod": {"version": "v1.36.3+k3s1",
            "endpoint": {"balancer": {"machines": ["lb"], "ingress": {"http": 8080}}}}}}"#;
        let why = to_rust(&crate::file::from_json(half).unwrap()).unwrap_err().to_string();
        assert!(why.contains("one of `http` and `https`, which one setter takes"), "{why}");
    }
}
