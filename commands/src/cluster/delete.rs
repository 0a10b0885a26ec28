//! Deletes a cluster.

use domain::cluster::ClusterCommand;
use domain::ids::ClusterId;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::capacity;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::Streams;
use crate::use_case::{Recorded, UseCase};

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

pub(crate) struct Delete {
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

impl Recorded for Delete {
    const NAMES: &'static [&'static str] = &["delete_cluster"];

    fn of_record(_name: &str, input: Value, _ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            cluster: ClusterId,
        }
        let Input { cluster: id } = serde_json::from_value(input)?;
        Ok(Self { id })
    }
}
