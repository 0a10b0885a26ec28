//! The archive of the write-ahead log: damage and failures are noticed.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use sqlx::PgPool;
use testkit::wait::until;

use super::program::{Up, printed, run, said};
use super::restore_drill::{Drill, archives, now, provision};

/// Returns the directory of the only series of a drill.
fn archive(drill: &Drill) -> PathBuf {
    let entries = fs::read_dir(drill.folder.path("backup")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let series = paths.find(|path| path.is_dir());
    series.expect("there is one").join("wal")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_missing_or_damaged_fails_the_restore() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    provision(&up, "before").await;
    let at = now(&up).await;
    provision(&up, "also-before").await;
    archives(&up).await;
    provision(&up, "damaged").await;
    let segment = archives(&up).await;
    provision(&up, "after").await;
    archives(&up).await;
    assert!(up.stop().await.success());

    let segment = archive(&drill).join(segment);
    let whole = fs::read(&segment).unwrap();
    let mut flipped = whole.clone();
    // In the first record of the segment, behind the header of its page.
    flipped[60] ^= 0xff;
    let truncated = &whole[..whole.len() / 2];
    let restore = ["restore", "--backup", "backup", "--data", "new"];
    for (contents, why) in [
        (None, "is missing or damaged"),
        (Some(flipped.as_slice()), "is missing or damaged"),
        (Some(truncated), "has wrong size"),
    ] {
        match contents {
            None => fs::remove_file(&segment).unwrap(),
            Some(contents) => fs::write(&segment, contents).unwrap(),
        }
        let failed = run(&drill.folder, &restore).await;
        assert!(!failed.status.success());
        assert!(said(&failed).contains(why), "{}", said(&failed));
        assert!(!drill.folder.path("new").exists());
    }

    // What is before the damage.
    fs::remove_file(&segment).unwrap();
    printed(&run(&drill.folder, &[&restore[..], &["--at", &at]].concat()).await);
    fs::remove_dir_all(drill.folder.path("new")).unwrap();
    fs::write(&segment, whole).unwrap();
    printed(&run(&drill.folder, &restore).await);
}

/// Returns the reason of the part `backup` in `/readyz`.
async fn reason_of_backup(up: &Up) -> Value {
    let answer = reqwest::get(format!("{}/readyz", up.ready().url)).await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["ready"], true, "{answer}");
    let mut parts = answer["parts"].as_array().unwrap().iter();
    let part = parts.find(|part| part["name"] == "backup");
    part.expect("it is checked")["reason"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_cannot_be_written_is_reported() {
    let drill = Drill::new(&[]);
    let up = drill.start(&[]).await;
    assert_eq!(reason_of_backup(&up).await, Value::Null);
    let wal = archive(&drill);
    let away = wal.with_extension("away");
    fs::rename(&wal, &away).unwrap();
    let pool = PgPool::connect(&up.ready().database_url).await.unwrap();
    let write_and_switch = async || {
        let statements = "select pg_logical_emit_message(false, '', ''), pg_switch_wal()";
        sqlx::query(statements).execute(&pool).await.unwrap();
    };
    write_and_switch().await;
    let reason = until("the failure is reported", async || {
        Some(reason_of_backup(&up).await).filter(Value::is_string)
    })
    .await;
    assert!(
        reason
            .as_str()
            .unwrap()
            .starts_with("nothing was archived for"),
        "{reason}"
    );
    fs::rename(&away, &wal).unwrap();
    // Postgres tries again when there is another segment, or a minute later.
    write_and_switch().await;
    until("the archive works again", async || {
        reason_of_backup(&up).await.is_null().then_some(())
    })
    .await;
    pool.close().await;
    assert!(up.stop().await.success());
}
