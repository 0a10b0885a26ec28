//! Transactions that nobody waits for any more leave nothing behind.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use event_store::pool::{self, Purpose};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPoolOptions;
use testkit::postgres::TestDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// How often a beginning is looked at before its caller is given up: from before anything was sent to after
/// Postgres has answered.
const LOOKS: usize = 12;

#[tokio::test]
async fn a_transaction_that_was_given_up_while_it_began_holds_nobody_s_writes_back() {
    let database = TestDatabase::new().await;
    let others = database.pool();
    sqlx::query("create table written (n bigint)")
        .execute(&others)
        .await
        .expect("Postgres answers");
    let only_one = PgPoolOptions::new()
        .max_connections(1)
        .connect(&database.url())
        .await
        .expect("connects");
    for looks in 0..LOOKS {
        {
            let mut beginning = pin!(pool::begin(&only_one));
            for _ in 0..looks {
                let mut context = Context::from_waker(Waker::noop());
                if beginning.as_mut().poll(&mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        sqlx::query("insert into written values ($1)")
            .bind(i64::try_from(looks).expect("it is small"))
            .execute(&only_one)
            .await
            .expect("is written");
        let written: i64 = sqlx::query_scalar("select count(*) from written")
            .fetch_one(&others)
            .await
            .expect("Postgres answers");
        assert_eq!(written, i64::try_from(looks).expect("it is small") + 1);
    }
}

#[tokio::test]
async fn commits_wait_for_the_disk_whatever_the_server_says() {
    let database = TestDatabase::new().await;
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&database.pool())
        .await
        .expect("Postgres answers");
    for (of_server, expected) in [
        ("off", "on"),
        ("local", "local"),
        ("remote_apply", "remote_apply"),
    ] {
        let set = format!("alter database \"{name}\" set synchronous_commit = {of_server}");
        sqlx::query(AssertSqlSafe(set))
            .execute(&database.pool())
            .await
            .expect("Postgres answers");
        for purpose in [
            Purpose::Commands,
            Purpose::Relay,
            Purpose::Consumers,
            Purpose::Platform,
        ] {
            let pool = pool::connect(&database.url(), purpose, 1)
                .await
                .expect("connects");
            let set: String = sqlx::query_scalar("show synchronous_commit")
                .fetch_one(&pool)
                .await
                .expect("Postgres answers");
            assert_eq!(set, expected, "{purpose:?}");
        }
    }
}

#[tokio::test]
async fn a_pooler_that_drops_the_settings_of_connections_is_refused() {
    let database = TestDatabase::new().await;
    let url = Url::parse(&database.url()).expect("is a URL");
    let server = (
        url.host_str().expect("has a host").to_owned(),
        url.port().unwrap_or(5432),
    );
    let pooler = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut behind = url.clone();
    behind.set_host(Some("127.0.0.1")).expect("takes a host");
    behind
        .set_port(Some(pooler.local_addr().expect("is bound").port()))
        .expect("takes a port");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = pooler.accept().await {
            connections.spawn(pool_connection(client, server.clone()));
        }
    });
    for purpose in [Purpose::Queries, Purpose::Commands] {
        let refused = pool::connect(behind.as_str(), purpose, 1).await;
        let error = refused.expect_err("is refused").to_string();
        assert!(
            error.contains("statement_timeout") && error.contains("pooler"),
            "{error}"
        );
    }
}

/// Passes a connection on without the parameter `options`, as PgBouncer does if it is to ignore it.
async fn pool_connection(mut client: TcpStream, server: (String, u16)) -> std::io::Result<()> {
    const SSL_REQUEST: i32 = 80_877_103;
    let (code, parameters) = loop {
        let length = usize::try_from(client.read_i32().await?).expect("is positive");
        let code = client.read_i32().await?;
        let mut parameters = vec![0; length - 8];
        client.read_exact(&mut parameters).await?;
        if code != SSL_REQUEST {
            break (code, parameters);
        }
        client.write_all(b"N").await?;
    };
    let texts: Vec<&[u8]> = parameters.split(|byte| *byte == 0).collect();
    let mut kept = Vec::new();
    for pair in texts
        .chunks_exact(2)
        .filter(|pair| pair[0] != b"options" && !pair[0].is_empty())
    {
        for text in pair {
            kept.extend_from_slice(text);
            kept.push(0);
        }
    }
    kept.push(0);
    let mut server = TcpStream::connect(server).await?;
    server
        .write_i32(i32::try_from(kept.len() + 8).expect("is short"))
        .await?;
    server.write_i32(code).await?;
    server.write_all(&kept).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
