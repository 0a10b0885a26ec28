//! A lease under clocks that step: an epoch has one owner, and an old one can do nothing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use event_store::lease::{self, Lease};
use sqlx::PgPool;
use testkit::schedules::{Actor, Bounds, Mutation, Scene, Stage};

use super::{assert_missed, empty, explored};

const NAME: &str = "sequencer";

/// What a contender was told, in the order of the statements.
#[derive(Clone, Debug)]
enum Told {
    Given(Lease),
    Renewed(Lease),
}

/// Three contenders, and a clock that goes far forward and back again while they act. A step of the
/// clock is a step of the row the other way.
#[derive(Debug, Default)]
struct Contest {
    told: Arc<Mutex<Vec<Told>>>,
    mutation: Option<Mutation>,
}

#[async_trait]
impl Scene for Contest {
    async fn reset(&self, pool: &PgPool) {
        empty(pool).await;
        self.told.lock().expect("not poisoned").clear();
        let dead = lease::acquire(pool, NAME, "dead").await;
        dead.expect("Postgres answers").expect("is free");
    }

    fn actors(&self) -> Vec<Actor> {
        let mut actors = vec![Actor::new("clock", |stage: Stage| async move {
            step_clock(&stage.pool, "1 hour").await;
            step_clock(&stage.pool, "-2 hours").await;
        })];
        for name in ["a", "b", "c"] {
            let told = Arc::clone(&self.told);
            let contend = move |stage: Stage| {
                let told = Arc::clone(&told);
                async move { contend(&stage.pool, name, &told).await }
            };
            actors.push(Actor::new(name, contend).mutated(self.mutation));
        }
        actors
    }

    async fn check(&self, _pool: &PgPool) -> Result<(), String> {
        // The dead one had epoch 1.
        let mut newest = 1;
        for told in self.told.lock().expect("not poisoned").iter() {
            match told {
                Told::Given(lease) if lease.epoch <= newest => {
                    return Err(format!("{lease:?} was given, after epoch {newest}"));
                }
                Told::Given(lease) => newest = lease.epoch,
                Told::Renewed(lease) if lease.epoch != newest => {
                    return Err(format!("{lease:?} was renewed, after epoch {newest}"));
                }
                Told::Renewed(_) => {}
            }
        }
        Ok(())
    }
}

async fn contend(pool: &PgPool, owner: &str, told: &Mutex<Vec<Told>>) {
    let tell = |what| told.lock().expect("not poisoned").push(what);
    let Some(lease) = lease::acquire(pool, NAME, owner)
        .await
        .expect("Postgres answers")
    else {
        return;
    };
    tell(Told::Given(lease.clone()));
    if lease::renew(pool, &lease).await.is_ok() {
        tell(Told::Renewed(lease.clone()));
        lease::release(pool, &lease)
            .await
            .expect("Postgres answers");
    }
}

/// Lets the database's clock go forward by so much, as the lease sees it.
async fn step_clock(pool: &PgPool, by: &str) {
    sqlx::query("update es.leases set expires_at = expires_at - $1::text::interval")
        .bind(by)
        .execute(pool)
        .await
        .expect("Postgres answers");
}

/// Four actors have far too many schedules; two preemptions, each anywhere, are enough for a pause of a contender
/// in which the clock goes forward, and another in which it goes back.
const BOUNDS: Bounds = Bounds {
    crashes: 0,
    preemptions: Some(2),
};

#[tokio::test]
async fn an_epoch_of_a_lease_has_one_owner_whatever_the_clock_does() {
    let contest = Contest::default();
    explored("lease", &contest, BOUNDS).await.assert_holds();
}

#[tokio::test]
async fn an_epoch_that_does_not_grow_is_missed() {
    let mutation = Some(Mutation {
        find: "epoch = l.epoch + 1",
        replace: "epoch = l.epoch",
    });
    let contest = Contest {
        mutation,
        ..Contest::default()
    };
    assert_missed("lease without a new epoch", &contest, BOUNDS).await;
}

#[tokio::test]
async fn a_renewal_that_does_not_compare_epochs_is_missed() {
    let mutation = Some(Mutation {
        find: "where name = $1 and epoch = $2",
        replace: "where name = $1 and $2 > 0",
    });
    let contest = Contest {
        mutation,
        ..Contest::default()
    };
    assert_missed("renewal without the epoch", &contest, BOUNDS).await;
}
