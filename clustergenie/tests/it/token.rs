//! `clustergenie token`, where no platform is needed.

use super::program::{Folder, printed, run, said};

#[tokio::test]
async fn without_a_key_it_says_to_start_the_platform_first() {
    let folder = Folder::new();
    let refused = run(
        &folder,
        &[
            "token", "--data", "data", "--org", "acme", "--role", "viewer",
        ],
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("start `clustergenie up --data data` first"),
        "{}",
        said(&refused)
    );
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
