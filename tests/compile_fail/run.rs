//! Programs that must not compile, with the compiler's errors. `TRYBUILD=overwrite` updates the errors.

#[test]
fn what_cannot_be_said_does_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
