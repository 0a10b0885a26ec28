//! Gives a code to the errors of the executor itself, so that no error is sent without a code.

use std::sync::Arc;

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextParseQuery, NextRequest, NextSubscribe,
    NextValidation,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    ErrorExtensionValues, Response, ServerError, ServerResult, ValidationResult, Variables,
};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::graph::error::Code;

/// The schema extension that gives the errors of each phase their code.
pub(crate) struct Codes;

impl ExtensionFactory for Codes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for Codes {
    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        next.run(context, query, variables)
            .await
            .map_err(|error| coded(error, Code::GraphqlParseFailed))
    }

    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(context).await.map_err(|errors| {
            let coded = |error| coded(error, Code::GraphqlValidationFailed);
            errors.into_iter().map(coded).collect()
        })
    }

    // Our resolvers give a code to every error. An error without a code means an argument that does not
    // coerce, or a wrong choice in the request, such as an unknown operation name.
    async fn request(&self, context: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        all_coded(next.run(context).await)
    }

    fn subscribe<'s>(
        &self,
        context: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        next.run(context, stream).map(all_coded).boxed()
    }
}

fn all_coded(mut response: Response) -> Response {
    let coded = |error| coded(error, Code::BadUserInput);
    response.errors = response.errors.into_iter().map(coded).collect();
    response
}

fn coded(mut error: ServerError, code: Code) -> ServerError {
    let extensions = error
        .extensions
        .get_or_insert_with(ErrorExtensionValues::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code.as_str());
    }
    error
}
