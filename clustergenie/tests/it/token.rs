//! `clustergenie token` without a running platform.

use super::program::{Folder, printed, run, said};

#[tokio::test]
async fn without_a_key_it_says_where_to_look_or_how_to_start_one() {
    let folder = Folder::new();
    let refused = run(
        &folder,
        &[
            "token", "--data", "data", "--org", "acme", "--role", "viewer",
        ],
    )
    .await;
    assert!(!refused.status.success());
    for part in [
        "no platform in data",
        "the data directory of your platform with --data",
        "`clustergenie up --data data`",
    ] {
        assert!(said(&refused).contains(part), "{part}: {}", said(&refused));
    }
    assert!(!folder.data().exists(), "nothing was made");
}

#[tokio::test]
async fn roles_and_organizations_must_exist() {
    let folder = Folder::new();
    let refused = run(&folder, &["token", "--org", "acme", "--role", "root"]).await;
    assert!(
        said(&refused).contains("the roles are admin, operator"),
        "{}",
        said(&refused)
    );
    let refused = run(&folder, &["token", "--org", "Acme Inc", "--role", "viewer"]).await;
    assert!(
        said(&refused).contains("is not the name of an organization"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn a_key_of_ones_own_signs() {
    let folder = Folder::new();
    folder.write("key", "0123456789abcdef0123456789abcdef\n");
    let signed = run(
        &folder,
        &[
            "token",
            "--key-file",
            "key",
            "--org",
            "acme",
            "--role",
            "viewer",
            "--role",
            "agent",
        ],
    )
    .await;
    let token = printed(&signed);
    let principal = api::identity::tokens::Auth::new(b"0123456789abcdef0123456789abcdef")
        .unwrap()
        .authenticate(token.trim())
        .unwrap();
    assert_eq!(principal.org.as_str(), "acme");
    assert!(principal.roles.allow(api::identity::roles::Right::Report));
}

#[tokio::test]
async fn a_token_that_is_never_valid_is_refused() {
    let folder = Folder::new();
    let arguments = [
        "token",
        "--org",
        "acme",
        "--role",
        "viewer",
        "--expires",
        "0s",
    ];
    let refused = run(&folder, &arguments).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("at least 1s"), "{}", said(&refused));
}
