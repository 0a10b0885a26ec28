//! Mutations about droplets, one for each command.

use std::net::IpAddr;

use async_graphql::{Context, ID, Object, Result};
use commands::droplet::NewDroplet;
use domain::droplet::{Address, DropletUpdate};
use domain::name::DropletName;
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;

use super::inputs::{
    DeleteDropletInput, ProtectDropletInput, ProvisionDropletInput, RenameDropletInput,
    ReportDropletActiveInput, ReportDropletDeletedInput, ReportDropletFailedInput, TagDropletInput,
    UnprotectDropletInput, UntagDropletInput,
};
use super::payload::DropletPayload;
use crate::graph::guard::Needs;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::request::new_id;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

#[derive(Default)]
pub(crate) struct DropletMutations;

/// Mutations about droplets.
#[Object]
impl DropletMutations {
    /// Requests a droplet. The droplet exists at once, with the status `REQUESTED`; its provisioner then
    /// creates the machine.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn provision_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet to request.")] input: ProvisionDropletInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let name = check.value("name", DropletName::parse(input.name));
        let size = check.value("size", SizeSlug::parse(input.size));
        let region = check.value("region", RegionSlug::parse(input.region));
        let image = check.value("image", ImageSlug::parse(input.image));
        let tags = check.list("tags", None, input.tags, Tag::parse);
        let cluster = match &input.cluster {
            Some(id) => check.id("cluster", id).map(Some),
            None => Some(None),
        };
        let new = || {
            Some(NewDroplet {
                id: new_id(),
                job: new_id(),
                name: name?,
                size: size?,
                region: region?,
                image: image?,
                tags: tags?,
                cluster: cluster?,
                provisioner: input.provisioner.into(),
            })
        };
        carry_out(
            context,
            check,
            input.occurred_at,
            new(),
            |commands, about, new| async move { commands.provision_droplet(&about, new).await },
        )
        .await
    }

    /// Gives a droplet another name.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn rename_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet and its new name.")] input: RenameDropletInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let name = check.value("name", DropletName::parse(input.name));
        let command = name.map(|name| DropletUpdate::Rename { name });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Adds a tag to a droplet. Changes nothing if the droplet carries the tag already.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn tag_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet and the tag.")] input: TagDropletInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let tag = check.value("tag", Tag::parse(input.tag));
        let command = tag.map(|tag| DropletUpdate::Tag { tag });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Removes a tag from a droplet. Changes nothing if the droplet does not carry the tag.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn untag_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet and the tag.")] input: UntagDropletInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let tag = check.value("tag", Tag::parse(input.tag));
        let command = tag.map(|tag| DropletUpdate::Untag { tag });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Protects a droplet from deletion. All other commands remain possible.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn protect_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet.")] input: ProtectDropletInput,
    ) -> Result<DropletPayload> {
        let command = Some(DropletUpdate::Protect);
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Makes a droplet's deletion possible again.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn unprotect_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet.")] input: UnprotectDropletInput,
    ) -> Result<DropletPayload> {
        let command = Some(DropletUpdate::Unprotect);
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Requests the deletion of a droplet. The status of the droplet is `DELETING` until its provisioner
    /// has removed the machine.
    #[graphql(guard = "Needs(Right::Command)")]
    async fn delete_droplet(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet.")] input: DeleteDropletInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let id = check.id("id", &input.id);
        carry_out(context, check, input.occurred_at, id, |commands, about, id| async move {
            commands.delete_droplet(&about, id, new_id()).await
        })
        .await
    }

    /// Reports that a droplet's machine was created and runs. For droplets of provisioner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn report_droplet_active(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet and its addresses.")] input: ReportDropletActiveInput,
    ) -> Result<DropletPayload> {
        let mut check = Check::begin(context)?;
        let addresses = check.list("addresses", Some("ip"), input.addresses, |address| {
            let ip = address.ip.parse::<IpAddr>();
            ip.map(|ip| Address {
                kind: address.kind.into(),
                ip,
            })
            .map_err(|_| "this is no IP address: write one like 192.0.2.17 or 2001:db8::17")
        });
        let command = addresses.map(|addresses| DropletUpdate::ReportActive { addresses });
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Reports that a droplet's machine could not be created. For droplets of provisioner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn report_droplet_failed(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet and the reason.")] input: ReportDropletFailedInput,
    ) -> Result<DropletPayload> {
        let reason = input.reason;
        let command = Some(DropletUpdate::ReportFailed { reason });
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }

    /// Reports that a droplet's machine was removed. For droplets of provisioner `AGENT`.
    #[graphql(guard = "Needs(Right::Report)")]
    async fn report_droplet_deleted(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The droplet.")] input: ReportDropletDeletedInput,
    ) -> Result<DropletPayload> {
        let command = Some(DropletUpdate::ReportDeleted);
        let check = Check::begin(context)?;
        send(context, check, &input.id, command, input.occurred_at).await
    }
}

/// Sends a command to a droplet; `command` is `None` if its input is invalid.
async fn send(
    context: &Context<'_>,
    mut check: Check<'_>,
    id: &ID,
    command: Option<DropletUpdate>,
    occurred_at: Option<Time>,
) -> Result<DropletPayload> {
    let id = check.id("id", id);
    let read = id.zip(command);
    carry_out(
        context,
        check,
        occurred_at,
        read,
        |commands, about, (id, command)| async move { commands.droplet(&about, id, command).await },
    )
    .await
}
