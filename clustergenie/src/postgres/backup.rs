//! Base backups of the private Postgres, and their recovery into a new data directory.
//!
//! ```text
//! SERIES/base/TIME/           a base backup: complete, or absent      (see `series`)
//! SERIES/base/TIME/postgres/  the cluster, with the log that makes it consistent
//! SERIES/base/TIME/...        the key and the password of the data directory
//! SERIES/base.lock            locked while a base backup is made
//! ```
//!
//! A base backup and a data directory get their name when they are complete. So an interrupt at any time leaves
//! what was there before, and a directory `*.unfinished` that the next run removes. Nothing is overwritten.

use std::fs::{self, DirBuilder, File};
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use super::PrivatePostgres;
use super::archive::WalArchive;
use super::binaries::Binaries;
use super::child::Child;
use super::cluster::{USER, version_of};
use super::owner::Owner;
use super::running;
use super::series::{self, Base, Series, sync_folder};

/// The file with the password of the cluster. A backup without it is of no use.
const PASSWORD: &str = "postgres-password";
/// The file with the key for tokens. It may be elsewhere.
const KEY: &str = "jwt.key";
/// The end of the name of a base backup that is not complete.
const UNFINISHED: &str = ".unfinished";
/// Poll interval for the end of a recovery.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Log interval of a long recovery.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A complete base backup.
#[derive(Debug)]
pub(crate) struct Made {
    /// The directory.
    pub(crate) path: PathBuf,
    /// True if it holds the key for tokens.
    pub(crate) has_key: bool,
}

/// Makes a base backup of the platform that runs on a data directory, in the series that the platform archives to. A
/// platform that does not archive into this directory gets a series for this base backup alone.
///
/// # Errors
/// When no platform runs there, another base backup is being made, or `pg_basebackup` fails.
pub(crate) async fn take(data: &Path, backup: &Path, bin: Option<&Path>) -> anyhow::Result<Made> {
    running::server_of(data)?;
    let backup = series::directory(backup)?;
    if let Some(series) = series::of(data, &backup)? {
        return make(data, &series, bin).await;
    }
    let _lock = series::lock_directory(&backup)?;
    make(data, &series::begin(&backup)?, bin).await
}

/// Makes the first base backup of the series that a platform archives to, unless there is one. Without it, the series
/// cannot be restored.
///
/// # Errors
/// The errors of [`take`].
pub(crate) async fn ensure_base(
    data: &Path,
    series: &Series,
    bin: Option<&Path>,
) -> anyhow::Result<()> {
    if series::bases(series.folder())?.is_empty() {
        tracing::info!("making the first base backup of the series");
        let Made { path, has_key } = make(data, series.folder(), bin).await?;
        tracing::info!(backup = %path.display(), has_key, "the first base backup of the series is complete");
    }
    Ok(())
}

/// Makes a base backup in a series.
async fn make(data: &Path, series: &Path, bin: Option<&Path>) -> anyhow::Result<Made> {
    let (port, password) = running::server_of(data)?;
    let binaries = Binaries::find(bin, version_of(&data.join("postgres"))?)?;
    let bases = series.join("base");
    create(&bases, 0o700)?;
    let refusal = format!(
        "another base backup is being made in {}: wait for its end",
        bases.display()
    );
    let _lock = series::lock(&series.join("base.lock"), &refusal)?;
    remove_unfinished(&bases)?;
    let unfinished = bases.join(series::name_of(series::now()) + UNFINISHED);
    create(&unfinished, 0o700)?;
    let mut command = Command::new(binaries.program("pg_basebackup"));
    command
        .args(["--host=127.0.0.1", "--no-password", "--wal-method=stream"])
        .arg("--checkpoint=fast")
        .args(io::stderr().is_terminal().then_some("--progress"))
        .arg(format!("--port={port}"))
        .arg(format!("--username={USER}"))
        .arg("--pgdata")
        .arg(unfinished.join("postgres"))
        .env("PGPASSWORD", password)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    let status = Child::start(command).await?.ended().await?;
    ensure!(
        status.success(),
        "pg_basebackup ended with {status}; its reason is above"
    );
    verify(&binaries, &unfinished.join("postgres")).await?;
    let has_key = copy_secrets(data, &unfinished)?;
    sync_folder(&unfinished)?;
    let base = bases.join(series::name_of(series::now()));
    fs::rename(&unfinished, &base)
        .with_context(|| format!("the backup cannot be moved to {}", base.display()))?;
    sync_folder(&bases)?;
    Ok(Made {
        path: base,
        has_key,
    })
}

/// Reads a base backup and compares it with its manifest, if Postgres's programs for that are installed.
async fn verify(binaries: &Binaries, cluster: &Path) -> anyhow::Result<()> {
    // The first one runs the second one.
    let needed = ["pg_verifybackup", "pg_waldump"].map(|name| binaries.program(name));
    if !needed.iter().all(|program| program.is_file()) {
        tracing::warn!("the base backup is not verified: pg_verifybackup or pg_waldump is missing");
        return Ok(());
    }
    let [program, _] = needed;
    let mut command = Command::new(program);
    command
        .args(["--quiet", "--exit-on-error"])
        .arg(cluster)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = Child::start(command).await?.ended().await?;
    ensure!(
        status.success(),
        "the base backup is damaged: pg_verifybackup ended with {status}; its reason is above"
    );
    Ok(())
}

/// Removes the base backups that interrupted runs left. The caller holds the lock.
fn remove_unfinished(bases: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be read", bases.display());
    for entry in fs::read_dir(bases).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// The result of a recovery.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The base backup that was used.
    pub(crate) base: Made,
    /// The server, which still runs on the new cluster.
    pub(crate) postgres: PrivatePostgres,
}

/// Copies a base backup into an empty data directory and recovers it: up to a time, or as far as the archive goes.
///
/// # Errors
/// When there is no fitting backup, or the recovery fails. The error has the end of Postgres's log.
pub(crate) async fn recover(
    backup: &Path,
    data: &Path,
    at: Option<DateTime<Utc>>,
    bin: Option<&Path>,
) -> anyhow::Result<Recovered> {
    let Base { series, path: base } = series::newest_base(backup, at)?;
    tracing::info!(backup = %base.display(), "copying the base backup");
    let cluster = data.join("postgres");
    let owner = Owner::of(&cluster)?;
    copy_folder(&base.join("postgres"), &cluster, owner)?;
    let has_key = copy_secrets(&base, data)?;
    let archive = WalArchive::of(&series)?;
    // Before the recovery, because a platform that still runs may archive more.
    let last_segment = if archive.exists() && at.is_none() {
        archive.last_segment()?
    } else {
        // Postgres itself refuses to end before a time.
        None
    };
    let mut settings = vec![
        ("recovery_target_action", "promote".to_owned()),
        // A series has one timeline.
        ("recovery_target_timeline", "current".to_owned()),
    ];
    if archive.exists() {
        archive.create(owner)?;
        settings.extend(archive.recovering());
    } else {
        ensure!(
            at.is_none(),
            "{} holds no archived log (`wal`), so only the time of a backup can be restored: leave out --at",
            series.display()
        );
        // What the base backup itself holds.
        settings.push(("restore_command", "false".to_owned()));
    }
    if let Some(at) = at {
        let at = at.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
        settings.push(("recovery_target_time", at));
    }
    // A recovery in this sense begins a new timeline, so that the log notices.
    let signal = cluster.join("recovery.signal");
    File::create(&signal)
        .and_then(|_| owner.takes(&signal))
        .context("the recovery cannot be prepared")?;
    tracing::info!("recovering");
    let postgres = PrivatePostgres::start(data, bin, &settings).await?;
    let recovered = tokio::select! {
        ended = postgres.ended() => Err(ended),
        recovered = is_recovered(postgres.url()) => recovered,
    };
    match recovered {
        Ok(()) => {
            let checked = match last_segment {
                Some(last) => check_end(postgres.url(), &last).await,
                None => Ok(()),
            };
            if let Err(error) = checked {
                postgres.server.signal(Signal::QUIT);
                postgres.ended().await;
                return Err(error);
            }
            Ok(Recovered {
                base: Made {
                    path: base,
                    has_key,
                },
                postgres,
            })
        }
        Err(error) => {
            postgres.server.signal(Signal::QUIT);
            // Its log is complete when it has ended.
            postgres.ended().await;
            let log = super::read_from(&data.join("postgres.log"), 0);
            let log = super::last_lines(&log);
            Err(error.context(format!(
                "the recovery failed. The end of Postgres's log:\n{log}\n"
            )))
        }
    }
}

/// Waits until the server accepts writes.
async fn is_recovered(url: &str) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let mut logged = Instant::now();
    loop {
        let is_in_recovery: bool = sqlx::query_scalar("select pg_is_in_recovery()")
            .fetch_one(&mut connection)
            .await
            .context("the recovery ended early")?;
        if !is_in_recovery {
            return Ok(connection.close().await?);
        }
        if logged.elapsed() > LOG_INTERVAL {
            tracing::info!("still recovering");
            logged = Instant::now();
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Checks that the recovery did not end in a segment before this one. Postgres takes a segment that is missing or damaged
/// for the end of the log, without an error.
async fn check_end(url: &str, last_segment: &str) -> anyhow::Result<()> {
    let cannot = "the end of the recovery cannot be looked up";
    let mut connection = PgConnection::connect(url).await.context(cannot)?;
    // The last line says where the timeline of the restored log begins: `1`, `0/5000000`, a reason.
    let history: String = sqlx::query_scalar(
        "select pg_read_file('pg_wal/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.history')",
    )
    .fetch_one(&mut connection)
    .await
    .context(cannot)?;
    let line = history.lines().rfind(|line| !line.trim().is_empty());
    let end = line.and_then(|line| line.split_whitespace().nth(1));
    // The segment of the last byte: versions of Postgres differ in the name of a place between two segments.
    let (segment, replayed): (String, Option<DateTime<Utc>>) = sqlx::query_as(
        "select pg_walfile_name($1::text::pg_lsn - 1::numeric), pg_last_xact_replay_timestamp()",
    )
    .bind(end.context(cannot)?)
    .fetch_one(&mut connection)
    .await
    .context(cannot)?;
    connection.close().await.context(cannot)?;
    // The timeline at the beginning is the new one.
    let place = |segment: &str| segment.get(8..).map(str::to_owned);
    if place(&segment) >= place(last_segment) {
        return Ok(());
    }
    let most = replayed.map_or_else(String::new, |replayed| {
        let replayed = replayed.format("%Y-%m-%dT%H:%M:%S%.6fZ");
        format!(". To restore what is before the damage, pass --at with a time before {replayed}")
    });
    bail!(
        "the archive goes up to the segment {last_segment}, and the recovery ended before: a segment is missing or \
         damaged{most}"
    )
}

/// Copies a folder with all files, which the owner gets.
fn copy_folder(from: &Path, to: &Path, owner: Owner) -> anyhow::Result<()> {
    let doing = || format!("{} cannot be copied to {}", from.display(), to.display());
    create(to, 0o700)?;
    owner.takes(to).with_context(doing)?;
    for entry in fs::read_dir(from).with_context(doing)? {
        let entry = entry.with_context(doing)?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type().with_context(doing)?;
        if kind.is_dir() {
            copy_folder(&entry.path(), &target, owner)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)
                .and_then(|_| File::open(&target)?.sync_all())
                .and_then(|()| owner.takes(&target))
                .with_context(doing)?;
        } else {
            bail!("{} is neither a file nor a folder", entry.path().display());
        }
    }
    sync_folder(to)
}

/// Copies the password, and the key if there is one. Returns true if there is a key.
fn copy_secrets(from: &Path, to: &Path) -> anyhow::Result<bool> {
    copy_secret(&from.join(PASSWORD), &to.join(PASSWORD))?;
    let key = from.join(KEY);
    let has_key = key
        .try_exists()
        .with_context(|| format!("{} cannot be read", key.display()))?;
    if has_key {
        copy_secret(&key, &to.join(KEY))?;
    }
    Ok(has_key)
}

fn copy_secret(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to)
        .and_then(|_| File::open(to)?.sync_all())
        .with_context(|| format!("{} cannot be copied", from.display()))
}

fn create(folder: &Path, mode: u32) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))
}

/// Removes a folder that an interrupted run left.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use event_store::error::StoreError;
    use event_store::incarnation::{self, Reason};
    use event_store::pool::{self, Purpose};
    use sqlx::PgPool;

    use super::*;

    /// A real failover: a standby, its promotion, and connections that were opened before.
    #[tokio::test]
    async fn a_standby_is_refused_and_its_promotion_noticed() {
        let folder =
            std::env::temp_dir().join(format!("clustergenie-standby-{}", std::process::id()));
        let [data, standby, backup] =
            ["primary", "standby", "backup"].map(|name| folder.join(name));
        for data in [&data, &standby] {
            create(&folder, 0o711)
                .and_then(|()| create(data, 0o711))
                .expect("is created");
        }
        let primary = PrivatePostgres::start(&data, None, &[])
            .await
            .expect("it starts");
        let pool = pool::connect(primary.url(), Purpose::Maintenance, 2)
            .await
            .expect("connects");
        schema::migrate::migrate(&pool)
            .await
            .expect("it is migrated");
        let before = incarnation::ensure(&pool)
            .await
            .expect("it begins")
            .current()
            .id;
        pool.close().await;
        let base = take(&data, &backup, None).await.expect("it is backed up");
        assert!(!base.has_key);
        let base = base.path;
        primary
            .stop(std::future::pending())
            .await
            .expect("it stops");

        let cluster = standby.join("postgres");
        let owner = Owner::of(&cluster).expect("there is one");
        copy_folder(&base.join("postgres"), &cluster, owner).expect("is copied");
        copy_secrets(&base, &standby).expect("is copied");
        let signal = cluster.join("standby.signal");
        let signalled = File::create(&signal).and_then(|_| owner.takes(&signal));
        signalled.expect("is created");
        let promoted = PrivatePostgres::start(&standby, None, &[])
            .await
            .expect("it starts");
        // As connections that were opened before the failover: a new pool refuses a standby by itself.
        let opened = pool::connect(promoted.url(), Purpose::Maintenance, 2).await;
        let opened = opened.expect_err("it is a standby").to_string();
        assert!(opened.contains("connect to the primary"), "{opened}");
        let pool = PgPool::connect(promoted.url()).await.expect("connects");
        let refused = incarnation::ensure(&pool).await.map(drop);
        let Err(standby @ StoreError::Standby) = refused else {
            panic!("{refused:?}");
        };
        assert!(
            standby.to_string().contains("connect to the primary"),
            "{standby}"
        );
        let demanded = incarnation::demand(&pool, before).await;
        assert!(matches!(demanded, Err(StoreError::Standby)), "{demanded:?}");

        // The connections live on, and know the new timeline at once.
        sqlx::query("select pg_promote()")
            .execute(&pool)
            .await
            .expect("it is promoted");
        let demanded = incarnation::demand(&pool, before).await;
        assert!(
            matches!(demanded, Err(StoreError::OtherIncarnation)),
            "{demanded:?}"
        );
        let lineage = incarnation::ensure(&pool).await.expect("it begins");
        assert_eq!(lineage.current().reason, Reason::Timeline);
        assert!(lineage.has(Some(before)));
        pool.close().await;
        promoted
            .stop(std::future::pending())
            .await
            .expect("it stops");
        remove(&folder).expect("is removed");
    }
}
