//! Unknown and invalid settings stop the start with a sentence.

use std::process::Output;

use super::program::{Folder, program, run, said};

#[tokio::test]
async fn an_unknown_variable_is_refused() {
    let folder = Folder::new();
    let refused = program(&folder, ["health"])
        .env("CLUSTERGENIE_LISTN", "x")
        .output()
        .await
        .unwrap();
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("CLUSTERGENIE_LISTN is not a setting"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn the_file_of_settings_is_read_and_held_to_the_same_rules() {
    let folder = Folder::new();
    folder.write(".env", "CLUSTERGENIE_WORKERS=none\n");
    let refused = run(&folder, &["up"]).await;
    assert!(
        said(&refused).contains("invalid value 'none' for '--workers"),
        "{}",
        said(&refused)
    );

    folder.write(".env", "CLUSTERGENIE_WORKER=4\n");
    let refused = run(&folder, &["up"]).await;
    assert!(
        said(&refused).contains("CLUSTERGENIE_WORKER is not a setting"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn a_file_of_others_stops_nothing_and_its_secrets_are_not_repeated() {
    let folder = Folder::new();
    folder.write(
        ".env",
        "PASSWORD='s3cret of another program\n=\nCLUSTERGENIE_WORKERS=none\n",
    );
    let refused = run(&folder, &["up"]).await;
    assert!(
        said(&refused).contains("invalid value 'none'"),
        "{}",
        said(&refused)
    );
    assert!(!said(&refused).contains("s3cret"), "{}", said(&refused));
    let folder = Folder::new();
    std::fs::create_dir(folder.path(".env")).expect("it is made");
    let version = run(&folder, &["--version"]).await;
    assert!(version.status.success(), "{}", said(&version));
}

/// Runs the program with an argument and a variable.
async fn with(folder: &Folder, argument: &str, (name, value): (&str, &str)) -> Output {
    let mut command = program(folder, [argument]);
    command.env(name, value).output().await.unwrap()
}

#[tokio::test]
async fn empty_variables_and_those_of_kubernetes_count_as_unset() {
    let folder = Folder::new();
    for (name, value) in [
        ("CLUSTERGENIE_KAFKA", ""),
        ("CLUSTERGENIE_SERVICE_HOST", "10.0.0.11"),
        ("CLUSTERGENIE_API_PORT_8085_TCP", "tcp://10.0.0.11:8085"),
    ] {
        let run = with(&folder, "relay", (name, value)).await;
        let said = said(&run);
        assert!(
            said.contains("--database-url") && said.contains("--kafka"),
            "{name}: {said}"
        );
        assert!(!said.contains("is not a setting"), "{name}: {said}");
    }
    let unknown = ("CLUSTERGENIE_LISTN", "1");
    let help = with(&folder, "--help", unknown).await;
    assert!(help.status.success(), "{}", said(&help));
    let refused = with(&folder, "relay", unknown).await;
    assert!(said(&refused).contains("CLUSTERGENIE_LISTN is not a setting"));
    // A flag that is off needs nothing else.
    let off = ("CLUSTERGENIE_TRUSTED_ONLY", "false");
    let api = with(&folder, "api", off).await;
    assert!(
        !said(&api).contains("--trusted-documents"),
        "{}",
        said(&api)
    );
}

#[tokio::test]
async fn a_role_says_what_it_lacks() {
    let folder = Folder::new();
    for (role, lacking) in [
        ("migrate", "--database-url"),
        ("api", "--jwt-key-file"),
        ("relay", "--kafka"),
        ("project", "--kafka"),
        ("work", "--kafka"),
    ] {
        let refused = run(&folder, &[role]).await;
        assert_eq!(refused.status.code(), Some(2), "{role}");
        assert!(
            said(&refused).contains(lacking),
            "{role}: {}",
            said(&refused)
        );
    }
}

#[tokio::test]
async fn a_key_that_is_too_short_is_refused() {
    let folder = Folder::new();
    folder.write("key", "short\n");
    let refused = run(
        &folder,
        &[
            "api",
            "--database-url",
            "postgres://nobody@127.0.0.1:1/none",
            "--jwt-key-file",
            "key",
        ],
    )
    .await;
    assert!(
        said(&refused).contains("the signing key has 5 bytes"),
        "{}",
        said(&refused)
    );
}

#[cfg(not(feature = "archive"))]
#[tokio::test]
async fn a_program_that_was_built_without_the_archive_says_so() {
    let folder = Folder::new();
    let serving = ["up", "--data", "data", "--listen", "127.0.0.1:0"];
    let refused = run(
        &folder,
        &[&serving[..], &["--archive", "esdb://a"]].concat(),
    )
    .await;
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("--features archive"),
        "{}",
        said(&refused)
    );
}

#[tokio::test]
async fn a_database_url_that_is_not_understood_is_told_without_its_password() {
    let folder = Folder::new();
    for (url, part) in [
        ("mysql://me:s3cret@db/x", "`mysql://`"),
        ("host=db password=s3cret", "keywords"),
        ("postgres://me:s3cret@a,b/x", "several hosts"),
        (
            "postgres://me:s3cret@db/x?channel_binding=require",
            "`channel_binding`",
        ),
        (
            "postgres://me:s3cret@db/x?password_file=s3cret",
            "`password_file`",
        ),
        // Understood, and nobody listens there.
        ("postgres://me:s3cret@[::1]:1/x", "Connection refused"),
    ] {
        for command in ["migrate --patience 0s", "verify", "projections"] {
            // The others try for ten seconds.
            if command != "migrate --patience 0s" && url.ends_with(":1/x") {
                continue;
            }
            let mut arguments: Vec<_> = command.split(' ').collect();
            arguments.extend(["--database-url", url]);
            let refused = run(&folder, &arguments).await;
            assert!(!refused.status.success());
            let told = said(&refused);
            assert!(told.contains(part), "{url}: {told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
