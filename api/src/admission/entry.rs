//! The schema extension that admits or rejects every request before its document is validated.
//!
//! The admission is an extension so that no transport can omit it. It finds the document by its hash, or
//! parses it and checks the limits ([`crate::admission::limits`]). Then it prices the operation and takes
//! the price from the principal's points ([`crate::admission::rate_limit`]). The executor gets the parsed
//! document and does not parse it again. A rejection is a request error: no part of the request ran. An
//! operation that exceeds its time limit is ended. A subscription may continue, but each of its results has
//! the same time limit. Every result is put into the order of the selection (`graph::field_order`).

use std::any::TypeId;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextPrepareRequest, NextRequest,
    NextSubscribe,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Data, Request, Response, SchemaEnv, ServerResult, value};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::time::timeout;

use crate::admission::documents::trusted::Trusted;
use crate::admission::documents::{Document, Hash, Store};
use crate::admission::limits::Limits;
use crate::admission::limits::cost::{Price, price};
use crate::admission::persisted;
use crate::admission::rate_limit::{Buckets, Charged, PointsExhausted, Rates};
use crate::admission::refusal::{self, Refusal};
use crate::graph::batch::Batches;
use crate::graph::error::{Code, failure};
use crate::graph::execution::{Execution, Stage};
use crate::graph::field_order::{self, Conditions};
use crate::graph::operation::operation;
use crate::graph::request::RequestInfo;

/// The cost of a rejected document in points, because reading the document took time too.
const REFUSED: usize = 10;

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
    /// The trusted documents.
    pub trusted: Trusted,
    /// The documents that may run.
    pub runs: Runs,
}

/// The schema extension that admits or rejects requests. Clones share all state.
#[derive(Debug, Clone)]
pub struct Admission {
    rules: Arc<Rules>,
    documents: Arc<Store>,
    buckets: Arc<Buckets>,
}

impl Admission {
    /// Creates the admission by these rules, with full buckets and no stored documents.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            documents: Arc::new(Store::new()),
            buckets: Arc::new(Buckets::new(rules.rates)),
            rules: Arc::new(rules),
        }
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
        let document = Arc::new(Document::read(&request.query, &self.rules.limits)?);
        self.documents.put(hash, Arc::clone(&document));
        Ok(document)
    }

    /// Returns the price of the operation that will run.
    fn price(&self, request: &Request, document: &ExecutableDocument) -> Result<Price, Refusal> {
        let Some(operation) = operation(document, request.operation_name.as_deref()) else {
            // The executor reports an ambiguous choice of operation.
            return Ok(Price::FREE);
        };
        let price = price(document, &operation.node, &request.variables);
        price.hold(&self.rules.limits)?;
        Ok(price)
    }
}

impl ExtensionFactory for Admission {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(RequestAdmission {
            admission: self.clone(),
            report: Arc::default(),
            admitted: Arc::default(),
        })
    }
}

/// The admission of one request.
struct RequestAdmission {
    admission: Admission,
    report: Arc<PointsReport>,
    admitted: Arc<OnceLock<Admitted>>,
}

/// The admitted part of a request.
struct Admitted {
    document: Arc<Document>,
    operation_name: Option<String>,
    conditions: Conditions,
}

impl Admitted {
    fn put_in_order(&self, response: &mut Response, schema: &SchemaEnv) {
        let document = self.document.to_run(&schema.registry);
        if let Some(operation) = operation(document, self.operation_name.as_deref()) {
            field_order::put_in_order(
                &mut response.data,
                document,
                self.document.marker(&schema.registry),
                &operation.node,
                &self.conditions,
                &schema.registry,
            );
        }
    }
}

/// The report about points in the response.
#[derive(Default)]
struct PointsReport {
    charged: OnceLock<Charged>,
    exhausted: OnceLock<PointsExhausted>,
}

impl PointsReport {
    /// Adds the cost of the request and the points that are left to the response.
    fn add_to(&self, mut response: Response) -> Response {
        let Some(charged) = self.charged.get() else {
            return response;
        };
        let cost = value!({ "requested": charged.cost });
        response.extensions.insert("cost".to_owned(), cost);
        refusal::add_headers(&mut response.http_headers, charged, self.exhausted.get());
        response
    }
}

impl RequestAdmission {
    fn admit(&self, request: &mut Request, schema: &SchemaEnv) -> Result<(), Refusal> {
        let document = self.admission.document(request);
        let priced = document.and_then(|document| {
            let price = self.admission.price(request, &document.parsed)?;
            Ok((document, price.cost))
        });
        let cost = priced.as_ref().map_or(REFUSED, |(_, cost)| *cost);
        self.charge(request, cost)?;
        let (document, _) = priced?;
        give_defaults(&document.parsed, request);
        request.data.insert(Batches::default());
        request.set_parsed_query(document.to_run(&schema.registry).clone());
        let _ = self.admitted.set(Admitted {
            document,
            operation_name: request.operation_name.clone(),
            conditions: Conditions::among(&request.variables),
        });
        Ok(())
    }

    fn charge(&self, request: &mut Request, cost: usize) -> Result<(), Refusal> {
        // Without a principal, every field rejects the request.
        let Some(info) = of::<RequestInfo>(&request.data) else {
            return Ok(());
        };
        let taken = self
            .admission
            .buckets
            .take(&info.principal, cost, Instant::now());
        let standing = match &taken {
            Ok(standing) => *standing,
            Err(exhausted) => exhausted.standing,
        };
        let charged = Charged {
            cost,
            standing,
            full_at: info.received_at + standing.full_in,
        };
        let _ = self.report.charged.set(charged);
        request.data.insert(charged);
        taken.map(drop).map_err(|exhausted| {
            if let Some(execution) = of::<Execution>(&request.data) {
                execution.reached(Stage::RateLimited);
            }
            let _ = self.report.exhausted.set(exhausted);
            Refusal::PointsExhausted(exhausted)
        })
    }
}

#[async_trait]
impl Extension for RequestAdmission {
    async fn request(&self, context: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(context).await;
        if let Some(admitted) = self.admitted.get() {
            admitted.put_in_order(&mut response, context.schema_env);
        }
        self.report.add_to(response)
    }

    // Queries over streams arrive here too. Only the first result of a subscription reports the cost,
    // because the later results cost nothing.
    fn subscribe<'s>(
        &self,
        context: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let mut unreported = Some(Arc::clone(&self.report));
        let (admitted, schema) = (Arc::clone(&self.admitted), context.schema_env.clone());
        let finish = move |mut response| {
            if let Some(admitted) = admitted.get() {
                admitted.put_in_order(&mut response, &schema);
            }
            match unreported.take() {
                Some(report) => report.add_to(response),
                None => response,
            }
        };
        next.run(context, stream).map(finish).boxed()
    }

    async fn prepare_request(
        &self,
        context: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let admitted = self.admit(&mut request, context.schema_env);
        admitted.map_err(Refusal::into_error)?;
        next.run(context, request).await
    }

    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let time_limit = self.admission.rules.limits.execution;
        match timeout(time_limit, next.run(context, operation_name)).await {
            Ok(response) => response,
            Err(_) => {
                let message = format!(
                    "the operation did not end within {} s: ask for less; a mutation may have been \
                     done, and is safe to send again with an idempotency key",
                    time_limit.as_secs_f64()
                );
                let error = failure(Code::TooSlow, message);
                Response::from_errors(vec![refusal::without_place(error)])
            }
        }
    }
}

/// Gives variables that were not sent their defaults. The executor does so for arguments of fields, but not
/// for `@skip` and `@include`.
fn give_defaults(document: &ExecutableDocument, request: &mut Request) {
    let Some(operation) = operation(document, request.operation_name.as_deref()) else {
        return;
    };
    for definition in &operation.node.variable_definitions {
        let name = &definition.node.name.node;
        if let Some(default) = definition.node.default_value()
            && !request.variables.contains_key(name)
        {
            request.variables.insert(name.clone(), default.clone());
        }
    }
}

fn of<Kind: 'static>(data: &Data) -> Option<&Kind> {
    data.get(&TypeId::of::<Kind>())?.downcast_ref()
}
