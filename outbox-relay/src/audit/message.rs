//! One message against the event that the log has at its position.

use std::borrow::Cow;

use event_store::audit::finding::Difference;
use event_store::cloudevent::{self, RELEASED_BEHIND, Topics};
use event_store::envelope::{Position, Positioned, StoredEvent, Version};
use rdkafka::message::{Headers, Message, OwnedMessage};

/// Characters at most of what is expected or found, in a difference.
const SHOWN: usize = 300;

/// Whether a message is what it must be.
pub(super) enum Verdict {
    /// Byte for byte.
    Same {
        /// If it was published late, because its stream was held back: up to where Kafka had the log then.
        behind: Option<Position>,
    },
    Differs(Difference),
}

/// The position that a message names.
pub(super) fn position(message: &OwnedMessage) -> Option<Position> {
    let headers = message.headers()?;
    let header = headers.iter().find(|header| header.key == "ce_position")?;
    let text = std::str::from_utf8(header.value?).ok()?;
    text.parse().ok().map(Position)
}

/// Compares a message with the event of the log at the position that it names, and the position of the
/// event before that one in its shard.
pub(super) fn compare(
    topics: &Topics,
    message: &OwnedMessage,
    here: Option<&(Positioned<StoredEvent>, Position)>,
) -> Verdict {
    let Some((event, previous)) = here else {
        let named = position(message);
        return Verdict::Differs(Difference {
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
    let expected = match cloudevent::encode(topics, event, *previous) {
        Ok(expected) => expected,
        Err(error) => {
            let expected = "a message that can be made of the event";
            return differs(event, message, expected, &error.to_string());
        }
    };
    let expected = parts(&expected);
    let found = parts_of(message);
    // Says how the message came to be where it is, and nothing about the event.
    let late = format!("header {RELEASED_BEHIND}");
    let (late, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|(name, _)| *name == late);
    for nth in 0..expected.len().max(found.len()) {
        let (expected, found) = (expected.get(nth), found.get(nth));
        if expected != found {
            return differs(event, message, &show(expected), &show(found));
        }
    }
    let Some((_, behind)) = late.first() else {
        return Verdict::Same { behind: None };
    };
    let behind = String::from_utf8_lossy(behind);
    match behind.parse().map(Position) {
        Ok(behind) if behind >= event.position => Verdict::Same {
            behind: Some(behind),
        },
        _ => {
            let expected = format!("{RELEASED_BEHIND} from {} on", event.position);
            differs(event, message, &expected, &format!("`{behind}`"))
        }
    }
}

/// Whether a message that is what it must be is there once too often or in the wrong order of its
/// stream, of which the version `before` came last.
pub(super) fn out_of_line(
    message: &OwnedMessage,
    event: &Positioned<StoredEvent>,
    is_new: bool,
    before: Version,
) -> Option<Difference> {
    let difference = |expected: &str, found: &str| match differs(event, message, expected, found) {
        Verdict::Differs(difference) => Some(difference),
        Verdict::Same { .. } => None,
    };
    if !is_new {
        return difference("one message", "one more");
    }
    let version = event.event.version;
    if version <= before {
        let (expected, found) = (
            format!("a version after {before}, which came before it"),
            format!("version {version}"),
        );
        return difference(&expected, &found);
    }
    None
}

fn differs(
    event: &Positioned<StoredEvent>,
    message: &OwnedMessage,
    expected: &str,
    found: &str,
) -> Verdict {
    Verdict::Differs(Difference {
        position: Some(event.position),
        stream: Some(event.event.stream.uuid),
        version: Some(event.event.version),
        expected: expected.to_owned(),
        found: found.to_owned(),
        place: Some(place(message)),
    })
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

/// Everything that a message consists of, in order.
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
