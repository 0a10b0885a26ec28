//! Enforces the rights that fields need, independently of the transport.

use async_graphql::{Context, Guard};

use crate::graph::error::{Code, failure};
use crate::graph::request::RequestInfo;
use crate::graph::services::Services;
use crate::identity::roles::Right;

/// Guards a field: only tokens with the right pass.
pub(crate) struct Needs(pub(crate) Right);

impl Guard for Needs {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        if RequestInfo::of(context)?.principal.roles.allow(self.0) {
            return Ok(());
        }
        let message = format!(
            "`{}` needs the role {}: ask for a token that has it",
            context.item.node.name.node,
            self.0.roles_in_words()
        );
        Err(failure(Code::Forbidden, message))
    }
}

/// Guards a field that concerns all organizations. Of the callers with the right, only those of the
/// organization that runs the platform pass.
pub(crate) struct OfOperators;

impl Guard for OfOperators {
    async fn check(&self, context: &Context<'_>) -> async_graphql::Result<()> {
        let org = &RequestInfo::of(context)?.principal.org;
        if context.data::<Services>()?.operators.as_ref() == Some(org) {
            return Ok(());
        }
        let message = format!(
            "`{}` concerns all organizations: only admins of the one that runs the platform may do it, which \
             is named by the setting --operators-org",
            context.item.node.name.node
        );
        Err(failure(Code::Forbidden, message))
    }
}
