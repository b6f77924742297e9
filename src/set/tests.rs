use super::*;
use fmc_core::host::Host;
use fmc_core::image::Image;
use fmc_core::machine::{Interface, Machine};
use fmc_core::network::Network;
use fmc_core::unit::SizeExt as _;

fn machine(name: &str, ip: &str) -> Machine {
    Machine::new(name, Image::debian("12")).memory(2.gib()).interface(Interface::on("lab").address(ip))
}

fn cloud() -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machine(machine("web", "10.17.3.10"))
        .machine(machine("db", "10.17.3.11"))
}

fn change(text: &str) -> Result<Cloud, String> {
    let setting = text.parse().map_err(|error: SetError| error.to_string())?;
    set(&cloud(), &[setting]).map_err(|error| error.to_string())
}

fn json(cloud: &Cloud) -> Value {
    serde_json::to_value(cloud).unwrap()
}

#[test]
fn nothing_set_changes_nothing() {
    assert_eq!(json(&set(&cloud(), &[]).unwrap()), json(&cloud()));
}

#[test]
fn a_value_is_set_by_its_path() {
    let cases = [
        ("machines.web.memory=256MiB", "/machines/web/memory", "\"256 MiB\""),
        ("machines.*.memory=256MiB", "/machines/db/memory", "\"256 MiB\""),
        ("machines.web.cpus=4", "/machines/web/cpus", "4"),
        (
            "machines.web.interfaces[0].address=10.17.3.99",
            "/machines/web/interfaces/0/address",
            "\"10.17.3.99\"",
        ),
        ("machines.*.interfaces[*].network=wan", "/machines/db/interfaces/0/network", "\"wan\""),
        ("machines.*.image.version=13", "/machines/web/image/version", "\"13\""),
        ("machines.*.image.version=1.10", "/machines/web/image/version", "\"1.10\""),
        ("machines.web.image.source.path=/a.qcow2", "/machines/web/image/source/path", "\"/a.qcow2\""),
        ("machines.web.image.source={path: /a}", "/machines/web/image/source", r#"{"path":"/a"}"#),
        ("machines.web.autostart=false", "/machines/web/autostart", "false"),
        ("hosts.local.topology={sockets: 1, cores: 4, threads: 2}", "/hosts/local/topology/cores", "4"),
        ("hosts.local.acceleration=emulated", "/hosts/local/acceleration", "\"emulated\""),
        ("hosts.local.pools.\"a.b\"={path: /pools/a}", "/hosts/local/pools/a.b/path", "\"/pools/a\""),
        ("resolvers=[1.1.1.1, 9.9.9.9]", "/resolvers/1", "\"9.9.9.9\""),
        (
            "machines.db.accept=[{service: tcp 5432, from: {machine: web}}]",
            "/machines/db/accept/0/service",
            "\"tcp 5432\"",
        ),
        ("machines.db.accept=[{service: 5432, from: anywhere}]", "/machines/db/accept/0/service", "\"5432\""),
        ("owner=somebody", "/owner", "\"somebody\""),
    ];
    for (text, pointer, value) in cases {
        let changed = json(&change(text).unwrap_or_else(|why| panic!("{text}: {why}")));
        assert_eq!(changed.pointer(pointer).map(ToString::to_string).as_deref(), Some(value), "{text}");
    }
}

#[test]
fn nothing_leaves_a_value_to_its_default() {
    for text in ["machines.web.memory=", "machines.web.memory=null"] {
        assert_eq!(json(&change(text).unwrap()).pointer("/machines/web/memory"), None, "{text}");
    }
}

#[test]
fn a_wrong_value_waits_for_the_check() {
    let changed = change("machines.web.memory=51200 MB").unwrap();
    assert_eq!(json(&changed).pointer("/machines/web/memory"), Some(&Value::from("51200 MB")));
    assert!(changed.check().is_err());
}

#[test]
fn another_variant_takes_the_place_of_one() {
    let settings = ["machines.web.image.source.path=/a", "machines.web.image.source=blank"];
    let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    let changed = json(&set(&cloud(), &settings).unwrap());
    assert_eq!(changed.pointer("/machines/web/image/source"), None);
}

#[test]
fn what_is_refused_says_where_and_what_would_be_right() {
    let cases = [
        ("machines", "read `machines`: write PATH=VALUE, for example machines.*.memory=256MiB"),
        ("=1", "read `=1`: write PATH=VALUE, for example machines.*.memory=256MiB"),
        ("a[x]=1", "read `a[x]=1`: a place in a list is a number, as [0]"),
        ("\"a=1", "read `\"a=1`: a quote is not closed"),
        (
            "machins.web.memory=1",
            "set machins.web.memory: the cloud has no `machins`: did you mean `machines`?",
        ),
        ("machines.wbe.memory=1", "set machines.wbe.memory: machines has no `wbe`: did you mean `web`?"),
        (
            "machines.web.memroy=1",
            "set machines.web.memroy: machines.web has no `memroy`: did you mean `memory`?",
        ),
        (
            "machines.*.image.sorce=blank",
            "set machines.*.image.sorce: machines.db.image has no `sorce`: did you mean `source`?",
        ),
        (
            "machines.web.power=runing",
            "set machines.web.power: machines.web.power: `runing` is not known here: did you mean `running`?",
        ),
        (
            "networks.lab.reservations[*].mac=x",
            "set networks.lab.reservations[*].mac: `*` matches nothing: \
          networks.lab.reservations is empty",
        ),
        (
            "machines.web.interfaces[1].network=x",
            "set machines.web.interfaces[1].network: machines.web.interfaces has no [1], but 1 in all",
        ),
        (
            "machines.web.interfaces.network=x",
            "set machines.web.interfaces.network: machines.web.interfaces is a list: write [0] for its first member, \
             [*] for all",
        ),
        (
            "machines.web.memory.size=1",
            "set machines.web.memory.size: machines.web.memory is \"2 GiB\", which has no `size`: set it as a whole",
        ),
        ("name[0]=x", "set name[0]: name is not a list"),
        (
            "machines.db.accept=[{service: tcp 5432, form: anywhere}]",
            "set machines.db.accept: machines.db.accept[0]: the key `form` is not known here: did you mean `from`?",
        ),
        (
            "machines.db.accept=[{service: tcp 5432, from: everywhere}]",
            "set machines.db.accept: machines.db.accept[0].from: `everywhere` is not known here: did you mean `anywhere`?",
        ),
        ("machines.new={cpus: 1}", "set machines.new: machines.new: `image` is missing"),
        (
            "hosts.local.topology={sockets: 1, cors: 4}",
            "set hosts.local.topology: hosts.local.topology: the key `cors` is not known here: did you mean `cores`?",
        ),
    ];
    for (text, why) in cases {
        assert_eq!(change(text).unwrap_err(), why, "{text}");
    }
}

/// A number inside a map may be meant as a text too, as it is in a file.
#[test]
fn a_version_in_a_map_is_a_text() {
    let image = |version: &str| {
        let text =
            format!("machines.web.image={{os: debian, version: {version}, source: {{path: /a.qcow2}}}}");
        set(&cloud(), &[text.parse().unwrap()]).unwrap()
    };
    assert_eq!(image("12"), image("'12'"));
    assert_ne!(image("9.10"), image("9.1"));
    let topology: Setting = "hosts.local.topology={sockets: 1, cores: 4, threads: 2}".parse().unwrap();
    assert!(set(&cloud(), &[topology]).is_ok());
}

#[test]
fn a_cloud_with_two_values_of_one_name_cannot_be_changed() {
    let twice = cloud().machine(machine("web", "10.17.3.12"));
    let error = set(&twice, &["name=other".parse().unwrap()]).unwrap_err();
    assert!(matches!(error, SetError::Cloud(_)), "{error}");
}

#[test]
fn no_text_panics() {
    for text in
        ["", "=", ".", "[", "]=", "a.=1", "a..b=1", "*=1", "*.*=1", "[0]=1", "a[0=1", "a=[", "a={x", "\"\"=1"]
    {
        if let Ok(setting) = text.parse::<Setting>() {
            assert!(set(&cloud(), &[setting]).is_err(), "{text}");
        }
    }
}
