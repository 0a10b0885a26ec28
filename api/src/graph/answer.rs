//! The answer to a request as JSON, the same over HTTP, events and WebSocket, and of bounded length.

use std::io::Write;
use std::ops::Range;

use async_graphql::Pos;
use axum::http::HeaderMap;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use crate::graph::error::{Code, Error, failure};
use crate::graph::execute::writer::PlacedError;

/// The maximum number of bytes of an answer. An answer uses memory until its client has read it.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The stage that a request reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The document, its variables or its operation name was refused.
    Refused,
    /// The operation is a mutation, which GET does not carry.
    NeedsPost,
    /// The operation is a subscription, which needs more than one answer.
    NeedsStream,
    /// The caller has no points left, or has too much at once.
    RateLimited,
    /// Execution began: the answer is a result, with or without errors.
    Executed,
}

/// The answer to a request, or one of the answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The stage that the request reached.
    pub stage: Stage,
    /// The JSON.
    pub body: Vec<u8>,
    /// The place of the list of errors in the JSON, if there are errors.
    pub errors: Option<Range<usize>>,
    /// The headers about points, for transports that have headers.
    pub headers: HeaderMap,
}

/// An error of a request that did not run.
#[derive(Debug, Clone)]
pub(crate) struct RequestError {
    /// The error.
    pub(crate) error: Error,
    /// The place of the error in the document.
    pub(crate) place: Option<Pos>,
}

impl Answer {
    /// Returns the answer to a request that did not run.
    pub(crate) fn refused(stage: Stage, errors: &[RequestError], cost: Option<usize>) -> Self {
        let mut body = vec![b'{'];
        let errors = append(&mut body, &errors);
        end(&mut body, cost);
        Self {
            stage,
            body,
            errors: Some(errors),
            headers: HeaderMap::new(),
        }
    }

    /// Returns the answer of an execution: the JSON of its data, and its errors.
    pub(crate) fn executed(data: &[u8], errors: &[PlacedError], cost: Option<usize>) -> Self {
        let mut body = Vec::with_capacity(data.len() + 64);
        body.push(b'{');
        let errors = (!errors.is_empty()).then(|| {
            let errors = append(&mut body, &errors);
            body.push(b',');
            errors
        });
        body.extend_from_slice(b"\"data\":");
        body.extend_from_slice(data);
        end(&mut body, cost);
        Self {
            stage: Stage::Executed,
            body,
            errors,
            headers: HeaderMap::new(),
        }
    }

    /// Returns the answer of an execution that failed as a whole.
    pub(crate) fn failed(error: Error, cost: Option<usize>) -> Self {
        let error = PlacedError {
            error,
            place: Pos::default(),
            path: Vec::new(),
        };
        Self::executed(b"null", &[error], cost)
    }

    /// Returns the answer to a subscription that could not begin.
    pub(crate) fn not_begun(error: Error, cost: Option<usize>) -> Self {
        Self::refused(Stage::Refused, &[RequestError { error, place: None }], cost)
    }

    /// Returns the list of errors as JSON.
    #[must_use]
    pub fn errors(&self) -> &[u8] {
        self.errors.clone().map_or(b"[]", |place| &self.body[place])
    }

    /// Returns the answer in place of one that would have too many bytes.
    pub(crate) fn too_long(cost: Option<usize>) -> Self {
        let message = format!(
            "the response has more than {MAX_ANSWER_BYTES} bytes: ask for smaller pages, or for less of \
             each node; if it was a mutation, it was done"
        );
        Self::failed(failure(Code::LimitExceeded, message), cost)
    }
}

fn end(body: &mut Vec<u8>, cost: Option<usize>) {
    if let Some(cost) = cost {
        write!(
            body,
            ",\"extensions\":{{\"cost\":{{\"requested\":{cost}}}}}"
        )
        .expect("memory takes all bytes");
    }
    body.push(b'}');
}

/// Appends the member `errors`, and returns the place of its value.
fn append(body: &mut Vec<u8>, errors: &impl Serialize) -> Range<usize> {
    body.extend_from_slice(b"\"errors\":");
    let start = body.len();
    serde_json::to_writer(&mut *body, errors).expect("errors have no keys but texts");
    start..body.len()
}

impl Serialize for RequestError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = begin(serializer, &self.error, self.place)?;
        extensions(&mut map, &self.error)?;
        map.end()
    }
}

impl Serialize for PlacedError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = (self.place.line > 0).then_some(self.place);
        let mut map = begin(serializer, &self.error, place)?;
        if !self.path.is_empty() {
            let path: Vec<_> = self.path.iter().rev().collect();
            map.serialize_entry("path", &path)?;
        }
        extensions(&mut map, &self.error)?;
        map.end()
    }
}

fn begin<S: Serializer>(
    serializer: S,
    error: &Error,
    place: Option<Pos>,
) -> Result<S::SerializeMap, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("message", &error.message)?;
    if let Some(Pos { line, column }) = place {
        map.serialize_entry("locations", &[json!({ "line": line, "column": column })])?;
    }
    Ok(map)
}

fn extensions<M: SerializeMap>(map: &mut M, error: &Error) -> Result<(), M::Error> {
    let mut extensions = serde_json::Map::new();
    extensions.insert("code".to_owned(), error.code.as_str().into());
    for (name, value) in &error.details {
        extensions.insert((*name).to_owned(), value.clone());
    }
    map.serialize_entry("extensions", &extensions)
}
