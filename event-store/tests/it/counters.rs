//! Counters change with the events, within the bounds that commands set, and in one statement.

use domain::counter::Counter;
use domain::ids::OrgId;
use event_store::consume::wake::Wake;
use event_store::write::append::{Append, Outcome, append_batch};
use event_store::write::counter::CounterChange;
use event_store::write::group::Appender;
use sqlx::PgPool;
use testkit::postgres::TestDatabase;
use tokio::task::JoinSet;

use crate::support::{
    append, append_to, count_of, new_stream, places, platform_places, prepared, taking_one,
};

fn counting(changes: impl IntoIterator<Item = CounterChange>) -> Append {
    Append {
        counters: changes.into_iter().collect(),
        ..append_to(new_stream(), 0, 1)
    }
}

fn add(counter: Counter, added: i64) -> CounterChange {
    CounterChange {
        counter,
        added,
        within: None,
    }
}

fn full(key: &str, count: i64) -> Outcome {
    Outcome::Exceeded {
        counter: places(key),
        count,
    }
}

async fn batch(pool: &PgPool, appends: Vec<Append>) -> Vec<Outcome> {
    let batch: Vec<_> = appends.into_iter().map(prepared).collect();
    append_batch(pool, &batch).await.expect("Postgres answers")
}

async fn streams(pool: &PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from es.streams");
    count.fetch_one(pool).await.expect("Postgres answers")
}

#[tokio::test]
async fn a_counter_is_changed_within_its_bounds_or_the_command_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let take = || counting([taking_one(places("a"), 2)]);
    assert_eq!(append(&pool, take()).await, Outcome::Appended);
    assert_eq!(append(&pool, take()).await, Outcome::Appended);
    assert_eq!(append(&pool, take()).await, full("a", 2));
    assert_eq!(
        (count_of(&pool, "a").await, streams(&pool).await),
        (Some(2), 2)
    );

    let release = |at_least| CounterChange {
        within: Some(at_least..=i64::MAX),
        ..add(places("a"), -1)
    };
    assert_eq!(append(&pool, counting([release(2)])).await, full("a", 2));
    assert_eq!(
        append(&pool, counting([release(1)])).await,
        Outcome::Appended
    );
    let none = CounterChange {
        within: Some(0..=0),
        ..add(places("a"), 0)
    };
    assert_eq!(append(&pool, counting([none.clone()])).await, full("a", 1));
    assert_eq!(
        append(&pool, counting([add(places("a"), -1)])).await,
        Outcome::Appended
    );
    assert_eq!(append(&pool, counting([none])).await, Outcome::Appended);
}

#[tokio::test]
async fn a_count_does_not_go_below_zero() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // As by a stream that was there before it was counted.
    let release = counting([add(places("a"), -1)]);
    assert_eq!(append(&pool, release).await, Outcome::Appended);
    assert_eq!(count_of(&pool, "a").await, Some(0));
    let twice = counting([add(places("a"), 1), add(places("b"), -5)]);
    assert_eq!(append(&pool, twice).await, Outcome::Appended);
    assert_eq!(count_of(&pool, "a").await, Some(1));
    assert_eq!(count_of(&pool, "b").await, Some(0));
}

#[tokio::test]
async fn each_organization_counts_for_itself_unless_the_platform_counts() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for (org, expected) in [("acme", Outcome::Appended), ("other", Outcome::Appended)] {
        let mut taking = counting([taking_one(places("a"), 1)]);
        taking.org = OrgId::parse(org).expect("a valid organization");
        assert_eq!(append(&pool, taking).await, expected, "{org}");
    }
    let exceeded = Outcome::Exceeded {
        counter: platform_places("p"),
        count: 1,
    };
    for (org, expected) in [("acme", Outcome::Appended), ("other", exceeded)] {
        let mut taking = counting([taking_one(platform_places("p"), 1)]);
        taking.org = OrgId::parse(org).expect("a valid organization");
        assert_eq!(append(&pool, taking).await, expected, "{org}");
    }
}

#[tokio::test]
async fn commands_of_one_batch_are_judged_in_its_order() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let take = |of| counting([taking_one(places("a"), of)]);
    let lone = counting([]);
    let conflicted = Append {
        counters: vec![taking_one(places("a"), 3)],
        ..append_to(new_stream(), 7, 1)
    };
    // One that loses for another reason takes no place, and one that is refused disturbs nobody.
    let outcomes = batch(
        &pool,
        vec![take(2), conflicted, take(2), lone, take(2), take(3)],
    )
    .await;
    let expected = [
        Outcome::Appended,
        Outcome::Conflict,
        Outcome::Appended,
        Outcome::Appended,
        full("a", 2),
        Outcome::Appended,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(count_of(&pool, "a").await, Some(3));

    let release = |at_least| {
        counting([CounterChange {
            within: Some(at_least..=i64::MAX),
            ..add(places("a"), -1)
        }])
    };
    let outcomes = batch(&pool, vec![release(1), release(1), release(1)]).await;
    assert_eq!(
        outcomes,
        [Outcome::Appended, Outcome::Appended, full("a", 1)]
    );
    // Full as it is stored, although a command of the same batch makes room.
    let outcomes = batch(&pool, vec![release(0), take(1), take(2)]).await;
    assert_eq!(
        outcomes,
        [Outcome::Appended, full("a", 1), Outcome::Appended]
    );
}

#[tokio::test]
async fn a_command_over_several_counters_is_all_or_nothing() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let both = |of| counting([taking_one(places("a"), 9), taking_one(places("b"), of)]);
    let outcomes = batch(&pool, vec![both(1), both(1), both(2)]).await;
    assert_eq!(
        outcomes,
        [Outcome::Appended, full("b", 1), Outcome::Appended]
    );
    assert_eq!(
        (count_of(&pool, "a").await, count_of(&pool, "b").await),
        (Some(2), Some(2))
    );
}

#[tokio::test]
async fn commands_that_change_one_counter_go_in_one_statement() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    append(&pool, counting([add(places("a"), 0)])).await;
    let takers = (0..50).map(|_| counting([taking_one(places("a"), 50)]));
    let outcomes = batch(&pool, takers.collect()).await;
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Appended));
    let transactions: i64 = sqlx::query_scalar("select count(distinct xmin::text) from es.events")
        .fetch_one(&pool)
        .await
        .expect("Postgres answers");
    assert_eq!(transactions, 2, "the first and the fifty");
    assert_eq!(count_of(&pool, "a").await, Some(50));
}

/// Three processes, sixty takers of twenty-five places, givers in between, and takers of other counters.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_want_the_last_places_exactly_as_many_succeed() {
    const PLACES: i64 = 25;
    const TAKERS: usize = 60;
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut groups = JoinSet::new();
    let processes: Vec<Appender> = (0..3)
        .map(|_| {
            let (appender, group) = Appender::new(pool.clone(), Wake::default());
            groups.spawn(group.run());
            appender
        })
        .collect();
    for round in 0..5 {
        let key = format!("round-{round}");
        let mut takers = JoinSet::new();
        for taker in 0..TAKERS {
            let appender = processes[taker % processes.len()].clone();
            let contested = taking_one(places(&key), PLACES);
            let own = taking_one(places(&format!("{key}-{taker}")), 1);
            takers.spawn(async move {
                let other = appender.append(counting([own]));
                let (taken, other) = tokio::join!(appender.append(counting([contested])), other);
                assert_eq!(other.expect("Postgres answers"), Outcome::Appended);
                taken.expect("Postgres answers")
            });
        }
        let outcomes = takers.join_all().await;
        let won = outcomes.iter().filter(|o| **o == Outcome::Appended).count();
        let refused = outcomes
            .iter()
            .filter(|o| **o == full(&key, PLACES))
            .count();
        assert_eq!((won, refused), (25, TAKERS - 25), "{outcomes:?}");
        assert_eq!(count_of(&pool, &key).await, Some(PLACES));

        // What is given back is taken again, and never more than that.
        let mut both = JoinSet::new();
        for turn in 0..40 {
            let appender = processes[turn % processes.len()].clone();
            let change = match turn % 2 {
                0 => add(places(&key), -1),
                _ => taking_one(places(&key), PLACES),
            };
            both.spawn(async move {
                let outcome = appender.append(counting([change])).await;
                (turn % 2 == 1 && outcome.expect("Postgres answers") == Outcome::Appended) as i64
            });
        }
        let taken: i64 = both.join_all().await.into_iter().sum();
        assert_eq!(count_of(&pool, &key).await, Some(PLACES - 20 + taken));
        assert!(taken <= 20);
    }
    drop(processes);
    groups.join_all().await;
}
