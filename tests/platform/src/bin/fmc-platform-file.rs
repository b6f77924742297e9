//! A program with fmc's commands for the cloud of a file, which may have platforms.

use fmc::cli::Program;
use fmc::prelude::*;
use fmc_k8s::platform::Platform;
use fmc_k8s::provider::Kubernetes;

fn main() -> ExitCode {
    Program::of_file().provider(Kubernetes::new()).spanning_role::<Platform>().main()
}
