//! The connections of processes that share a database.

use std::process::Stdio;

use sqlx::{Connection, PgConnection};
use testkit::port;
use testkit::wait::until;
use tokio::process::Child;

use super::login::{Login, server_execute};
use super::program::{Folder, program, run, said};

/// An `api` on a free port, whose log is in a file.
fn api(folder: &Folder, url: &str, name: &str, more: &[&str]) -> (Child, String) {
    let listen = format!("127.0.0.1:{}", port::free());
    let log = std::fs::File::create(folder.path(name)).unwrap();
    let child = program(
        folder,
        ["api", "--jwt-key-file", "key", "--listen", &listen],
    )
    .args(["--metrics-listen", "127.0.0.1:0"])
    .args(["--database-url", url])
    .args(more)
    .stdout(Stdio::null())
    .stderr(log)
    .spawn()
    .unwrap();
    (child, format!("http://{listen}"))
}

async fn is_ready(url: &str) {
    until("it is ready", async || {
        let ready = reqwest::get(format!("{url}/readyz")).await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn processes_reserve_their_connections_and_one_too_many_is_told_what_to_do() {
    let folder = Folder::new();
    folder.write("key", "0123456789abcdef0123456789abcdef\n");
    // Roles have limits as servers have, and no other test counts for this one.
    let login = Login::new("createrole connection limit 50").await;
    login.administers("clustergenie_reader").await;
    login.administers("clustergenie_service").await;
    let url = login.own_database().await;
    let migrated = run(&folder, &["migrate", "--database-url", &url]).await;
    assert!(migrated.status.success(), "{}", said(&migrated));

    let (_first, first) = api(&folder, &url, "first", &[]);
    is_ready(&first).await;
    // The second has what is left, and says so.
    let (second, url_of_second) = api(&folder, &url, "second", &[]);
    is_ready(&url_of_second).await;
    let log = std::fs::read_to_string(folder.path("second")).unwrap();
    assert!(log.contains("max_connections"), "{log}");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let reserved: Vec<i64> = sqlx::query_scalar(
        "select objid::bigint from pg_locks l join pg_stat_activity a using (pid) \
         where locktype = 'advisory' and objsubid = 2 and mode = 'ShareLock' and a.usename = current_user \
         order by 1 desc",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(reserved.iter().sum::<i64>(), 50, "{reserved:?}");
    connection.close().await.unwrap();

    // The third has nothing, and is refused.
    let listen = format!("127.0.0.1:{}", port::free());
    let api_of_third = [
        "api",
        "--jwt-key-file",
        "key",
        "--listen",
        &listen,
        "--metrics-listen",
        "127.0.0.1:0",
        "--database-url",
        &url,
    ];
    let refused = run(&folder, &api_of_third).await;
    assert_eq!(refused.status.code(), Some(1));
    for part in [
        "too few connections",
        "max_connections",
        "--database-connections",
    ] {
        assert!(said(&refused).contains(part), "{}", said(&refused));
    }
    // A reservation ends with its process, also if it is killed.
    drop(second);
    let third = until("there is room", async || {
        let (mut third, url_of_third) =
            api(&folder, &url, "third", &["--database-connections", "20"]);
        let ready = until("it is ready or ended", async || {
            if third.try_wait().unwrap().is_some() {
                return Some(false);
            }
            let ready = reqwest::get(format!("{url_of_third}/readyz")).await.ok()?;
            ready.status().is_success().then_some(true)
        });
        ready.await.then_some(third)
    })
    .await;
    drop((_first, third));
    server_execute(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{}'",
        login.name
    ))
    .await;
    login.remove().await;
}
