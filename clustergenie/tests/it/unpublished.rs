//! `clustergenie unpublished`: what operators see of streams that Kafka does not get, and do about them.

use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::events::{Recorder, sequence};
use testkit::postgres::TestDatabase;
use uuid::Uuid;

use super::program::{Folder, printed, run, said};

#[tokio::test]
async fn streams_that_are_held_back_are_listed_retried_and_skipped() {
    let (folder, database) = (Folder::new(), TestDatabase::new().await);
    let pool = database.pool();
    let stream = Recorder::new(pool.clone()).jobs(1).await[0].uuid;
    sequence(&pool).await;
    let url = database.url();
    let unpublished = async |arguments: &[&str]| {
        let database = ["unpublished", "--database-url", &url];
        run(&folder, &[&database, arguments].concat()).await
    };
    assert_eq!(printed(&unpublished(&[]).await), "no stream is held back\n");
    hold_back(&pool, stream).await;

    let listed: Value = serde_json::from_str(&printed(&unpublished(&["--json"]).await)).unwrap();
    let id = format!("Job:{stream}");
    assert_eq!(listed[0]["stream"], json!(id));
    assert_eq!(
        (&listed[0]["position"], &listed[0]["waiting"]),
        (&json!(2), &json!(1))
    );
    let refusal = &listed[0]["refusal"];
    assert_eq!(
        (&refusal["attempts"], &refusal["error"]),
        (&json!(1), &json!("too large"))
    );
    let text = printed(&unpublished(&["list"]).await);
    assert!(text.contains(&id) && text.contains("too large"), "{text}");

    let skip = ["skip", &id, "--reason", "nobody reads it", "--by", "kim"];
    let retried = printed(&unpublished(&["retry", &id]).await);
    assert!(retried.contains("position 2"), "{retried}");
    let refused = unpublished(&skip).await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("is being tried again"),
        "{}",
        said(&refused)
    );

    sqlx::query("update es.unpublished set retry_requested_at = null")
        .execute(&pool)
        .await
        .unwrap();
    let skipped = printed(&unpublished(&skip).await);
    assert!(
        skipped.contains("position 2 is never published"),
        "{skipped}"
    );
    let kept: Value =
        serde_json::from_str(&printed(&unpublished(&["skipped", "--json"]).await)).unwrap();
    assert_eq!(kept[0]["skippedBy"], json!("kim"));
    assert_eq!(kept[0]["reason"], json!("nobody reads it"));
    let nothing = unpublished(&["retry", &id]).await;
    assert!(!nothing.status.success());
    assert!(
        said(&nothing).contains("Kafka refused no event"),
        "{}",
        said(&nothing)
    );
}

/// The second event of the stream is refused, and the third waits.
async fn hold_back(pool: &PgPool, stream: Uuid) {
    sqlx::query(
        "insert into es.unpublished (position, stream_id, error, attempts) \
         values (2, $1, 'too large', 1), (3, $1, null, 0)",
    )
    .bind(stream)
    .execute(pool)
    .await
    .unwrap();
}
