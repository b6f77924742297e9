//! What does not compile, with what the compiler says. `TRYBUILD=overwrite` writes that anew.

#[test]
fn what_cannot_be_said_does_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
