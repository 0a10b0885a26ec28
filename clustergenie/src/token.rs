//! `clustergenie token`: prints a signed token for a person or a program.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use api::identity::tokens::Claims;
use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Token;
use crate::key;

/// Prints a token to standard output.
///
/// # Errors
/// When there is no key, or the key is too short.
pub(crate) fn run(settings: Token) -> anyhow::Result<()> {
    let key = match &settings.key_file {
        Some(file) => key::of_file(file)?,
        None => key::of_data_directory(&settings.data)?,
    };
    let (issued_at, expires_at) = lifetime(settings.expires)?;
    let claims = Claims {
        subject: settings.subject,
        org: settings.org,
        roles: settings.roles,
        issued_at,
        expires_at,
    };
    let token = api::identity::tokens::sign(&key, &claims)?;
    writeln!(std::io::stdout(), "{token}").context("the token cannot be printed")
}

/// The issue time (now) and the expiry of a token with a lifetime.
///
/// # Errors
/// When the expiry is beyond the calendar.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: here time enters the program"
)]
pub(crate) fn lifetime(length: Duration) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
    let now = Utc::now();
    let ends = TimeDelta::from_std(length)
        .ok()
        .and_then(|length| now.checked_add_signed(length));
    Ok((
        now,
        ends.context("the expiry is beyond the calendar: use a shorter --expires")?,
    ))
}
