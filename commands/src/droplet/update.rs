//! Changes a droplet, or records a report of its provisioner, if no other aggregate is concerned.

use std::net::IpAddr;

use domain::droplet::{Address, AddressKind, Droplet, DropletUpdate};
use domain::ids::DropletId;
use event_store::envelope::StreamId;
use serde::Deserialize;
use serde_json::{Value, from_value, json};

use super::ownership;
use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::execute::Commands;
use crate::receipt::Receipt;
use crate::streams::{Loaded, Streams};
use crate::use_case::{Recorded, UseCase, unknown};

impl Commands {
    /// Changes a droplet, or reports on it. A droplet that gets another name, or ends, releases its former
    /// name.
    ///
    /// # Errors
    /// [`CommandError`]; `DROPLET_NOT_FOUND` also for droplets of other organizations.
    pub async fn droplet(
        &self,
        context: &Context,
        id: DropletId,
        update: DropletUpdate,
    ) -> Result<Receipt, CommandError> {
        self.execute(context, &Update { id, update }).await
    }
}

pub(crate) struct Update {
    id: DropletId,
    update: DropletUpdate,
}

impl UseCase for Update {
    fn name(&self) -> &'static str {
        match self.update {
            DropletUpdate::ReportActive { .. } => "report_droplet_active",
            DropletUpdate::ReportFailed { .. } => "report_droplet_failed",
            DropletUpdate::Rename { .. } => "rename_droplet",
            DropletUpdate::Tag { .. } => "tag_droplet",
            DropletUpdate::Untag { .. } => "untag_droplet",
            DropletUpdate::Protect => "protect_droplet",
            DropletUpdate::Unprotect => "unprotect_droplet",
            DropletUpdate::ReportDeleted => "report_droplet_deleted",
        }
    }

    fn subject(&self) -> StreamId {
        self.id.into()
    }

    fn arguments(&self) -> Value {
        let argument = match &self.update {
            DropletUpdate::ReportActive { addresses } => {
                let address = |address: &Address| json!([address.kind.as_str(), address.ip]);
                addresses.iter().map(address).collect()
            }
            DropletUpdate::ReportFailed { reason } => json!(reason),
            DropletUpdate::Rename { name } => json!(name.as_str()),
            DropletUpdate::Tag { tag } | DropletUpdate::Untag { tag } => json!(tag.as_str()),
            DropletUpdate::Protect | DropletUpdate::Unprotect | DropletUpdate::ReportDeleted => {
                Value::Null
            }
        };
        json!({ "droplet": self.id, "argument": argument })
    }

    async fn decide(
        &self,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Decision, CommandError> {
        let droplet: Loaded<Droplet> = streams.load(self.id).await?;
        ownership::check(context.source, &droplet.state, &self.update)?;
        Ok(droplet.decide(&self.update.clone().into())?.into())
    }
}

impl Recorded for Update {
    const NAMES: &'static [&'static str] = &[
        "report_droplet_active",
        "report_droplet_failed",
        "rename_droplet",
        "tag_droplet",
        "untag_droplet",
        "protect_droplet",
        "unprotect_droplet",
        "report_droplet_deleted",
    ];

    fn of_record(name: &str, input: Value, _ids: Value) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Input {
            droplet: DropletId,
            argument: Value,
        }
        let Input {
            droplet: id,
            argument,
        } = from_value(input)?;
        let update = match name {
            "report_droplet_active" => {
                let addresses: Vec<(AddressKind, IpAddr)> = from_value(argument)?;
                let addresses = addresses.into_iter();
                let addresses = addresses.map(|(kind, ip)| Address { kind, ip }).collect();
                DropletUpdate::ReportActive { addresses }
            }
            "report_droplet_failed" => DropletUpdate::ReportFailed {
                reason: from_value(argument)?,
            },
            "rename_droplet" => DropletUpdate::Rename {
                name: from_value(argument)?,
            },
            "tag_droplet" => DropletUpdate::Tag {
                tag: from_value(argument)?,
            },
            "untag_droplet" => DropletUpdate::Untag {
                tag: from_value(argument)?,
            },
            "protect_droplet" => DropletUpdate::Protect,
            "unprotect_droplet" => DropletUpdate::Unprotect,
            "report_droplet_deleted" => DropletUpdate::ReportDeleted,
            _ => return Err(unknown(name)),
        };
        Ok(Self { id, update })
    }
}
