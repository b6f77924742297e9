#[cfg(all(feature = "yaml", feature = "toml"))]
mod clusters;
#[cfg(all(feature = "yaml", feature = "toml"))]
mod malformed;
#[cfg(all(feature = "toml", feature = "yaml", feature = "schema"))]
mod roles;
#[cfg(all(feature = "yaml", feature = "toml"))]
mod several;

use super::*;
use proptest::prelude::*;

use crate::prelude::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9-]{0,8}",
        "\\PC{0,12}",
        proptest::sample::select(vec![
            "",
            " ",
            "no",
            "on",
            "yes",
            "null",
            "~",
            "true",
            "1",
            "1.10",
            "0x1f",
            "1e3",
            "- a",
            "a: b",
            "#",
            "'",
            "\"",
            "a\nb",
            "a\n",
            "\n",
            "\t",
            "&a",
            "*a",
            "!t",
            "%",
            "@",
            "`",
            "{}",
            "[]",
            "a #b",
            "2001:db8::1",
            "12:30:45",
            "=",
            "<<",
            "---",
            "...",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "\u{2000}a",
            "a:\u{a0}b",
            "\u{3000}a\n\u{3000}b\n",
            ".inf",
            "0o17",
            "1_000",
        ])
        .prop_map(str::to_owned),
    ]
}

fn cloud() -> impl Strategy<Value = Cloud> {
    let machine = (text(), text(), text(), text(), any::<Option<u32>>());
    (text(), text(), text(), proptest::collection::btree_map(text(), machine, 0..4)).prop_map(
        |(name, domain, reason, machines)| {
            let machines = machines.into_iter().map(|(name, (version, path, line, address, cpus))| {
                let kernel = DirectKernel::new(path.as_str()).command_line(line.as_str());
                let machine = Machine::new(
                    name.as_str(),
                    Image::debian(version.clone()).path(path.as_str()).direct_kernel(kernel),
                )
                .memory(line.as_str())
                .accept(version.as_str(), Peer::role(line.as_str()).of(&line))
                .accept(line.as_str(), Peer::inside([path.as_str()], address.as_str()))
                .interface(Interface::on(address.as_str()).address(address.as_str()));
                match cpus {
                    Some(cpus) => machine.cpus(cpus),
                    None => machine,
                }
            });
            Cloud::new(name.as_str())
                .domain(domain.as_str())
                .accept(reason.clone(), reason)
                .machines(machines)
        },
    )
}

proptest! {
    #[test]
    fn any_cloud_reads_back(cloud in cloud()) {
        let json = to_json(&cloud).unwrap();
        prop_assert_eq!(&from_json(&json).unwrap(), &cloud, "{}", json);
        #[cfg(feature = "yaml")]
        {
            let yaml = to_yaml(&cloud).unwrap();
            prop_assert_eq!(&from_yaml(&yaml).unwrap(), &cloud, "{}", yaml);
        }
        #[cfg(feature = "toml")]
        {
            let toml = to_toml(&cloud).unwrap();
            prop_assert_eq!(&from_toml(&toml).unwrap(), &cloud, "{}", toml);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC*", structure in "[a-z:{}\\[\\], \n-]{0,80}") {
        for text in [&text, &structure] {
            let _ = from_json(text);
            #[cfg(feature = "yaml")]
            let _ = from_yaml(text);
            #[cfg(feature = "toml")]
            let _ = from_toml(text);
        }
    }

    /// Our reader of JSON and serde_json take the same texts, for the same values.
    #[test]
    fn json_is_what_serde_json_says(text in json_like()) {
        let ours = json::read(&text, &mut Vec::new());
        let theirs = serde_json::from_str::<serde_json::Value>(text.trim_start());
        match (&ours, &theirs) {
            (Ok(node), Ok(value)) => prop_assert!(same(node, value), "{text}"),
            (Err(_), Err(_)) => {}
            // A number that is too large for serde_json is a number all the same.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{text}: {error}"),
            (Err(mistake), Ok(_)) => prop_assert!(false, "{text}: {mistake}"),
        }
    }
}

fn json_like() -> impl Strategy<Value = String> {
    let parts = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "1",
        "-0.5e3",
        "01",
        "true",
        "null",
        "nul",
        " ",
        "\n",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\q\"",
        "\"\t\"",
        "\"",
        "é",
        "1e999",
        "-",
        ".5",
    ];
    let value = || {
        proptest::sample::select(vec!["1", "\"a\"", "null", "{}", "[1, 2]", "{\"a\": [true]}", "\"\\u00e9\""])
    };
    prop_oneof![
        proptest::collection::vec(proptest::sample::select(parts.to_vec()), 0..12)
            .prop_map(|parts| parts.concat()),
        proptest::collection::vec(value(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
        (value(), value()).prop_map(|(a, b)| format!("{{\"x\": {a}, \"y\":{b}}}")),
    ]
}

/// Whether a tree is a value, a key that occurs twice aside: there ours keeps the first, and tells.
fn same(node: &tree::Node<'_>, value: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (&node.value, value) {
        (tree::Value::Null, Json::Null) => true,
        (tree::Value::Bool(ours), Json::Bool(theirs)) => ours == theirs,
        (tree::Value::Text(ours), Json::String(theirs)) => ours == theirs,
        (tree::Value::Number(ours), Json::Number(theirs)) => ours.parse::<f64>().ok() == theirs.as_f64(),
        (tree::Value::List(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (tree::Value::Map(ours), Json::Object(theirs)) => ours.iter().count() == theirs.len(),
        _ => false,
    }
}
