//! One test for every entry of the table, and the messages for the names that people mistype most.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex_lite::Regex;

use super::*;
use crate::given::Given;
use crate::given::tests::reads_back;

/// Laws of every entry: the example is valid, so are the shortest and the longest name, and the pattern
/// agrees with the rule.
pub(super) fn entry<N: Leaf>(max: usize, pattern: &str) {
    let example = N::parse(N::EXAMPLE).unwrap();
    assert_eq!(example.to_string(), N::EXAMPLE);
    assert!(N::parse("").is_err());

    let pattern = Regex::new(pattern).unwrap();
    let agree = |text: &str| {
        let expected = pattern.is_match(text) && text.len() <= max;
        assert_eq!(N::parse(text).is_ok(), expected, "{} {text:?}", N::WHAT);
    };
    let long = |length: usize| format!("{}{}", "a.".repeat(length).split_at(length - 9).0, "a.service");
    for text in [
        ".",
        "..",
        "...",
        "-",
        "a",
        "_",
        "a-",
        "-a",
        "a.b",
        "a..b",
        "a.b.",
        ".a",
        "@a",
        "a/b",
        "a:b",
        "a b",
        "A",
        "ä",
        "0",
        "a\n",
        "a\0",
        ".service",
        "a.service",
        "a@.service",
        "a@b.mount",
        ".conf",
        "a.conf",
    ] {
        agree(text);
    }
    for length in [max, max + 1] {
        agree(&"a".repeat(length));
        agree(&long(length.max(10)));
    }
    assert!(N::parse(&N::EXAMPLE.repeat(max)).is_err(), "a name of any length is right");

    let strategy = prop_oneof![
        "[a-zA-Z0-9._@/:+ ü-]{0,24}",
        "[a-z.-]{1,12}(\\.service|\\.conf|\\.mount|)",
        "[a-z0-9]([a-z0-9-]{0,70}[a-z0-9])?(\\.[a-z0-9]{1,66}){0,4}",
        "\\PC{0,8}",
    ];
    TestRunner::default()
        .run(&strategy, |text| {
            agree(&text);
            if let Ok(name) = N::parse(&text) {
                assert_eq!(name.to_string(), text);
                reads_back(&name);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_message_names_the_character_its_place_and_a_name_that_is_right() {
    let cases = [
        (
            MachineName::parse("helper_node").unwrap_err(),
            "'_' (character 7) is not allowed",
            "try helper-node",
        ),
        (MachineName::parse("web.lan").unwrap_err(), "'.' (character 4) is not allowed", "try web-lan"),
        (MachineName::parse("Web").unwrap_err(), "'W' (character 1) is not allowed", "try web"),
        (MachineName::parse("web-").unwrap_err(), "'-' (character 4) is not allowed there", "try web"),
        (MachineName::parse("größe").unwrap_err(), "'ö' (character 3) is not allowed", "try gr--e"),
        (MachineName::parse("").unwrap_err(), "it is empty: it has lower-case letters", "a letter or digit"),
        (
            BridgeName::parse("br-kubernetes-masters").unwrap_err(),
            "it has 21 characters",
            "but at most 15 are allowed",
        ),
        (Fqdn::parse("master1").unwrap_err(), "it has only one label", "a letter or digit"),
        (Fqdn::parse("a..b").unwrap_err(), "'.' (character 3) is not allowed there", "a letter or digit"),
        (UnitName::parse("chronyd").unwrap_err(), "the required suffix is missing", "try chronyd.service"),
        (DropinName::parse("10-proxy").unwrap_err(), "the required suffix is missing", "try 10-proxy.conf"),
    ];
    for (error, start, end) in cases {
        assert!(error.why().starts_with(start), "{error}");
        assert!(error.why().ends_with(end), "{error}");
    }
}

#[test]
fn a_literal_and_a_parsed_name_are_the_same() {
    const WEB: MachineName = MachineName::literal("web");
    let parsed = MachineName::parse("web").unwrap();
    assert_eq!(WEB, parsed);
    assert_eq!(WEB, "web");
    assert_eq!(format!("{WEB:?} {WEB:>5}"), "MachineName(\"web\")   web");
    let machines = BTreeMap::from([(parsed, 1)]);
    assert_eq!(machines.get("web"), machines.get(&WEB));
}

#[test]
fn a_draft_takes_names_and_text_alike() {
    const WEB: MachineName = MachineName::literal("web");
    fn given(name: impl Into<Given<MachineName>>) -> Given<MachineName> {
        name.into()
    }
    let text = "web".to_owned();
    let right = given(WEB);
    assert_eq!(right.ok(), Some(&WEB));
    for other in [given(&WEB), given("web"), given(&text), given(text), given(&right)] {
        assert_eq!(other, right);
    }
    assert_eq!(given("a_b").to_string(), "a_b");
    assert_eq!(given("a_b").ok(), None);
}

#[test]
fn a_file_keeps_wrong_names_for_the_check() {
    let read: Vec<Given<MachineName>> = serde_json::from_str(r#"["web", "a_b", 7, true, -1, 1.5]"#).unwrap();
    let right: Vec<bool> = read.iter().map(|name| name.ok().is_some()).collect();
    assert_eq!(right, [true, false, true, true, false, false]);
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"["web","a_b","7","true","-1","1.5"]"#);
    assert!(serde_json::from_str::<Given<MachineName>>("[]").is_err());
    let keys = r#"{"7":true,"a_b":false,"web":true}"#;
    let map: BTreeMap<Given<MachineName>, bool> = serde_json::from_str(keys).unwrap();
    assert!(map.iter().all(|(name, right)| name.ok().is_some() == *right));
    let error = serde_json::from_str::<MachineName>(r#""a_b""#).unwrap_err().to_string();
    assert!(error.starts_with(r#""a_b" is not a valid machine name: '_' (character 2)"#), "{error}");
}

#[cfg(feature = "schema")]
#[test]
fn a_name_and_its_given_form_have_one_schema() {
    let schema = schemars::schema_for!((MachineName, Given<MachineName>)).to_value();
    assert_eq!(schema["$defs"].as_object().unwrap().len(), 1);
    assert_eq!(
        schema["$defs"]["MachineName"],
        serde_json::json!({
            "type": "string", "description": "machine name", "examples": ["master1"],
            "pattern": LABEL, "minLength": 1, "maxLength": 63,
        })
    );
}

#[test]
fn a_package_may_have_a_version_and_no_other_name_is_proposed() {
    for (text, name, version) in [
        ("nginx", "nginx", None),
        ("nginx=1.22.1-9", "nginx", Some("1.22.1-9")),
        ("g++", "g++", None),
        ("bind9=1:9.18.28-1~deb12u2+b1", "bind9", Some("1:9.18.28-1~deb12u2+b1")),
        ("kernel=5.14.0^20240101-1.el9", "kernel", Some("5.14.0^20240101-1.el9")),
    ] {
        let package = PackageName::parse(text).unwrap();
        assert_eq!((package.package(), package.version()), (name, version));
    }
    let pattern = Regex::new(PackageName::PATTERN).unwrap();
    for text in
        ["nginx=", "=1", "nginx==1", "nginx>=1.2", "nginx=1.2 ", "a b", "nginx=1=2", "nginx=-1", "nginx:i386"]
    {
        let error = PackageName::parse(text).unwrap_err().to_string();
        assert!(!pattern.is_match(text), "{text}");
        assert!(error.contains("nginx=1.22.1-9"), "{error}");
        assert_eq!(error.contains("; try "), text == "nginx=1.2 ", "{error}");
    }
    assert!(PackageName::parse(" nginx").unwrap_err().to_string().ends_with("try nginx"));
}
