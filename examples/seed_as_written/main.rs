//! The seed's document typed in as it stands: `check` refuses it.

mod cloud;

fn main() -> std::process::ExitCode {
    fmc::cli::main(cloud::cloud())
}
