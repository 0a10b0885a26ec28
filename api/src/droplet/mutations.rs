//! Mutations about droplets, one for each command.

use std::net::IpAddr;

use async_graphql::ID;
use commands::droplet::NewDroplet;
use domain::droplet::{Address, DropletUpdate};
use domain::name::DropletName;
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};
use domain::tag::Tag;

use super::DropletRow;
use super::inputs::{
    DeleteDropletInput, ProtectDropletInput, ProvisionDropletInput, RenameDropletInput,
    ReportDropletActiveInput, ReportDropletDeletedInput, ReportDropletFailedInput, TagDropletInput,
    UnprotectDropletInput, UntagDropletInput,
};
use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::graph::input::Check;
use crate::graph::mutation::carry_out;
use crate::graph::payload::Payload;
use crate::graph::request::new_id;
use crate::graph::scalars::Time;
use crate::identity::roles::Right;

/// Declares the mutations.
pub(super) fn mutations<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields
        .mutation(
            "provisionDroplet",
            "Requests a droplet. The droplet exists at once, with the status `REQUESTED`; its \
             provisioner then creates the machine.",
            provision_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "renameDroplet",
            "Gives a droplet another name.",
            rename_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "tagDroplet",
            "Adds a tag to a droplet. Changes nothing if the droplet carries the tag already.",
            tag_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "untagDroplet",
            "Removes a tag from a droplet. Changes nothing if the droplet does not carry the tag.",
            untag_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "protectDroplet",
            "Protects a droplet from deletion. All other commands remain possible.",
            protect_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "unprotectDroplet",
            "Makes a droplet's deletion possible again.",
            unprotect_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "deleteDroplet",
            "Requests the deletion of a droplet. The status of the droplet is `DELETING` until \
             its provisioner has removed the machine.",
            delete_droplet,
        )
        .needs(Right::Command);
    fields
        .mutation(
            "reportDropletActive",
            "Reports that a droplet's machine was created and runs. For droplets of provisioner \
             `AGENT`.",
            report_droplet_active,
        )
        .needs(Right::Report);
    fields
        .mutation(
            "reportDropletFailed",
            "Reports that a droplet's machine could not be created. For droplets of provisioner \
             `AGENT`.",
            report_droplet_failed,
        )
        .needs(Right::Report);
    fields
        .mutation(
            "reportDropletDeleted",
            "Reports that a droplet's machine was removed. For droplets of provisioner `AGENT`.",
            report_droplet_deleted,
        )
        .needs(Right::Report);
}

async fn provision_droplet(
    context: Context,
    input: ProvisionDropletInput,
) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
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
        &context,
        check,
        input.occurred_at,
        new(),
        |commands, about, new| async move { commands.provision_droplet(&about, new).await },
    )
    .await
}

async fn rename_droplet(
    context: Context,
    input: RenameDropletInput,
) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
    let name = check.value("name", DropletName::parse(input.name));
    let command = name.map(|name| DropletUpdate::Rename { name });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn tag_droplet(context: Context, input: TagDropletInput) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
    let tag = check.value("tag", Tag::parse(input.tag));
    let command = tag.map(|tag| DropletUpdate::Tag { tag });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn untag_droplet(context: Context, input: UntagDropletInput) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
    let tag = check.value("tag", Tag::parse(input.tag));
    let command = tag.map(|tag| DropletUpdate::Untag { tag });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn protect_droplet(
    context: Context,
    input: ProtectDropletInput,
) -> Result<Payload<DropletRow>> {
    let command = Some(DropletUpdate::Protect);
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn unprotect_droplet(
    context: Context,
    input: UnprotectDropletInput,
) -> Result<Payload<DropletRow>> {
    let command = Some(DropletUpdate::Unprotect);
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn delete_droplet(
    context: Context,
    input: DeleteDropletInput,
) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
    let id = check.id("id", &input.id);
    carry_out(
        &context,
        check,
        input.occurred_at,
        id,
        |commands, about, id| async move { commands.delete_droplet(&about, id, new_id()).await },
    )
    .await
}

async fn report_droplet_active(
    context: Context,
    input: ReportDropletActiveInput,
) -> Result<Payload<DropletRow>> {
    let mut check = Check::begin(&context)?;
    let addresses = check.list("addresses", Some("ip"), input.addresses, |address| {
        let ip = address.ip.parse::<IpAddr>();
        ip.map(|ip| Address {
            kind: address.kind.into(),
            ip,
        })
        .map_err(|_| "this is no IP address: write one like 192.0.2.17 or 2001:db8::17")
    });
    let command = addresses.map(|addresses| DropletUpdate::ReportActive { addresses });
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn report_droplet_failed(
    context: Context,
    input: ReportDropletFailedInput,
) -> Result<Payload<DropletRow>> {
    let reason = input.reason;
    let command = Some(DropletUpdate::ReportFailed { reason });
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

async fn report_droplet_deleted(
    context: Context,
    input: ReportDropletDeletedInput,
) -> Result<Payload<DropletRow>> {
    let command = Some(DropletUpdate::ReportDeleted);
    let check = Check::begin(&context)?;
    send(&context, check, &input.id, command, input.occurred_at).await
}

/// Sends a command to a droplet; `command` is `None` if its input is invalid.
async fn send(
    context: &Context,
    mut check: Check<'_>,
    id: &ID,
    command: Option<DropletUpdate>,
    occurred_at: Option<Time>,
) -> Result<Payload<DropletRow>> {
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
