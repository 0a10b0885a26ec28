//! What resolvers work with.

use std::sync::Arc;

use commands::execute::Commands;
use projections::{changes::Changes, consistency::Consistency, reader::Reader};

use crate::health::Readiness;

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
    /// Tells which parts of the process work.
    pub readiness: Arc<dyn Readiness>,
}
