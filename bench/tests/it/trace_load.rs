//! `bench trace load` of a malformed file. What loads do to a platform is tested with the platform's own
//! program, in `clustergenie/tests/it/trace.rs`.

use std::env;
use std::fs;
use std::process::Command;

#[test]
fn a_bad_file_is_refused_before_anything_is_sent() {
    let file = env::temp_dir().join(format!("bench-it-bad-{}.csv", std::process::id()));
    let columns =
        "name,cpu_milli,memory_mib,qos,pod_phase,creation_time,deletion_time,scheduled_time";
    fs::write(
        &file,
        format!("{columns}\nfirst,500,512,LS,Running,0,9,1\nsecond,much,512,LS,Running,0,9,1\n"),
    )
    .unwrap();
    // Nothing listens there: whoever sent something would say so.
    let refused = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args([
            "trace",
            "load",
            "--url",
            "http://127.0.0.1:1",
            "--token",
            "none",
        ])
        .arg(&file)
        .output()
        .unwrap();
    fs::remove_file(&file).unwrap();

    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("line 3, column 2 (`cpu_milli`): \"much\" is not a whole number"),
        "{said}"
    );
}
