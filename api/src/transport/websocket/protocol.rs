//! The messages of `graphql-transport-ws` as text, and the endings of a connection.

use std::borrow::Cow;
use std::fmt;

use apollo_compiler::response::{JsonMap, JsonValue};
use axum::extract::ws::{CloseFrame, Message};
use serde::{Deserialize, Serialize};

use crate::graph::answer::Answer;
use crate::transport::params::Params;

/// The maximum number of bytes of a close reason: a control frame has 125, two of them for the code.
const MAX_REASON_BYTES: usize = 123;

/// The maximum number of bytes of an operation's id, which every message of the operation repeats.
const MAX_ID_BYTES: usize = 255;

/// A message of a client.
#[derive(Debug, PartialEq)]
pub(super) enum ClientMessage {
    /// The first message, with the `authorization` of its payload.
    Init { authorization: Option<String> },
    /// A ping, whose payload is returned.
    Ping { payload: Option<JsonValue> },
    /// The answer to a ping of the server.
    Pong,
    /// A new operation.
    Subscribe { id: String, params: Params },
    /// The client's end of this operation.
    Complete { id: String },
}

impl ClientMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// The ending of the connection, when the text is not a message of the protocol.
    pub(super) fn parse(text: &str) -> Result<Self, Ending> {
        let json: JsonValue = serde_json::from_str(text)
            .map_err(|error| Ending::invalid(format!("a message must be JSON: {error}")))?;
        let JsonValue::Object(mut message) = json else {
            return Err(Ending::invalid("a message must be a JSON object"));
        };
        let kind = match message.get("type") {
            Some(JsonValue::String(kind)) => kind.as_str().to_owned(),
            _ => return Err(Ending::invalid("a message must have a `type`, a string")),
        };
        match kind.as_str() {
            "connection_init" => {
                let payload = payload(&mut message)?;
                Ok(Self::Init {
                    authorization: payload.and_then(|payload| authorization(&payload)),
                })
            }
            "ping" => Ok(Self::Ping {
                payload: payload(&mut message)?.map(JsonValue::Object),
            }),
            "pong" => payload(&mut message).map(|_| Self::Pong),
            "subscribe" => {
                let id = id(&mut message)?;
                let params = Params::from_json(message.remove("payload").unwrap_or_default())
                    .map_err(|wrong| Ending::invalid(format!("payload of subscribe: {wrong}")))?;
                Ok(Self::Subscribe { id, params })
            }
            "complete" => Ok(Self::Complete {
                id: id(&mut message)?,
            }),
            _ => Err(Ending::invalid(format!("unknown message type {kind:?}"))),
        }
    }
}

/// Returns the id of a message that begins an operation, without parsing its payload.
pub(super) fn subscribed(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "type")]
        kind: String,
        id: String,
    }
    let head: Head = serde_json::from_str(text).ok()?;
    (head.kind == "subscribe" && is_id(&head.id)).then_some(head.id)
}

/// The ending of a connection.
#[derive(Debug, PartialEq)]
pub(super) enum Ending {
    /// The server closes the connection, with a code and a reason.
    Closed {
        code: u16,
        reason: Cow<'static, str>,
    },
    /// The client closed the connection, or cannot be reached.
    Gone,
}

impl Ending {
    /// Returns the ending by the server, with this code of the protocol (44xx) or of WebSockets (10xx).
    pub(super) const fn closed(code: u16, reason: &'static str) -> Self {
        Self::Closed {
            code,
            reason: Cow::Borrowed(reason),
        }
    }

    /// Returns the ending for an invalid message of the client.
    pub(super) fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Closed {
            code: 4400,
            reason: why.into(),
        }
    }

    /// Returns the ending for a client without access.
    pub(super) fn forbidden(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Closed {
            code: 4403,
            reason: why.into(),
        }
    }

    /// Returns the ending for a client that does not read its results. Code 1013 makes clients reconnect
    /// after a while.
    pub(super) const fn slow_consumer() -> Self {
        Self::closed(
            1013,
            "slow consumer: reconnect and resume after your last cursor",
        )
    }

    /// Returns the ending for a client whose connections together have too much unread.
    pub(super) const fn too_much_unread() -> Self {
        Self::closed(
            1013,
            "too much unread on all your connections: read it, reconnect, resume after your last cursor",
        )
    }

    /// Returns the ending for a client whose principal or organization has too many connections.
    pub(super) fn too_many(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Closed {
            code: 1013,
            reason: why.into(),
        }
    }

    /// Returns the code of the ending, for metrics; 1006 is the code of WebSockets for "no close frame".
    pub(super) const fn code(&self) -> u16 {
        match self {
            Self::Closed { code, .. } => *code,
            Self::Gone => 1006,
        }
    }

    /// Returns the close frame for the client, if the server closes the connection. A reason that is too
    /// long for a frame is cut between characters.
    pub(super) fn close_frame(&self) -> Option<CloseFrame> {
        let Self::Closed { code, reason } = self else {
            return None;
        };
        let end = (0..=reason.len().min(MAX_REASON_BYTES))
            .rev()
            .find(|end| reason.is_char_boundary(*end))
            .unwrap_or_default();
        Some(CloseFrame {
            code: *code,
            reason: reason[..end].into(),
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } => write!(formatter, "{code} {reason}"),
            Self::Gone => formatter.write_str("the client is gone"),
        }
    }
}

/// Returns the message that accepts the connection.
pub(super) fn connection_ack() -> Message {
    text(&ServerMessage::<()> {
        id: None,
        kind: "connection_ack",
        payload: None,
    })
}

/// Returns the message that asks the client for a pong.
pub(super) fn ping() -> Message {
    text(&ServerMessage::<()> {
        id: None,
        kind: "ping",
        payload: None,
    })
}

/// Returns the answer to the client's ping.
pub(super) fn pong(payload: Option<&JsonValue>) -> Message {
    text(&ServerMessage {
        id: None,
        kind: "pong",
        payload,
    })
}

/// Returns the message with one answer of an operation.
pub(super) fn next(id: &str, answer: &Answer) -> Message {
    carrying(id, "next", &answer.body)
}

/// Returns the end of an operation that did not reach a result.
pub(super) fn error(id: &str, answer: &Answer) -> Message {
    carrying(id, "error", answer.errors())
}

fn carrying(id: &str, kind: &str, payload: &[u8]) -> Message {
    let id = serde_json::Value::from(id).to_string();
    let mut text = Vec::with_capacity(payload.len() + id.len() + 40);
    text.extend_from_slice(br#"{"id":"#);
    text.extend_from_slice(id.as_bytes());
    text.extend_from_slice(br#","type":""#);
    text.extend_from_slice(kind.as_bytes());
    text.extend_from_slice(br#"","payload":"#);
    text.extend_from_slice(payload);
    text.push(b'}');
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    Message::Text(text.into())
}

/// Returns the end of an operation after its last result.
pub(super) fn complete(id: &str) -> Message {
    text(&ServerMessage::<()> {
        id: Some(id),
        kind: "complete",
        payload: None,
    })
}

#[derive(Serialize)]
struct ServerMessage<'a, P> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<P>,
}

fn text(message: &impl Serialize) -> Message {
    let text = serde_json::to_string(message);
    Message::Text(
        text.expect("messages have text keys only, so they are JSON")
            .into(),
    )
}

/// Removes the payload from a message in which it may be any object.
fn payload(message: &mut JsonMap) -> Result<Option<JsonMap>, Ending> {
    match message.remove("payload") {
        None | Some(JsonValue::Null) => Ok(None),
        Some(JsonValue::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err(Ending::invalid("`payload` must be an object")),
    }
}

fn id(message: &mut JsonMap) -> Result<String, Ending> {
    match message.remove("id") {
        Some(JsonValue::String(id)) if is_id(id.as_str()) => Ok(id.as_str().to_owned()),
        _ => Err(Ending::invalid(
            "`id` must be a string of 1 to 255 bytes without control characters",
        )),
    }
}

/// Returns true for a valid id. The log has ids, so none may break a line.
fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && !id.chars().any(char::is_control)
}

/// Returns the authorization in the payload of an init, in any case of the name: it is a header's name
/// elsewhere, and headers ignore case.
fn authorization(payload: &JsonMap) -> Option<String> {
    payload
        .iter()
        .find(|(name, _)| name.as_str().eq_ignore_ascii_case("authorization"))
        .and_then(|(_, value)| value.as_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_its_frame_and_stays_text() {
        let frame = Ending::invalid("ü".repeat(100)).close_frame().unwrap();
        assert_eq!(frame.reason.as_str(), "ü".repeat(61));
        let short = Ending::closed(4401, "Unauthorized").close_frame().unwrap();
        assert_eq!((short.code, short.reason.as_str()), (4401, "Unauthorized"));
        for ending in [Ending::slow_consumer(), Ending::too_much_unread()] {
            let whole = ending.to_string();
            assert!(whole.ends_with(ending.close_frame().unwrap().reason.as_str()));
            assert!(whole.len() <= MAX_REASON_BYTES + "1013 ".len(), "{whole}");
        }
    }

    #[test]
    fn what_is_no_message_is_4400() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":3}"#,
            r#"{"type":"start","id":"1"}"#,
            r#"{"type":"connection_init","payload":"token"}"#,
            r#"{"type":"ping","payload":[]}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#,
            &format!(
                r#"{{"type":"subscribe","id":"{}","payload":{{"query":"{{ a }}"}}}}"#,
                "x".repeat(256)
            ),
            r#"{"type":"subscribe","id":"a\nb","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":7,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"","variables":[]}}"#,
            r#"{"type":"complete"}"#,
        ] {
            assert_eq!(
                ClientMessage::parse(text).unwrap_err().code(),
                4400,
                "{text}"
            );
        }
    }

    #[test]
    fn the_name_authorization_ignores_case() {
        let init = ClientMessage::parse(
            r#"{"type":"connection_init","payload":{"Authorization":"Bearer x"}}"#,
        );
        assert_eq!(
            init,
            Ok(ClientMessage::Init {
                authorization: Some("Bearer x".to_owned())
            })
        );
    }
}
