//! Writes an answer as JSON, field by field, and propagates failures as the specification requires.
//!
//! See [Handling Execution Errors](https://spec.graphql.org/September2025/#sec-Handling-Execution-Errors).
//! A field that fails becomes null, or makes its object null if it must not be null. What was written of
//! such an object is removed. The writer then continues silently to its end, because every loaded value
//! below must be taken in the order in which it was asked for.

use async_graphql::resolver_utils::EnumType;
use projections::page::IncarnationId;
use serde::Serialize;

use super::context::Run;
use super::load::Loaded;
use super::object::{Object, Resolve};
use super::output::Write;
use super::plan::{Field, FieldIndex};
use crate::graph::error::Error;

/// The failure of a value, whose error the writer has noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// An error at a place of the answer.
#[derive(Debug, Clone)]
pub struct PlacedError {
    /// The error.
    pub(crate) error: Error,
    /// The place of the field in the document.
    pub(crate) place: async_graphql::Pos,
    /// The path of the field in the answer, backwards.
    pub(crate) path: Vec<Segment>,
}

/// A step of a path in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// The field with this key.
    Key(Box<str>),
    /// The item with this number, from 0.
    Index(usize),
}

/// The bytes of an error in an answer besides its message and its path, about.
const ERROR_BYTES: usize = 128;

impl Segment {
    /// Returns about the number of bytes of the step in an answer.
    fn bytes(&self) -> usize {
        match self {
            Self::Key(key) => key.len() + 3,
            Self::Index(_) => 4,
        }
    }
}

/// Writes one answer.
pub struct Writer<'a> {
    run: &'a Run,
    bytes: Vec<u8>,
    loaded: &'a mut Loaded,
    errors: Vec<PlacedError>,
    /// The number of failed values around the current place, which is written in vain.
    silent: usize,
    /// The bytes that the answer may still have, without those of `bytes`: errors take from them.
    limit: usize,
    /// True once the answer had more bytes than it may have. The answer is refused then, so nothing more of it is
    /// made.
    is_too_long: bool,
}

/// The answer has more bytes than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl<'a> Writer<'a> {
    /// Begins an answer of at most this many bytes, with these loaded values.
    pub(crate) fn new(run: &'a Run, loaded: &'a mut Loaded, limit: usize) -> Self {
        Self {
            run,
            bytes: Vec::with_capacity(512),
            loaded,
            errors: Vec::new(),
            silent: 0,
            limit,
            is_too_long: false,
        }
    }

    /// Writes the object of the root, or null, and returns the JSON and the errors.
    ///
    /// # Errors
    /// When the answer is too long.
    pub(crate) fn root(
        mut self,
        root: &dyn Write,
        field: &Field,
    ) -> Result<(Vec<u8>, Vec<PlacedError>), TooLong> {
        let written = root.write(field, &mut self);
        if self.is_full() {
            return Err(TooLong);
        }
        if written.is_err() {
            self.bytes.clear();
            self.null();
        }
        Ok((self.bytes, self.errors))
    }

    /// Returns the incarnation of the log as of the beginning of the request.
    pub(crate) fn incarnation(&self) -> Option<IncarnationId> {
        self.run.incarnation
    }

    /// Writes null.
    pub(crate) fn null(&mut self) {
        self.bytes.extend_from_slice(b"null");
    }

    /// Writes a value as its JSON.
    pub(crate) fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        serde_json::to_writer(&mut self.bytes, value)
            .expect("leaves have no keys but texts, and memory takes all bytes");
    }

    /// Writes JSON text unchanged.
    pub(crate) fn raw(&mut self, json: &str) {
        self.bytes.extend_from_slice(json.as_bytes());
    }

    /// Writes text that needs no escapes, in quotes.
    pub(crate) fn plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.push(b'"');
        write(&mut self.bytes);
        self.bytes.push(b'"');
    }

    /// Writes the name of a value of an enum.
    pub(crate) fn enum_value<E: EnumType>(&mut self, value: E) {
        let item = E::items().iter().find(|item| item.value == value);
        let item = item.expect("the derived list of an enum has each of its values");
        self.plain(|bytes| bytes.extend_from_slice(item.name.as_bytes()));
    }

    /// Notes the failure of a field.
    pub(crate) fn fail(&mut self, field: &Field, error: &Error) -> Failed {
        if self.silent == 0 && !self.is_full() {
            self.limit = self.limit.saturating_sub(ERROR_BYTES + error.message.len());
            self.errors.push(PlacedError {
                error: error.clone(),
                place: field.place,
                path: Vec::new(),
            });
        }
        Failed
    }

    /// Writes the selected fields of an object.
    pub(super) fn object<T: Object>(&mut self, object: &T, field: &Field) -> Result<(), Failed> {
        let (selected, table) = field
            .selection
            .of::<T>()
            .expect("the plan has a selection for every type that the field returns");
        if self.is_full() {
            return Err(Failed);
        }
        let mut result = Ok(());
        self.bytes.push(b'{');
        for (number, field) in selected.fields.iter().enumerate() {
            if number > 0 {
                self.bytes.push(b',');
            }
            self.bytes.extend_from_slice(field.encoded_key.as_bytes());
            let (start, noted) = (self.bytes.len(), self.errors.len());
            let written = match field.index {
                FieldIndex::TypeName => {
                    self.plain(|bytes| bytes.extend_from_slice(selected.entry.name.as_bytes()));
                    Ok(())
                }
                FieldIndex::Table(index) => match &table.0[index] {
                    // The rights of loaded fields were checked before they were loaded.
                    Resolve::Here(write, _) => match self.run.check(field) {
                        Ok(()) => write(object, field, self),
                        Err(denied) => Err(self.fail(field, &denied)),
                    },
                    Resolve::Loaded(_) => self.loaded(field),
                },
            };
            self.place(noted, || Segment::Key(field.key.clone()));
            if written.is_err() {
                self.propagate(field.nullable, start, &mut result);
            }
        }
        self.bytes.push(b'}');
        if result.is_err() {
            self.silent -= 1;
        }
        result
    }

    /// Writes the items of a list, which `visit` hands over one by one.
    pub(super) fn list<T: Write + ?Sized>(
        &mut self,
        field: &Field,
        nullable: bool,
        visit: impl FnOnce(&mut dyn FnMut(&T)),
    ) -> Result<(), Failed> {
        let (mut result, mut index) = (Ok(()), 0);
        self.bytes.push(b'[');
        visit(&mut |item| {
            if index > 0 {
                self.bytes.push(b',');
            }
            let (start, noted) = (self.bytes.len(), self.errors.len());
            let written = item.write(field, self);
            self.place(noted, || Segment::Index(index));
            index += 1;
            if written.is_err() {
                self.propagate(nullable, start, &mut result);
            }
        });
        self.bytes.push(b']');
        if result.is_err() {
            self.silent -= 1;
        }
        result
    }

    /// Makes a failed value null, if it may be null. Otherwise the object or list around it fails, and is written
    /// in vain from here on.
    fn propagate(&mut self, nullable: bool, start: usize, around: &mut Result<(), Failed>) {
        // What is too long must be seen before it is removed.
        if nullable && !self.is_full() {
            self.bytes.truncate(start);
            self.null();
        } else if around.is_ok() {
            *around = Err(Failed);
            self.silent += 1;
        }
    }

    fn loaded(&mut self, field: &Field) -> Result<(), Failed> {
        let value = self.loaded.next(field.number);
        value.write(field, self)
    }

    /// Adds a step to the paths of the errors that were noted below it. Errors count towards the length of the
    /// answer, because paths can be long.
    fn place(&mut self, noted: usize, segment: impl Fn() -> Segment) {
        for error in &mut self.errors[noted..] {
            let segment = segment();
            self.limit = self.limit.saturating_sub(segment.bytes());
            error.path.push(segment);
        }
    }

    fn is_full(&mut self) -> bool {
        self.is_too_long |= self.bytes.len() > self.limit;
        self.is_too_long
    }
}
