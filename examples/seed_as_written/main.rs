//! The seed's document, typed in unchanged: `check` refuses it.

mod cloud;

fn main() -> std::process::ExitCode {
    fmc::cli::main(cloud::cloud())
}
