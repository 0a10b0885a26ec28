//! The hash that shows if a command sent again under its idempotency key is the same command.
//!
//! The hash covers the organization, the use case and the arguments of the client. It leaves out what the
//! platform makes for every request: the command's id, the ids of new droplets and jobs, the actor and the
//! time. `occurred_at` is left out too: a client that does not send it gets the time of the request, which
//! differs every time. The hash must stay the same for as long as keys are kept. So it covers JSON in one
//! canonical form and never the program's own representation.

use domain::ids::OrgId;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Returns the hash of a request.
pub(crate) fn hash(org: &OrgId, use_case: &str, arguments: &Value) -> [u8; 32] {
    let mut canonical = String::new();
    write_text(&mut canonical, org.as_str());
    write_text(&mut canonical, use_case);
    write(&mut canonical, arguments);
    Sha256::digest(canonical).into()
}

/// Writes JSON with the fields of every object in the order of their names, whatever order the JSON library
/// keeps.
fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string());
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(out, item);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, field) in fields {
                write_text(out, name);
                out.push(':');
                write(out, field);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn acme() -> OrgId {
        OrgId::parse("acme").expect("a good name")
    }

    #[test]
    fn the_order_of_fields_does_not_matter_and_that_of_items_does() {
        let of = |text: &str| {
            let arguments: Value = serde_json::from_str(text).expect("it is JSON");
            hash(&acme(), "submit_job", &arguments)
        };
        assert_eq!(
            of(r#"{"a":1,"b":{"c":2,"d":3}}"#),
            of(r#"{"b":{"d":3,"c":2},"a":1}"#)
        );
        assert_ne!(of(r#"{"a":[1,2]}"#), of(r#"{"a":[2,1]}"#));
    }

    #[test]
    fn another_request_has_another_hash() {
        let base = hash(&acme(), "rename", &json!({ "name": "a" }));
        let other = OrgId::parse("other").expect("a good name");
        assert_ne!(base, hash(&other, "rename", &json!({ "name": "a" })));
        assert_ne!(base, hash(&acme(), "tag", &json!({ "name": "a" })));
        assert_ne!(base, hash(&acme(), "rename", &json!({ "name": "b" })));
        assert_ne!(base, hash(&acme(), "rename", &json!({ "name": ["a"] })));
    }

    #[test]
    fn the_hash_stays_the_same_from_version_to_version() {
        // Stored keys depend on this value.
        let hash = hash(
            &acme(),
            "tag",
            &json!({ "droplet": "1", "tag": "a\"b", "n": [null, 1.5] }),
        );
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let canonical = r#""acme""tag"{"droplet":"1","n":[null,1.5,],"tag":"a\"b",}"#;
        let expected: [u8; 32] = Sha256::digest(canonical).into();
        let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected);
    }
}
