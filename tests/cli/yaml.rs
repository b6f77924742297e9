//! Files of YAML with mistakes of people who write their first: the words, the line, and an example for the place.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What `check` says of a text: the lines of the first mistake, one behind the other.
fn first(text: &str) -> String {
    let all = said(text);
    all.split("\n\n").next().unwrap().replace("\n  ", " | ").trim_end().to_owned()
}

fn said(text: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(["check", "-f", "-", "--format", "yaml"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert_eq!(ran.status.code(), Some(1), "{text}: {ran:?}");
    String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap()
}

/// The beginning of a cloud; what follows is in line 6, in the machine.
const WEB: &str = "name: first\nhosts: { local: {} }\nmachines:\n  web:\n    image: { os: none }\n";

#[test]
fn a_mistake_of_syntax_is_told_where_it_begins() {
    let cases = [
        // Quotes.
        (
            "name: \"first\nhosts: {}\nowner: \"me\"\n",
            "1:7",
            "a quote is opened here and not closed in its line",
            "close it with `\"`",
        ),
        ("name: 'first\nhosts: {}\n", "1:7", "a quote is opened here and not closed", "close it with `'`"),
        (
            "name: first\nhosts:\n  local:\n    uri: \"qemu:///system\n    memory: 1 GiB\n",
            "4:10",
            "a quote is opened here",
            "close it",
        ),
        (
            "name: \"a\" b\n",
            "1:7",
            "a text in quotes ends before the end of its value",
            "write `\\\"` for a quote within it",
        ),
        (
            "name: \"a\\x4\"\n",
            "1:9",
            "an escape has too few digits",
            "write 2 hexadecimal digits behind `\\x`",
        ),
        ("name: 'it's'\n", "1:7", "a text in quotes ends before the end", "write `''` for a quote within it"),
        ("name: \"a\\dx\"\n", "1:9", "this backslash begins no escape", "write `\\\\` for a backslash"),
        // Tabs and columns.
        (
            "name: first\nhosts:\n\tlocal: {}\n",
            "3:1",
            "a tab stands where only spaces may",
            "indent with spaces",
        ),
        (
            "hosts:\n  local: {}\n other: {}\n",
            "3:2",
            "no key above this line begins in its column, 2",
            "begin it in column 3 beside `local`, or in column 1 beside `hosts`",
        ),
        (
            "hosts:\n  local: {}\n   other: {}\n",
            "3:4",
            "no key above this line",
            "begin it in column 3 beside `local`",
        ),
        (
            "name: first\n  domain: x\n",
            "2:3",
            "this line is indented deeper than `name` above it",
            "put `domain` in one column with `name`",
        ),
        (
            "a:\n  text: |\n  hello\n",
            "3:3",
            "the text after `|` or `>` is indented deeper than its key",
            "by 4 spaces or more",
        ),
        (
            "hosts:\n  local: {}\n\n  - foo\n",
            "4:3",
            "a list's item stands where a key is expected",
            "begin below their key",
        ),
        (
            "a:\n  - b\n - c\n",
            "3:2",
            "this item begins in column 2, and the items above it in column 3",
            "begin it in column 3",
        ),
        ("a: >\n\tx\n", "2:1", "a tab stands where only spaces may", "with spaces"),
        // Colons, dashes and brackets.
        ("name first\nhosts: {}\n", "1:1", "this line has no colon", "write `key: value`"),
        ("name:first\nhosts: {}\n", "1:1", "a space is missing after the colon", "write `name: …`"),
        (
            "a:\n  b: 1\n  memory:2 GiB\n  c: 1\n",
            "3:3",
            "a space is missing after the colon",
            "write `memory: …`",
        ),
        ("hosts: {local:{}}\n", "1:14", "a space is missing after the colon", "write `local: …`"),
        ("name: first: x\n", "1:1", "a `: ` follows in a value that has no quotes", "as `name: \"…\"`"),
        (
            "a: {b: c: d}\n",
            "1:9",
            "a `: ` follows in a value that has no quotes",
            "a comma before the second key",
        ),
        ("hosts {local: {}}\n", "1:1", "a colon is missing before the bracket", "write `hosts: {…}`"),
        (
            "hosts: {local: {}\nmachines:\n  web: {}\n",
            "1:8",
            "`{` is opened here and not closed",
            "close it with `}`",
        ),
        ("a: [ {b: c}\nd: e\n", "1:4", "`[` is opened here and not closed", "close it with `]`"),
        ("a: [{b: c]\n", "1:5", "`{` is closed by `]`", "close it with `}`"),
        ("a: [b,,c]\n", "1:7", "a comma stands where a value is expected", "leave one of the commas out"),
        ("a: [b}\n", "1:4", "`[` is closed by `}`", "close it with `]`"),
        ("a: {}}\n", "1:6", "this bracket closes nothing", "leave it out"),
        ("a: [{b: c} {d: e}]\n", "1:12", "a comma is missing before this", "write a comma"),
        (
            "web: {\n  cpus: 2\n  memory: 1 GiB\n}\n",
            "2:10",
            "a comma is missing behind this line",
            "end each line between the brackets with a comma",
        ),
        (
            "web: {\n  disks: {a: {}},\n  roles: []\n\n  cpus: 2 }\n",
            "3:12",
            "a comma is missing behind this line",
            "with a comma",
        ),
        ("a: [\n  'b'\n  c\n]\n", "3:3", "a comma is missing", "comma"),
        ("web: {\n  cpus: 2\nmachines:\n  a: {}\n", "1:6", "`{` is opened here and not closed", "close it"),
        ("a: - b\n", "1:4", "a list begins behind its key", "in a line of its own"),
        ("a:\n- b\n-c\n", "3:1", "a space is missing after the dash", "write `- …`"),
        // Signs at the beginning.
        ("name: @first\n", "1:7", "a text cannot begin with `@`", "put the text in quotes"),
        ("name: *first\n", "1:7", "this alias names no anchor above it", "needs quotes"),
    ];
    for (text, place, message, help) in cases {
        let said = first(text);
        let begins = format!("error: this is not YAML: {message}");
        assert!(said.starts_with(&begins), "{text}\n{said}");
        assert!(said.contains(&format!(" | at standard input:{place} | help: ")), "{text}\n{said}");
        assert!(said.contains(help), "{text}\n{said}");
        // A value may be a secret.
        assert!(!said.contains("hello"), "{text}\n{said}");
    }
}

#[test]
fn the_lines_around_do_not_mislead() {
    // The second of two equal keys names the first.
    let twice = first("name: first\nowner: me\nname: second\n");
    assert!(
        twice.contains("the key `name` occurs twice") && twice.contains("(the first is in line 1)"),
        "{twice}"
    );
    // Where the lines tell nothing, no hint is made up.
    for text in ["a: b\n%YAML 1.2\n", "a: !<x> b\n", "%TAG ! x\n%TAG ! y\n---\na: b\n"] {
        let said = first(text);
        assert!(!said.contains("quote") && !said.contains("column"), "{text}\n{said}");
    }
    // A value that is fine elsewhere: nothing is wrong with these lines.
    let fine = "name: first\nowner: \"it's: a {brace\"\nhosts: {}\nx: [\n";
    assert!(first(fine).contains("`[` is opened here and not closed"), "{}", first(fine));
    assert!(first(fine).contains(":4:4"), "{}", first(fine));
}

#[test]
fn a_character_that_looks_like_a_space_is_named() {
    for (text, place) in [
        ("name: first\n\u{a0}\u{a0}owner: me\n", "2:1"),
        ("name:\u{a0}first\n", "1:6"),
        ("name: first\nhosts:\n  local:\u{2003}{}\n", "3:9"),
    ] {
        let said = first(text);
        assert!(said.contains("looks like a space and is none") && said.contains(place), "{said}");
    }
    // In a text, such a character is as good as another one.
    let text = format!(
        "{WEB}    guest: {{ hostname: x, files: {{ /etc/motd: {{ contents: {{ text: a\u{a0}b }} }} }} }}\n    cpu: 1\n"
    );
    assert!(!said(&text).contains("looks like a space"), "{}", said(&text));
}

#[test]
fn only_maps_are_merged() {
    for text in ["<<: [x, y]\n", "<<: 3\n", "a: &a {b: c}\nd:\n  <<: [*a, {e: f}, 3]\n"] {
        let said = first(text);
        assert!(
            said.contains("`<<` takes maps, and this is a") && said.contains("write `<<: *name`"),
            "{said}"
        );
    }
}

#[test]
fn a_mistake_of_shape_has_an_example_for_its_place() {
    let cases = [
        ("interfaces: [lab]", "write, for example, {address: 10.17.3.10, network: lab}"),
        ("interfaces: [network:lab]", "a space is missing after the colon: write `network: …`"),
        (
            "guest: { users: [ops] }",
            "write each by its name, as {NAME: …}; for example {NAME: {admin: true}}",
        ),
        ("guest: { files: { /etc/motd: hi } }", "write, for example, {contents: {text: …}}"),
        ("guest: { files: { /etc/motd: { contents: hi } } }", "write, for example, {text: …}"),
        ("disks: [{size: 1 GiB}]", "for example {NAME: {mount: /srv/data, size: 20 GiB}}"),
        ("ready: yes", "write, for example, {signal: {tcp: 22}}"),
        ("ready: {within: 5min}", "write, for example, signal: {tcp: 22}"),
        ("accept: [22]", "write, for example, {from: {machine: bastion}, service: tcp 22}"),
        ("roles: [{node-exporter: {from: [watch]}}]", "write, for example, {machine: bastion}"),
        ("roles: node-exporter", "for example [bastion]"),
        // A key of another place.
        ("packages: [nginx]", "`packages` is a setting of `guest`: guest: {packages: …}"),
        ("address: 10.17.3.4", "`address` is a setting of `interfaces`: interfaces: [{address: …}]"),
        ("mount: /srv", "`mount` is a setting of `disks`: disks: {NAME: {mount: …}}"),
    ];
    for (line, help) in cases {
        let said = first(&format!("{WEB}    {line}\n"));
        assert!(said.contains(help), "{line}\n{said}");
    }
    let source = first("name: a\nmachines: {web: {image: {os: debian, version: '12', path: /i}}}\n");
    assert!(source.contains("`path` is a setting of `source`: source: {path: …}"), "{source}");
    let outside = first(&format!("{WEB}  cpus: 2\n"));
    assert!(outside.contains("`cpus` is a setting of one of the machines: indent it below"), "{outside}");
}

#[test]
fn only_near_words_of_the_same_place_are_suggested() {
    let said =
        first(&format!("{WEB}    guest: {{ files: {{ /etc/motd: {{ contents: {{ path: /x }} }} }} }}\n"));
    assert!(!said.contains("did you mean") && said.contains("one of text, secret, parts, remote"), "{said}");
    let near =
        first(&format!("{WEB}    guest: {{ files: {{ /etc/motd: {{ contents: {{ txet: hi }} }} }} }}\n"));
    assert!(near.contains("did you mean `text`?"), "{near}");
}

#[test]
fn a_value_behind_an_alias_is_shown_at_its_anchor() {
    let text = "name: first\nhosts: { local: {} }\nnetworks: { lab: { mode: nat, subnet: 10.17.3.0/24 } }\nmachines:\n  web:\n    \
                image: &img\n      os: debian\n      version: \"12\"\n    root_disk: &size 2 GB\n    interfaces: &on [{ network: lab, \
                address: 10.17.3.10 }]\n  db:\n    image: *img\n    root_disk: *size\n    interfaces: *on\n  app: &app\n    image: \
                *img\n  bpp:\n    <<: *app\n";
    let said = said(text);
    // The image has no source, and the source belongs to the anchor.
    assert!(said.contains(":6:12 machines.app.image (by the alias in line 16)"), "{said}");
    assert!(said.contains(":9:22 machines.db.root_disk (by the alias in line 13)"), "{said}");
    assert!(said.contains("machines.db.interfaces[0].address (by the alias in line 14)"), "{said}");
    // A mistake of shape is one, at the anchor.
    let text = format!("{WEB}    disks: &d [1]\n  db:\n    image: {{ os: none }}\n    disks: *d\n");
    let shape = self::said(&text);
    assert_eq!(shape.matches("is expected here").count(), 1, "{shape}");
}
