//! The services that resolvers use.

use std::sync::Arc;

use commands::execute::Commands;
use domain::ids::OrgId;
use projections::changes::Changes;
use projections::consistency::Consistency;
use projections::operations::Operations;
use projections::reader::Reader;

use crate::graph::readiness::Readiness;

/// The services that resolvers use; data of the schema. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Executes the commands of mutations.
    pub commands: Commands,
    /// Answers queries.
    pub reader: Reader,
    /// Lets requests wait until read models show a write.
    pub consistency: Consistency,
    /// Supplies the changes for subscriptions.
    pub changes: Changes,
    /// Pauses and rebuilds read models, and retries or skips their parked streams.
    pub operating: Operations,
    /// The organization whose admins may use the fields that concern all organizations. `None` permits
    /// nobody.
    pub operators: Option<OrgId>,
    /// Reports which parts of the process work.
    pub readiness: Arc<dyn Readiness>,
}
