use super::print::{Expr, quoted};
use crate::file::{FileError, to_rust};
use crate::prelude::*;

#[test]
fn a_text_is_a_literal_of_the_same_text() {
    assert_eq!(quoted("a\"b\\\u{1b}"), "\"a\\\"b\\\\\\u{1b}\"");
    assert_eq!(quoted("a\nb\n"), "r#\"a\nb\n\"#");
    assert_eq!(quoted("a\n\"#b\n"), "r##\"a\n\"#b\n\"##");
    assert_eq!(quoted("one line\n"), "\"one line\\n\"");
    assert_eq!(quoted("a\r\nb\r\n"), "\"a\\r\\nb\\r\\n\"", "a raw text would lose the carriage return");
}

#[test]
fn a_chain_is_broken_where_it_is_long() {
    let mut expr = Expr::new("Cloud::new(\"a\")".to_owned());
    expr.nest("host", Expr::new("Host::local()".to_owned()));
    assert_eq!(expr.print(0), "Cloud::new(\"a\").host(Host::local())");
    for _ in 0..3 {
        expr.call("public_address", "\"192.0.2.1\"".to_owned());
    }
    assert_eq!(expr.print(4).lines().count(), 5);
}

#[test]
fn what_no_setter_says_is_refused() {
    let lab = Cloud::new("a").lab();
    let FileError::Write(why) = to_rust(&lab).unwrap_err() else { panic!("it was not written") };
    assert!(why.contains("`Cloud::lab`"), "{why}");
}
