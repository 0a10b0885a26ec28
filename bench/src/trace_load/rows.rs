//! Reads a whole cluster trace before any other step.
//!
//! Columns are found by their names in the header; other columns are ignored. Numbers and missing values may be
//! written as pandas writes them: `427061.0` and `NaN`.

use std::collections::HashMap;
use std::str::FromStr;

use csv::StringRecord;
use domain::name::DropletName;
use domain::tag::Tag;

/// The columns that a trace must have.
pub(super) const COLUMNS: [&str; 8] = [
    "name",
    "cpu_milli",
    "memory_mib",
    "qos",
    "pod_phase",
    "creation_time",
    "deletion_time",
    "scheduled_time",
];

/// The texts, in lower case, that stand for a missing value in files of pandas and other tools.
const MISSING: [&str; 17] = [
    "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "\\n",
    "n/a", "na", "nan", "nat", "none", "null", "nil",
];

/// Separators of other dialects of CSV, with their names.
const OTHER_SEPARATORS: [(char, &str); 3] = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")];

/// A task of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The task's name, unique in the file.
    pub(super) name: DropletName,
    /// Thousandths of a processor that the task requested.
    pub(super) cpu_milli: u32,
    /// Memory in MiB that the task requested.
    pub(super) memory_mib: u32,
    /// The quality of service, as a tag `qos:<qos>`.
    pub(super) qos: Tag,
    /// The last phase of the task.
    pub(super) phase: Phase,
    /// Seconds from the start of the trace until the creation of the task.
    pub(super) created: u32,
    /// Seconds from the start of the trace until the task got a machine; `None` for a task that never ran.
    pub(super) scheduled: Option<u32>,
    /// Seconds from the start of the trace until the end of the task, or of the trace.
    pub(super) deleted: u32,
}

/// The last known phase of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Running, until the task was evicted or the trace ended.
    Running,
    /// Success.
    Succeeded,
    /// Failure.
    Failed,
    /// Pending: the task never ran.
    Pending,
}

/// The reason for which a file is not a valid trace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTrace {
    /// Missing columns.
    #[error(
        "line {line}: the header lacks the columns {missing}: a trace has at least {}",
        COLUMNS.join(", ")
    )]
    Header { line: u64, missing: String },
    /// A header whose columns another character separates.
    #[error(
        "line {line}: the columns are separated by {separator}: write the file with commas, in pandas by \
         `to_csv(..., sep=\",\")`"
    )]
    Separator { line: u64, separator: &'static str },
    /// A needed column that occurs twice.
    #[error("line {line}, column {column}: there is another column `{name}`: remove one of them")]
    Twice {
        line: u64,
        column: usize,
        name: &'static str,
    },
    /// A value that its column cannot hold.
    #[error("line {line}, column {column} (`{name}`): {reason}")]
    Value {
        line: u64,
        column: usize,
        name: &'static str,
        reason: String,
    },
    /// A line with more or fewer values than the header.
    #[error("line {line}, column {column}: the line has {found} values, the header {expected}")]
    Width {
        line: u64,
        column: usize,
        found: usize,
        expected: usize,
    },
    /// A file that is not CSV, or cannot be read.
    #[error("line {line}, column 1: {reason}")]
    NotCsv { line: u64, reason: String },
}

/// Reads a whole trace.
///
/// # Errors
/// The first error of the file, with line and column.
pub(super) fn read(file: &[u8]) -> Result<Vec<Row>, BadTrace> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut records = reader.records();
    let header = match records.next() {
        Some(header) => header.map_err(not_csv)?,
        None => StringRecord::new(),
    };
    let columns = Columns::find(&header, line_of(file, &header))?;
    let mut first_lines = HashMap::new();
    records
        .map(|record| {
            let record = record.map_err(not_csv)?;
            let line = Line {
                columns: &columns,
                number: line_of(file, &record),
                record: &record,
            };
            let row = line.read()?;
            match first_lines.insert(row.name.clone(), line.number) {
                Some(first) => Err(line.bad(0, format!("line {first} has the same name"))),
                None => Ok(row),
            }
        })
        .collect()
}

/// The places of the [`COLUMNS`], counted from 0, and the number of columns of the header.
struct Columns {
    places: [usize; COLUMNS.len()],
    width: usize,
}

impl Columns {
    fn find(header: &StringRecord, line: u64) -> Result<Self, BadTrace> {
        let mut places = [0; COLUMNS.len()];
        let mut missing = Vec::new();
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            let mut found = (0..header.len()).filter(|at| header[*at].trim() == name);
            match (found.next(), found.next()) {
                (Some(at), None) => *place = at,
                (Some(_), Some(again)) => {
                    return Err(BadTrace::Twice {
                        line,
                        column: again + 1,
                        name,
                    });
                }
                (None, _) => missing.push(name),
            }
        }
        if !missing.is_empty() {
            if let Some(separator) = other_separator(header) {
                return Err(BadTrace::Separator { line, separator });
            }
            return Err(BadTrace::Header {
                line,
                missing: missing.join(", "),
            });
        }
        Ok(Self {
            places,
            width: header.len(),
        })
    }
}

/// Returns the character that separates the columns of a header, if it is not the comma.
fn other_separator(header: &StringRecord) -> Option<&'static str> {
    let found = OTHER_SEPARATORS.iter().find(|(separator, _)| {
        let names = header.iter().flat_map(|field| field.split(*separator));
        let names = names.map(|name| name.trim().trim_matches('"'));
        names.filter(|name| COLUMNS.contains(name)).count() > 1
            && header.iter().any(|field| field.contains(*separator))
    });
    found.map(|(_, name)| *name)
}

/// A line below the header.
struct Line<'line> {
    columns: &'line Columns,
    number: u64,
    record: &'line StringRecord,
}

impl Line<'_> {
    fn read(&self) -> Result<Row, BadTrace> {
        let (found, expected) = (self.record.len(), self.columns.width);
        if found != expected {
            let column = found.min(expected) + 1;
            return Err(BadTrace::Width {
                line: self.number,
                column,
                found,
                expected,
            });
        }
        let row = Row {
            name: self.value(0, DropletName::parse)?,
            cpu_milli: self.value(1, number)?,
            memory_mib: self.value(2, number)?,
            qos: self.value(3, |text| Tag::parse(format!("qos:{text}")))?,
            phase: self.value(4, Phase::from_str)?,
            created: self.value(5, number)?,
            deleted: self.value(6, number)?,
            scheduled: self.value(7, |text| match text {
                "" => Ok(None),
                text => number(text).map(Some),
            })?,
        };
        self.check_order(&row)?;
        Ok(row)
    }

    /// Checks that the task's times and phase are possible; the platform would refuse an impossible task step
    /// by step.
    fn check_order(&self, row: &Row) -> Result<(), BadTrace> {
        if row.deleted < row.created {
            return Err(self.bad(6, "it lies before creation_time"));
        }
        match (row.phase, row.scheduled) {
            (_, Some(scheduled)) if scheduled < row.created => {
                Err(self.bad(7, "it lies before creation_time"))
            }
            (_, Some(scheduled)) if scheduled > row.deleted => {
                Err(self.bad(7, "it lies after deletion_time"))
            }
            (Phase::Pending, Some(_)) => Err(self.bad(
                7,
                "a task that is Pending was never scheduled: leave it empty",
            )),
            (Phase::Succeeded | Phase::Failed, None) => Err(self.bad(
                7,
                "a task that Succeeded or Failed ran before: it must have one",
            )),
            _ => Ok(()),
        }
    }

    fn value<'value, Value, Error: ToString>(
        &'value self,
        index: usize,
        read: impl FnOnce(&'value str) -> Result<Value, Error>,
    ) -> Result<Value, BadTrace> {
        let mut text = self.record[self.columns.places[index]].trim();
        // A name is never missing, and a task may be called `nan`.
        if COLUMNS[index] != "name" && MISSING.contains(&&*text.to_ascii_lowercase()) {
            text = "";
        }
        read(text).map_err(|error| self.bad(index, error.to_string()))
    }

    fn bad(&self, index: usize, reason: impl Into<String>) -> BadTrace {
        BadTrace::Value {
            line: self.number,
            column: self.columns.places[index] + 1,
            name: COLUMNS[index],
            reason: reason.into(),
        }
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "Running" => Ok(Self::Running),
            "Succeeded" => Ok(Self::Succeeded),
            "Failed" => Ok(Self::Failed),
            "Pending" => Ok(Self::Pending),
            other => Err(format!(
                "{other:?} is none of Running, Succeeded, Failed, Pending"
            )),
        }
    }
}

/// Reads a whole number. Tools that know of missing values write it with a fraction of zero, or an exponent.
fn number(text: &str) -> Result<u32, String> {
    let whole = || {
        let number: f64 = text.parse().ok()?;
        let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        fits.then_some(number as u32)
    };
    text.parse().ok().or_else(whole).ok_or_else(|| match text {
        "" => "it is missing".to_owned(),
        text => format!("{text:?} is not a whole number from 0 to {}", u32::MAX),
    })
}

/// The line on which a record begins, counted from 1. The reader's own count is the line at which the reader
/// began to look for the record, and the reader skips empty lines.
fn line_of(file: &[u8], record: &StringRecord) -> u64 {
    let Some(position) = record.position() else {
        return 1;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let skipped = file.get(start..).unwrap_or_default().iter();
    let line_breaks = skipped
        .take_while(|byte| b"\r\n".contains(byte))
        .filter(|byte| **byte == b'\n');
    position.line() + line_breaks.count() as u64
}

fn not_csv(error: csv::Error) -> BadTrace {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    BadTrace::NotCsv { line, reason }
}

#[cfg(test)]
mod tests;
