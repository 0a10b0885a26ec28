//! `clustergenie migrate`: what a role must be allowed.

use super::login::Login;
use super::program::{Folder, run, said};

#[tokio::test]
async fn a_role_without_createrole_is_told_the_statement_that_gives_it() {
    let folder = Folder::new();
    let login = Login::new("").await;
    let url = login.own_database().await;
    let refused = run(&folder, &["migrate", "--database-url", &url]).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = said(&refused);
    let statement = format!("`alter role {} createrole`", login.name);
    assert!(
        said.contains("needs CREATEROLE") && said.contains(&statement),
        "{said}"
    );
    login.remove().await;
}

#[tokio::test]
async fn a_role_with_createrole_migrates_an_empty_database() {
    let folder = Folder::new();
    // As in docs/operators.md. From Postgres 16 on the reader, which tests created, must be granted too.
    let login = Login::new("createrole").await;
    login.administers("clustergenie_reader").await;
    let url = login.own_database().await;
    let migrated = run(&folder, &["migrate", "--database-url", &url]).await;
    assert!(migrated.status.success(), "{}", said(&migrated));
    login.remove().await;
}
