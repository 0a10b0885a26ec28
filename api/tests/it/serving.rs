//! A server on a free port with a schema made for testing transports, and tokens for it.

use std::future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::graph::error::{Code, Result, failure};
use api::graph::execute::arguments::ArgumentStruct;
use api::graph::execute::context::Context;
use api::graph::execute::object::{Fields, Object};
use api::graph::execute::schema::{Definition, ExecutableSchema};
use api::graph::readiness::{Part, Readiness};
use api::graph::resource::ResourceKind;
use api::identity::roles::Role;
use api::identity::shares::Shares;
use api::identity::tokens::{Auth, Claims, sign};
use api::pipeline::{Executor, Pipeline, Rules};
use api::transport::cors::Origin;
use api::transport::endpoint::{Endpoint, WebSocketLimits};
use api::transport::router::{Page, transports};
use api::transport::send_budget::SendBudget;
use api::transport::server::{self, ConnectionLimits, Stop};
use async_graphql::InputObject;
use axum::Router;
use chrono::{TimeDelta, Utc};
use domain::ids::OrgId;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub(crate) const KEY: [u8; 32] = [7; 32];

/// How long anything may take that should take no time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; dropping it ends it at once.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    /// How often a stream of `held` or `flood` lives now: a permit each.
    pub(crate) held: Arc<Semaphore>,
    changes: Changes,
    stop: Stop,
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

    /// A server without the page GraphiQL.
    pub(crate) async fn without_graphiql() -> Self {
        let held = Arc::new(Semaphore::new(0));
        let data = Counted {
            held: held.clone(),
            changes: Changes::default(),
        };
        let router = Self::router(
            WebSocketLimits::default(),
            Vec::new(),
            Vec::new(),
            Rules::default(),
            SendBudget::new(SendBudget::DEFAULT_BYTES),
            data,
            Page::Off,
        );
        Self::serve(router, held).await
    }

    /// A server that pages of these origins may use.
    pub(crate) async fn for_pages_of(origins: &[&str]) -> Self {
        let origins = origins.iter().map(|origin| origin.parse());
        let origins = origins.collect::<std::result::Result<_, _>>();
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
            shares: Shares::default(),
        };
        let metrics = Arc::new(String::new);
        let router = transports(endpoint, Arc::new(Fixed(Vec::new())), metrics, Page::Served);
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
        let data = Counted {
            held: held.clone(),
            changes: changes.clone(),
        };
        let router = Self::router(
            limits,
            parts,
            origins,
            rules,
            send_budget,
            data,
            Page::Served,
        );
        Self {
            changes,
            ..Self::serve(router, held).await
        }
    }

    fn router(
        limits: WebSocketLimits,
        parts: Vec<Part>,
        origins: Vec<Origin>,
        rules: Rules,
        send_budget: SendBudget,
        data: Counted,
        graphiql: Page,
    ) -> Router {
        let schema = Arc::new(ExecutableSchema::new::<TestSchema>());
        let shares = rules.shares.clone();
        let executor = Pipeline::new(schema, Arc::new(data), rules);
        let auth = Auth::new(&KEY).expect("the key is long enough");
        let metrics = Arc::new(|| "a_metric 1\n".to_owned());
        let endpoint = Endpoint {
            executor,
            auth,
            limits,
            origins,
            send_budget,
            shares,
        };
        transports(endpoint, Arc::new(Fixed(parts)), metrics, graphiql)
    }

    /// A server with this grace period after the close.
    pub(crate) async fn with_grace(grace: Duration) -> Self {
        Self::plain(ConnectionLimits::default(), grace).await
    }

    /// A server with these limits of connections.
    pub(crate) async fn limited(limits: ConnectionLimits) -> Self {
        Self::plain(limits, PATIENCE).await
    }

    async fn plain(limits: ConnectionLimits, grace: Duration) -> Self {
        let changes = Changes::default();
        let held = Arc::new(Semaphore::new(0));
        let router = Self::router(
            WebSocketLimits::default(),
            Vec::new(),
            Vec::new(),
            Rules::default(),
            SendBudget::new(SendBudget::DEFAULT_BYTES),
            Counted {
                held: held.clone(),
                changes: changes.clone(),
            },
            Page::Served,
        );
        Self {
            changes,
            ..Self::serve_within(router, held, limits, grace).await
        }
    }

    pub(crate) async fn serve(router: Router, held: Arc<Semaphore>) -> Self {
        Self::serve_within(router, held, ConnectionLimits::default(), PATIENCE).await
    }

    async fn serve_within(
        router: Router,
        held: Arc<Semaphore>,
        limits: ConnectionLimits,
        grace: Duration,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let stop = Stop::default();
        let mut task = JoinSet::new();
        let signals = stop.clone();
        task.spawn(server::run(listener, router, limits, grace, signals));
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
        self.changes.done.load(Ordering::SeqCst)
    }

    /// The number of slow mutations that began.
    pub(crate) fn begun(&self) -> usize {
        self.changes.begun.load(Ordering::SeqCst)
    }

    /// Sends clients elsewhere while they are still served.
    pub(crate) fn drain(&self) {
        self.stop.draining.cancel();
    }

    /// Tells the server to stop, without waiting.
    pub(crate) fn stop(&self) {
        self.stop.close.cancel();
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

/// What the fields of the schema count.
struct Counted {
    held: Arc<Semaphore>,
    changes: Changes,
}

/// The number of slow mutations that began, and of all mutations that ran to their end.
#[derive(Clone, Default)]
struct Changes {
    begun: Arc<AtomicUsize>,
    done: Arc<AtomicUsize>,
}

struct TestSchema;

impl Definition for TestSchema {
    type Query = Query;
    type Mutation = Mutation;
    type Subscription = Subscription;

    fn resources() -> Vec<ResourceKind> {
        Vec::new()
    }
}

macro_rules! arguments {
    ($($Name:ident { $field:ident: $Type:ty })+) => {
        $(
            #[derive(InputObject)]
            struct $Name {
                $field: $Type,
            }

            impl ArgumentStruct for $Name {}
        )+
    };
}

arguments! {
    Greeted { name: String }
    Long { length: usize }
    Late { after: u64 }
    To { to: i32 }
}

#[derive(Default)]
struct Query;

impl Object for Query {
    const NAME: &'static str = "Query";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("answer", "", |_| 42);
        fields.read("who", "", |context: Context, (): ()| async move {
            let principal = &context.request()?.principal;
            Ok(format!("{}@{}", principal.subject, principal.org))
        });
        fields.read("traceparent", "", |context: Context, (): ()| async move {
            Ok(context.request()?.traceparent.clone())
        });
        // What the request must show.
        fields.read("token", "", |context: Context, (): ()| async move {
            let token = &context.request()?.consistent_with;
            Ok(token.as_ref().map(ToString::to_string))
        });
        fields.read("greet", "", |_: Context, greeted: Greeted| async move {
            Ok(format!("hello {}", greeted.name))
        });
        fields.read("long", "", |_: Context, long: Long| async move {
            Ok("x".repeat(long.length))
        });
        fields.read("failing", "", |_: Context, (): ()| async { fails::<i32>() });
        fields.read("never", "", |_: Context, (): ()| async move {
            future::pending::<Result<i32>>().await
        });
        fields.read(
            "panicking",
            "",
            |_: Context, (): ()| async move { broken() },
        );
    }
}

fn broken() -> Result<i32> {
    panic!("a resolver panics")
}

fn fails<T>() -> Result<T> {
    Err(failure(Code::Internal, "it fails"))
}

#[derive(Default)]
struct Mutation;

impl Object for Mutation {
    const NAME: &'static str = "Mutation";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.read("change", "", |context: Context, (): ()| async move {
            Ok(change(&context))
        });
        // Takes so many milliseconds, and changes something at their end.
        fields.read(
            "changeLate",
            "",
            |context: Context, late: Late| async move {
                let begun = &counted(&context).changes.begun;
                begun.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(late.after)).await;
                Ok(change(&context))
            },
        );
    }
}

fn counted(context: &Context) -> &Counted {
    context.data().expect("the schema has it")
}

fn change(context: &Context) -> i32 {
    counted(context).changes.done.fetch_add(1, Ordering::SeqCst);
    1
}

#[derive(Default)]
struct Subscription;

impl Object for Subscription {
    const NAME: &'static str = "Subscription";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.stream("count", "", |_: Context, to: To| async move {
            Ok(stream::iter(1..=to.to).map(Ok).boxed())
        });
        // Gives one value, then nothing until it is dropped.
        fields.stream("held", "", |context: Context, (): ()| async move {
            let held = Held::new(counted(&context).held.clone());
            let values = stream::iter([1]).chain(stream::pending());
            let values = values.map(move |value| {
                let _ = &held;
                Ok(value)
            });
            Ok(values.boxed())
        });
        // Gives big values, as fast as they are taken.
        fields.stream("flood", "", |context: Context, (): ()| async move {
            let held = Held::new(counted(&context).held.clone());
            let values = stream::repeat_with(move || {
                let _ = &held;
                Ok("x".repeat(64 * 1024))
            });
            Ok(values.boxed())
        });
        // Gives a short value, one of this length, and a short one.
        fields.stream("long", "", |_: Context, long: Long| async move {
            let lengths = stream::iter([1, long.length, 1]);
            Ok(lengths.map(|length| Ok("x".repeat(length))).boxed())
        });
        fields.stream("refused", "", |_: Context, (): ()| async move {
            Err::<BoxStream<'static, Result<i32>>, _>(failure(Code::Internal, "it may not begin"))
        });
        fields.stream("half", "", |_: Context, (): ()| async move {
            Ok(stream::iter([Ok(1), fails()]).boxed())
        });
        fields.stream("panics", "", |_: Context, (): ()| async move {
            let panics = stream::once(async { broken() });
            Ok(stream::iter([Ok(1)]).chain(panics).boxed())
        });
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
