//! JSON patches (RFC 6902), as far as `kubectl` and fmc use them.

use serde_json::Value;

/// The object after the operations, all or none.
pub(super) fn patched(object: &Value, operations: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in operations.as_array().into_iter().flatten() {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        let (path, value) = (text("path"), operation.get("value").cloned().unwrap_or_default());
        match text("op") {
            "test" if object.pointer(path) == Some(&value) => {}
            "test" => return Err(format!("testing value {path} failed")),
            "replace" => *object.pointer_mut(path).ok_or_else(|| missing(path))? = value,
            "add" => add(&mut object, path, value)?,
            "remove" => remove(&mut object, path)?,
            other => return Err(format!("unknown operation {other}")),
        }
    }
    Ok(object)
}

fn missing(path: &str) -> String {
    format!("there is nothing at {path}")
}

fn parts(path: &str) -> Result<(&str, String), String> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let (parent, last) = parts(path)?;
    match object.pointer_mut(parent).ok_or_else(|| missing(parent))? {
        Value::Object(map) => drop(map.insert(last, value)),
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let index: usize = last.parse().map_err(|_| missing(path))?;
            if index > list.len() {
                return Err(missing(path));
            }
            list.insert(index, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<(), String> {
    let (parent, last) = parts(path)?;
    match object.pointer_mut(parent).ok_or_else(|| missing(parent))? {
        Value::Object(map) => map.remove(&last).map(drop).ok_or_else(|| missing(path)),
        Value::Array(list) => {
            let index: usize = last.parse().map_err(|_| missing(path))?;
            if index >= list.len() {
                return Err(missing(path));
            }
            list.remove(index);
            Ok(())
        }
        _ => Err(missing(path)),
    }
}
