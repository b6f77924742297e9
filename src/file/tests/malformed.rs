//! Malformed files in all three formats: the message and the place of each mistake.

use super::*;

/// A text, its format, the line and column of its first mistake, and a part of the message.
pub(super) struct Case(
    pub(super) &'static str,
    pub(super) Syntax,
    pub(super) (usize, usize),
    pub(super) &'static str,
);

use Syntax::{Json, Toml, Yaml};

pub(super) fn refused(bytes: &[u8], format: Syntax) -> Mistakes {
    let read = Source::new(bytes, format).and_then(|source| source.cloud());
    match read.map(|_| ()).unwrap_err() {
        FileError::Read(mistakes) => mistakes,
        FileError::Write(_) => panic!("nothing was written"),
    }
}

fn first(bytes: &[u8], format: Syntax) -> Mistake {
    refused(bytes, format).iter().next().unwrap().clone()
}

const CASES: &[Case] = &[
    // Empty files, and files without a map.
    Case("", Yaml, (1, 1), "the file is empty; `fmc init` writes a first cloud"),
    Case(" \n\t\n", Toml, (1, 1), "the file is empty"),
    Case("\u{feff}", Json, (1, 1), "the file is empty"),
    Case("# a cloud\n", Yaml, (1, 1), "is expected here, and this is nothing"),
    Case("# a cloud\n", Toml, (1, 1), "`name` is missing"),
    Case("{}", Json, (1, 1), "`name` is missing"),
    Case(
        "first",
        Yaml,
        (1, 1),
        "a map with name, owner, prefixed, lab, domain, time_zone, … is expected here, and this is a text",
    ),
    Case("[1]", Json, (1, 1), "and this is a list"),
    // Unknown keys, each with the nearest known key.
    Case("name: a\nnam: b\n", Yaml, (2, 1), "the key `nam` is not known here; did you mean `name`?"),
    Case(
        "name = 'a'\nhosts.h.memroy = 1\n",
        Toml,
        (2, 9),
        "hosts.h: the key `memroy` is not known here; did you mean `memory`?",
    ),
    Case(
        "{\"name\": \"a\",\n \"hosts\": {\"h\": {\"memroy\": 1}}}",
        Json,
        (2, 18),
        "hosts.h: the key `memroy` is not known here",
    ),
    Case("name: a\nzebra: 1\n", Yaml, (2, 1), "known keys: name, owner, prefixed, lab"),
    // Words of other tools, and words with an ending.
    Case("name: a\nnodes: {}\n", Yaml, (2, 1), "the key `nodes` is not known here; did you mean `machines`?"),
    Case(
        "name: a\nnetworks:\n  lab: {mode: natted, subnet: 10.1.0.0/24}\n",
        Yaml,
        (3, 15),
        "networks.lab.mode: `natted` is not known here; did you mean `nat`?",
    ),
    Case(
        "name: a\nmachines:\n  w: {image: {os: none}, power: off}\n",
        Yaml,
        (3, 33),
        "one of running, stopped, unmanaged is expected here; `off` is a text in YAML 1.2; did you mean `stopped`?",
    ),
    Case(
        "name: a\nmachines: {w: {image: {os: ubuntu}}}\n",
        Yaml,
        (2, 28),
        "fmc does not know Ubuntu; the nearest",
    ),
    Case(
        "name: a\nmachines: {w: {image: debian-12}}\n",
        Yaml,
        (2, 23),
        "write, for example, {os: debian, source: {path: /images/debian-12.qcow2}, version: \"12\"}",
    ),
    Case(
        "name: a\nmachines: {w: {image: {os: none}, roles: x}}\n",
        Yaml,
        (2, 42),
        "put it in brackets, as [a]",
    ),
    Case(
        "name: a\nmachines: {w: {image: {os: none}, interfaces: [lab]}}\n",
        Yaml,
        (2, 48),
        "for example, {address: 10.17.3.10, network: lab}",
    ),
    Case(
        "name: a\nmachines: {w: {image: {os: none}, disks: {d: 20 GiB}}}\n",
        Yaml,
        (2, 46),
        "for example, {mount: /srv/data, size: 20 GiB}",
    ),
    Case("name: a\nhosts: [h]\n", Yaml, (2, 1), "write each by its name, as {NAME: …}"),
    // A word where a map with one key is needed.
    Case(
        "name: a\nmachines:\n  web:\n    image: {os: none}\n    ready: {signal: tcp}\n",
        Yaml,
        (5, 21),
        "machines.web.ready.signal: `tcp` needs a value; write a map with this one key, as {tcp: …}",
    ),
    Case(
        "name = 'a'\n[machines.web]\nimage.os = 'none'\nready.signal = 'tcp'\n",
        Toml,
        (4, 16),
        "`tcp` needs a value",
    ),
    // Keys without a value, which would silently be the default.
    Case(
        "name: a\nmachines:\n  web:\n    memory:\n    image: {os: none}\n",
        Yaml,
        (4, 5),
        "machines.web.memory: there is no value here; write a value, or leave the key out",
    ),
    Case("name: a\ndomain: null\n", Yaml, (2, 1), "domain: there is no value here"),
    Case("name: a\ndomain: ~\n", Yaml, (2, 1), "domain: there is no value here"),
    Case("{\"name\": \"a\",\n \"owner\": null}", Json, (2, 2), "owner: there is no value here"),
    Case(
        "name: a\nhosts:\n",
        Yaml,
        (2, 1),
        "hosts: a map by host name is expected here, and this is nothing",
    ),
    Case("name: a\nresolvers:\n", Yaml, (2, 1), "a list is expected here, and this is nothing"),
    Case("name: a\nlab:\n", Yaml, (2, 1), "true or false is expected here, and this is nothing"),
    Case("name:\n", Yaml, (1, 1), "and this is nothing"),
    Case("name: a\nhosts: {h: {cpu: }}\n", Yaml, (2, 13), "and this is nothing"),
    Case(
        "name: a\nhosts: {h: {topology: {sockets: , cores: 1, threads: 1}}}\n",
        Yaml,
        (2, 24),
        "and this is nothing",
    ),
    // Keys that occur twice.
    Case("name: a\nname: b\n", Yaml, (2, 1), "the key `name` occurs twice; keep one of the two"),
    Case("name: a\nhosts:\n  h: {}\n  'h': {}\n", Yaml, (4, 3), "the key `h` occurs twice"),
    Case("name = 'a'\nname = 'b'\n", Toml, (2, 1), "the key `name` occurs twice"),
    Case("name = 'a'\n[hosts.h]\n[hosts.h]\n", Toml, (3, 8), "the key `h` occurs twice"),
    Case("{\"name\": \"a\",\n\"name\": \"b\"}", Json, (2, 1), "the key `name` occurs twice"),
    Case(
        "{\"name\": \"a\", \"hosts\": {\"h\": {},\n\"\\u0068\": {}}}",
        Json,
        (2, 1),
        "the key `h` occurs twice",
    ),
    // Missing fields, and values of the wrong type.
    Case("name: a\nmachines:\n  web:\n    cpus: 2\n", Yaml, (3, 3), "machines.web: `image` is missing"),
    Case("name = 'a'\n[machines.web]\ncpus = 2\n", Toml, (2, 11), "machines.web: `image` is missing"),
    Case("{\"name\": \"a\", \"networks\": {\"lab\": {}}}", Json, (1, 28), "networks.lab: `mode` is missing"),
    Case(
        "name: a\nhosts: [h]\n",
        Yaml,
        (2, 1),
        "hosts: a map by host name is expected here, and this is a list",
    ),
    Case(
        "name = 'a'\nhosts = 'h'\n",
        Toml,
        (2, 9),
        "hosts: a map by host name is expected here, and this is a text",
    ),
    Case("{\"name\": [\"a\"]}", Json, (1, 2), "name: cloud name, for example"),
    Case("name: a\nlab: yes\n", Yaml, (2, 6), "true or false is expected here: `yes` is a text in YAML 1.2"),
    Case("name = 'a'\nlab = 1\n", Toml, (2, 7), "true or false is expected here, and this is a number"),
    Case("name: a\nresolvers: 9.9.9.9\n", Yaml, (2, 12), "a list is expected here, and this is a text"),
    Case(
        "name: a\nnetworks: {lab: {mode: nta}}\n",
        Yaml,
        (2, 24),
        "`nta` is not known here; did you mean `nat`?",
    ),
    Case(
        "{\"name\": \"a\", \"machines\": {\"w\": {\"image\": {\"os\": \"debian\", \"version\": 12}}}}",
        Json,
        (1, 71),
        "a text is expected here, and this is a number; write it in quotes",
    ),
    Case(
        "name: a\nmachines:\n  w:\n    image: {os: none}\n    accept: [{service: tcp 22, from: {role: k3s-agent}}]\n",
        Yaml,
        (5, 45),
        "a map with kind and instance is expected here, and this is a text",
    ),
    Case(
        "name: a\nmachines:\n  w:\n    image: {os: none}\n    accept: [{service: tcp 22, from: {role: k3s-agent, of: a}}]\n",
        Yaml,
        (5, 32),
        "one key is expected here: one of anywhere, network, subnet, machine, subnet-of-role, role, inside",
    ),
    Case(
        "name: a\nhosts: {h: {topology: {sockets: 1, cores: -1, threads: 1}}}\n",
        Yaml,
        (2, 43),
        "a whole number from 0 to 4294967295 is expected here",
    ),
    Case(
        "{\"name\": \"a\", \"hosts\": {\"h\": {\"topology\": {\"sockets\": 1e999, \"cores\": 1, \"threads\": 1}}}}",
        Json,
        (1, 55),
        "a whole number from 0 to 4294967295 is expected here",
    ),
    Case(
        "name = 'a'\nhosts.h.topology = {sockets = 99999999999, cores = 1, threads = 1}\n",
        Toml,
        (2, 31),
        "a whole number from 0 to 4294967295 is expected here",
    ),
    Case(
        "name = 'a'\nname2 = 99999999999999999999999999\n",
        Toml,
        (2, 1),
        "the key `name2` is not known here",
    ),
    // Text that does not follow its format.
    Case(
        "name: [a\n",
        Yaml,
        (1, 7),
        "this is not YAML: `[` is opened here and not closed; close it with `]`",
    ),
    Case("name: 'a\n", Yaml, (1, 7), "close it with `'` where the text ends"),
    // A tab is shown at its own line.
    Case("name: a\nhosts:\n\tlocal: {}\n", Yaml, (3, 1), "indent with spaces"),
    Case("name: a\nhosts:\n  h:\n  \tcpu: x\n", Yaml, (4, 3), "a tab stands where only spaces may"),
    Case("name: a\nresolvers:\n  - 9.9.9.9\n\t- 9.9.9.10\n", Yaml, (4, 1), "indent with spaces"),
    Case("name: a\ndomain: b.example\n\n\tlab: true\n", Yaml, (4, 1), "indent with spaces"),
    Case("name: a\nhosts:\n  local: {\n\tcpu: x}\n", Yaml, (4, 1), "indent with spaces"),
    Case("name: a: b\n", Yaml, (1, 1), "put the value in quotes, as `name: \"…\"`"),
    Case("name: *a\n", Yaml, (1, 7), "an alias `*name` follows its anchor `&name`"),
    Case("name: !secret a\n", Yaml, (1, 15), "a tag has no meaning here"),
    Case("? [a]\n: b\n", Yaml, (1, 3), "a key is a text"),
    Case("name: a\n---\nname: b\n", Yaml, (2, 1), "a second document begins here; a file is one cloud"),
    Case("name: a\n...\n---\n", Yaml, (3, 1), "a second document begins here"),
    Case("name = a\n", Toml, (1, 8), "this is not TOML"),
    Case(
        "name: a\n",
        Toml,
        (1, 7),
        "this is not TOML: a key has no value; write `key = value`: a colon is YAML's",
    ),
    Case("m = 2 GiB\n", Toml, (1, 5), "this is not TOML: a text has no quotes; put the text in quotes"),
    Case("a = nat\n", Toml, (1, 5), "this is not TOML: a text has no quotes"),
    Case("a = {b = 1\n", Toml, (1, 11), "a `{` is not closed; close it with `}`"),
    Case("a = \"C:\\d\"\n", Toml, (1, 9), "a backslash begins no escape of TOML"),
    Case("{\"a\": 1,}", Json, (1, 9), "leave the comma before it out"),
    Case("{\"a\": [1,]}", Json, (1, 10), "leave the comma before it out"),
    Case("{\n// c\n\"a\": 1}", Json, (2, 1), "JSON has no comments"),
    Case("name = 'a'\n[hosts\n", Toml, (2, 7), "this is not TOML"),
    Case("{\"name\": \"a\"} {}", Json, (1, 15), "the text goes on after its value; a file is one cloud"),
    Case("{\"name\": \"a\",}", Json, (1, 14), "`}` stands where a key in double quotes is expected"),
    Case("{'name': 'a'}", Json, (1, 2), "`'` stands where a key in double quotes is expected"),
    Case("// a cloud\n{}", Json, (1, 1), "JSON has no comments"),
    Case("{\"name\": \"a\n\"}", Json, (1, 12), "a text has a control character"),
    Case("{\"name\": \"\\x\"}", Json, (1, 11), "this is not an escape of JSON"),
    Case("{\"name\": \"a", Json, (1, 10), "a text is not closed"),
    Case("[", Json, (1, 2), "the text ends where a value is expected"),
];

/// Asserts that each is refused at its place, with help.
#[track_caller]
pub(super) fn all_are_refused(cases: &[Case]) {
    let mut wrong = Vec::new();
    for Case(text, format, place, says) in cases {
        let mistake = first(text.as_bytes(), *format);
        if (mistake.line(), mistake.column()) != *place || !mistake.to_string().contains(says) {
            wrong.push(format!("{format:?} {text:?}\n  said: {mistake}\n  not:  {place:?} {says}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_is_refused_at_its_place_with_what_would_be_right() {
    all_are_refused(CASES);
}

#[test]
fn all_unknown_and_repeated_keys_are_told_at_once() {
    let text = "name: a\nnam: b\nname: c\nhosts:\n  h: {memroy: 1}\nmachines: {}\nmachnies: {}\n";
    let lines: Vec<usize> = refused(text.as_bytes(), Yaml).iter().map(Mistake::line).collect();
    assert_eq!(lines, [2, 3, 5, 7]);
    let endless = format!("name: a\n{}", "name: a\n".repeat(1_000));
    assert_eq!(refused(endless.as_bytes(), Yaml).iter().count(), 50, "the first ones say enough");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let utf16 = |mark: &[u8]| -> Vec<u8> {
        mark.iter().copied().chain("name: a".encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let cases: [(&[u8], (usize, usize), &str); 6] = [
        (&utf16(&[0xff, 0xfe]), (1, 1), "the file is UTF-16; save it as UTF-8"),
        (&utf16(&[]), (1, 1), "the file is UTF-16 or UTF-32"),
        (b"name: a\ndomain: \xfcber.example\n", (2, 9), "Latin-1; save it as UTF-8"),
        (
            b"\x7fELF\x02\x01\x01\x00 a program and more text behind it, so that zeros are few",
            (1, 1),
            "binary",
        ),
        (b"\x89PNG\r\n\x1a\n", (1, 1), "it is binary"),
        (b"name: a\0b and more text behind it, so that zeros are few", (1, 1), "it has a zero byte"),
    ];
    for (bytes, place, says) in cases {
        for format in [Yaml, Toml, Json] {
            let mistake = first(bytes, format);
            assert_eq!((mistake.line(), mistake.column()), place, "{mistake}");
            assert!(mistake.to_string().contains(says), "{mistake}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_passed_over_and_places_are_right_behind_it() {
    for (text, format) in [("name: a\nnam: b\n", Yaml), ("name = 'a'\nnam = 'b'\n", Toml)] {
        let mistake = first(format!("\u{feff}{text}").as_bytes(), format);
        assert_eq!((mistake.line(), mistake.column()), (2, 1));
    }
    assert!(from_json("\u{feff}{\"name\": \"a\"}").is_ok());
}

#[test]
fn line_breaks_of_windows_are_line_breaks() {
    for (text, format) in [("name: a\r\nnam: b\r\n", Yaml), ("name = 'a'\r\nnam = 'b'\r\n", Toml)] {
        let mistake = first(text.as_bytes(), format);
        assert_eq!((mistake.line(), mistake.column()), (2, 1));
    }
}

/// A megabyte of brackets, quotes, anchors or dots is refused early.
#[test]
fn what_nests_or_repeats_without_end_is_refused() {
    let deep = [
        "[", "{\"a\":", "{a: ", "- ", "? ", "[[{", "a:\n ", "a = [", "a.", "[a.", "[[a]]\n", "&a [", "'",
        "\"\\u",
    ];
    for part in deep {
        for (count, before) in [
            (70, ""),
            (70, "name: a\nhosts: "),
            (70, "name = 'a'\nhosts = "),
            (70, "{\"name\": \"a\", \"hosts\": "),
            (20_000, ""),
            (20_000, "name = 'a'\nhosts = "),
        ] {
            let text = format!("{before}{}", part.repeat(count));
            for format in [Yaml, Toml, Json] {
                refused(text.as_bytes(), format);
            }
        }
    }
    for format in [Yaml, Toml, Json] {
        refused("[".repeat(1_000_000).as_bytes(), format);
    }
    let mut nested = String::new();
    for depth in 0..20_000 {
        nested += &format!("{}a:\n", " ".repeat(depth % 700));
    }
    refused(nested.as_bytes(), Yaml);
    let message = first("[".repeat(20_000).as_bytes(), Json).to_string();
    assert!(message.contains("values nest deeper than 64 levels"), "{message}");
    let message = first("[".repeat(20_000).as_bytes(), Yaml).to_string();
    assert!(message.contains("values nest deeper than 64 levels"), "{message}");
}

#[test]
fn an_alias_bomb_is_refused_and_an_honest_alias_is_not() {
    let mut bomb = "name: a\nx0: &a0 {h: {}}\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        bomb += &format!("x{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", "));
    }
    let message = first(bomb.as_bytes(), Yaml).to_string();
    assert!(message.contains("values, aliases included"), "{message}");
    let merges = "x: &x {a: 1}\n".to_owned() + &"y: &x {<<: *x}\n".repeat(10_000);
    refused(merges.as_bytes(), Yaml);
    let itself = first(b"name: &a [*a]\n", Yaml).to_string();
    assert!(itself.contains("an alias is inside the value that it names"), "{itself}");

    let honest = "
        name: a
        machines:
          web: &web { image: { os: none }, memory: 1 GiB }
          db: *web
          cache: { <<: *web, memory: 2 GiB }
    ";
    let machine = |name: &str| Machine::new(name, Image::blank()).memory(1.gib());
    let cloud = Cloud::new("a").machine(machine("web")).machine(machine("db"));
    assert_eq!(from_yaml(honest).unwrap(), cloud.machine(machine("cache").memory(2.gib())));
}

#[test]
fn a_file_is_at_most_sixteen_mebibytes() {
    let large = "#".repeat(MOST_BYTES + 1);
    let message = first(large.as_bytes(), Yaml).to_string();
    assert!(message.contains("the file has more than 16 MiB"), "{message}");
    let most = " ".repeat(MOST_BYTES - 13) + "{\"name\":\"a\"}";
    assert_eq!(from_json(&most).unwrap(), Cloud::new("a"));
    let list = format!("[{}1]", "1,".repeat(2_000_000));
    let message = first(list.as_bytes(), Json).to_string();
    assert!(message.contains("more than 2000000 values"), "{message}");
}

/// A mistake names keys and never values, and the text around it is masked.
#[test]
fn no_mistake_quotes_a_value() {
    let texts = [
        ("name: a\nmachines: {w: {image: {os: none}, guest: {users: {u: {password_hash: HUSH}}}}}", Yaml),
        ("name: a\nmachines: {w: {image: {os: none}, guest: {files: {/f: {contents: HUSH}}}}}", Yaml),
        ("name: a\nmachines: {w: {image: {os: none}, guest: HUSH}}", Yaml),
        ("name: a\nclusters: {p: {version: v1.36.3+k3s1, config: {vpn-auth: HUSH}}}", Yaml),
        ("name: a\nclusters: {p: {version: v1.36.3+k3s1, credentials: {server_token: HUSH}}}", Yaml),
        ("name: a\nclusters: {p: {version: v1.36.3+k3s1, datastore: {endpoint: HUSH}}}", Yaml),
        ("name: a\npassword: HUSH\n", Yaml),
        ("name: a\npassword: 'HUSH\n", Yaml),
        ("name: a\nlab: HUSH\n", Yaml),
        ("name: a\n  b: HUSH\n x", Yaml),
        ("name = 'a'\npassword = HUSH\n", Toml),
        ("name = 'a'\npassword = \"HUSH\n", Toml),
        ("name = 'a'\nlab = 'HUSH'\n", Toml),
        ("{\"name\": \"a\", \"password\": \"HUSH", Json),
        ("{\"name\": \"a\", \"password\": HUSH}", Json),
        ("{\"name\": \"a\", \"lab\": \"HUSH\"}", Json),
    ];
    for (text, format) in texts {
        let mistakes = refused(text.as_bytes(), format);
        assert!(!format!("{mistakes} {mistakes:?}").contains("HUSH"), "{mistakes}");
        let source = Source::new(text.as_bytes(), format).unwrap();
        let covered = source.covered(true);
        assert!(!covered.contains("HUSH") && covered.len() == text.len(), "{covered}");
        assert!(!format!("{source:?} {:?} {:?}", source.lines(), source.places()).contains("HUSH"));
    }
    let text = "name: a\nmachines:\n  w:\n    image: {os: none}\n    guest:\n      files:\n        /f:\n          \
                contents:\n            text: |\n              HUSH\n              HUSH é\n          mode: x\n";
    let covered = Source::new(text.as_bytes(), Yaml).unwrap().covered(false);
    assert!(
        !covered.contains("HUSH") && covered.contains("os: none") && covered.contains("mode: x"),
        "{covered}"
    );
}

/// Scalars that other readers of YAML convert are taken literally.
#[test]
fn the_traps_of_yaml_are_read_as_they_are_written() {
    let text = "
        name: no
        time_zone: on
        machines:
          on:
            image: { os: debian, version: 12.10 }
            memory: 0x10
            cpus: 0o10
            interfaces: [{ network: 12e3, address: 10.17.3.10, mac: 52:54:00:12:30:45 }]
            guest: { files: { /a: { contents: { text: no }, mode: 0644 }, /b: { contents: { text: x }, mode: 0o644 } } }
          null: { image: { os: none } }
          1.50: { image: { os: none } }
          12:30:45: { image: { os: none } }
    ";
    let cloud = from_yaml(text).unwrap();
    let file = GuestFile::text("/a", "no").mode("0644");
    let web = Machine::new("on", Image::debian("12.10"))
        .memory("0x10")
        .cpus("0o10")
        .interface(Interface::on("12e3").address("10.17.3.10").mac("52:54:00:12:30:45"))
        .file(file)
        .file(GuestFile::text("/b", "x").mode("0o644"));
    let blank = |name: &str| Machine::new(name, Image::blank());
    let wanted = Cloud::new("no").time_zone("on").machine(web);
    assert_eq!(cloud, wanted.machine(blank("null")).machine(blank("1.50")).machine(blank("12:30:45")));
    let findings = cloud.check().unwrap_err().to_string();
    for finding in [
        "\"on\" is not a valid time zone",
        "\"0x10\" is not a valid size",
        "\"0o10\" is not a valid",
        "\"0o644\" is not a valid file mode",
        "\"12:30:45\" is not a valid machine name",
    ] {
        assert!(findings.contains(finding), "{finding}: {findings}");
    }
}
