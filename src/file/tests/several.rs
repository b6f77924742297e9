//! Several mistakes in one file.

use super::malformed::refused;
use super::*;

use Syntax::{Json, Toml, Yaml};

/// Each line with a mistake has `#` and a part of its message.
#[test]
fn all_mistakes_of_shape_are_told_at_once() {
    let text = "
name: a
lab: yes # true or false
prefixed: [1] # true or false
resolvers: 9.9.9.9 # a list
hosts:
  h: {topology: {sockets: x, cores: 1, threads: 1}, memroy: 1} # memory
  i: [] # a list
networks:
  lab: {mode: nta} # `nat`
  kube: {subnet: 10.1.0.0/24} # `mode` is missing
machines:
  web: # `image` is missing
    cpus: 2
    interfaces: # a list is expected
      network: lab
  db: &db
    imgae: {os: none} # `image`
    memory: [] # size, for example
    roles: [[], {node-exporter: {frm: x}}] # role
    accept:
      - {service: tcp 22, from: {rle: x}} # `role`
      - {service: tcp 22, from: {role: k3s-agent}} # kind and instance
  cache: *db
  log: {image: {os: none}, roles: [{node-exporter: {frm: x}}, nod-exporter]} # `from`
";
    let mistakes = refused(text.as_bytes(), Yaml);
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((_, says)) = line.split_once(" # ") else { continue };
        let at: Vec<String> =
            mistakes.iter().filter(|mistake| mistake.line() == number + 1).map(Mistake::to_string).collect();
        if !at.iter().any(|mistake| mistake.contains(says)) {
            wrong.push(format!("{line}: {at:?}"));
        }
    }
    let lines = mistakes.iter().map(Mistake::line).collect::<std::collections::BTreeSet<_>>();
    let marked = text.lines().filter(|line| line.contains(" # ")).count();
    assert!(wrong.is_empty() && lines.len() == marked, "{wrong:#?}\n{mistakes}");
    assert_eq!(mistakes.iter().count(), marked + 2, "two lines have two: {mistakes}");
    assert_eq!(mistakes.unread(), Unread::Nothing);
}

#[test]
fn a_mistake_of_syntax_hides_the_text_behind_it() {
    let unread = |text: &str, format| refused(text.as_bytes(), format).unread();
    assert_eq!(unread("name: a: b\nlab: yes\n", Yaml), Unread::Behind);
    assert_eq!(unread("name = a\nlab = 1\n", Toml), Unread::Behind);
    assert_eq!(unread("{\"name\": a,\n\"lab\": 1}\n", Json), Unread::Behind);
    assert_eq!(unread("name: a: b\n\n", Yaml), Unread::Nothing);
    assert_eq!(unread("", Yaml), Unread::Nothing);
    let many: String = (0..60).map(|at| format!("  h{at}: []\n")).collect();
    assert_eq!(unread(&format!("name: a\nhosts:\n{many}"), Yaml), Unread::More);
}
