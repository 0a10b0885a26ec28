//! Enforces the rights that fields need, independently of the transport.

use crate::graph::error::{Code, Result, failure};
use crate::graph::execute::context::Run;
use crate::graph::services::Services;
use crate::identity::roles::Right;

/// The right that a caller needs for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A right of its token.
    Right(Right),
    /// The right, in the organization that runs the platform, because the field concerns all organizations.
    OfOperators(Right),
}

impl From<Right> for Need {
    fn from(right: Right) -> Self {
        Self::Right(right)
    }
}

impl Need {
    /// Returns the name under which a denial is recorded.
    pub(crate) const fn name(self) -> &'static str {
        let (Self::Right(right) | Self::OfOperators(right)) = self;
        right.name()
    }

    /// Checks that the caller of a run may ask for the field of this name.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a token, and `FORBIDDEN` without the right.
    pub(crate) fn check(self, run: &Run, field: &str) -> Result<()> {
        let principal = &run.request()?.principal;
        let (Self::Right(right) | Self::OfOperators(right)) = self;
        if !principal.roles.allow(right) {
            let message = format!(
                "`{field}` needs the role {}: ask for a token that has it",
                right.roles_in_words()
            );
            return Err(failure(Code::Forbidden, message));
        }
        let of_operators = || {
            let services = run.data.downcast_ref::<Services>();
            services.and_then(|services| services.operators.as_ref()) == Some(&principal.org)
        };
        if matches!(self, Self::OfOperators(_)) && !of_operators() {
            let message = format!(
                "`{field}` concerns all organizations: only admins of the one that runs the platform \
                 may do it, which is named by the setting --operators-org"
            );
            return Err(failure(Code::Forbidden, message));
        }
        Ok(())
    }
}
