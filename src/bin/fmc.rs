//! The program `fmc`: the commands of [`fmc::cli`] for a cloud in a file.

fn main() -> std::process::ExitCode {
    fmc::cli::main_of_file()
}
