//! The four parameters of a GraphQL request, checked for their types, for every transport.

use serde_json::{Map, Value};

use crate::admission::persisted;
use crate::graph::request::RequestInfo;
use crate::pipeline::{Carries, Request};

/// A request as GraphQL over HTTP and graphql-transport-ws both define it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Params {
    query: String,
    operation_name: Option<String>,
    variables: Map<String, Value>,
    extensions: Map<String, Value>,
}

impl Params {
    /// Reads the parameters from a JSON object. Other members are ignored. Null counts as absent for all
    /// parameters except the query.
    ///
    /// # Errors
    /// When a parameter is missing or of the wrong type. The error is a sentence for the client.
    pub(crate) fn from_json(json: Value) -> Result<Self, String> {
        let Value::Object(mut json) = json else {
            return Err(format!(
                "a request must be a JSON object with `query`, not {}; batches are not supported",
                kind(&json)
            ));
        };
        let names_a_document = json
            .get("extensions")
            .is_some_and(|extensions| !extensions[persisted::EXTENSION].is_null());
        let mut take = |name| json.remove(name).unwrap_or_default();
        let query = match take("query") {
            Value::String(query) => query,
            // A persisted query is requested by its hash.
            Value::Null if names_a_document => String::new(),
            Value::Null => return Err("`query` is missing: send the document in it".to_owned()),
            other => return Err(format!("`query` must be a string, not {}", kind(&other))),
        };
        let operation_name = match take("operationName") {
            Value::String(name) => Some(name),
            Value::Null => None,
            other => {
                return Err(format!(
                    "`operationName` must be a string, not {}",
                    kind(&other)
                ));
            }
        };
        let variables = object("variables", take("variables"))?;
        let extensions = object("extensions", take("extensions"))?;
        Ok(Self {
            query,
            operation_name,
            variables,
            extensions,
        })
    }

    /// Reads the parameters from a URL's query, where variables and extensions are JSON texts.
    ///
    /// # Errors
    /// When a parameter is missing, of the wrong type or given twice. The error is a sentence for the
    /// client.
    pub(crate) fn from_url(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let mut json = Map::new();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "query" | "operationName" => Value::String(text),
                // Some clients write absent parameters as empty ones.
                "variables" | "extensions" if text.is_empty() => Value::Null,
                "variables" | "extensions" => serde_json::from_str(&text)
                    .map_err(|error| format!("`{name}` must be a JSON object: {error}"))?,
                _ => continue,
            };
            if json.insert(name.clone(), value).is_some() {
                return Err(format!("`{name}` is given twice: give it once"));
            }
        }
        Self::from_json(Value::Object(json))
    }

    /// Returns true if the request names its document by a hash.
    pub(crate) fn names_a_document(&self) -> bool {
        self.query.is_empty() && self.extensions.contains_key(persisted::EXTENSION)
    }

    /// Returns the request.
    #[must_use]
    pub(crate) fn into_request(self, carries: Carries, info: RequestInfo) -> Request {
        Request {
            query: self.query,
            operation_name: self.operation_name,
            variables: self.variables,
            extensions: self.extensions,
            carries,
            info: Some(info),
        }
    }
}

fn object(name: &str, value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        other => Err(format!("`{name}` must be an object, not {}", kind(&other))),
    }
}

/// Returns the type of a JSON value, in words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_unknown_parameters_are_nothing() {
        let plain = Params::from_json(json!({"query": "{ a }"}));
        let nulls = json!({"query": "{ a }", "operationName": null, "variables": null,
            "extensions": null, "id": 3});
        assert_eq!(Params::from_json(nulls), plain);
        assert_eq!(
            Params::from_url(vec![("query".into(), "{ a }".into())]),
            plain
        );
    }

    #[test]
    fn every_parameter_has_its_type() {
        for (wrong, complaint) in [
            (
                json!([{"query": "{ a }"}]),
                "not an array; batches are not supported",
            ),
            (json!({}), "`query` is missing"),
            (
                json!({"query": 1}),
                "`query` must be a string, not a number",
            ),
            (
                json!({"query": "", "operationName": true}),
                "`operationName` must be a string",
            ),
            (
                json!({"query": "", "variables": []}),
                "`variables` must be an object, not an array",
            ),
            (
                json!({"query": "", "extensions": "x"}),
                "`extensions` must be an object",
            ),
        ] {
            let refused = Params::from_json(wrong).unwrap_err();
            assert!(refused.contains(complaint), "{refused}");
        }
    }

    #[test]
    fn a_parameter_of_a_url_is_given_once_and_decoded() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let params = Params::from_url(vec![
            pair("query", "{ a }"),
            pair("variables", r#"{"a":1}"#),
        ]);
        assert_eq!(params.unwrap().variables["a"], 1);
        let empty = Params::from_url(vec![
            pair("query", "{ a }"),
            pair("operationName", ""),
            pair("variables", ""),
            pair("extensions", ""),
        ]);
        assert!(empty.unwrap().variables.is_empty());
        let twice = Params::from_url(vec![pair("query", "{ a }"), pair("query", "{ b }")]);
        assert_eq!(twice.unwrap_err(), "`query` is given twice: give it once");
        let broken = Params::from_url(vec![pair("query", "{ a }"), pair("variables", "{")]);
        assert!(
            broken
                .unwrap_err()
                .starts_with("`variables` must be a JSON object: ")
        );
    }
}
