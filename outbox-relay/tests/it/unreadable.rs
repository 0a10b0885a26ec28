//! A log that cannot be read any further.

use domain::stream_type::StreamType;
use testkit::events::{Recorder, sequence};
use testkit::kafka::kafka_or_skip;
use testkit::postgres::TestDatabase;

use crate::relay::Relay;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_next_part_cannot_be_read_is_aborted() {
    let Some(kafka) = kafka_or_skip() else { return };
    let database = TestDatabase::new().await;
    let pool = database.pool();
    // More than a part.
    Recorder::new(pool.clone()).jobs(1_000).await;
    sequence(&pool).await;
    // In the second part.
    sqlx::raw_sql(
        "alter table es.events alter column event_type drop not null; \
         alter table es.events disable trigger events_are_immutable; \
         update es.events set event_type = null \
         where seq = (select seq from es.log order by position desc limit 1)",
    )
    .execute(&pool)
    .await
    .unwrap();

    let relay = Relay::start(&pool, &kafka);
    relay.fails_because("reading the log").await;
    // The next session gives up before it would end the transaction that this one left.
    sqlx::query("update es.published set position = 1")
        .execute(&pool)
        .await
        .unwrap();
    relay
        .fails_because("hold nothing, though events up to")
        .await;
    // Fails if a transaction stays open.
    let events = kafka.events(StreamType::JOB).await;
    assert_eq!(events.len(), 0, "nothing of it was committed");
    relay.stop().await;
}
