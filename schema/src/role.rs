//! The role that migrates, and the two roles that it prepares: that of clients' queries, and that of processes.
//!
//! What is there is looked at first, so that nobody needs rights to make it once more. What is missing and the
//! role may not make itself is returned as statements for somebody who may.

use sqlx::{AssertSqlSafe, PgPool};

use crate::error::SchemaError;

/// The role that clients' queries run as. It sees one organization at a time.
const READER: &str = "clustergenie_reader";

/// The role that processes act as. It sees all organizations, and owns no table of the schema `es`.
const SERVICE: &str = "clustergenie_service";

/// The role that migrates and the database.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Found {
    /// The role that migrates, quoted for SQL.
    role: String,
    /// The database, quoted for SQL.
    database: String,
    /// True if the role may create roles.
    creates_roles: bool,
    /// True if the role has the privileges of roles that it is a member of.
    inherits: bool,
    /// True if the server knows options of memberships.
    has_grant_options: bool,
    /// True if the role may create schemas.
    creates_schemas: bool,
    /// True if the role may create temporary tables, as comparisons do.
    creates_temporary: bool,
    /// True if the role may grant rights on the database.
    grants_database: bool,
    /// The owner of the tables, quoted for SQL, if they are not those of the role.
    other_owner: Option<String>,
}

/// A role to prepare, as the role that migrates finds it.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Prepared {
    name: String,
    exists: bool,
    /// True if no policy and no privilege binds the role.
    is_unbound: bool,
    /// True if the role that migrates may take it on, and has its rights also without that.
    is_held: bool,
    /// True if the role that migrates may grant it.
    is_granted: bool,
    /// True if it may create schemas. Only the role of processes needs to: rebuilds create some.
    creates_schemas: bool,
    /// True if it may create temporary tables. Only the role of processes needs to.
    creates_temporary: bool,
}

/// From Postgres 16 on, a member of a role may lack the right to take it on, and `CREATEROLE` grants none of the
/// roles of others.
const LOOK: &str = "
select
    quote_ident(r.rolname) as role,
    quote_ident(current_database()) as database,
    r.rolsuper or r.rolcreaterole as creates_roles,
    r.rolsuper or r.rolinherit as inherits,
    current_setting('server_version_num')::int >= 160000 as has_grant_options,
    has_database_privilege(r.oid, current_database(), 'CREATE') as creates_schemas,
    has_database_privilege(r.oid, current_database(), 'TEMPORARY') as creates_temporary,
    has_database_privilege(
        r.oid, current_database(), 'CREATE WITH GRANT OPTION'
    ) and has_database_privilege(
        r.oid, current_database(), 'TEMPORARY WITH GRANT OPTION'
    ) as grants_database,
    (select quote_ident(pg_get_userbyid(c.relowner))
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'es' and c.relname = 'events' and not pg_has_role(r.oid, c.relowner, 'USAGE'))
        as other_owner
from pg_roles r
where r.rolname = current_user";

/// Privileges that a version does not know are named only in the other one.
const LOOK_AT_PREPARED: &str = "
with of_server as (select current_setting('server_version_num')::int >= 160000 as has_grant_options)
select
    wanted.name,
    p.oid is not null as exists,
    coalesce(p.rolsuper or p.rolbypassrls, false) as is_unbound,
    coalesce(
        pg_has_role(r.oid, p.oid, case when has_grant_options then 'SET' else 'MEMBER' end)
            and pg_has_role(r.oid, p.oid, 'USAGE'),
        false
    ) as is_held,
    r.rolsuper or r.rolcreaterole and not has_grant_options
        or coalesce(pg_has_role(r.oid, p.oid, 'MEMBER WITH ADMIN OPTION'), false) as is_granted,
    coalesce(has_database_privilege(p.oid, current_database(), 'CREATE'), false) as creates_schemas,
    coalesce(has_database_privilege(p.oid, current_database(), 'TEMPORARY'), false) as creates_temporary
from of_server, pg_roles r cross join unnest($1::text[]) with ordinality as wanted(name, place)
left join pg_roles p on p.rolname = wanted.name
where r.rolname = current_user
order by wanted.place";

/// Creates the two roles if they are missing, lets the migrating role take them on, and lets that of processes
/// create what rebuilds need.
///
/// # Errors
/// [`SchemaError::NeedsRights`] with all that is missing, [`SchemaError::NotOwner`], or when the database does
/// not answer: then nothing is changed.
pub(crate) async fn prepare(pool: &PgPool) -> Result<(), SchemaError> {
    let found: Found = sqlx::query_as(LOOK)
        .fetch_one(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    let prepared: Vec<Prepared> = sqlx::query_as(LOOK_AT_PREPARED)
        .bind(vec![READER, SERVICE])
        .fetch_all(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    let (own, others) = found.statements(&prepared);
    if let Some(owner) = found.other_owner {
        let role = found.role;
        return Err(SchemaError::NotOwner { role, owner });
    }
    if !others.is_empty() {
        return Err(SchemaError::NeedsRights {
            role: found.role,
            statements: others.join(" "),
        });
    }
    if own.is_empty() {
        return Ok(());
    }
    // One transaction. Others that migrate this database wait, and find what is there. But roles belong to the whole
    // server: another database may prepare them at this moment.
    let mut all =
        "select pg_advisory_xact_lock(hashtextextended('clustergenie roles', 0));".to_owned();
    for statement in own {
        all.push_str(&format!(
            "do $$ begin {statement} \
             exception when duplicate_object or unique_violation then null; end $$;"
        ));
    }
    sqlx::raw_sql(AssertSqlSafe(all))
        .execute(pool)
        .await
        .map_err(SchemaError::Unreadable)?;
    Ok(())
}

impl Found {
    /// Returns the statements for what is missing: those that the role may run itself, and those that it may not.
    fn statements(&self, prepared: &[Prepared]) -> (Vec<String>, Vec<String>) {
        let Self { role, database, .. } = self;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        let mut state = |is_own: bool, statement: String| {
            if is_own {
                own.push(statement);
            } else {
                others.push(statement);
            }
        };
        for of in prepared {
            let name = &of.name;
            if !of.exists {
                state(self.creates_roles, format!("create role {name} nologin;"));
            }
            if !of.is_held {
                // Who creates a role may grant it.
                let grants = of.is_granted || !of.exists && self.creates_roles;
                let options = if self.has_grant_options {
                    " with inherit true, set true"
                } else {
                    ""
                };
                state(grants, format!("grant {name} to {role}{options};"));
                if !self.inherits && !self.has_grant_options {
                    state(false, format!("alter role {role} inherit;"));
                }
            }
            if of.is_unbound {
                let bind = format!("alter role {name} nosuperuser nobypassrls;");
                state(false, bind);
            }
        }
        for (is_there, right) in [
            (self.creates_schemas, "create"),
            (self.creates_temporary, "temporary"),
        ] {
            if !is_there {
                let grant = format!("grant {right} on database {database} to {role};");
                state(false, grant);
            }
        }
        for of in prepared.iter().filter(|of| of.name == SERVICE) {
            if !(of.creates_schemas && of.creates_temporary) {
                let grant = format!("grant create, temporary on database {database} to {SERVICE};");
                state(self.grants_database, grant);
            }
        }
        others.dedup();
        (own, others)
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
            inherits: true,
            has_grant_options: false,
            creates_schemas: true,
            creates_temporary: true,
            grants_database: false,
            other_owner: None,
        }
    }

    fn prepared() -> [Prepared; 2] {
        [READER, SERVICE].map(|name| Prepared {
            name: name.to_owned(),
            exists: true,
            is_unbound: false,
            is_held: true,
            is_granted: false,
            creates_schemas: true,
            creates_temporary: true,
        })
    }

    /// Roles that do not exist.
    fn missing() -> [Prepared; 2] {
        prepared().map(|of| Prepared {
            exists: false,
            is_held: false,
            creates_schemas: false,
            creates_temporary: false,
            ..of
        })
    }

    fn none() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn who_finds_all_that_is_needed_needs_no_right_to_make_it() {
        assert_eq!(found().statements(&prepared()), (none(), none()));
        // The roles do not exist, and it may create and then grant them.
        let creates = Found {
            creates_roles: true,
            grants_database: true,
            ..found()
        };
        let own = [
            "create role clustergenie_reader nologin;",
            "grant clustergenie_reader to app;",
            "create role clustergenie_service nologin;",
            "grant clustergenie_service to app;",
            "grant create, temporary on database \"my app\" to clustergenie_service;",
        ];
        let own = own.map(str::to_owned).to_vec();
        assert_eq!(creates.statements(&missing()), (own, none()));
        // The roles exist, and it may grant them.
        let granted = prepared().map(|of| Prepared {
            is_held: false,
            is_granted: true,
            ..of
        });
        let (own, others) = found().statements(&granted);
        assert_eq!((own.len(), others), (2, none()));
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let nothing = Found {
            creates_schemas: false,
            creates_temporary: false,
            ..found()
        };
        let (own, others) = nothing.statements(&missing());
        assert_eq!(own, none());
        assert_eq!(
            others,
            [
                "create role clustergenie_reader nologin;",
                "grant clustergenie_reader to app;",
                "create role clustergenie_service nologin;",
                "grant clustergenie_service to app;",
                "grant create on database \"my app\" to app;",
                "grant temporary on database \"my app\" to app;",
                "grant create, temporary on database \"my app\" to clustergenie_service;",
            ]
        );
    }

    #[test]
    fn a_membership_without_its_rights_is_not_enough() {
        let [reader, service] = prepared();
        let service = Prepared {
            is_held: false,
            ..service
        };
        let found_prepared = [reader, service];
        // From Postgres 16 on CREATEROLE grants no rights on the roles of others.
        let of_16 = Found {
            creates_roles: true,
            has_grant_options: true,
            ..found()
        };
        let grant = ["grant clustergenie_service to app with inherit true, set true;"];
        assert_eq!(of_16.statements(&found_prepared).1, grant);
        let of_15 = Found {
            inherits: false,
            ..found()
        };
        let grant = [
            "grant clustergenie_service to app;",
            "alter role app inherit;",
        ];
        assert_eq!(of_15.statements(&found_prepared).1, grant);
    }

    #[test]
    fn a_role_that_nothing_binds_is_refused() {
        let unbound = prepared().map(|of| Prepared {
            is_unbound: true,
            ..of
        });
        assert_eq!(
            found().statements(&unbound).1,
            [
                "alter role clustergenie_reader nosuperuser nobypassrls;",
                "alter role clustergenie_service nosuperuser nobypassrls;",
            ]
        );
    }
}
