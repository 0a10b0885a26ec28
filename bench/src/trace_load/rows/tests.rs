//! Tests of accepted traces, and of errors with their places.

use super::*;

const HEADER: &str =
    "name,cpu_milli,memory_mib,qos,pod_phase,creation_time,deletion_time,scheduled_time";

fn read_lines(lines: &[&str]) -> Result<Vec<Row>, BadTrace> {
    read(lines.join("\n").as_bytes())
}

fn refusal(line: &str) -> String {
    read_lines(&[HEADER, "good,1,1,LS,Running,0,9,1", line])
        .expect_err("the line is bad")
        .to_string()
}

#[test]
fn columns_are_found_by_name() {
    let rows = read_lines(&[
        "gpu_spec,scheduled_time,deletion_time,creation_time,pod_phase,qos,memory_mib,cpu_milli,name",
        "V100,,20,10,Pending,LS,2048,1500,a.b-1",
    ])
    .unwrap();
    assert_eq!(
        rows,
        [Row {
            name: DropletName::parse("a.b-1").unwrap(),
            cpu_milli: 1500,
            memory_mib: 2048,
            qos: Tag::parse("qos:LS").unwrap(),
            phase: Phase::Pending,
            created: 10,
            scheduled: None,
            deleted: 20,
        }]
    );
}

#[test]
fn a_header_without_a_needed_column_is_refused() {
    let error = read_lines(&["name,cpu_milli", "a,1"])
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("line 1: the header lacks the columns memory_mib, qos, pod_phase"),
        "{error}"
    );
    assert!(matches!(read_lines(&[]), Err(BadTrace::Header { .. })));
    let twice = format!("{HEADER},qos");
    let error = read_lines(&[&twice]).unwrap_err().to_string();
    assert!(error.starts_with("line 1, column 9: "), "{error}");
}

#[test]
fn a_bad_value_is_refused_with_line_and_column() {
    for (line, expected) in [
        (
            "b,x,1,LS,Running,0,9,1",
            "line 3, column 2 (`cpu_milli`): \"x\" is not a whole",
        ),
        (
            "b,1,-1,LS,Running,0,9,1",
            "line 3, column 3 (`memory_mib`): ",
        ),
        (
            "b_,1,1,LS,Running,0,9,1",
            "line 3, column 1 (`name`): \"b_\" is not the name",
        ),
        ("b,1,1,L S,Running,0,9,1", "line 3, column 4 (`qos`): "),
        (
            "b,1,1,LS,Unknown,0,9,1",
            "line 3, column 5 (`pod_phase`): \"Unknown\" is none of",
        ),
        (
            "b,1,1,LS,Running,,9,1",
            "line 3, column 6 (`creation_time`): ",
        ),
        (
            "b,1,1,LS,Running,5,4,",
            "line 3, column 7 (`deletion_time`): it lies before",
        ),
        (
            "b,1,1,LS,Running,5,9,4",
            "line 3, column 8 (`scheduled_time`): it lies before",
        ),
        (
            "b,1,1,LS,Running,5,9,10",
            "line 3, column 8 (`scheduled_time`): it lies after",
        ),
        (
            "b,1,1,LS,Pending,5,9,6",
            "line 3, column 8 (`scheduled_time`): ",
        ),
        (
            "b,1,1,LS,Failed,5,9,",
            "line 3, column 8 (`scheduled_time`): ",
        ),
        (
            "b,1,1,LS,Running,5",
            "line 3, column 7: the line has 6 values, the header 8",
        ),
        (
            "good,1,1,LS,Running,0,9,1",
            "line 3, column 1 (`name`): line 2 has the same name",
        ),
    ] {
        let error = refusal(line);
        assert!(error.starts_with(expected), "{line}: {error}");
    }
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let error = read_lines(&[HEADER, "", "\"a", "b\",1,1,LS,Running,0,9,1"]).unwrap_err();
    assert!(
        error.to_string().starts_with("line 3, column 1 (`name`): "),
        "{error}"
    );
    let error = read(b"name,\xff\n").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: the text is not UTF-8");
}
