//! What is inside a machine, as the Rust that says it.

use super::print::{Expr, quoted};
use super::{Member, Members, Unsaid, list, literal, map, needed, only, place, rest, text, variant};
use crate::file::tree::Node;

pub(super) fn guest(map: &Members<'_>, machine: &mut Expr) -> Result<(), Unsaid> {
    for Member { key, node, .. } in map.iter() {
        match key.as_ref() {
            "files" => machine.named("file", node, file)?,
            "directories" => machine.named("directory", node, |path, map| {
                let mut directory = Expr::new(format!("Directory::new({})", quoted(path)));
                directory.plains(map.iter())?;
                Ok(directory)
            })?,
            "links" => machine.named("link", node, |path, map| {
                let target = literal(needed(map, "target")?)?;
                Ok(Expr::new(format!("Symlink::new({}, {target})", quoted(path))))
            })?,
            "users" => machine.named("user", node, user)?,
            "groups" => machine.named("group", node, |name, map| {
                let mut group = Expr::new(format!("Group::new({})", quoted(name)));
                group.plains(map.iter())?;
                Ok(group)
            })?,
            "units" => machine.named("unit", node, unit)?,
            "packages" => machine.each("package", node)?,
            other => return Err(format!("`{other}` inside a machine")),
        }
    }
    Ok(())
}

fn file(path: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
    let (kind, node) = only(needed(map, "contents")?)?;
    let node = node.ok_or("contents of a file that are nothing")?;
    let path = quoted(path);
    let mut file = match kind {
        "text" => Expr::new(format!("GuestFile::text({path}, {})", literal(node)?)),
        "secret" => Expr::with_two("GuestFile::secret", path, secret(node)?),
        "parts" => {
            let parts: Result<Vec<Expr>, Unsaid> = list(node)?.iter().map(part).collect();
            Expr::with_two("GuestFile::parts", path, Expr::array(parts?))
        }
        "remote" => {
            let (url, digest) = place(self::map(node)?)?;
            Expr::new(format!("GuestFile::remote({path}, {url}, {digest})"))
        }
        other => return Err(format!("`{other}` as the contents of a file")),
    };
    file.plains(rest(map, &["contents"]))?;
    Ok(file)
}

/// A part of a file: a text, a secret, or a secret between quotes.
fn part(node: &Node<'_>) -> Result<Expr, Unsaid> {
    Ok(match only(node)? {
        ("text", Some(text)) => Expr::new(format!("TextPart::from({})", literal(text)?)),
        ("secret", Some(hole)) => Expr::with_one("TextPart::Secret", secret(hole)?),
        ("quoted", Some(hole)) => Expr::with_one("TextPart::Quoted", secret(hole)?),
        (other, _) => return Err(format!("`{other}` as a part of a file")),
    })
}

fn user(name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
    let constructor = if map.get("admin").is_some() { "admin" } else { "new" };
    let mut user = Expr::new(format!("User::{constructor}({})", quoted(name)));
    for Member { key, node, .. } in rest(map, &["admin"]) {
        match key.as_ref() {
            "keys" => user.each("key", node)?,
            "groups" => user.each("group", node)?,
            "password_hash" => user.nest("password_hash", secret(node)?),
            _ => user.plain(key, node)?,
        }
    }
    Ok(user)
}

fn unit(name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut unit = Expr::new(format!("Unit::new({})", quoted(name)));
    for Member { key, node, .. } in map.iter() {
        match key.as_ref() {
            "state" => unit.call(text(node)?, String::new()),
            "dropins" => {
                for Member { key, node, .. } in self::map(node)?.iter() {
                    let contents = literal(needed(self::map(node)?, "contents")?)?;
                    unit.call("dropin", format!("{}, {contents}", quoted(key)));
                }
            }
            _ => unit.plain(key, node)?,
        }
    }
    Ok(unit)
}

pub(super) fn secret(node: &Node<'_>) -> Result<Expr, Unsaid> {
    let map = map(node)?;
    let name = literal(needed(map, "name")?)?;
    let source = self::map(needed(map, "source")?)?;
    let given = |kind| source.get(kind).map(|place| &place.node);
    let mut secret = match (given("file"), given("environment"), given("generated")) {
        (Some(path), ..) => Expr::new(format!("Secret::file({name}, {})", literal(path)?)),
        (_, Some(variable), _) => Expr::new(format!("Secret::environment({name}, {})", literal(variable)?)),
        (.., Some(what)) if text(what)? == "password" => Expr::new(format!("Secret::password({name})")),
        (.., Some(what)) => Expr::new(format!("Secret::generated({name}, {})", variant("Generated", what)?)),
        (None, None, None) => return Err("a secret without a source".to_owned()),
    };
    secret.plains(rest(map, &["name", "source"]))?;
    Ok(secret)
}
