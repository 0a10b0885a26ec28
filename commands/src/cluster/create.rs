//! Creates a cluster.

use domain::cluster::{Cluster, ClusterCommand, NodeLimits};
use domain::ids::ClusterId;
use domain::name::ClusterName;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase};

/// The arguments of a new cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCluster {
    /// The id of the cluster, made for this request.
    pub id: ClusterId,
    /// The name of the cluster, which no other living cluster of the organization may have.
    pub name: ClusterName,
    /// The purpose of the cluster; possibly empty.
    pub description: String,
    /// The bounds of the cluster's size, in live droplets.
    pub limits: NodeLimits,
}

impl Commands {
    /// Creates a cluster, and takes its name.
    ///
    /// # Errors
    /// [`CommandError`]; `NAME_TAKEN` when another living cluster has the name.
    pub async fn create_cluster(
        &self,
        context: &Context,
        new: NewCluster,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Create { new }).await
    }
}

pub(crate) struct Create {
    new: NewCluster,
}

impl UseCase for Create {
    fn name(&self) -> &'static str {
        "create_cluster"
    }

    fn subject(&self) -> StreamId {
        self.new.id.into()
    }

    fn ids(&self) -> Value {
        json!({ "cluster": self.new.id })
    }

    fn arguments(&self) -> Value {
        let NewCluster {
            id: _,
            name,
            description,
            limits,
        } = &self.new;
        json!({
            "name": name.as_str(),
            "description": description,
            "minimum_nodes": limits.minimum,
            "maximum_nodes": limits.maximum,
        })
    }

    async fn decide(
        &self,
        _context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let new = self.new.clone();
        let cluster: Loaded<Cluster> = streams.open(new.id).await?;
        let create = ClusterCommand::Create {
            name: new.name,
            description: new.description,
            limits: new.limits,
        };
        Ok(cluster.decide(&create)?.into())
    }
}

impl Recorded for Create {
    const NAMES: &'static [&'static str] = &["create_cluster"];

    fn of_record(_name: &str, input: Value, ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            name: ClusterName,
            description: String,
            minimum_nodes: u32,
            maximum_nodes: u32,
        }
        #[derive(Deserialize)]
        struct Ids {
            cluster: ClusterId,
        }
        let input: Input = serde_json::from_value(input)?;
        let Ids { cluster: id } = serde_json::from_value(ids)?;
        let limits = NodeLimits {
            minimum: input.minimum_nodes,
            maximum: input.maximum_nodes,
        };
        let new = NewCluster {
            id,
            name: input.name,
            description: input.description,
            limits,
        };
        Ok(Self { new })
    }
}
