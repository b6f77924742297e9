use super::{Expr, quoted};

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
    let mut expr = Expr::new("Cloud::new(\"a\")");
    expr.nest("host", Expr::new("Host::local()"));
    assert_eq!(expr.print(0), "Cloud::new(\"a\").host(Host::local())");
    for _ in 0..3 {
        expr.call("public_address", "\"192.0.2.1\"");
    }
    assert_eq!(expr.print(4).lines().count(), 5);
}

#[test]
fn an_array_is_broken_where_it_is_long_and_an_empty_one_is_an_array() {
    let parts = |count| (0..count).map(|_| Expr::new("TextPart::from(\"a long text\")")).collect();
    let file = |count| Expr::of("GuestFile::parts", vec![Expr::text("/a"), Expr::array(parts(count))]);
    assert_eq!(file(0).print(4), "GuestFile::parts(\"/a\", [])");
    assert_eq!(file(1).print(4), "GuestFile::parts(\"/a\", [TextPart::from(\"a long text\")])");
    let lines: Vec<String> = file(5).print(4).lines().map(str::to_owned).collect();
    assert_eq!(lines[1], "        \"/a\",");
    assert_eq!(lines[2], "        [");
    assert_eq!(lines[3], "            TextPart::from(\"a long text\"),");
    assert_eq!(lines.last().unwrap(), "    )");
}
