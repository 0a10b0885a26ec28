//! A GraphQL response as JSON, the same over HTTP and WebSocket.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use serde::Serialize;

use crate::execution::Stage;

/// A response's JSON. A request error has no `data`, not even null; a result always has.
#[derive(Serialize)]
pub(crate) struct ResponseBody<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

impl<'a> ResponseBody<'a> {
    /// The body of a response to a request that got this far.
    pub(crate) fn new(response: &'a Response, stage: Stage) -> Self {
        Self {
            errors: &response.errors,
            data: (stage == Stage::Executing).then_some(&response.data),
            extensions: &response.extensions,
        }
    }
}
