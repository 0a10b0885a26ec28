//! Clusters and the number of their live droplets: however commands meet, no cluster has more than its
//! maximum, and none is deleted that has any.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use commands::cluster::NewCluster;
use commands::droplet::NewDroplet;
use commands::execute::Commands;
use domain::cluster::{ClusterUpdate, NodeLimits};
use domain::droplet::DropletUpdate;
use domain::ids::{ClusterId, DropletId, JobId};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{Platform, cluster, code, droplet, rejected, request, request_of};

/// How often commands are sent at once.
const ROUNDS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn of_more_droplets_than_there_is_room_for_exactly_as_many_join() {
    let mut platform = Platform::new().await;
    let processes = [platform.process(), platform.process()];
    for round in 0..ROUNDS {
        let id = created(&processes[0], &format!("c{round}"), 3).await;
        let mut takers = JoinSet::new();
        for taker in 0..8 {
            let (commands, new) = (
                processes[taker % 2].clone(),
                member(&format!("d{round}-{taker}"), id),
            );
            takers.spawn(async move { commands.provision_droplet(&request(), new).await });
        }
        let (joined, refused): (Vec<_>, Vec<_>) =
            takers.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((joined.len(), refused.len()), (3, 5));
        for refusal in refused {
            let refusal = rejected(refusal);
            assert_eq!(
                (&*refusal.code, refusal.field.as_deref()),
                ("CLUSTER_FULL", Some("cluster"))
            );
        }
        assert_eq!(platform.live_droplets(id).await, 3);
    }
}

#[tokio::test]
async fn a_droplet_that_failed_or_is_deleted_leaves_room() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let id = created(&commands, "blue", 1).await;
    let leave: [&[DropletUpdate]; 2] = [
        &[DropletUpdate::ReportFailed {
            reason: String::new(),
        }],
        &[DropletUpdate::ReportDeleted],
    ];
    for (number, updates) in leave.into_iter().enumerate() {
        let droplet = joined(&commands, &format!("d{number}"), id).await;
        let full = commands
            .provision_droplet(&request(), member("more", id))
            .await;
        assert_eq!(code(full), "CLUSTER_FULL");
        if updates == [DropletUpdate::ReportDeleted] {
            let deleting = commands
                .delete_droplet(&request(), droplet, JobId::new(Uuid::now_v7()))
                .await;
            deleting.expect("it lives");
            assert_eq!(
                platform.live_droplets(id).await,
                1,
                "a machine is still there"
            );
        }
        for update in updates {
            let left = commands.droplet(&request(), droplet, update.clone()).await;
            left.expect("it can leave");
        }
        assert_eq!(platform.live_droplets(id).await, 0);
    }
}

#[tokio::test]
async fn a_cluster_is_deleted_or_joined_but_never_both() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    for round in 0..ROUNDS {
        let id = created(&one, &format!("c{round}"), 3).await;
        let (asked, droplet) = (request(), member(&format!("d{round}"), id));
        let (deleted, joined) = tokio::join!(
            one.delete_cluster(&asked, id),
            two.provision_droplet(&asked, droplet),
        );
        match (deleted, joined) {
            (Ok(_), joined) => assert_eq!(code(joined), "CLUSTER_DELETED"),
            (deleted, Ok(_)) => assert_eq!(code(deleted), "CLUSTER_NOT_EMPTY"),
            (deleted, joined) => panic!("neither: {deleted:?}, {joined:?}"),
        }
    }
}

#[tokio::test]
async fn a_cluster_never_has_more_droplets_than_its_new_maximum() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    for round in 0..ROUNDS {
        let id = created(&one, &format!("c{round}"), 2).await;
        joined(&one, &format!("a{round}"), id).await;
        let (asked, droplet) = (request(), member(&format!("b{round}"), id));
        let (limited, joined) = tokio::join!(
            one.cluster(&asked, id, at_most(1)),
            two.provision_droplet(&asked, droplet),
        );
        match (limited, joined) {
            (Ok(_), joined) => assert_eq!(code(joined), "CLUSTER_FULL"),
            (limited, Ok(_)) => {
                let refusal = rejected(limited);
                assert_eq!(
                    (&*refusal.code, refusal.field.as_deref()),
                    ("CLUSTER_TOO_LARGE", Some("maximumNodes"))
                );
            }
            (limited, joined) => panic!("neither: {limited:?}, {joined:?}"),
        }
    }
}

#[tokio::test]
async fn a_process_that_remembers_an_active_cluster_sees_its_maintenance() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    let id = created(&one, "blue", 3).await;
    joined(&two, "first", id).await;
    let started = one
        .cluster(&request(), id, ClusterUpdate::StartMaintenance)
        .await;
    started.expect("it is active");
    let refused = two
        .provision_droplet(&request(), member("second", id))
        .await;
    let refused = rejected(refused);
    assert_eq!(
        (&*refused.code, refused.field.as_deref()),
        ("CLUSTER_IN_MAINTENANCE", Some("cluster"))
    );
    let ended = one
        .cluster(&request(), id, ClusterUpdate::EndMaintenance)
        .await;
    ended.expect("it is in maintenance");
    joined(&two, "second", id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn droplets_join_while_the_cluster_changes_without_a_pause() {
    const DESCRIBING: usize = 12;
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let id = created(&commands, "blue", 1_000).await;
    let joined = Arc::new(AtomicBool::new(false));
    let mut describing = JoinSet::new();
    for number in 0..DESCRIBING {
        let (commands, joined) = (commands.clone(), Arc::clone(&joined));
        describing.spawn(async move {
            let mut version = 0;
            while !joined.load(Ordering::Relaxed) {
                version += 1;
                let description = format!("{number}-{version}");
                let update = ClusterUpdate::Describe { description };
                // Whether it is accepted does not matter here.
                let _ = commands.cluster(&request(), id, update).await;
            }
        });
    }
    let mut joining = JoinSet::new();
    for number in 0..40 {
        let (commands, new) = (commands.clone(), member(&format!("d{number}"), id));
        joining.spawn(async move { commands.provision_droplet(&request(), new).await });
    }
    let results = joining.join_all().await;
    joined.store(true, Ordering::Relaxed);
    describing.join_all().await;
    for result in results {
        result.expect("there is room, and nothing else is in the way");
    }
}

#[tokio::test]
async fn droplets_join_clusters_of_their_organization_only() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let id = created(&commands, "blue", 3).await;
    let foreign = commands
        .provision_droplet(&request_of("other"), member("web", id))
        .await;
    let foreign = rejected(foreign);
    assert_eq!(
        (&*foreign.code, foreign.field.as_deref()),
        ("CLUSTER_NOT_FOUND", Some("cluster"))
    );
    assert_eq!(platform.live_droplets(id).await, 0);
}

async fn created(commands: &Commands, name: &str, maximum: u32) -> ClusterId {
    let new = NewCluster {
        limits: NodeLimits {
            minimum: 0,
            maximum,
        },
        ..cluster(name)
    };
    let id = new.id;
    commands
        .create_cluster(&request(), new)
        .await
        .expect("the name is free");
    id
}

async fn joined(commands: &Commands, name: &str, cluster: ClusterId) -> DropletId {
    let new = member(name, cluster);
    let id = new.id;
    commands
        .provision_droplet(&request(), new)
        .await
        .expect("there is room");
    id
}

/// A droplet of an agent that is to belong to a cluster.
fn member(name: &str, cluster: ClusterId) -> NewDroplet {
    NewDroplet {
        cluster: Some(cluster),
        ..droplet(name)
    }
}

fn at_most(maximum: u32) -> ClusterUpdate {
    ClusterUpdate::SetNodeLimits {
        limits: NodeLimits {
            minimum: 0,
            maximum,
        },
    }
}
