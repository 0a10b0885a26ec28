//! Commands that meet on one stream are decided again, on the state as it then is.

use std::collections::BTreeSet;

use commands::error::CommandError;
use commands::execute::Commands;
use domain::droplet::DropletUpdate;
use domain::ids::DropletId;
use domain::tag::Tag;
use event_store::envelope::Version;
use tokio::task::JoinSet;

use crate::support::{Platform, droplet, request, tag};

const WRITERS: usize = 16;
const COMMANDS_EACH: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_on_one_stream_all_get_through() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let id = provision(&commands).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let commands = commands.clone();
        writers.spawn(async move {
            let mut versions = Vec::new();
            for round in 0..COMMANDS_EACH {
                let written = commands
                    .droplet(&request(), id, change(writer, round))
                    .await;
                versions.push(written.expect("it gets through").streams[0].1);
            }
            versions
        });
    }
    let versions = writers.join_all().await;
    assert_every_receipt_has_its_event(&platform, id, versions).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_several_processes_get_through_or_learn_that_they_did_not() {
    let mut platform = Platform::new().await;
    let processes = [platform.process(), platform.process(), platform.process()];
    let id = provision(&processes[0]).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let commands = processes[writer % processes.len()].clone();
        writers.spawn(async move {
            let mut versions = Vec::new();
            for round in 0..COMMANDS_EACH {
                versions.push(insist(&commands, id, change(writer, round)).await);
            }
            versions
        });
    }
    let versions = writers.join_all().await;
    assert_every_receipt_has_its_event(&platform, id, versions).await;
}

async fn provision(commands: &Commands) -> DropletId {
    let new = droplet("web");
    let id = new.id;
    let provisioned = commands.provision_droplet(&request(), new).await;
    provisioned.expect("it is accepted");
    id
}

/// At most 64 tags fit on a droplet, so each writer adds and removes one of its own.
fn change(writer: usize, round: usize) -> DropletUpdate {
    let text = format!("writer-{writer}");
    match round % 2 {
        0 => tag(&text),
        _ => DropletUpdate::Untag {
            tag: Tag::parse(text).expect("a tag"),
        },
    }
}

/// Sends the command again for as long as others are in the way, as a client does.
async fn insist(commands: &Commands, id: DropletId, command: DropletUpdate) -> Version {
    loop {
        match commands.droplet(&request(), id, command.clone()).await {
            Ok(receipt) => return receipt.streams[0].1,
            Err(CommandError::Conflict) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn assert_every_receipt_has_its_event(
    platform: &Platform,
    id: DropletId,
    versions: Vec<Vec<Version>>,
) {
    let versions: Vec<_> = versions.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = versions.iter().collect();
    let commands = WRITERS * COMMANDS_EACH;
    assert_eq!(
        distinct.len(),
        commands,
        "no two commands wrote one version"
    );
    let events = platform.history(id).await.len();
    assert_eq!(
        events,
        1 + commands,
        "nothing was written twice, or without a receipt"
    );
}
