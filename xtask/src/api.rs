//! The list of public items of each crate that is published, against `docs/api`.
//!
//! rustdoc writes it as JSON, which a stable toolchain does only when asked as its own builders ask. Were cargo asked so, build
//! scripts would see it and every dependency would be built again; so this program stands in for rustdoc, and asks that
//! one alone.

use std::fs;
use std::process::{Command, ExitCode};

use crate::Failure;
use crate::workspace::{cargo, cargo_with, root, target_folder};

/// The crates that are published, by the names of their JSON files.
const CRATES: [&str; 4] = ["fmc", "fmc-core", "fmc-keys", "fmc-libvirt"];

/// Set to the real rustdoc for the program that stands in for it.
const STANDS_IN_FOR: &str = "FMC_XTASK_RUSTDOC";

/// Compares the public items with the committed ones.
pub(crate) fn compare() -> Result<(), Failure> {
    each("compare")
}

/// Writes the committed ones anew.
pub(crate) fn write() -> Result<(), Failure> {
    fs::create_dir_all(root().join("docs/api"))?;
    each("write")
}

fn each(verb: &str) -> Result<(), Failure> {
    // As the stage of the documentation has it, so that no dependency is compiled once more.
    let document = ["doc", "--workspace", "--all-features", "--no-deps"];
    let here = std::env::current_exe()?;
    let here = here.to_str().ok_or("the path of xtask is no text")?;
    let rustdoc = std::env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    let flags = "-Zunstable-options --output-format=json --cap-lints=allow";
    let variables = [("RUSTDOC", here), (STANDS_IN_FOR, rustdoc.as_str()), ("RUSTDOCFLAGS", flags)];
    if let Err(failure) = cargo_with(&document, &variables) {
        // That the crates compile is another stage's business, so what failed is this use of rustdoc.
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
    Ok(())
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
