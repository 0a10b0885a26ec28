//! What resolvers work with.

use std::sync::Arc;

use commands::execute::Commands;
use domain::ids::OrgId;
use projections::changes::Changes;
use projections::consistency::Consistency;
use projections::operations::Operations;
use projections::reader::Reader;

use crate::graph::readiness::Readiness;

/// What resolvers work with; data of the schema. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Carries out mutations.
    pub commands: Commands,
    /// Answers queries.
    pub reader: Reader,
    /// Lets requests wait for what was written.
    pub consistency: Consistency,
    /// Feeds subscriptions.
    pub changes: Changes,
    /// Pauses and rebuilds read models, and retries or skips their parked streams.
    pub operating: Operations,
    /// The organization whose admins may do what concerns all organizations; nobody may if there is none.
    pub operators: Option<OrgId>,
    /// Tells which parts of the process work.
    pub readiness: Arc<dyn Readiness>,
}
