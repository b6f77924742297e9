//! The JSON Schema of what a file says.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// The schema of a type. A key without a value is refused where the file is read, so no place takes `null`: an optional
/// setting is left out.
pub(crate) fn of<T: JsonSchema + ?Sized>() -> Schema {
    let settings = SchemaSettings::default().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<T>()
}

fn without_null(schema: &mut Schema) {
    let Some(keys) = schema.as_object_mut() else { return };
    if keys.get("default").is_some_and(Value::is_null) {
        keys.remove("default");
    }
    if let Some(Value::Array(types)) = keys.get_mut("type") {
        types.retain(|one| one != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            keys.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(forms)) = keys.get_mut("anyOf") {
        forms.retain(|form| form.get("type").is_none_or(|one| one != "null"));
        if let [Value::Object(only)] = forms.as_slice() {
            let only = only.clone();
            keys.remove("anyOf");
            // The words of the place come before those of its type.
            for (key, value) in only {
                keys.entry(key).or_insert(value);
            }
        }
    }
}
