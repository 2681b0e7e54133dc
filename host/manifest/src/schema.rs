//! Settings, judged by the JSON Schema of their component: a strict part of draft 2020-12.
//!
//! Keywords: `type` (one), `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`,
//! `minimum`, `maximum`, `minLength`, `maxLength`, `minItems`, `maxItems`; `title`, `description`, `default`
//! and `$schema` say nothing about what is good. A schema with any other keyword is refused: what is not
//! judged would look as if it were.

use serde_json::{Map, Value};

/// Most problems of settings that are named.
const PROBLEMS: usize = 16;

/// A schema that can be judged by.
#[derive(Clone, Debug)]
pub struct Schema(Map<String, Value>);

/// Why a schema can't be judged by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authenticator.schema.unsupported: {place}: {problem}")]
pub struct SchemaError {
    /// Where in the schema, as a JSON Pointer (RFC 6901).
    pub place: String,
    /// What is wrong.
    pub problem: String,
}

/// Settings that are not as their schema has them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authenticator.settings.invalid: {}", .0.iter().map(|(place, problem)| format!("{place}: {problem}")).collect::<Vec<_>>().join("; "))]
pub struct SettingsError(
    /// Where (dotted, `settings` for the whole) and what.
    pub Vec<(String, String)>,
);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// The place and the problem, when it is not a JSON object or has what is not judged here.
    pub fn read(text: &str) -> Result<Self, SchemaError> {
        let failed = |problem: String| SchemaError { place: "/".into(), problem };
        let schema: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
        check(&schema, "")?;
        Ok(Self(schema))
    }

    /// Judges settings.
    ///
    /// # Errors
    /// What is wrong with them, the first 16 problems.
    pub fn judge(&self, settings: &Value) -> Result<(), SettingsError> {
        let mut problems = Vec::new();
        judge(&self.0, settings, "settings", &mut problems);
        problems.truncate(PROBLEMS);
        if problems.is_empty() { Ok(()) } else { Err(SettingsError(problems)) }
    }
}

fn check(schema: &Map<String, Value>, place: &str) -> Result<(), SchemaError> {
    for (keyword, value) in schema {
        let place = format!("{place}/{keyword}");
        let good = match keyword.as_str() {
            "title" | "description" | "$schema" => value.is_string(),
            "default" | "const" => true,
            "type" => value.as_str().is_some_and(|name| TYPES.contains(&name)),
            "enum" => value.is_array(),
            "required" => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            "minimum" | "maximum" => value.is_number(),
            "minLength" | "maxLength" | "minItems" | "maxItems" => value.is_u64(),
            "properties" => match value.as_object() {
                Some(properties) => {
                    for (name, property) in properties {
                        sub(property, &format!("{place}/{name}"))?;
                    }
                    true
                }
                None => false,
            },
            "items" | "additionalProperties" if value.is_boolean() => true,
            "items" | "additionalProperties" => {
                sub(value, &place)?;
                true
            }
            _ => return Err(SchemaError { place, problem: "this keyword is not judged here".into() }),
        };
        if !good {
            return Err(SchemaError { place, problem: "is not of the form that the keyword has".into() });
        }
    }
    Ok(())
}

const TYPES: [&str; 6] = ["object", "array", "string", "integer", "number", "boolean"];

fn sub(schema: &Value, place: &str) -> Result<(), SchemaError> {
    match schema.as_object() {
        Some(schema) => check(schema, place),
        None => Err(SchemaError { place: place.into(), problem: "is no schema".into() }),
    }
}

fn judge(schema: &Map<String, Value>, value: &Value, place: &str, problems: &mut Vec<(String, String)>) {
    let mut refuse = |problem: String| problems.push((place.to_owned(), problem));
    if let Some(kind) = schema.get("type").and_then(Value::as_str)
        && !is_of(kind, value)
    {
        return refuse(format!("must be of type {kind}"));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        refuse(format!("must be one of {}", allowed.join(", ")));
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        refuse(format!("must be {constant}"));
    }
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    if let Some(found) = value.as_f64() {
        if let Some(least) = number("minimum").filter(|least| found < *least) {
            refuse(format!("must be {least} at least"));
        }
        if let Some(most) = number("maximum").filter(|most| found > *most) {
            refuse(format!("must be {most} at most"));
        }
    }
    let count = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    let (size, least, most, unit) = match value {
        Value::String(text) => (text.chars().count(), count("minLength"), count("maxLength"), "characters"),
        Value::Array(items) => (items.len(), count("minItems"), count("maxItems"), "items"),
        _ => (0, None, None, ""),
    };
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if let Some(least) = least.filter(|least| size < *least) {
        refuse(format!("must have {least} {unit} at least"));
    }
    if let Some(most) = most.filter(|most| size > *most) {
        refuse(format!("must have {most} {unit} at most"));
    }
    match value {
        Value::Object(members) => judge_members(schema, members, place, problems),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                inner(schema.get("items"), item, &format!("{place}.{index}"), problems);
            }
        }
        _ => {}
    }
}

fn judge_members(
    schema: &Map<String, Value>,
    members: &Map<String, Value>,
    place: &str,
    problems: &mut Vec<(String, String)>,
) {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str).filter(|name| !members.contains_key(*name)) {
        problems.push((format!("{place}.{name}"), "is missing".into()));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members {
        let place = format!("{place}.{name}");
        match properties.and_then(|properties| properties.get(name)) {
            Some(property) => inner(Some(property), member, &place, problems),
            None => inner(schema.get("additionalProperties"), member, &place, problems),
        }
    }
}

/// A schema of a member or item: `false` allows none, `true` or none at all allows any.
fn inner(schema: Option<&Value>, value: &Value, place: &str, problems: &mut Vec<(String, String)>) {
    match schema {
        Some(Value::Bool(false)) => problems.push((place.to_owned(), "there is no such setting".into())),
        Some(Value::Object(schema)) => judge(schema, value, place, problems),
        _ => {}
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_judged() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": false,
            "required": ["digits"],
            "properties": {
                "digits": { "type": "integer", "minimum": 4, "maximum": 8 },
                "mode": { "enum": ["a", "b"] },
                "names": { "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": 3 },
                           "minItems": 1, "maxItems": 2 },
                "fixed": { "const": 1 },
                "any": { "type": "object", "additionalProperties": { "type": "boolean" } },
                "ratio": { "type": "number", "description": "x", "default": 1 }
            }
        });
        let schema = Schema::read(&schema.to_string()).unwrap();
        let good = json!({ "digits": 6, "mode": "a", "names": ["äöü"], "fixed": 1, "any": { "x": true }, "ratio": 0.5 });
        assert_eq!(schema.judge(&good), Ok(()));
        for (settings, problem) in [
            (json!([]), "settings: must be of type object"),
            (json!({}), "settings.digits: is missing"),
            (json!({ "digits": 3 }), "settings.digits: must be 4 at least"),
            (json!({ "digits": 9 }), "settings.digits: must be 8 at most"),
            (json!({ "digits": 6.5 }), "settings.digits: must be of type integer"),
            (json!({ "digits": "6" }), "settings.digits: must be of type integer"),
            (json!({ "digits": 6, "mode": "c" }), "settings.mode: must be one of \"a\", \"b\""),
            (json!({ "digits": 6, "names": [] }), "settings.names: must have 1 items at least"),
            (json!({ "digits": 6, "names": ["a", "b", "c"] }), "settings.names: must have 2 items at most"),
            (json!({ "digits": 6, "names": ["a", ""] }), "settings.names.1: must have 1 characters at least"),
            (json!({ "digits": 6, "names": ["abcd"] }), "settings.names.0: must have 3 characters at most"),
            (json!({ "digits": 6, "fixed": 2 }), "settings.fixed: must be 1"),
            (json!({ "digits": 6, "any": { "x": 1 } }), "settings.any.x: must be of type boolean"),
            (json!({ "digits": 6, "digist": 6 }), "settings.digist: there is no such setting"),
        ] {
            let error = schema.judge(&settings).unwrap_err();
            assert_eq!(error.to_string(), format!("authenticator.settings.invalid: {problem}"));
        }
        let many: Map<String, Value> = (0..100).map(|number| (format!("n{number}"), json!(1))).collect();
        assert_eq!(schema.judge(&Value::Object(many)).unwrap_err().0.len(), PROBLEMS);
    }

    #[test]
    fn a_schema_that_is_not_judged_in_whole_is_refused() {
        for (schema, place) in [
            (json!({ "pattern": "^a" }), "/pattern"),
            (json!({ "$ref": "#/x" }), "/$ref"),
            (json!({ "oneOf": [] }), "/oneOf"),
            (json!({ "type": ["string", "null"] }), "/type"),
            (json!({ "type": "date" }), "/type"),
            (json!({ "properties": { "a": { "format": "uri" } } }), "/properties/a/format"),
            (json!({ "properties": { "a": true } }), "/properties/a"),
            (json!({ "properties": [] }), "/properties"),
            (json!({ "items": { "minimum": "1" } }), "/items/minimum"),
            (json!({ "items": [{}] }), "/items"),
            (json!({ "required": [1] }), "/required"),
            (json!({ "maxLength": -1 }), "/maxLength"),
            (json!({ "title": 1 }), "/title"),
        ] {
            assert_eq!(Schema::read(&schema.to_string()).unwrap_err().place, place, "{schema}");
        }
        for text in ["", "[]", "true", "{", &"{\"items\":".repeat(5_000)] {
            assert_eq!(Schema::read(text).unwrap_err().place, "/");
        }
        assert!(Schema::read("{}").unwrap().judge(&json!(1)).is_ok());
    }
}
