//! The role that migrates, and the role of clients' queries.
//!
//! What is there is looked at first, so that nobody needs rights to make it once more. What is missing and the
//! role may not make itself is returned as statements for somebody who may.

use sqlx::{AssertSqlSafe, PgPool};

use crate::error::SchemaError;

/// The role that clients' queries run as.
const READER: &str = "clustergenie_reader";

/// The rights of the role that migrates, and the objects that exist.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Found {
    /// The role that migrates, quoted for SQL.
    role: String,
    /// The database, quoted for SQL.
    database: String,
    /// True if the role may create roles.
    creates_roles: bool,
    reader_exists: bool,
    /// True if no policy binds the reader, so that it would see rows of all organizations.
    reader_is_unbound: bool,
    /// True if the role may take on that of the reader.
    is_reader: bool,
    /// True if the role may grant that of the reader.
    grants_reader: bool,
    /// True if the role may create schemas. Rebuilds create some later, too.
    creates_schemas: bool,
    /// True if the role may create temporary tables, as comparisons do.
    creates_temporary: bool,
    /// The owner of the tables, quoted for SQL, if they are not those of the role.
    other_owner: Option<String>,
}

/// From Postgres 16 on, a member of a role may lack the right to take it on, and `CREATEROLE` grants none of the
/// roles of others. Privileges that a version does not know are named only in the other one.
const LOOK: &str = "
with of_server as (select current_setting('server_version_num')::int >= 160000 as has_grant_options)
select
    quote_ident(r.rolname) as role,
    quote_ident(current_database()) as database,
    r.rolsuper or r.rolcreaterole as creates_roles,
    reader.oid is not null as reader_exists,
    coalesce(reader.rolsuper or reader.rolbypassrls, false) as reader_is_unbound,
    coalesce(pg_has_role(r.oid, reader.oid, case when has_grant_options then 'SET' else 'MEMBER' end), false)
        as is_reader,
    r.rolsuper or r.rolcreaterole and not has_grant_options
        or coalesce(pg_has_role(r.oid, reader.oid, 'MEMBER WITH ADMIN OPTION'), false) as grants_reader,
    has_database_privilege(r.oid, current_database(), 'CREATE') as creates_schemas,
    has_database_privilege(r.oid, current_database(), 'TEMPORARY') as creates_temporary,
    (select quote_ident(pg_get_userbyid(c.relowner))
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'es' and c.relname = 'events' and not pg_has_role(r.oid, c.relowner, 'USAGE'))
        as other_owner
from of_server, pg_roles r
left join pg_roles reader on reader.rolname = 'clustergenie_reader'
where r.rolname = current_user";

/// Creates the role of clients' queries if it is missing, and lets the migrating role take it on.
///
/// # Errors
/// [`SchemaError::NeedsRights`] with all that is missing, [`SchemaError::NotOwner`], or when the database does
/// not answer: then nothing is changed.
pub(crate) async fn prepare(pool: &PgPool) -> Result<(), SchemaError> {
    let found: Found = sqlx::query_as(LOOK)
        .fetch_one(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    let (role, statements) = (found.role.clone(), found.statements_of_others());
    if let Some(owner) = found.other_owner {
        return Err(SchemaError::NotOwner { role, owner });
    }
    if !statements.is_empty() {
        let statements = statements.join(" ");
        return Err(SchemaError::NeedsRights { role, statements });
    }
    let mut statements = String::new();
    if !found.reader_exists {
        // Roles belong to the whole server: another database may make it at this moment.
        statements.push_str(&format!(
            "do $$ begin create role {READER} nologin; \
             exception when duplicate_object or unique_violation then null; end $$;"
        ));
    }
    if !found.is_reader {
        statements.push_str(&format!(
            "do $$ begin grant {READER} to {role}; exception when unique_violation then null; end $$;"
        ));
    }
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    Ok(())
}

impl Found {
    /// Returns the statements for what is missing and the role may not do itself.
    fn statements_of_others(&self) -> Vec<String> {
        let Self { role, database, .. } = self;
        let mut statements = Vec::new();
        let creates_reader = self.reader_exists || self.creates_roles;
        if !creates_reader {
            statements.push(format!("create role {READER} nologin;"));
        }
        // Who creates a role may grant it.
        let grants_reader = self.grants_reader || !self.reader_exists && self.creates_roles;
        if !self.is_reader && !grants_reader {
            statements.push(format!("grant {READER} to {role};"));
        }
        if self.reader_is_unbound {
            statements.push(format!("alter role {READER} nosuperuser nobypassrls;"));
        }
        if !self.creates_schemas {
            statements.push(format!("grant create on database {database} to {role};"));
        }
        if !self.creates_temporary {
            statements.push(format!("grant temporary on database {database} to {role};"));
        }
        statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Found {
        Found {
            role: "app".to_owned(),
            database: "\"my app\"".to_owned(),
            creates_roles: false,
            reader_exists: true,
            reader_is_unbound: false,
            is_reader: true,
            grants_reader: false,
            creates_schemas: true,
            creates_temporary: true,
            other_owner: None,
        }
    }

    #[test]
    fn who_finds_all_that_is_needed_needs_no_right_to_make_it() {
        assert_eq!(found().statements_of_others(), [""; 0]);
        // The reader does not exist, and it may create and then grant it.
        let creates = Found {
            creates_roles: true,
            reader_exists: false,
            is_reader: false,
            ..found()
        };
        assert_eq!(creates.statements_of_others(), [""; 0]);
        // The reader exists, and it may grant it.
        let grants = Found {
            is_reader: false,
            grants_reader: true,
            ..found()
        };
        assert_eq!(grants.statements_of_others(), [""; 0]);
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let nothing = Found {
            reader_exists: false,
            is_reader: false,
            creates_schemas: false,
            creates_temporary: false,
            ..found()
        };
        assert_eq!(
            nothing.statements_of_others(),
            [
                "create role clustergenie_reader nologin;",
                "grant clustergenie_reader to app;",
                "grant create on database \"my app\" to app;",
                "grant temporary on database \"my app\" to app;",
            ]
        );
        // From Postgres 16 on CREATEROLE grants no rights on the roles of others.
        let no_member = Found {
            creates_roles: true,
            is_reader: false,
            ..found()
        };
        let grant = ["grant clustergenie_reader to app;"];
        assert_eq!(no_member.statements_of_others(), grant);
        let unbound = Found {
            reader_is_unbound: true,
            ..found()
        };
        let bind = ["alter role clustergenie_reader nosuperuser nobypassrls;"];
        assert_eq!(unbound.statements_of_others(), bind);
    }
}
