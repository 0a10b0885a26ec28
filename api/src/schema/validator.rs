//! Validates documents without running them.

use std::sync::{Arc, OnceLock};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, ServerError, ValidationResult};
use async_trait::async_trait;

use super::ApiSchema;

/// The schema, for validation only.
pub(super) struct Validator(ApiSchema);

impl Validator {
    /// Builds the schema without the services of its resolvers.
    pub(super) fn new() -> Self {
        Self(super::builder().extension(OnlyValidate).finish())
    }

    /// Checks a document against all rules of validation.
    ///
    /// # Errors
    /// The errors of the document, in sentences.
    pub(super) async fn validate(&self, document: &ExecutableDocument) -> Result<(), String> {
        let found = Found::default();
        let mut request = Request::new("").data(found.clone());
        request.set_parsed_query(document.clone());
        let _ = self.0.execute(request).await;
        let errors = found
            .0
            .get()
            .expect("every parsed document gets as far as validation");
        if errors.is_empty() {
            return Ok(());
        }
        let sentences: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        Err(sentences.join("; "))
    }
}

/// The errors that validation found; data of the request.
#[derive(Clone, Default)]
struct Found(Arc<OnceLock<Vec<ServerError>>>);

/// Keeps the errors of validation, and ends the request there.
struct OnlyValidate;

impl ExtensionFactory for OnlyValidate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for OnlyValidate {
    async fn validation(
        &self,
        context: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let errors = next.run(context).await.err().unwrap_or_default();
        if let Some(Found(found)) = context.data_opt::<Found>() {
            let _ = found.set(errors);
        }
        Err(Vec::new())
    }
}
