//! JSON, read strictly (RFC 8259 with the uniqueness that I-JSON, RFC 7493 section 2.3, demands).
//!
//! Two readers may pick different ones of duplicate members: such a text is refused at every level.

use core::cell::RefCell;
use core::fmt;

use postern_refusal::Refusal;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
pub use serde_json::Value;

/// A JSON object without duplicate members.
pub type Object = serde_json::Map<String, Value>;

/// Deepest nesting of objects and arrays.
pub const MAX_DEPTH: usize = 16;

/// Reads an object.
///
/// # Errors
/// `json.malformed`, `json.duplicate-member`, `json.too-deep`, `json.not-object`, naming `element`.
pub fn read_object(element: &str, bytes: &[u8]) -> Result<Object, Refusal> {
    let refusal = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0, refusal: &refusal }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match (value, refusal.into_inner()) {
        (_, Some(refusal)) => Err(refusal),
        (Ok(Value::Object(object)), None) => Ok(object),
        (Ok(_), None) => Err(Refusal::misbehaved("json.not-object").at(element).expected("a JSON object")),
        // The parser's message may quote what came, which may be a secret: only the place is told.
        (Err(error), None) => Err(Refusal::misbehaved("json.malformed")
            .at(element)
            .expected("JSON")
            .found(&format!("an error in line {}, column {}", error.line(), error.column()))),
    }
}

struct Strict<'a> {
    depth: usize,
    refusal: &'a RefCell<Option<Refusal>>,
}

impl Strict<'_> {
    fn deeper<E: Error>(&self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(self.refuse(Refusal::misbehaved("json.too-deep").expected("16 levels at most")));
        }
        Ok(Self { depth, refusal: self.refusal })
    }

    fn refuse<E: Error>(&self, refusal: Refusal) -> E {
        self.refusal.replace(Some(refusal));
        E::custom("refused")
    }

    fn again(&self) -> Self {
        Self { depth: self.depth, refusal: self.refusal }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element_seed(inner.again())? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Object::new();
        while let Some(name) = map.next_key::<String>()? {
            if object.contains_key(&name) {
                let refusal = Refusal::misbehaved("json.duplicate-member").at(&name);
                return Err(self.refuse(refusal.expected("the member once")));
            }
            let value = map.next_value_seed(inner.again())?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        read_object("x", text.as_bytes()).map(|_| "accepted").unwrap_or_else(|refusal| refusal.code)
    }

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,true,null,"\u00e4"],"b":{"c":1.5}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(read_object("x", text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn duplicates_are_refused_at_every_level() {
        assert_eq!(code(r#"{"a":1,"a":1}"#), "json.duplicate-member");
        assert_eq!(code(r#"{"a":1,"\u0061":1}"#), "json.duplicate-member");
        assert_eq!(code(r#"{"a":[{"b":{"c":1,"c":2}}]}"#), "json.duplicate-member");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(code("[1]"), "json.not-object");
        assert_eq!(code("{} {}"), "json.malformed");
        assert_eq!(code("{\"a\":1e999}"), "json.malformed");
        assert_eq!(code("{\"a\":\"\u{1}\"}"), "json.malformed");
        assert_eq!(code(&format!("{{\"a\":{}{}}}", "[".repeat(16), "]".repeat(16))), "json.too-deep");
        assert_eq!(code(&format!("{{\"a\":{}{}}}", "[".repeat(15), "]".repeat(15))), "accepted");
        assert_eq!(code(&"[".repeat(100_000)), "json.too-deep");
    }
}
