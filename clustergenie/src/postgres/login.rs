//! The login of the processes in the private Postgres, which owns nothing.

use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use crate::secret_file;

/// The name of the login.
const LOGIN: &str = "clustergenie_processes";

/// Makes the login, with a new password, and returns the URL of the database with it. `owner` is the URL with the owner,
/// who has migrated the database.
///
/// # Errors
/// When Postgres refuses.
pub(crate) async fn of_processes(owner: &str) -> anyhow::Result<String> {
    let random: [u8; 24] = secret_file::random()?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let statements = format!(
        "do $$ begin create role {LOGIN}; exception when duplicate_object then null; end $$; \
         alter role {LOGIN} login nosuperuser nocreatedb nocreaterole nobypassrls password '{password}'; \
         grant clustergenie_service, clustergenie_reader to {LOGIN}"
    );
    let made = async {
        let mut connection = PgConnection::connect(owner).await?;
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut connection)
            .await?;
        connection.close().await
    };
    made.await
        .context("the login of the processes cannot be made")?;
    let mut url = Url::parse(owner).context("the URL of the private Postgres is malformed")?;
    url.set_username(LOGIN)
        .and_then(|()| url.set_password(Some(&password)))
        .map_err(|()| anyhow::anyhow!("the URL of the private Postgres takes no login"))?;
    Ok(url.into())
}
