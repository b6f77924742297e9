use super::*;
use proptest::prelude::*;

use crate::prelude::*;

/// A cloud with as many kinds of values as can be put into one.
fn full() -> Cloud {
    Cloud::new("full")
        .owner("somebody")
        .domain("example.com")
        .time_zone("Europe/Vienna")
        .resolvers(["9.9.9.9", "2620:fe::fe"])
        .public_address("192.0.2.1")
        .host(
            Host::new("proliant")
                .uri("qemu+ssh://hv1/system")
                .topology(2, 6, 2)
                .memory(36.gib())
                .reserve(2.gib())
                .emulated()
                .machine_type("pc")
                .cpu(CpuModel::Named("Westmere".to_owned()))
                .base("/pools")
                .capacity(100.gib())
                .pool(Pool::new("a.b", "/pools/a").capacity(3.gib()))
                .bridge("br0"),
        )
        .network(Network::nat("lab", "10.17.3.0/24").dhcp("10.17.3.100-10.17.3.199").domain("no"))
        .network(Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .machine(
            Machine::new("web", Image::rocky("9.4").path("/images/rocky: 9.qcow2").minimum(10.gib()))
                .cpus(2)
                .memory(2.gib())
                .root_disk(20.gib())
                .interface(Interface::on("lab").address("10.17.3.10").default_route(true))
                .user(User::admin("ops")),
        )
        .machine(
            Machine::new(
                "on",
                Image::flatcar("4593.2.0").file("/a", format!("sha256:{}", "0".repeat(64))).direct_kernel(
                    DirectKernel::new("/k").initrd("/i").command_line("console=ttyS0 # no: comment"),
                ),
            )
            .memory("51200 MB"),
        )
        .accept("pool-thin", "yes: it's a \"lab\"\n# really\n")
}

#[test]
fn what_is_read_equals_what_was_written() {
    let cloud = full();
    assert_eq!(from_json(&to_json(&cloud).unwrap()).unwrap(), cloud);
    #[cfg(feature = "yaml")]
    assert_eq!(from_yaml(&to_yaml(&cloud).unwrap()).unwrap(), cloud);
    #[cfg(feature = "yaml")]
    assert_eq!(from_yaml(&to_json(&cloud).unwrap()).unwrap(), cloud, "JSON is YAML");
}

#[test]
fn unknown_and_repeated_keys_are_refused_with_their_place() {
    let cases = [
        ("{\"name\": \"a\", \"nam\": \"b\"}", "unknown field `nam`"),
        ("{\"name\": \"a\", \"name\": \"b\"}", "duplicate"),
        ("{\"name\": \"a\", \"hosts\": {\"h\": {}, \"h\": {}}}", "twice"),
        ("{\"name\": \"a\", \"hosts\": {\"h\": {\"memroy\": 1}}}", "unknown field `memroy`"),
        ("{}", "missing field `name`"),
        ("[", "EOF"),
        ("", "EOF"),
    ];
    for (text, why) in cases {
        let error = from_json(text).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("line 1"), "{text}: {error}");
    }
}

#[cfg(feature = "yaml")]
#[test]
fn yaml_is_refused_with_its_place() {
    let cases = [
        ("name: a\nnam: b\n", "unknown field `nam`", "line 2"),
        ("name: a\nname: b\n", "duplicate", "line 2"),
        ("name: a\nhosts:\n  h: {}\n  h: {}\n", "", "line 4"),
        ("name: a\nhosts:\n  h:\n    memroy: 1\n", "unknown field `memroy`", "line 4"),
        ("name: [a\n", "", "line"),
        ("name: a\n---\nname: b\n", "", ""),
    ];
    for (text, why, place) in cases {
        let error = from_yaml(text).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(place), "{text}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{{\"name\": \"a\", \"hosts\": {}", "[".repeat(100_000));
    assert!(from_json(&deep).is_err());
    #[cfg(feature = "yaml")]
    assert!(from_yaml(&deep).is_err());
}

#[cfg(feature = "yaml")]
#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = "name: a\nhosts: &a0 {h: {}}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        bomb += &format!("x{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]\n");
    }
    bomb += "networks: *a39\n";
    assert!(from_yaml(&bomb).is_err());
}

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
                    Image::debian(version).path(path.as_str()).direct_kernel(kernel),
                )
                .memory(line.as_str())
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
    }

    #[test]
    fn no_text_panics(text in "\\PC*", structure in "[a-z:{}\\[\\], \n-]{0,80}") {
        for text in [&text, &structure] {
            let _ = from_json(text);
            #[cfg(feature = "yaml")]
            let _ = from_yaml(text);
        }
    }
}
