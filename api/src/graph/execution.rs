//! Tracks the stage that a GraphQL request reached, by a schema extension instead of a guess from its
//! errors.
//!
//! The transports need two facts that the executor does not report. The first is whether execution began: a
//! request error must carry no `data` and has another status than an execution error. The second, before
//! execution, is whether the transport may carry the type of the operation (a GET must not mutate). A
//! transport puts an [`Execution`] into the data of its request. A schema served by the transports must
//! have the extension [`TrackExecution`]; without it every response looks like a request error.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery,
};
use async_graphql::parser::Positioned;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Response, ServerResult, Value, Variables};

use crate::graph::error::{Code, failure};
use crate::graph::operation::operation;

/// The advice for a mutation that was sent by GET.
const NEEDS_POST: &str = "GET runs no mutations: send this one with POST";

/// The types of operation that a transport carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Queries only: GET, which must be safe to repeat and to prefetch.
    Queries,
    /// Queries and mutations: everything that has one response.
    QueriesAndMutations,
    /// Queries and subscriptions: GET for a stream of events.
    QueriesAndSubscriptions,
    /// All three.
    Everything,
}

/// The stage that a request reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The document was not parsed, or its parsing failed.
    Parsing,
    /// The document was parsed, but the document, its variables or its operation name is not valid.
    Validating,
    /// The operation is a mutation, which GET does not carry.
    NeedsPost,
    /// The operation is a subscription, which needs more than one response.
    NeedsStream,
    /// The caller has no points left.
    RateLimited,
    /// Execution began: the response is a result, with or without errors.
    Executing,
}

/// The types of operation that a request may run, and the stage that it reached. Clones share the stage.
#[derive(Debug, Clone)]
pub struct Execution {
    carries: Carries,
    operation_name: Option<String>,
    stage: Arc<AtomicU8>,
}

impl Execution {
    /// Returns the state of a new request that asks for this operation of its document.
    #[must_use]
    pub fn new(carries: Carries, operation_name: Option<String>) -> Self {
        let stage = Arc::new(AtomicU8::new(Stage::Parsing as u8));
        Self {
            carries,
            operation_name,
            stage,
        }
    }

    /// Returns the stage that the request has reached.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let stage = self.stage.load(Ordering::Acquire);
        [
            Stage::Validating,
            Stage::NeedsPost,
            Stage::NeedsStream,
            Stage::RateLimited,
            Stage::Executing,
        ]
        .into_iter()
        .find(|known| *known as u8 == stage)
        .unwrap_or(Stage::Parsing)
    }

    /// Records the stage that the request has reached.
    pub(crate) fn reached(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// Rejects a document whose operation the transport does not carry, or that lacks a variable. The
    /// executor would find the missing variable only during execution, and report an execution error. An
    /// ambiguous choice of operation is left to the executor, which reports it.
    fn check(&self, document: &ExecutableDocument, variables: &Variables) -> ServerResult<()> {
        let Some(operation) = operation(document, self.operation_name.as_deref()) else {
            return Ok(());
        };
        self.check_type(operation)?;
        check_variables(&operation.node, variables)
    }

    fn check_type(&self, operation: &Positioned<OperationDefinition>) -> ServerResult<()> {
        let (stage, advice) = match (operation.node.ty, self.carries) {
            (OperationType::Mutation, Carries::Queries | Carries::QueriesAndSubscriptions) => {
                (Stage::NeedsPost, NEEDS_POST)
            }
            (OperationType::Subscription, Carries::Queries | Carries::QueriesAndMutations) => (
                Stage::NeedsStream,
                "a subscription needs a stream; connect to this path by a WebSocket with the \
                 subprotocol graphql-transport-ws, or send `Accept: text/event-stream`",
            ),
            _ => return Ok(()),
        };
        self.reached(stage);
        Err(failure(Code::BadRequest, advice).into_server_error(operation.pos))
    }
}

/// The schema extension that records the stage of each request.
#[derive(Debug, Clone, Copy)]
pub struct TrackExecution;

impl ExtensionFactory for TrackExecution {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for TrackExecution {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        if let Some(execution) = ctx.data_opt::<Execution>() {
            execution.reached(Stage::Validating);
            execution.check(&document, variables)?;
        }
        Ok(document)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(execution) = ctx.data_opt::<Execution>() {
            execution.reached(Stage::Executing);
        }
        next.run(ctx, operation_name).await
    }
}

/// Checks that every variable that must not be null has a value or a default.
fn check_variables(operation: &OperationDefinition, variables: &Variables) -> ServerResult<()> {
    for definition in &operation.variable_definitions {
        let lacks_value = match variables.get(&definition.node.name.node) {
            None => definition.node.default_value.is_none(),
            Some(value) => *value == Value::Null,
        };
        if lacks_value && !definition.node.var_type.node.nullable {
            let name = &definition.node.name.node;
            let message = format!("the variable ${name} must not be null: send a value for it");
            return Err(failure(Code::BadUserInput, message).into_server_error(definition.pos));
        }
    }
    Ok(())
}
