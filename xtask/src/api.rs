//! Compares the public items of each published crate with the lists in `docs/api`.
//!
//! rustdoc writes its lists as JSON. A stable toolchain does that only with `RUSTC_BOOTSTRAP` set. If cargo
//! had the variable, build scripts would see it and every dependency would be built again. So this program
//! stands in for rustdoc and sets the variable for rustdoc alone.

use std::fs;
use std::process::{Command, ExitCode};

use crate::Failure;
use crate::workspace::{cargo, cargo_with, root, target_folder};

/// The crates that are published, by the names of their JSON files.
const CRATES: [&str; 6] = ["fmc", "fmc-core", "fmc-freeipa", "fmc-k8s", "fmc-keys", "fmc-libvirt"];

/// Set to the real rustdoc for the program that stands in for it.
const STANDS_IN_FOR: &str = "FMC_XTASK_RUSTDOC";

/// Compares the public items with the committed ones.
pub(crate) fn compare() -> Result<(), Failure> {
    each("compare")
}

/// Writes the lists that are committed.
pub(crate) fn write() -> Result<(), Failure> {
    fs::create_dir_all(root().join("docs/api"))?;
    each("write")
}

fn each(verb: &str) -> Result<(), Failure> {
    // The same flags as in the stage "documentation", so that no dependency is compiled again.
    let document = ["doc", "--workspace", "--all-features", "--no-deps"];
    let here = std::env::current_exe()?;
    let here = here.to_str().ok_or("the path of xtask is no text")?;
    let rustdoc = std::env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    let flags = "-Zunstable-options --output-format=json --cap-lints=allow";
    let variables = [("RUSTDOC", here), (STANDS_IN_FOR, rustdoc.as_str()), ("RUSTDOCFLAGS", flags)];
    if let Err(failure) = cargo_with(&document, &variables) {
        // Another stage shows that the crates compile, so this failure comes from this use of rustdoc.
        if verb == "write" || std::env::var_os("CI").is_some() {
            return Err(failure);
        }
        println!("    NOT COMPARED: this toolchain's rustdoc writes no JSON ({failure})");
        return Ok(());
    }
    let target = target_folder()?;
    for name in CRATES {
        let golden = format!("docs/api/{name}.txt");
        let json = format!("{target}/doc/{}.json", name.replace('-', "_"));
        cargo(&["run", "--quiet", "--package", "fmc-api", "--", verb, &golden, &json])?;
    }
    let all = CRATES.map(|name| format!("{target}/doc/{}.json", name.replace('-', "_")));
    let mut review = vec!["run", "--quiet", "--package", "fmc-api", "--", "review", "docs/api.md"];
    review.extend(all.iter().map(String::as_str));
    cargo(&review)
}

/// Runs the real rustdoc, if this program was started in its place.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let rustdoc = std::env::var_os(STANDS_IN_FOR)?;
    let status = Command::new(rustdoc).args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: failed to run rustdoc: {error}");
            ExitCode::FAILURE
        }
    })
}
