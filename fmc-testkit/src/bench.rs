//! Decides how much a bench measures.

/// Whether a bench runs in its short form: once, on small input, to show that it still runs. It does so under
/// `cargo test`, and under `cargo bench` with the argument `--short`.
///
/// Only `cargo bench` passes the argument `--bench` to a program.
#[must_use]
pub fn is_short() -> bool {
    let mut measures = false;
    for argument in std::env::args() {
        match argument.as_str() {
            "--short" => return true,
            "--bench" => measures = true,
            _ => {}
        }
    }
    !measures
}
