//! Reads Kafka by an independent program, `kcat`, if it is installed.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

use super::kafka::{Message, STREAM_TYPES};
use crate::process::on_path;
use crate::servers::kafka::topic;

/// The output format of a message.
const FORMAT: &str = "%p %o %k %h\\n";

/// Reads every committed message with kcat and keeps its output in the directory; `None` without kcat.
///
/// # Errors
/// When kcat fails, or prints a line that is not an event.
pub(crate) async fn committed(
    brokers: &str,
    folder: &Path,
) -> anyhow::Result<Option<Vec<Message>>> {
    let Some(kcat) = on_path("kcat") else {
        return Ok(None);
    };
    let mut messages = Vec::new();
    for stream_type in STREAM_TYPES {
        let file = folder.join(format!("kcat-{stream_type}.txt"));
        let status = Command::new(&kcat)
            .args(arguments(brokers, stream_type))
            .stdin(Stdio::null())
            .stdout(fs::File::create(&file)?)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await?;
        anyhow::ensure!(status.success(), "kcat ended with {status}");
        for line in fs::read_to_string(&file)?.lines() {
            let message = message(stream_type, line);
            messages.push(message.with_context(|| format!("kcat printed no event: {line}"))?);
        }
    }
    Ok(Some(messages))
}

/// The command line of kcat, for people.
pub(crate) fn command(brokers: &str) -> String {
    let arguments = arguments(brokers, "TYPE").join(" ");
    format!("kcat {}", arguments.replace(FORMAT, "'%p %o %k %h\\n'"))
}

fn arguments(brokers: &str, stream_type: &str) -> [String; 10] {
    [
        "-C",
        "-e",
        "-q",
        "-b",
        brokers,
        "-X",
        "isolation.level=read_committed",
        &format!("-t{}", topic(stream_type)),
        "-f",
        FORMAT,
    ]
    .map(str::to_owned)
}

fn message(stream_type: &'static str, line: &str) -> Option<Message> {
    let mut fields = line.splitn(4, ' ');
    let partition = fields.next()?.parse().ok()?;
    let offset = fields.next()?.parse().ok()?;
    let key = fields.next()?.to_owned();
    let headers = fields.next()?;
    let number = |name: &str| {
        let (_, rest) = headers.split_once(&format!(",{name}="))?;
        rest.split(',').next()?.parse::<i64>().ok()
    };
    Some(Message {
        stream_type,
        partition,
        offset,
        key,
        position: number("ce_position")?,
        version: number("ce_streamversion")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_kcat_is_a_message() {
        let line = "3 17 abc ce_specversion=1.0,ce_position=42,ce_previous=7,ce_streamversion=2,\
                    ce_metadata={\"a\":1,\"b\":2}";
        let read = message("job", line).unwrap();
        assert_eq!(
            (read.partition, read.offset, read.position, read.version),
            (3, 17, 42, 2)
        );
        assert_eq!(read.key, "abc");
        assert_eq!(message("job", "3 17 abc ce_position=x"), None);
    }
}
