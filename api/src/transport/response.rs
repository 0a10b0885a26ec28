//! A GraphQL response as JSON, the same over HTTP, events and WebSocket, and of bounded length.

use std::collections::BTreeMap;
use std::io::{self, Write};

use async_graphql::{Response, ServerError, Value};
use serde::Serialize;

use crate::graph::error::{Code, failure};
use crate::graph::execution::Stage;

/// The maximum number of bytes of a response. A response uses memory until its client has read it.
pub const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Returns the JSON of a response to a request that reached this stage. A response of more than
/// [`MAX_RESPONSE_BYTES`] is replaced by an error that says so, in `response` and in the returned text.
pub(crate) fn json(response: &mut Response, stage: Stage) -> String {
    if let Some(json) = within(response, stage, MAX_RESPONSE_BYTES) {
        return json;
    }
    let message = format!(
        "the response has more than {MAX_RESPONSE_BYTES} bytes: ask for smaller pages, or for less \
         of each node; if it was a mutation, it was done"
    );
    let mut error = failure(Code::LimitExceeded, message).into_server_error(Default::default());
    error.locations.clear();
    response.errors = vec![error];
    response.data = Value::Null;
    within(response, stage, usize::MAX).expect("nothing has more bytes than there can be")
}

/// Returns the JSON of a response, if it has at most this many bytes.
fn within(response: &Response, stage: Stage, bytes: usize) -> Option<String> {
    let mut json = Bounded {
        written: Vec::new(),
        left: bytes,
    };
    // All keys are text, so nothing but the bound ends the writing.
    serde_json::to_writer(&mut json, &ResponseBody::new(response, stage)).ok()?;
    Some(String::from_utf8(json.written).expect("JSON is UTF-8"))
}

/// The JSON of a response. A request error has no `data`, not even null; a result always has `data`.
#[derive(Serialize)]
struct ResponseBody<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

impl<'a> ResponseBody<'a> {
    fn new(response: &'a Response, stage: Stage) -> Self {
        Self {
            errors: &response.errors,
            data: (stage == Stage::Executing).then_some(&response.data),
            extensions: &response.extensions,
        }
    }
}

/// A writer that rejects more bytes than it may hold.
struct Bounded {
    written: Vec<u8>,
    left: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len());
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    #[test]
    fn a_response_may_have_as_many_bytes_as_are_allowed_and_no_more() {
        let response = Response::new(value!({ "a": "é\n" }));
        let json = r#"{"data":{"a":"é\n"}}"#;
        assert_eq!(
            within(&response, Stage::Executing, json.len()).as_deref(),
            Some(json)
        );
        assert_eq!(within(&response, Stage::Executing, json.len() - 1), None);
    }

    #[test]
    fn one_that_is_too_long_keeps_its_extensions() {
        let mut response = Response::new(value!({ "a": "x".repeat(MAX_RESPONSE_BYTES) }));
        response.extensions.insert("cost".to_owned(), value!(3));
        let told: serde_json::Value =
            serde_json::from_str(&json(&mut response, Stage::Executing)).unwrap();
        assert_eq!(told["data"], serde_json::Value::Null);
        assert_eq!(told["extensions"]["cost"], 3);
        assert_eq!(told["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
        assert_eq!(response.errors.len(), 1);
    }
}
