//! How many statements a request costs: no more than it has to.

use std::{
    cell::RefCell,
    fmt::{self, Write},
    sync::Once,
};

use api::roles::Role;
use serde_json::Value;
use tracing::{Event, Subscriber, field};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

use crate::calling::TestApi;

thread_local! {
    /// What was sent by this thread, which is one test with its whole platform.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Begins to note statements, from zero. The subscriber serves all tests of the process, because
/// one that belongs to a thread would not hear of what other threads have met first.
fn note_from_now_on() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing::subscriber::set_global_default(Registry::default().with(Noting))
            .expect("nobody else listens");
    });
    SENT.with_borrow_mut(Vec::clear);
}

/// How many of the statements since then contain the text.
fn noted(text: &str) -> usize {
    SENT.with_borrow(|sent| sent.iter().filter(|sql| sql.contains(text)).count())
}

struct Noting;

impl<S: Subscriber> Layer<S> for Noting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text::default();
            event.record(&mut text);
            SENT.with_borrow_mut(|sent| sent.push(text.0));
        }
    }
}

#[derive(Default)]
struct Text(String);

impl field::Visit for Text {
    fn record_debug(&mut self, _: &field::Field, value: &dyn fmt::Debug) {
        write!(self.0, "{value:?} ").expect("texts take everything");
    }
}

#[tokio::test]
async fn a_total_is_counted_only_when_it_is_asked_for() {
    let api = TestApi::start().await;
    let viewer = api.caller(&[Role::Viewer]);
    for list in ["droplets", "jobs"] {
        for (fields, statements) in [
            ("nodes { id } pageInfo { hasNextPage }", 1),
            ("nodes { id } totalCount", 2),
        ] {
            note_from_now_on();
            let document = format!("{{ {list}(first: 100) {{ {fields} }} }}");
            viewer.data(&document, Value::Null).await;
            let found = noted(&format!("from read.{list}"));
            assert_eq!(found, statements, "{document}");
        }
    }
}
