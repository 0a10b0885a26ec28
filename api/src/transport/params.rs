//! The four parameters of a GraphQL request, checked for their types, for every transport.
//!
//! The JSON of clients is parsed as `JsonValue`. `serde_json::Value` replaces an object with the name
//! `$serde_json::private::RawValue` by the value that the text below this name has.

use apollo_compiler::response::{JsonMap, JsonValue};

use crate::admission::persisted;
use crate::graph::request::RequestInfo;
use crate::pipeline::{Carries, Request};

/// A request as GraphQL over HTTP and graphql-transport-ws both define it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Params {
    query: String,
    operation_name: Option<String>,
    variables: JsonMap,
    extensions: JsonMap,
}

impl Params {
    /// Reads the parameters from a JSON object. Other members are ignored. Null counts as absent for all
    /// parameters except the query.
    ///
    /// # Errors
    /// When a parameter is missing or of the wrong type. The error is a sentence for the client.
    pub(crate) fn from_json(json: JsonValue) -> Result<Self, String> {
        let JsonValue::Object(mut json) = json else {
            return Err(format!(
                "a request must be a JSON object with `query`, not {}; batches are not supported",
                kind(&json)
            ));
        };
        let mut take = |name| json.remove(name).unwrap_or_default();
        let extensions = object("extensions", take("extensions"))?;
        let query = match take("query") {
            JsonValue::String(query) => query.as_str().to_owned(),
            // A persisted query is requested by its hash.
            JsonValue::Null if persisted::is_named(&extensions) => String::new(),
            JsonValue::Null => return Err("`query` is missing: send the document in it".to_owned()),
            other => return Err(format!("`query` must be a string, not {}", kind(&other))),
        };
        let operation_name = match take("operationName") {
            JsonValue::String(name) => Some(name.as_str().to_owned()),
            JsonValue::Null => None,
            other => {
                return Err(format!(
                    "`operationName` must be a string, not {}",
                    kind(&other)
                ));
            }
        };
        let variables = object("variables", take("variables"))?;
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
        let mut json = JsonMap::new();
        for (name, text) in pairs {
            let value = match name.as_str() {
                "query" | "operationName" => JsonValue::String(text.into()),
                // Some clients write absent parameters as empty ones.
                "variables" | "extensions" if text.is_empty() => JsonValue::Null,
                "variables" | "extensions" => serde_json::from_str(&text)
                    .map_err(|error| format!("`{name}` must be a JSON object: {error}"))?,
                _ => continue,
            };
            if json.insert(name.as_str(), value).is_some() {
                return Err(format!("`{name}` is given twice: give it once"));
            }
        }
        Self::from_json(JsonValue::Object(json))
    }

    /// Returns true if the request names its document by a hash.
    pub(crate) fn names_a_document(&self) -> bool {
        self.query.is_empty() && persisted::is_named(&self.extensions)
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

fn object(name: &str, value: JsonValue) -> Result<JsonMap, String> {
    match value {
        JsonValue::Object(object) => Ok(object),
        JsonValue::Null => Ok(JsonMap::new()),
        other => Err(format!("`{name}` must be an object, not {}", kind(&other))),
    }
}

/// Returns the type of a JSON value, in words.
fn kind(value: &JsonValue) -> &'static str {
    match value {
        JsonValue::Null => "null",
        JsonValue::Bool(_) => "a boolean",
        JsonValue::Number(_) => "a number",
        JsonValue::String(_) => "a string",
        JsonValue::Array(_) => "an array",
        JsonValue::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn from_json(json: Value) -> Result<Params, String> {
        Params::from_json(json.into())
    }

    #[test]
    fn null_and_unknown_parameters_are_nothing() {
        let plain = from_json(json!({"query": "{ a }"}));
        let nulls = json!({"query": "{ a }", "operationName": null, "variables": null,
            "extensions": null, "id": 3});
        let unnamed = from_json(json!({"query": "{ a }", "extensions": {"persistedQuery": null}}));
        assert!(!unnamed.unwrap().names_a_document());
        assert_eq!(from_json(nulls), plain);
        assert_eq!(
            Params::from_url(vec![("query".into(), "{ a }".into())]),
            plain
        );
    }

    #[test]
    fn names_of_the_library_are_names_like_others() {
        let text =
            r#"{"query": "{ a }", "variables": {"a": {"$serde_json::private::RawValue": "[1]"}}}"#;
        let parsed = serde_json::from_str(text).expect("is JSON");
        let variables = Params::from_json(parsed).expect("is a request").variables;
        assert_eq!(variables["a"]["$serde_json::private::RawValue"], "[1]");
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
            let refused = from_json(wrong).unwrap_err();
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
