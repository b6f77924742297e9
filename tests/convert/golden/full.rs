use fmc::prelude::*;

fn cloud() -> Cloud {
    Cloud::new("x")
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
