//! The query `viewer`: who sends the request.

use async_graphql::Enum;

use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;
use crate::graph::scalars::Time;
use crate::identity::principal::Principal;
use crate::identity::roles::{self, Right};

/// The sender of the request.
struct Viewer(Principal);

/// Declares the query for the sender of the request.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let viewer = fields.read(
        "viewer",
        "The sender of the request, as its token says.",
        viewer,
    );
    viewer.needs(Right::Query);
}

async fn viewer(context: Context, (): ()) -> Result<Viewer> {
    Ok(Viewer(context.request()?.principal.clone()))
}

impl Object for Viewer {
    const NAME: &'static str = "Viewer";
    const DESCRIPTION: &'static str = "The sender of a request.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text(
            "subject",
            "The subject of the token, which is the actor of the sender's events.",
            |viewer| &viewer.0.subject,
        );
        fields.text(
            "organization",
            "The organization to which all data of the request belongs.",
            |viewer| viewer.0.org.as_str(),
        );
        fields.value("roles", "The roles of the token.", |viewer| {
            viewer.0.roles.iter().map(Role::from).collect::<Vec<_>>()
        });
        fields.value("expiresAt", "The time at which the token ends.", |viewer| {
            Time(viewer.0.expires_at)
        });
    }
}

/// A role of a token, which decides what its bearer may do.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "roles::Role")]
enum Role {
    /// Has every right that people may have.
    Admin,
    /// Runs droplets, jobs and clusters.
    Operator,
    /// Reads and follows resources.
    Viewer,
    /// Reads and follows resources and the whole history.
    Auditor,
    /// Evaluates read models.
    Analyst,
    /// An outside program that creates machines or runs jobs, and reports its actions.
    Agent,
}

enums!(Role);
