//! Deletes a cluster.

use domain::cluster::ClusterCommand;
use domain::ids::ClusterId;
use event_store::envelope::StreamId;
use serde_json::{Value, json};

use super::capacity;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::{Commands, UseCase};
use crate::receipt::Receipt;
use crate::streams::Streams;

impl Commands {
    /// Deletes a cluster, which releases its name.
    ///
    /// # Errors
    /// [`CommandError`]; `CLUSTER_NOT_FOUND` also for clusters of other organizations; `CLUSTER_NOT_EMPTY`
    /// while the cluster has live droplets.
    pub async fn delete_cluster(
        &self,
        context: &Context,
        id: ClusterId,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Delete { id }).await
    }
}

struct Delete {
    id: ClusterId,
}

impl UseCase for Delete {
    fn name(&self) -> &'static str {
        "delete_cluster"
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        json!({ "cluster": self.id })
    }

    async fn decide(
        &self,
        _context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        capacity::decide(streams, self.id, &ClusterCommand::Delete).await
    }
}
