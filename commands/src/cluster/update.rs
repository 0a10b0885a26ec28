//! Changes a cluster.

use domain::cluster::{ClusterUpdate, NodeLimits};
use domain::ids::ClusterId;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, from_value, json};

use super::capacity;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::Streams;
use crate::use_case::{Recorded, UseCase, unknown};

impl Commands {
    /// Changes a cluster. A cluster that gets another name releases its former name.
    ///
    /// # Errors
    /// [`CommandError`]; `CLUSTER_NOT_FOUND` also for clusters of other organizations; `CLUSTER_TOO_LARGE`
    /// when the cluster has more live droplets than the new maximum.
    pub async fn cluster(
        &self,
        context: &Context,
        id: ClusterId,
        update: ClusterUpdate,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Update { id, update }).await
    }
}

pub(crate) struct Update {
    id: ClusterId,
    update: ClusterUpdate,
}

impl UseCase for Update {
    fn name(&self) -> &'static str {
        match self.update {
            ClusterUpdate::Rename { .. } => "rename_cluster",
            ClusterUpdate::Describe { .. } => "describe_cluster",
            ClusterUpdate::SetNodeLimits { .. } => "set_cluster_node_limits",
            ClusterUpdate::StartMaintenance => "start_cluster_maintenance",
            ClusterUpdate::EndMaintenance => "end_cluster_maintenance",
        }
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let argument = match &self.update {
            ClusterUpdate::Rename { name } => json!(name.as_str()),
            ClusterUpdate::Describe { description } => json!(description),
            ClusterUpdate::SetNodeLimits { limits } => json!([limits.minimum, limits.maximum]),
            ClusterUpdate::StartMaintenance | ClusterUpdate::EndMaintenance => Value::Null,
        };
        json!({ "cluster": self.id, "argument": argument })
    }

    async fn decide(
        &self,
        _context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        capacity::decide(streams, self.id, &self.update.clone().into()).await
    }
}

impl Recorded for Update {
    const NAMES: &'static [&'static str] = &[
        "rename_cluster",
        "describe_cluster",
        "set_cluster_node_limits",
        "start_cluster_maintenance",
        "end_cluster_maintenance",
    ];

    fn of_record(name: &str, input: Value, _ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            cluster: ClusterId,
            argument: Value,
        }
        let Input {
            cluster: id,
            argument,
        } = from_value(input)?;
        let update = match name {
            "rename_cluster" => ClusterUpdate::Rename {
                name: from_value(argument)?,
            },
            "describe_cluster" => ClusterUpdate::Describe {
                description: from_value(argument)?,
            },
            "set_cluster_node_limits" => {
                let (minimum, maximum) = from_value(argument)?;
                let limits = NodeLimits { minimum, maximum };
                ClusterUpdate::SetNodeLimits { limits }
            }
            "start_cluster_maintenance" => ClusterUpdate::StartMaintenance,
            "end_cluster_maintenance" => ClusterUpdate::EndMaintenance,
            _ => return Err(unknown(name)),
        };
        Ok(Self { id, update })
    }
}
