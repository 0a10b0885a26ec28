//! Reads the inputs of mutations and collects all errors in them.
//!
//! A mutation has four steps and no logic. It reads its input with a [`Check`]. It sends the command. It
//! answers a rejection with `userErrors`, and a failure with a top-level error. It answers a receipt with
//! the object as it was written, and the token.

use std::fmt::Display;

use async_graphql::ID;
use chrono::{DateTime, TimeDelta, Utc};
use commands::context;

use crate::graph::error;
use crate::graph::execute::context::Context;
use crate::graph::global_id::{GlobalId, ResourceId};
use crate::graph::payload::UserError;
use crate::graph::request::RequestInfo;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

/// The maximum time in the future that an agent may report for an event.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// The input of one mutation during its check.
pub(crate) struct Check<'request> {
    request: &'request RequestInfo,
    idempotency_key: Option<String>,
    errors: Vec<UserError>,
}

impl<'request> Check<'request> {
    /// Starts the check of the input of this field.
    pub(crate) fn begin(context: &'request Context) -> error::Result<Self> {
        Ok(Self {
            request: context.request()?,
            idempotency_key: context.idempotency_key(),
            errors: Vec::new(),
        })
    }

    /// Returns a value that was read from this field of the input, or records the error.
    pub(crate) fn value<Value, Error: Display>(
        &mut self,
        field: &str,
        read: Result<Value, Error>,
    ) -> Option<Value> {
        self.at(&[field], "INVALID_VALUE", read)
    }

    /// Returns a value that was read from the field at this path of the input, or records the error.
    pub(crate) fn at<Value, Error: Display>(
        &mut self,
        path: &[&str],
        code: &'static str,
        read: Result<Value, Error>,
    ) -> Option<Value> {
        read.map_err(|error| self.refuse(path, code, error.to_string()))
            .ok()
    }

    /// Returns values that were read from a list, or `None` if one of them is invalid. `read` returns the
    /// error of an item, and `inner` is the field of the item that has the error, if any.
    pub(crate) fn list<Item, Value, Error: Display>(
        &mut self,
        field: &str,
        inner: Option<&str>,
        items: impl IntoIterator<Item = Item>,
        read: impl Fn(Item) -> Result<Value, Error>,
    ) -> Option<Vec<Value>> {
        let read: Vec<_> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let index = index.to_string();
                let path: Vec<_> = [field, &index].into_iter().chain(inner).collect();
                self.at(&path, "INVALID_VALUE", read(item))
            })
            .collect();
        read.into_iter().collect()
    }

    /// Reads the id of a resource of one type.
    pub(crate) fn id<Id: ResourceId>(&mut self, field: &str, id: &ID) -> Option<Id> {
        self.at(&[field], "INVALID_ID", GlobalId::parse_as(id))
    }

    /// Reads the id of a resource of any type.
    pub(crate) fn any_id(&mut self, field: &str, id: &ID) -> Option<GlobalId> {
        self.at(&[field], "INVALID_ID", GlobalId::parse(id))
    }

    /// Records an error in a field of the input.
    fn refuse(&mut self, path: &[&str], code: &'static str, message: String) {
        let path = ["input"].into_iter().chain(path.iter().copied());
        self.errors.push(UserError {
            field: Some(path.map(str::to_owned).collect()),
            message,
            code,
        });
    }

    /// Ends the check with the values that were read from the input; `values` is `None` if one of them was
    /// invalid. Returns the context of the command, and the values. Only an agent may give the time of an
    /// event.
    ///
    /// # Errors
    /// All errors of the input.
    pub(crate) fn finish<Values>(
        mut self,
        occurred_at: Option<Time>,
        values: Option<Values>,
    ) -> Result<(context::Context, Values), Vec<UserError>> {
        let occurred_at = match occurred_at {
            None => self.request.received_at,
            Some(Time(time)) => {
                self.check_occurred_at(time);
                time
            }
        };
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let values = values.expect("what is wrong with an input is noted as an error");
        let context = context::Context {
            occurred_at,
            idempotency_key: self.idempotency_key,
            ..self.request.of_command()
        };
        Ok((context, values))
    }

    fn check_occurred_at(&mut self, time: DateTime<Utc>) {
        const FIELD: &[&str] = &["occurredAt"];
        if !self.request.principal.roles.allow(Right::Backdate) {
            let message = format!(
                "only the role {} may say when something happened: leave `occurredAt` out",
                Right::Backdate.roles_in_words()
            );
            self.refuse(FIELD, "OCCURRED_AT_FORBIDDEN", message);
        } else if time > self.request.received_at + MAX_CLOCK_SKEW {
            let message = "it lies in the future: send the time when it happened".to_owned();
            self.refuse(FIELD, "OCCURRED_AT_IN_FUTURE", message);
        } else if time < DateTime::UNIX_EPOCH {
            let message = "it lies before 1970: send the time when it happened".to_owned();
            self.refuse(FIELD, "OCCURRED_AT_TOO_EARLY", message);
        }
    }
}
