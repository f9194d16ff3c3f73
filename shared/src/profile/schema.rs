//! The JSON Schema of a profile, for editors: made from the types that read it.

use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Raw;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/profile.schema.json");

/// The draft that editors of TOML know.
fn schema() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Raw>().to_value();
    schema["title"] = "Mailvan: the provider\u{2019}s profile".into();
    schema["description"] = "Explained key by key in profile.example.toml.".into();
    schema
}

#[test]
fn schema_is_that_of_the_types() {
    let made = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    let written = fs::read_to_string(FILE).unwrap_or_default();
    if written != made {
        fs::write(Path::new(FILE), made).unwrap();
        panic!("infra/profile.schema.json was out of date; it is written anew now");
    }
}

#[test]
fn schema_knows_every_key_of_the_example() {
    let schema = schema();
    let example: toml::Table = include_str!("../../../infra/profile.example.toml").parse().unwrap();
    let example = serde_json::to_value(example).unwrap();
    assert_known(&schema, &schema, &example, "");
    let needed = schema["required"].as_array().unwrap();
    assert!(needed.contains(&"provider".into()) && !needed.contains(&"limits".into()));
}

/// Fails where a key has no place in the schema.
fn assert_known(root: &Value, schema: &Value, value: &Value, path: &str) {
    let schema = resolved(root, schema);
    match value {
        Value::Object(keys) => {
            assert_eq!(schema["additionalProperties"], false, "{path}");
            for (key, value) in keys {
                let own = &schema["properties"][key];
                assert!(!own.is_null(), "{path}.{key}");
                assert_known(root, own, value, &format!("{path}.{key}"));
            }
        }
        Value::Array(items) => {
            for item in items {
                assert_known(root, &schema["items"], item, path);
            }
        }
        _ => {}
    }
}

/// What a reference, alone or as one of several, leads to.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"].as_str() {
        return resolved(root, root.pointer(name.trim_start_matches('#')).unwrap());
    }
    for several in ["anyOf", "allOf"] {
        if let Some(choices) = schema[several].as_array() {
            let own = choices.iter().find(|choice| choice["type"] != "null").unwrap();
            return resolved(root, own);
        }
    }
    schema
}
