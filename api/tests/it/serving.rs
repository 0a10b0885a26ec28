//! A server on a free port with a schema made for testing transports, and tokens for it.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::admission::entry::{Admission, Rules};
use api::graph::execution::TrackExecution;
use api::graph::readiness::{Part, Readiness};
use api::graph::request::RequestInfo;
use api::identity::roles::Role;
use api::identity::tokens::{Auth, Claims, sign};
use api::transport::cors::Origin;
use api::transport::endpoint::{Endpoint, WebSocketLimits};
use api::transport::router::transports;
use api::transport::send_budget::SendBudget;
use api::transport::server;
use async_graphql::{Context, Executor, Object, Result, Schema, Subscription};
use axum::Router;
use chrono::{TimeDelta, Utc};
use domain::ids::OrgId;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const KEY: [u8; 32] = [7; 32];

/// How long anything may take that should take no time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; dropping it ends it at once.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    /// How often a stream of `held` or `flood` lives now: a permit each.
    pub(crate) held: Arc<Semaphore>,
    changes: Changes,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Serving {
    pub(crate) async fn start() -> Self {
        Self::with(WebSocketLimits::default(), Vec::new()).await
    }

    pub(crate) async fn with(limits: WebSocketLimits, parts: Vec<Part>) -> Self {
        let send_budget = SendBudget::new(SendBudget::DEFAULT_BYTES);
        Self::build(limits, parts, Vec::new(), Rules::default(), send_budget).await
    }

    /// A server where nobody may leave more than so many bytes unread, and may take long to read them.
    pub(crate) async fn with_unread(bytes: usize) -> Self {
        let limits = WebSocketLimits {
            write: PATIENCE * 2,
            ..WebSocketLimits::default()
        };
        let send_budget = SendBudget::new(bytes);
        Self::build(
            limits,
            Vec::new(),
            Vec::new(),
            Rules::default(),
            send_budget,
        )
        .await
    }

    /// A server with these rules for requests.
    pub(crate) async fn under(rules: Rules) -> Self {
        let send_budget = SendBudget::new(SendBudget::DEFAULT_BYTES);
        Self::build(
            WebSocketLimits::default(),
            Vec::new(),
            Vec::new(),
            rules,
            send_budget,
        )
        .await
    }

    /// A server that pages of these origins may use.
    pub(crate) async fn for_pages_of(origins: &[&str]) -> Self {
        let origins = origins.iter().map(|origin| origin.parse());
        let origins = origins.collect::<Result<_, _>>();
        let origins = origins.expect("tests name origins well");
        let send_budget = SendBudget::new(SendBudget::DEFAULT_BYTES);
        Self::build(
            WebSocketLimits::default(),
            Vec::new(),
            origins,
            Rules::default(),
            send_budget,
        )
        .await
    }

    /// A server of another schema, with these limits of WebSockets; `held` counts what lives of it.
    pub(crate) async fn of<E: Executor>(
        executor: E,
        limits: WebSocketLimits,
        held: Arc<Semaphore>,
    ) -> Self {
        let endpoint = Endpoint {
            executor,
            auth: Auth::new(&KEY).expect("the key is long enough"),
            limits,
            origins: Vec::new(),
            send_budget: SendBudget::new(SendBudget::DEFAULT_BYTES),
        };
        let metrics = Arc::new(String::new);
        let router = transports(endpoint, Arc::new(Fixed(Vec::new())), metrics);
        Self::serve(router, held).await
    }

    async fn build(
        limits: WebSocketLimits,
        parts: Vec<Part>,
        origins: Vec<Origin>,
        rules: Rules,
        send_budget: SendBudget,
    ) -> Self {
        let held = Arc::new(Semaphore::new(0));
        let changes = Changes::default();
        let executor = Schema::build(Query, Mutation, Subscription)
            .extension(TrackExecution)
            .extension(Admission::new(rules))
            .data(held.clone())
            .data(changes.clone())
            .finish();
        let auth = Auth::new(&KEY).expect("the key is long enough");
        let metrics = Arc::new(|| "a_metric 1\n".to_owned());
        let endpoint = Endpoint {
            executor,
            auth,
            limits,
            origins,
            send_budget,
        };
        let router = transports(endpoint, Arc::new(Fixed(parts)), metrics);
        Self {
            changes,
            ..Self::serve(router, held).await
        }
    }

    pub(crate) async fn serve(router: Router, held: Arc<Semaphore>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(server::run(listener, router, stop.clone()));
        Self {
            address,
            held,
            changes: Changes::default(),
            stop,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often the mutation ran.
    pub(crate) fn changes(&self) -> usize {
        self.changes.0.load(Ordering::SeqCst)
    }

    /// Tells the server to stop, without waiting.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has stopped in order.
    pub(crate) async fn stopped(mut self) {
        let ended = timeout(PATIENCE, self.task.join_next()).await;
        ended
            .expect("the server stops")
            .expect("there is one")
            .expect("the server does not panic");
    }
}

/// A token of organization `acme` that is good for so many seconds.
pub(crate) fn token_for(seconds: i64) -> String {
    sign_for("ada", seconds)
}

/// Another subject's token of the same organization.
pub(crate) fn token_of(subject: &str) -> String {
    sign_for(subject, 600)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are an edge: time enters here"
)]
fn sign_for(subject: &str, seconds: i64) -> String {
    let claims = Claims {
        subject: subject.to_owned(),
        org: OrgId::parse("acme").expect("a good name"),
        roles: vec![Role::Viewer],
        issued_at: Utc::now(),
        expires_at: Utc::now() + TimeDelta::seconds(seconds),
    };
    sign(&KEY, &claims).expect("the key is long enough")
}

/// A token that is good for as long as a test may take.
pub(crate) fn token() -> String {
    token_for(600)
}

/// A result without what it cost, which only the tests of admission look at.
pub(crate) fn without_cost(mut result: Value) -> Value {
    if let Some(result) = result.as_object_mut() {
        result.remove("extensions");
    }
    result
}

struct Fixed(Vec<Part>);

impl Readiness for Fixed {
    fn parts(&self) -> Vec<Part> {
        self.0.clone()
    }
}

struct Query;

#[Object]
impl Query {
    async fn answer(&self) -> i32 {
        42
    }

    async fn who(&self, context: &Context<'_>) -> Result<String> {
        let info = context.data::<RequestInfo>()?;
        Ok(format!("{}@{}", info.principal.subject, info.principal.org))
    }

    async fn traceparent(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(context.data::<RequestInfo>()?.traceparent.clone())
    }

    /// What the request must show.
    async fn token(&self, context: &Context<'_>) -> Result<Option<String>> {
        let token = &context.data::<RequestInfo>()?.consistent_with;
        Ok(token.as_ref().map(ToString::to_string))
    }

    async fn greet(&self, name: String) -> String {
        format!("hello {name}")
    }

    async fn long(&self, length: usize) -> String {
        "x".repeat(length)
    }

    async fn failing(&self) -> Result<i32> {
        Err("it fails".into())
    }

    async fn never(&self) -> i32 {
        future::pending().await
    }

    async fn panicking(&self) -> i32 {
        self.broken()
    }
}

impl Query {
    fn broken(&self) -> i32 {
        panic!("a resolver panics")
    }
}

struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self, context: &Context<'_>) -> Result<i32> {
        context.data::<Changes>()?.0.fetch_add(1, Ordering::SeqCst);
        Ok(1)
    }

    /// Takes so many milliseconds, and changes something at their end.
    async fn change_late(&self, context: &Context<'_>, after: u64) -> Result<i32> {
        sleep(Duration::from_millis(after)).await;
        self.change(context).await
    }
}

/// How often a mutation ran.
#[derive(Clone, Default)]
struct Changes(Arc<AtomicUsize>);

struct Subscription;

#[Subscription]
impl Subscription {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// Gives one value, then nothing until it is dropped.
    async fn held(&self, context: &Context<'_>) -> Result<impl Stream<Item = i32>> {
        let held = Held::new(context.data::<Arc<Semaphore>>()?.clone());
        Ok(stream::iter([1])
            .chain(stream::pending())
            .map(move |value| {
                let _ = &held;
                value
            }))
    }

    /// Gives big values, as fast as they are taken.
    async fn flood(&self, context: &Context<'_>) -> Result<impl Stream<Item = String>> {
        let held = Held::new(context.data::<Arc<Semaphore>>()?.clone());
        Ok(stream::repeat_with(move || {
            let _ = &held;
            "x".repeat(64 * 1024)
        }))
    }

    /// Gives a short value, one of this length, and a short one.
    async fn long(&self, length: usize) -> impl Stream<Item = String> {
        stream::iter([1, length, 1].map(|length| "x".repeat(length)))
    }

    async fn refused(&self) -> Result<impl Stream<Item = i32>> {
        Err::<stream::Empty<i32>, _>("it may not begin".into())
    }

    async fn half(&self) -> impl Stream<Item = Result<i32>> {
        stream::iter([Ok(1), Err("the second fails".into())])
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter([1]).chain(stream::once(async { panic!("a stream panics") }))
    }
}

/// Counts itself as long as it lives.
pub(crate) struct Held(Arc<Semaphore>);

impl Held {
    pub(crate) fn new(held: Arc<Semaphore>) -> Self {
        held.add_permits(1);
        Self(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.forget_permits(1);
    }
}
