//! Clusters: their names are unique among the living ones of an organization.

use domain::cluster::ClusterUpdate;
use domain::name::ClusterName;

use crate::support::{Platform, cluster, code, platform_droplet, rejected, request, request_of};

#[tokio::test]
async fn a_name_is_taken_within_its_organization_only() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = cluster("blue");
    let id = new.id;
    commands
        .create_cluster(&request(), new)
        .await
        .expect("the name is free");

    let taken = rejected(commands.create_cluster(&request(), cluster("blue")).await);
    assert_eq!(
        (&*taken.code, taken.field.as_deref()),
        ("NAME_TAKEN", Some("name"))
    );
    assert!(taken.message.contains("blue"), "{taken}");
    commands
        .create_cluster(&request_of("other"), cluster("blue"))
        .await
        .expect("the name is free in another organization");
    commands
        .provision_droplet(&request(), platform_droplet("blue"))
        .await
        .expect("names of droplets are others");
    assert_eq!(platform.history(id).await, ["cluster_created"]);
}

#[tokio::test]
async fn of_two_clusters_that_want_one_name_at_once_exactly_one_gets_it() {
    let mut platform = Platform::new().await;
    let (one, two) = (platform.process(), platform.process());
    for round in 0..10 {
        let name = format!("blue{round}");
        let request = request();
        let (a, b) = tokio::join!(
            one.create_cluster(&request, cluster(&name)),
            two.create_cluster(&request, cluster(&name)),
        );
        let (won, lost): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for refused in lost {
            assert_eq!(code(refused), "NAME_TAKEN");
        }
    }
    assert_eq!(platform.count().await, 10, "the losers wrote nothing");
}

#[tokio::test]
async fn a_rename_and_a_deletion_give_the_name_back() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let (blue, green) = (cluster("blue"), cluster("green"));
    let (blue_id, green_id) = (blue.id, green.id);
    for new in [blue, green] {
        commands
            .create_cluster(&request(), new)
            .await
            .expect("the name is free");
    }

    let taken = commands.cluster(&request(), blue_id, rename("green")).await;
    assert_eq!(code(taken), "NAME_TAKEN");
    commands
        .cluster(&request(), blue_id, rename("red"))
        .await
        .expect("it is free");
    commands
        .cluster(&request(), green_id, rename("blue"))
        .await
        .expect("it was given back");

    commands
        .delete_cluster(&request(), green_id)
        .await
        .expect("it is accepted");
    let gone = commands
        .cluster(&request(), green_id, rename("green"))
        .await;
    assert_eq!(code(gone), "CLUSTER_DELETED");
    commands
        .create_cluster(&request(), cluster("blue"))
        .await
        .expect("the name is free after a deletion");
    assert_eq!(
        platform.history(green_id).await,
        ["cluster_created", "cluster_renamed", "cluster_deleted"]
    );
}

#[tokio::test]
async fn a_cluster_of_another_organization_is_not_there() {
    let mut platform = Platform::new().await;
    let commands = platform.process();
    let new = cluster("blue");
    let id = new.id;
    commands
        .create_cluster(&request(), new)
        .await
        .expect("the name is free");
    let other = request_of("other");
    let renamed = commands.cluster(&other, id, rename("red")).await;
    assert_eq!(code(renamed), "CLUSTER_NOT_FOUND");
    let deleted = commands.delete_cluster(&other, id).await;
    assert_eq!(code(deleted), "CLUSTER_NOT_FOUND");
}

fn rename(name: &str) -> ClusterUpdate {
    let name = ClusterName::parse(name).expect("a good name");
    ClusterUpdate::Rename { name }
}
