//! Tables of the decisions and transitions of an aggregate in every state, for its tests.
//!
//! A table is text: a heading, then a line for each command or event, with a cell for each state. Tests
//! compare the table with the aggregate, so that no combination can be forgotten.

use std::fmt::Display;

use crate::decider::{Decider, Rejection, fold};
use crate::event::DomainEvent;

/// Returns the result of every command after every history: the types of its events, `-` for none, or the
/// code of the rejection. The prefix that all types and codes of the aggregate share is left out.
pub(crate) fn decisions<D: Decider>(
    commands: &[D::Command],
    histories: &[Vec<D::Event>],
) -> Vec<Vec<String>> {
    rows(
        commands,
        |command| format!("{command:?}"),
        |command| {
            let decide = |history: &Vec<D::Event>| match fold(D::default(), history).decide(command)
            {
                Ok(events) if events.is_empty() => "-".to_owned(),
                Ok(events) => events
                    .iter()
                    .map(short_type::<D>)
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(rejection) => {
                    let prefix = format!("{}_", D::STREAM_TYPE).to_uppercase();
                    rejection.code().trim_start_matches(&prefix).to_owned()
                }
            };
            histories.iter().map(decide).collect()
        },
    )
}

/// Returns the status after every event after every history, in lower case, or `absent` if there is none.
pub(crate) fn transitions<D: Decider, Status: Display>(
    events: &[D::Event],
    histories: &[Vec<D::Event>],
    status: fn(&D) -> Option<Status>,
) -> Vec<Vec<String>> {
    rows(events, short_type::<D>, |event| {
        let evolve = |history: &Vec<D::Event>| {
            let after = fold(D::default(), history).evolve(event);
            status(&after).map_or("absent".to_owned(), |status| {
                status.to_string().to_lowercase()
            })
        };
        histories.iter().map(evolve).collect()
    })
}

/// Returns the rows of a table below its heading, which must name the statuses in this order.
pub(crate) fn cells(table: &str, statuses: &[&str]) -> Vec<Vec<String>> {
    let mut rows = table.trim().lines().map(|line| {
        line.split('|')
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    });
    let heading = rows.next().expect("a heading");
    assert_eq!(heading[1], "absent");
    assert_eq!(
        heading[2..],
        statuses
            .iter()
            .map(|status| status.to_lowercase())
            .collect::<Vec<_>>()
    );
    rows.collect()
}

/// Returns a row for each subject: the first word of its title, then its cells.
fn rows<Subject>(
    subjects: &[Subject],
    title: impl Fn(&Subject) -> String,
    cells: impl Fn(&Subject) -> Vec<String>,
) -> Vec<Vec<String>> {
    subjects
        .iter()
        .map(|subject| {
            let title = title(subject);
            let title = title.strip_prefix("Update(").unwrap_or(&title);
            let mut words = title.split([' ', ')']);
            let word = words.next().expect("a first word");
            std::iter::once(word.to_owned())
                .chain(cells(subject))
                .collect()
        })
        .collect()
}

fn short_type<D: Decider>(event: &D::Event) -> String {
    event
        .event_type()
        .trim_start_matches(&format!("{}_", D::STREAM_TYPE))
        .to_owned()
}
