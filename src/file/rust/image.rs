//! Images and disks as the Rust that says them.

use super::print::{Expr, quoted};
use super::{Member, Members, Unsaid, Value, fully_allocated, literal, needed, rest, size, text, variant};

pub(super) fn image(map: &Members<'_>) -> Result<Expr, Unsaid> {
    let os = needed(map, "os")?;
    let version = map.get("version").map_or_else(|| Ok("\"\"".to_owned()), |member| literal(&member.node))?;
    let mut image = Expr::new(match text(os)? {
        "none" if version == "\"\"" => "Image::blank()".to_owned(),
        "none" => format!("Image::new(Os::None, {version})"),
        os => format!("Image::{}({version})", os.replace('-', "_")),
    });
    for Member { key, node, .. } in rest(map, &["os", "version"]) {
        match (key.as_ref(), &node.value) {
            ("source", Value::Map(source)) => {
                for Member { key, node, .. } in source.iter() {
                    let arguments = match &node.value {
                        Value::Map(parts) => {
                            let parts: Result<Vec<String>, Unsaid> =
                                parts.iter().map(|part| literal(&part.node)).collect();
                            parts?.join(", ")
                        }
                        _ => literal(node)?,
                    };
                    image.call(key, arguments);
                }
            }
            ("format", _) => image.call("format", variant("Format", node)?),
            ("architecture", _) => image.call("architecture", variant("Arch", node)?),
            ("minimum", _) => image.call("minimum", size(node)?),
            ("kernel", Value::Map(kernel)) => {
                let mut direct =
                    Expr::new(format!("DirectKernel::new({})", literal(needed(kernel, "kernel")?)?));
                direct.plains(rest(kernel, &["kernel"]))?;
                image.nest("direct_kernel", direct);
            }
            _ => image.plain(key, node)?,
        }
    }
    Ok(image)
}

pub(super) fn disk(name: &str, map: &Members<'_>) -> Result<Expr, Unsaid> {
    let size = size(needed(map, "size")?)?;
    let mut disk = Expr::new(format!("Disk::new({}, {size})", quoted(name)));
    disk.plains(rest(map, &["size", "allocation", "filesystem"]))?;
    if let Some(filesystem) = map.get("filesystem") {
        disk.call("filesystem", variant("Filesystem", &filesystem.node)?);
    }
    if !fully_allocated(map).is_empty() {
        disk.call("fully_allocated", String::new());
    }
    Ok(disk)
}
