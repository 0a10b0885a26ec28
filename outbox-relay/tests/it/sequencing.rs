//! The loop around the sequencer; what it must not lose is tested where it lives, in the event store.

use std::sync::Arc;

use event_store::consume::wake::Wake;
use event_store::envelope::Position;
use event_store::lease;
use event_store::log;
use event_store::pool::{self, Purpose};
use outbox_relay::health::{RelayHealth, State};
use outbox_relay::sequencing;
use sqlx::PgPool;
use testkit::events::Recorder;
use testkit::postgres::TestDatabase;
use testkit::wait;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::proxy::Proxy;

struct Sequencing {
    health: Arc<RelayHealth>,
    wake: Wake,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Sequencing {
    fn start(pool: &PgPool, owner: &str) -> Self {
        let (health, wake) = (Arc::new(RelayHealth::new()), Wake::default());
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(sequencing::run(
            pool.clone(),
            wake.clone(),
            owner.to_owned(),
            Arc::clone(&health),
            stop.clone(),
        ));
        Self {
            health,
            wake,
            stop,
            task,
        }
    }

    async fn becomes(&self, wanted: State) {
        wait::until(&format!("the sequencer is {wanted:?}"), async || {
            (self.health.snapshot().sequencer.state == wanted).then_some(())
        })
        .await;
    }

    async fn reaches(&self, head: i64) {
        wait::until(&format!("the log reaches {head}"), async || {
            (self.wake.sequenced.value() == head).then_some(())
        })
        .await;
    }

    async fn stop(mut self) {
        self.stop.cancel();
        self.task.join_next().await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_gets_positions_and_readers_are_told() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut recorder = Recorder::new(pool.clone());
    recorder.droplets(10).await;
    let sequencing = Sequencing::start(&pool, "one");
    sequencing.reaches(20).await;
    recorder.jobs(2).await;
    sequencing.wake.appended.raise();
    sequencing.reaches(26).await;
    assert_eq!(log::head(&pool).await.unwrap(), Position(26));
    sequencing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_when_the_leader_stops() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let one = Sequencing::start(&pool, "one");
    one.becomes(State::Leading).await;
    let two = Sequencing::start(&pool, "two");
    two.becomes(State::Standby).await;
    one.stop().await;
    two.becomes(State::Leading).await;
    Recorder::new(pool.clone()).droplets(1).await;
    two.wake.appended.raise();
    two.reaches(2).await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_kept_while_there_is_nothing_to_do_and_given_back_at_the_end() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let one = Sequencing::start(&pool, "one");
    one.becomes(State::Leading).await;
    let expires = async || {
        sqlx::query_scalar::<_, String>("select expires_at::text from es.leases")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let first = expires().await;
    wait::until("the lease is renewed", async || {
        (expires().await != first).then_some(())
    })
    .await;
    one.stop().await;
    assert!(
        lease::acquire(&pool, "sequencer", "two")
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_is_said_and_tried_again() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("alter table es.log rename to log_away")
        .execute(&pool)
        .await
        .unwrap();
    let sequencing = Sequencing::start(&pool, "one");
    let why = wait::until("it fails", async || {
        match sequencing.health.snapshot().sequencer.state {
            State::Failing { why } => Some(why),
            _ => None,
        }
    })
    .await;
    assert!(
        why.contains("unavailable while taking over the log"),
        "{why}"
    );
    sqlx::query("alter table es.log_away rename to log")
        .execute(&pool)
        .await
        .unwrap();
    sequencing.becomes(State::Leading).await;
    sequencing.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_says_so_and_stands_by_when_it_is_back() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let url = database.url();
    let (_, server) = url.split_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let door = Proxy::to(server).await;
    let through = url.replace(server, &door.address().to_string());
    let through = pool::connect(&through, Purpose::Relay, 4).await.unwrap();

    let one = Sequencing::start(&through, "one");
    one.becomes(State::Leading).await;
    let two = Sequencing::start(&pool, "two");
    two.becomes(State::Standby).await;
    door.shut();
    two.becomes(State::Leading).await;
    Recorder::new(pool.clone()).droplets(1).await;
    two.wake.appended.raise();
    two.reaches(2).await;
    let why = wait::until("the first says that it is cut off", async || {
        match one.health.snapshot().sequencer.state {
            State::Failing { why } => Some(why),
            _ => None,
        }
    })
    .await;
    assert!(why.contains("renewing a lease"), "{why}");
    door.open();
    one.becomes(State::Standby).await;
    assert_eq!(log::head(&pool).await.unwrap(), Position(2));
    two.stop().await;
    one.becomes(State::Leading).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_gives_its_lease_back_before_it_ends() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let one = Sequencing::start(&pool, "one");
    one.becomes(State::Leading).await;
    one.stop().await;
    // Nothing is waited for: the lease has no time left, although it was good for two seconds.
    let free: bool = sqlx::query_scalar("select expires_at = '-infinity' from es.leases")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(free);
}
