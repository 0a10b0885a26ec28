//! Compares one message with the event that the log has at its position.

use std::borrow::Cow;

use event_store::audit::finding::Difference;
use event_store::cloudevent::{self, Topics};
use event_store::envelope::{Position, Positioned, StoredEvent};
use event_store::incarnation::{IncarnationId, Lineage};
use rdkafka::message::{Headers, Message, OwnedMessage};

/// The most characters of what is expected or found, in a difference.
const SHOWN: usize = 300;

/// Returns the position that a message names.
pub(super) fn position(message: &OwnedMessage) -> Option<Position> {
    let headers = message.headers()?;
    let header = headers.iter().find(|header| header.key == "ce_position")?;
    let text = std::str::from_utf8(header.value?).ok()?;
    text.parse().ok().map(Position)
}

/// Returns the incarnation that a message names, if it names any.
///
/// # Errors
/// The text that is no id.
fn incarnation(message: &OwnedMessage) -> Result<Option<IncarnationId>, String> {
    let headers = message.headers();
    let header =
        headers.and_then(|headers| headers.iter().find(|h| h.key == cloudevent::INCARNATION));
    let Some(header) = header else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
    match text.parse() {
        Ok(id) => Ok(Some(IncarnationId(id))),
        Err(_) => Err(text),
    }
}

/// Compares a message with the event of the log at the position that it names. The position of the event
/// before that one in its shard is compared too. The incarnation that published it may be an earlier one, if the log
/// kept the position. Returns the difference, if there is any.
pub(super) fn compare(
    topics: &Topics,
    lineage: &Lineage,
    message: &OwnedMessage,
    here: Option<&(Positioned<StoredEvent>, Position)>,
) -> Option<Difference> {
    let Some((event, previous)) = here else {
        let named = position(message);
        return Some(Difference {
            position: named,
            expected: match named {
                Some(_) => "no message, because the log has no such position".to_owned(),
                None => "a message whose header ce_position names a position".to_owned(),
            },
            found: "a message".to_owned(),
            place: Some(place(message)),
            ..Difference::default()
        });
    };
    let incarnation = match incarnation(message) {
        Ok(incarnation) => incarnation,
        Err(found) => return Some(differs(event, message, "the id of an incarnation", &found)),
    };
    if let Err(lost) = lineage.check_position(incarnation, event.position) {
        let expected = "an incarnation of the log that gave it this position";
        return Some(differs(event, message, expected, &lost.to_string()));
    }
    let expected = match cloudevent::encode(topics, event, *previous, incarnation) {
        Ok(expected) => expected,
        Err(error) => {
            let expected = "a message that can be made of the event";
            return Some(differs(event, message, expected, &error.to_string()));
        }
    };
    let expected = parts(&expected);
    let found = parts_of(message);
    for nth in 0..expected.len().max(found.len()) {
        let (expected, found) = (expected.get(nth), found.get(nth));
        if expected != found {
            return Some(differs(event, message, &show(expected), &show(found)));
        }
    }
    None
}

/// Checks that a correct message is the only one of its event. Checks also that it comes after `before`,
/// the highest position of the messages before it in its partition. Returns the difference, if there is
/// any.
pub(super) fn out_of_line(
    message: &OwnedMessage,
    event: &Positioned<StoredEvent>,
    is_new: bool,
    before: Position,
) -> Option<Difference> {
    if !is_new {
        return Some(differs(event, message, "one message", "one more"));
    }
    let position = event.position;
    if position <= before {
        let (expected, found) = (
            format!("a position after {before}, which came before it in its partition"),
            format!("position {position}"),
        );
        return Some(differs(event, message, &expected, &found));
    }
    None
}

fn differs(
    event: &Positioned<StoredEvent>,
    message: &OwnedMessage,
    expected: &str,
    found: &str,
) -> Difference {
    Difference {
        position: Some(event.position),
        stream: Some(event.event.stream.uuid),
        version: Some(event.event.version),
        expected: expected.to_owned(),
        found: found.to_owned(),
        place: Some(place(message)),
    }
}

fn place(message: &OwnedMessage) -> String {
    format!(
        "{}/{} offset {}",
        message.topic(),
        message.partition(),
        message.offset()
    )
}

type Part<'a> = (String, Cow<'a, [u8]>);

/// Splits a message into everything that it consists of, in order.
fn parts(message: &cloudevent::Message) -> Vec<Part<'_>> {
    let partition = format!("{}/{}", message.topic, message.partition);
    let mut parts: Vec<Part<'_>> = vec![
        ("partition".to_owned(), Cow::Owned(partition.into_bytes())),
        ("key".to_owned(), Cow::Borrowed(message.key.as_bytes())),
        ("value".to_owned(), Cow::Borrowed(message.value.as_bytes())),
    ];
    parts.extend(
        message
            .headers
            .iter()
            .map(|(name, value)| (format!("header {name}"), Cow::Borrowed(value.as_bytes()))),
    );
    parts
}

fn parts_of(message: &OwnedMessage) -> Vec<Part<'_>> {
    let partition = format!("{}/{}", message.topic(), message.partition());
    let mut parts: Vec<Part<'_>> = vec![
        ("partition".to_owned(), Cow::Owned(partition.into_bytes())),
        (
            "key".to_owned(),
            Cow::Borrowed(message.key().unwrap_or_default()),
        ),
        (
            "value".to_owned(),
            Cow::Borrowed(message.payload().unwrap_or_default()),
        ),
    ];
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    parts.extend(headers.map(|header| {
        let value = Cow::Borrowed(header.value.unwrap_or_default());
        (format!("header {}", header.key), value)
    }));
    parts
}

fn show(part: Option<&Part<'_>>) -> String {
    let Some((name, bytes)) = part else {
        return "no further header".to_owned();
    };
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("the {name} `{shown}`")
}
