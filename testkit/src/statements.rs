//! The statements that a test sends to Postgres, as the driver logs them.
//!
//! Statements are collected by thread. A test that runs all of its tasks on its own thread, as
//! `#[tokio::test]` does, sees its own statements and no others. Only pools of
//! [`pool_for`](crate::postgres::TestDatabase::pool_for) log.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};
use std::sync::Once;

use tracing::{Event, Subscriber, field};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

thread_local! {
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ROWS: Cell<u64> = const { Cell::new(0) };
}

/// Starts to collect statements; earlier statements are not in the collection.
///
/// # Panics
/// When another part of the process listens to the log.
pub fn collect() {
    static INSTALLED: Once = Once::new();
    // One subscriber for all tests of the process: one of a thread would not hear of what other threads
    // have logged first.
    INSTALLED.call_once(|| {
        tracing::subscriber::set_global_default(Registry::default().with(Collecting))
            .expect("nothing else listens to the log");
    });
    SENT.take();
    ROWS.take();
}

/// Returns and removes the statements sent since the last call, or since [`collect`].
#[must_use]
pub fn take() -> Vec<String> {
    SENT.take()
}

/// The number of statements sent since the last [`take`].
#[must_use]
pub fn count() -> usize {
    SENT.with_borrow(Vec::len)
}

/// The number of rows that Postgres returned since [`collect`].
#[must_use]
pub fn rows() -> u64 {
    ROWS.get()
}

struct Collecting;

impl<S: Subscriber> Layer<S> for Collecting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text::default();
            event.record(&mut text);
            ROWS.set(ROWS.get() + text.rows);
            SENT.with_borrow_mut(|sent| sent.push(text.text));
        }
    }
}

#[derive(Default)]
struct Text {
    text: String,
    rows: u64,
}

impl field::Visit for Text {
    fn record_u64(&mut self, field: &field::Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = value;
        }
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, _: &field::Field, value: &dyn fmt::Debug) {
        write!(self.text, "{value:?} ").expect("texts take everything");
    }
}
