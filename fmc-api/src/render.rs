//! Types and signatures as text. Unknown parts of a newer form of the JSON are shown as `?`; they never
//! panic.

use serde_json::Value;

/// A field of a value; null if the field is missing.
pub(crate) fn of<'a>(value: &'a Value, key: &str) -> &'a Value {
    static NULL: Value = Value::Null;
    value.get(key).unwrap_or(&NULL)
}

/// A list of ids. Stripped items are null; the list leaves them out.
pub(crate) fn ids(value: Option<&Value>) -> Vec<String> {
    list(value.unwrap_or(&Value::Null)).iter().filter(|id| !id.is_null()).map(Value::to_string).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A function with its path, as `fn fmc::compile(checked: &Checked) -> Wanted`.
pub(crate) fn function(inner: &Value, path: &str) -> String {
    let (header, sig) = (of(inner, "header"), of(inner, "sig"));
    let words: String = ["const", "async", "unsafe"]
        .iter()
        .filter(|word| of(header, &format!("is_{word}")).as_bool() == Some(true))
        .map(|word| format!("{word} "))
        .collect();
    let inputs: Vec<String> = list(of(sig, "inputs")).iter().map(input).collect();
    let output = match of(sig, "output") {
        Value::Null => String::new(),
        output => format!(" -> {}", ty(output)),
    };
    let generics_of = of(inner, "generics");
    let conditions: Vec<String> =
        list(of(generics_of, "where_predicates")).iter().filter_map(condition).collect();
    let conditions =
        if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(", ")) };
    format!("{words}fn {path}{}({}){output}{conditions}", generics(generics_of), inputs.join(", "))
}

fn input(input: &Value) -> String {
    let (name, of_type) = match list(input) {
        [name, of_type] => (name.as_str().unwrap_or("_"), ty(of_type)),
        _ => ("_", "?".to_owned()),
    };
    match (name, of_type.as_str()) {
        ("self", "Self") => "self".to_owned(),
        ("self", "&Self") => "&self".to_owned(),
        ("self", "&mut Self") => "&mut self".to_owned(),
        _ => format!("{name}: {of_type}"),
    }
}

/// The parameters of an item, as `<'a, T: Into<Size>>`.
pub(crate) fn generics(generics: &Value) -> String {
    let params: Vec<String> = list(of(generics, "params")).iter().filter_map(parameter).collect();
    if params.is_empty() { String::new() } else { format!("<{}>", params.join(", ")) }
}

fn parameter(param: &Value) -> Option<String> {
    let name = of(param, "name").as_str()?;
    let kind = of(param, "kind");
    if let Some(of_type) = kind.get("type") {
        if of(of_type, "is_synthetic").as_bool() == Some(true) {
            return None;
        }
        let bounds = bounds(of(of_type, "bounds"));
        return Some(if bounds.is_empty() { name.to_owned() } else { format!("{name}: {bounds}") });
    }
    match kind.get("const") {
        Some(constant) => Some(format!("const {name}: {}", ty(of(constant, "type")))),
        None => Some(name.to_owned()),
    }
}

fn condition(predicate: &Value) -> Option<String> {
    let bound = predicate.get("bound_predicate")?;
    Some(format!("{}: {}", ty(of(bound, "type")), bounds(of(bound, "bounds"))))
}

/// Bounds, as `Into<Given<Size>> + Send`.
pub(crate) fn bounds(bounds: &Value) -> String {
    list(bounds).iter().map(bound).collect::<Vec<_>>().join(" + ")
}

fn bound(bound: &Value) -> String {
    if let Some(lifetime) = bound.get("outlives").and_then(Value::as_str) {
        return lifetime.to_owned();
    }
    let Some(of_trait) = bound.get("trait_bound") else {
        return if bound.get("use").is_some() { "use<…>".to_owned() } else { "?".to_owned() };
    };
    let maybe = if of(of_trait, "modifier") == "maybe" { "?" } else { "" };
    format!("{maybe}{}", path(of(of_trait, "trait")))
}

/// A path, shortened to its last word and its arguments: the type's own line shows where it is defined.
pub(crate) fn path(value: &Value) -> String {
    let whole = of(value, "path").as_str().or(of(value, "name").as_str()).unwrap_or("?");
    let last = whole.rsplit("::").next().unwrap_or(whole);
    format!("{last}{}", arguments(of(value, "args")))
}

fn arguments(args: &Value) -> String {
    if let Some(plain) = args.get("angle_bracketed") {
        let given = list(of(plain, "args")).iter().map(argument);
        let named = list(of(plain, "constraints")).iter().map(|constraint| {
            let binding = of(constraint, "binding");
            let to = match binding.get("equality") {
                Some(term) => format!(" = {}", argument(term)),
                None => format!(": {}", bounds(of(binding, "constraint"))),
            };
            format!("{}{to}", of(constraint, "name").as_str().unwrap_or("?"))
        });
        let all: Vec<String> = given.chain(named).collect();
        return if all.is_empty() { String::new() } else { format!("<{}>", all.join(", ")) };
    }
    let Some(call) = args.get("parenthesized") else { return String::new() };
    let inputs: Vec<String> = list(of(call, "inputs")).iter().map(ty).collect();
    let output = match of(call, "output") {
        Value::Null => String::new(),
        output => format!(" -> {}", ty(output)),
    };
    format!("({}){output}", inputs.join(", "))
}

fn argument(argument: &Value) -> String {
    if let Some(lifetime) = argument.get("lifetime").and_then(Value::as_str) {
        return lifetime.to_owned();
    }
    match (argument.get("type"), argument.get("const")) {
        (Some(of_type), _) => ty(of_type),
        (_, Some(constant)) => of(constant, "expr").as_str().unwrap_or("?").to_owned(),
        _ => "_".to_owned(),
    }
}

/// A type.
pub(crate) fn ty(value: &Value) -> String {
    let Some((kind, inner)) = value.as_object().and_then(|of_type| of_type.iter().next()) else {
        return if value == "infer" { "_".to_owned() } else { "?".to_owned() };
    };
    let text = || inner.as_str().unwrap_or("?").to_owned();
    let mutable = if of(inner, "is_mutable").as_bool() == Some(true) { "mut " } else { "" };
    match kind.as_str() {
        "generic" | "primitive" => text(),
        "resolved_path" => path(inner),
        "tuple" => format!("({})", list(inner).iter().map(ty).collect::<Vec<_>>().join(", ")),
        "slice" => format!("[{}]", ty(inner)),
        "array" => format!("[{}; {}]", ty(of(inner, "type")), of(inner, "len").as_str().unwrap_or("?")),
        "impl_trait" => format!("impl {}", bounds(inner)),
        "dyn_trait" => {
            let traits: Vec<String> =
                list(of(inner, "traits")).iter().map(|one| path(of(one, "trait"))).collect();
            format!("dyn {}", traits.join(" + "))
        }
        "borrowed_ref" => {
            let lifetime = of(inner, "lifetime").as_str().map(|name| format!("{name} ")).unwrap_or_default();
            format!("&{lifetime}{mutable}{}", ty(of(inner, "type")))
        }
        "raw_pointer" => format!("*{mutable}{}", ty(of(inner, "type"))),
        "qualified_path" => {
            let name = of(inner, "name").as_str().unwrap_or("?");
            format!("{}::{name}{}", ty(of(inner, "self_type")), arguments(of(inner, "args")))
        }
        "function_pointer" => {
            let sig = of(inner, "sig");
            let inputs: Vec<String> = list(of(sig, "inputs")).iter().map(input).collect();
            let output = of(sig, "output");
            let output = if output.is_null() { String::new() } else { format!(" -> {}", ty(output)) };
            format!("fn({}){output}", inputs.join(", "))
        }
        _ => "?".to_owned(),
    }
}
