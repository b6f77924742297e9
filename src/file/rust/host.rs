//! Hosts as the Rust that says them.

use super::print::{Expr, quoted};
use super::{Member, Members, Unsaid, Value, literal, map, needed, size, variant};

pub(super) fn host(name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
    let local = name == "local";
    let mut host =
        Expr::new(if local { "Host::local()".to_owned() } else { format!("Host::new({})", quoted(name)) });
    for Member { key, node, .. } in map.iter() {
        match key.as_ref() {
            "topology" => {
                let map = self::map(node)?;
                let number = |key| literal(needed(map, key)?);
                host.call(
                    "topology",
                    format!("{}, {}, {}", number("sockets")?, number("cores")?, number("threads")?),
                );
            }
            "memory" | "reserve" | "capacity" => host.call(key, size(node)?),
            "acceleration" => host.call("emulated", String::new()),
            "cpu" => host.call(
                "cpu",
                match &node.value {
                    Value::Map(map) => {
                        format!("CpuModel::Named({}.to_owned())", literal(needed(map, "named")?)?)
                    }
                    _ => variant("CpuModel", node)?,
                },
            ),
            "pools" => host.named("pool", node, |name, map| {
                let path = literal(needed(map, "path")?)?;
                let mut pool = Expr::new(format!("Pool::new({}, {path})", quoted(name)));
                if let Some(capacity) = map.get("capacity") {
                    pool.call("capacity", size(&capacity.node)?);
                }
                Ok(pool)
            })?,
            "bridges" => host.each("bridge", node)?,
            _ => host.plain(key, node)?,
        }
    }
    Ok(host)
}
