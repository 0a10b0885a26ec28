//! The path of a request: from its document to its answer, the same for all transports.
//!
//! 1. The bytes of the request are paid for before they are parsed.
//! 2. The document is found by its hash, or parsed, measured and validated ([`crate::admission::documents`]).
//! 3. The operation is chosen, its variables are coerced, and its fields are collected into a plan
//!    (`graph::collect`).
//! 4. The plan is priced with its arguments, and the price is taken from the caller's points
//!    ([`crate::admission`]).
//! 5. The plan is executed ([`crate::graph::execute`]), within the time limit of an operation.
//! 6. The result becomes an answer ([`crate::graph::answer`]).
//!
//! A request that is refused before the fifth step is a request error: no part of it ran. It costs points
//! all the same, because reading it took time. A document that is not stored is read only for a caller with
//! the points of a refusal. Dropping the future of a request ends its work.

use std::any::Any;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apollo_compiler::ast::OperationType;
use apollo_compiler::executable::Operation;
use apollo_compiler::response::JsonMap;
use apollo_compiler::{Node, request};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use tokio::time::timeout;

use crate::admission::documents::trusted::Trusted;
use crate::admission::documents::{Document, Hash, Store, check_variables};
use crate::admission::limits::cost::price;
use crate::admission::limits::{Excess, Limit, Limits, MAX_ARGUMENT_BYTES};
use crate::admission::persisted;
use crate::admission::rate_limit::{Buckets, PointsExhausted, Rates, Standing};
use crate::admission::refusal::{Refusal, add_headers};
use crate::graph::answer::{Answer, Stage};
use crate::graph::collect::arguments::PlanArguments;
use crate::graph::error::{Code, Error, failure};
use crate::graph::execute::context::Run;
use crate::graph::execute::plan::Plan;
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::execute::writer::TooLong;
use crate::graph::execute::{self, Executed};
use crate::graph::request::{Charge, RequestInfo};
use crate::graph::services::Services;
use crate::identity::shares::{Shares, Taken};

/// The cost of a refused document in points, because reading the document took time too.
const REFUSED: usize = 10;

/// The bytes of a request that cost a point. The longest body costs as much as the dearest operation.
const BYTES_A_POINT: usize = 256;

/// The documents that may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runs {
    /// Every document within the limits.
    #[default]
    Everything,
    /// Trusted documents only.
    OnlyTrusted,
}

/// The rules by which requests are admitted.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The limits of documents.
    pub limits: Limits,
    /// The points that principals may spend.
    pub rates: Rates,
    /// The shares of principals and organizations.
    pub shares: Shares,
    /// The trusted documents.
    pub trusted: Trusted,
    /// The documents that may run.
    pub runs: Runs,
}

/// The types of operation that a transport carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Queries only: GET, which must be safe to repeat and to prefetch.
    Queries,
    /// Queries and mutations: everything that has one answer.
    QueriesAndMutations,
    /// Queries and subscriptions: GET for a stream of events.
    QueriesAndSubscriptions,
    /// All three.
    Everything,
}

/// A request, as every transport hands it over.
#[derive(Debug, Clone)]
pub struct Request {
    /// The document; empty if the extensions name it by its hash.
    pub query: String,
    /// The name of the operation of the document that runs; unnecessary if it has only one.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: JsonMap,
    /// The extensions of the request.
    pub extensions: JsonMap,
    /// The types of operation that the transport carries.
    pub carries: Carries,
    /// The data of the request. Without it, only introspection runs.
    pub info: Option<RequestInfo>,
}

/// The start of a request.
pub enum Started {
    /// The request does not run, and this is its answer.
    Refused(Answer),
    /// The request is a query or a mutation, which has one answer.
    One(BoxFuture<'static, Answer>),
    /// The request is a subscription.
    Many(BoxStream<'static, Answer>),
}

/// Runs requests.
pub trait Executor: Clone + Send + Sync + 'static {
    /// Takes the points of a request of this many bytes, before it is parsed.
    ///
    /// # Errors
    /// The answer, when the sender has too few points.
    fn receive(&self, info: &RequestInfo, bytes: usize) -> Result<(), Box<Answer>>;

    /// Checks a request without waiting, and starts it. Dropping the result ends the request.
    fn start(&self, request: Request) -> Started;
}

impl Executor for Pipeline {
    fn receive(&self, info: &RequestInfo, bytes: usize) -> Result<(), Box<Answer>> {
        let cost = bytes / BYTES_A_POINT;
        let taken = self.buckets.take(&info.principal, cost, Instant::now());
        let (charge, taken) = charged(info, cost, taken);
        taken.map_err(|refusal| refused(refusal, Some(charge)))
    }

    fn start(&self, request: Request) -> Started {
        let run = match self.admit(request) {
            Ok(run) => Arc::new(run),
            Err(refused) => return Started::Refused(*refused),
        };
        let limit = self.rules.limits.execution;
        if run.plan.operation == OperationType::Subscription {
            let taken = match self.subscription(&run) {
                Ok(taken) => taken,
                Err(refused) => return Started::Refused(*refused),
            };
            let answers = stream::once(subscribe(run, limit)).flatten();
            // Counted until the stream is dropped.
            let answers = answers.inspect(move |_| {
                let _ = &taken;
            });
            return Started::Many(answers.boxed());
        }
        Started::One(Box::pin(async move {
            answer(execute::operation(&run), limit, run.charge).await
        }))
    }
}

/// Answers requests. Clones share all state.
#[derive(Clone)]
pub struct Pipeline {
    schema: Arc<ExecutableSchema>,
    data: Arc<dyn Any + Send + Sync>,
    rules: Arc<Rules>,
    documents: Arc<Store>,
    buckets: Arc<Buckets>,
}

impl Pipeline {
    /// Creates the pipeline of a schema by these rules, with full buckets and no stored documents. `data` is
    /// what the fields of the schema use, such as [`Services`].
    #[must_use]
    pub fn new(
        schema: Arc<ExecutableSchema>,
        data: Arc<dyn Any + Send + Sync>,
        rules: Rules,
    ) -> Self {
        Self {
            schema,
            data,
            documents: Arc::new(Store::new()),
            buckets: Arc::new(Buckets::new(rules.rates)),
            rules: Arc::new(rules),
        }
    }

    /// Answers a query or a mutation, or refuses the request.
    pub async fn execute(&self, request: Request) -> Answer {
        match self.start(request) {
            Started::Refused(answer) => answer,
            Started::One(answer) => answer.await,
            Started::Many(mut answers) => {
                let first = answers.next().await;
                first.expect("a subscription has answers until it ends with an error")
            }
        }
    }

    /// Counts a subscription of the caller.
    fn subscription(&self, run: &Run) -> Result<Option<Taken>, Box<Answer>> {
        let Some(info) = &run.request else {
            return Ok(None);
        };
        let taken = self.rules.shares.subscriptions.take(&info.principal);
        let taken = taken.map_err(|exceeded| refused(Refusal::TooMany(exceeded), run.charge));
        taken.map(Some)
    }

    /// Checks, plans and charges a request.
    fn admit(&self, mut request: Request) -> Result<Run, Box<Answer>> {
        let read = self.read(&mut request);
        let cost = read.as_ref().map_or(REFUSED, |read| read.cost);
        let (charge, taken) = match &request.info {
            Some(info) => {
                let (charge, taken) = self.charge(info, cost);
                (Some(charge), taken)
            }
            // Without a principal, every field refuses the request.
            None => (None, Ok(())),
        };
        let read = taken
            .and(read)
            .map_err(|refusal| refused(refusal, charge))?;
        Ok(Run {
            plan: read.plan,
            schema: Arc::clone(&self.schema),
            data: Arc::clone(&self.data),
            request: request.info,
            charge,
            waits: self.rules.shares.waits.clone(),
            incarnation: self
                .data
                .downcast_ref::<Services>()
                .and_then(|services| services.reader.incarnation()),
            arguments: read.arguments,
        })
    }

    fn read(&self, request: &mut Request) -> Result<Read, Refusal> {
        let given = mem::take(&mut request.variables);
        let document = self.document(request)?;
        // Some clients send an empty name for none.
        let name = request
            .operation_name
            .as_deref()
            .filter(|name| !name.is_empty());
        let operation = document.parsed.operations.get(name);
        let operation = operation.map_err(|_| no_operation(name))?;
        carried(operation.operation_type, request.carries)?;
        let variables = self.variables(operation, given)?;
        let limits = &self.rules.limits;
        let plan = document.plan(operation, &variables, limits, &self.schema)?;
        let arguments = PlanArguments::of(&plan, &variables, MAX_ARGUMENT_BYTES);
        let arguments = arguments.ok_or(Excess {
            limit: Limit::ArgumentBytes,
            found: MAX_ARGUMENT_BYTES + 1,
            allowed: MAX_ARGUMENT_BYTES,
        })?;
        let price = price(&plan, &arguments);
        price.check(limits)?;
        Ok(Read {
            plan,
            arguments,
            cost: price.cost(),
        })
    }

    /// Returns the document that the request names, by its text, its hash or both.
    fn document(&self, request: &Request) -> Result<Arc<Document>, Refusal> {
        let named = persisted::hash(&request.extensions)?;
        let hash = match named {
            Some(hash) if request.query.is_empty() => hash,
            Some(hash) if hash != Hash::of(&request.query) => return Err(Refusal::WrongHash),
            Some(hash) => hash,
            None => Hash::of(&request.query),
        };
        if let Some(document) = self.rules.trusted.get(hash) {
            return Ok(document);
        }
        if self.rules.runs == Runs::OnlyTrusted {
            return Err(Refusal::NotTrusted);
        }
        if let Some(document) = self.documents.get(hash) {
            return Ok(document);
        }
        if named.is_some() && request.query.is_empty() {
            return Err(Refusal::NotFound);
        }
        // Who cannot pay for reading a document gets none read, and none of another principal dropped for it.
        if let Some(info) = &request.info {
            let checked = self.buckets.check(&info.principal, REFUSED, Instant::now());
            checked.map_err(Refusal::PointsExhausted)?;
        }
        let document = Document::read(&request.query, &self.rules.limits, &self.schema)?;
        let document = Arc::new(document);
        self.documents.put(hash, Arc::clone(&document));
        Ok(document)
    }

    fn variables(
        &self,
        operation: &Node<Operation>,
        mut given: JsonMap,
    ) -> Result<JsonMap, Refusal> {
        // Others mean nothing, and may be large.
        let declared = operation.variables.iter();
        let given: JsonMap = declared
            .filter_map(|variable| given.remove_entry(variable.name.as_str()))
            .collect();
        let definition = &self.schema.definition;
        let coerced = request::coerce_variable_values(definition, operation, &given);
        let coerced = coerced
            .map_err(|error| Refusal::Request(without_value(&error.message().to_string())))?;
        let coerced = coerced.into_inner();
        let checked = check_variables(operation, &coerced, &self.schema);
        checked.map_err(Refusal::Request)?;
        Ok(coerced)
    }

    fn charge(&self, info: &RequestInfo, cost: usize) -> (Charge, Result<(), Refusal>) {
        // A request that lacks points was read in vain, as one that is refused for another reason.
        let now = Instant::now();
        let taken = self.buckets.take_or(&info.principal, cost, REFUSED, now);
        charged(info, cost, taken)
    }
}

/// The plan, the arguments and the price of a request before it is charged.
struct Read {
    plan: Arc<Plan>,
    arguments: PlanArguments,
    cost: usize,
}

/// Returns the report about points that were taken, or that lack.
fn charged(
    info: &RequestInfo,
    cost: usize,
    taken: Result<Standing, PointsExhausted>,
) -> (Charge, Result<(), Refusal>) {
    let standing = taken.unwrap_or_else(|exhausted| exhausted.standing);
    let charge = Charge {
        cost,
        limit: standing.limit,
        remaining: standing.remaining,
        full_at: info.received_at + standing.full_in,
    };
    (charge, taken.map(drop).map_err(Refusal::PointsExhausted))
}

/// Returns the answers of a subscription. Only the first one reports the cost, because the later ones cost
/// nothing.
async fn subscribe(run: Arc<Run>, limit: Duration) -> BoxStream<'static, Answer> {
    let mut unreported = run.charge;
    let opened = timeout(limit, execute::open(&run)).await;
    let values = match opened.unwrap_or_else(|_| Err(too_slow(limit))) {
        Ok(values) => values,
        Err(error) => {
            let answer = Answer::not_begun(error, cost(unreported));
            return stream::iter([with_headers(answer, unreported, None)]).boxed();
        }
    };
    values
        .then(move |value| {
            let run = Arc::clone(&run);
            let charge = unreported.take();
            async move { answer(execute::value(&run, value), limit, charge).await }
        })
        .boxed()
}

/// Returns the answer of an execution within the time limit.
async fn answer(
    execution: impl Future<Output = Executed>,
    limit: Duration,
    charge: Option<Charge>,
) -> Answer {
    let cost = cost(charge);
    let answer = match timeout(limit, execution).await {
        Ok(Ok((data, errors))) => Answer::executed(&data, &errors, cost),
        Ok(Err(TooLong)) => Answer::too_long(cost),
        Err(_) => Answer::failed(too_slow(limit), cost),
    };
    with_headers(answer, charge, None)
}

fn refused(refusal: Refusal, charge: Option<Charge>) -> Box<Answer> {
    let exhausted = match refusal {
        Refusal::PointsExhausted(exhausted) => Some(exhausted),
        _ => None,
    };
    let stage = refusal.stage();
    let answer = Answer::refused(stage, &refusal.into_errors(), cost(charge));
    Box::new(with_headers(answer, charge, exhausted))
}

fn with_headers(
    mut answer: Answer,
    charge: Option<Charge>,
    exhausted: Option<PointsExhausted>,
) -> Answer {
    if let Some(charge) = charge {
        add_headers(&mut answer.headers, charge, exhausted);
    }
    answer
}

fn cost(charge: Option<Charge>) -> Option<usize> {
    charge.map(|charge| charge.cost)
}

fn no_operation(name: Option<&str>) -> Refusal {
    let message = match name {
        Some(name) => format!("the document has no operation {name:?}: name one that it has"),
        None => {
            "the document has several operations: name one of them in `operationName`".to_owned()
        }
    };
    Refusal::Request(message)
}

/// Returns the library's error for a value without the value, which may be long or secret.
fn without_value(message: &str) -> String {
    let parts = message
        .strip_prefix("could not coerce ")
        .and_then(|rest| Some((rest.split_once(": ")?.0, rest.rsplit_once(" to type ")?.1)));
    parts.map_or_else(
        || message.to_owned(),
        |(of_what, type_name)| format!("the value of {of_what} is not of type {type_name}"),
    )
}

fn carried(operation: OperationType, carries: Carries) -> Result<(), Refusal> {
    match (operation, carries) {
        (OperationType::Mutation, Carries::Queries | Carries::QueriesAndSubscriptions) => {
            Err(Refusal::WrongTransport(Stage::NeedsPost))
        }
        (OperationType::Subscription, Carries::Queries | Carries::QueriesAndMutations) => {
            Err(Refusal::WrongTransport(Stage::NeedsStream))
        }
        _ => Ok(()),
    }
}

fn too_slow(limit: Duration) -> Error {
    let message = format!(
        "the operation did not end within {} s: ask for less; a mutation may have been done, and is safe to \
         send again with an idempotency key",
        limit.as_secs_f64()
    );
    failure(Code::TooSlow, message)
}
