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
fn numbers_and_missing_values_of_pandas_are_read() {
    let row = |line: &str| read_lines(&[HEADER, line]).unwrap().remove(0);
    let plain = row("a,1500,2048,LS,Running,427061,12902960,427061");
    for line in [
        "a,1500.0,2048.0,LS,Running,427061.0,12902960.0,427061.0",
        "a,1.5e3,2048.,LS,Running,4.27061e5,1.290296e+07,427061.000",
        "\"a\",\"1500.0\",\" 2048.0 \",LS,Running,427061.0,12902960.0,+427061.0",
    ] {
        assert_eq!(row(line), plain, "{line}");
    }
    let never_ran = row("a,1,1,LS,Pending,0,9,");
    for missing in [
        "NaN", "nan", "-nan", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "None", "null", "NULL",
        " NaN ",
    ] {
        assert_eq!(
            row(&format!("a,1,1,LS,Pending,0,9,{missing}")),
            never_ran,
            "{missing}"
        );
    }
    assert_eq!(row("nan,1,1,LS,Running,0,9,1").name.as_str(), "nan");
    let largest = row("a,4294967295.0,0.0,LS,Running,-0.0,9,1");
    assert_eq!(
        (largest.cpu_milli, largest.memory_mib, largest.created),
        (u32::MAX, 0, 0)
    );
    for wrong in [
        "1.5",
        "1e-1",
        "4294967296.0",
        "-1.0",
        "inf",
        "-inf",
        "1e400",
        "0x10",
        "1,0",
        "1_000",
        "1.0.0",
    ] {
        let quoted = format!("b,\"{wrong}\",1,LS,Running,0,9,1");
        let expected = format!("line 3, column 2 (`cpu_milli`): \"{wrong}\" is not a whole number");
        let told = refusal(&quoted);
        assert!(told.starts_with(&expected), "{told}");
    }
    for missing in ["", "NaN"] {
        let told = refusal(&format!("b,{missing},1,LS,Running,0,9,1"));
        assert_eq!(told, "line 3, column 2 (`cpu_milli`): it is missing");
    }
}

#[test]
fn other_separators_are_named() {
    for (separator, name) in [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")] {
        let lines = [HEADER, "a,1,1,LS,Running,0,9,1"].map(|line| line.replace(',', separator));
        let told = read(lines.join("\n").as_bytes()).unwrap_err().to_string();
        let expected = format!("line 1: the columns are separated by {name}: ");
        assert!(
            told.starts_with(&expected) && told.contains("sep=\",\""),
            "{told}"
        );
        // With a comma in a name that nobody needs, and a byte order mark.
        let told = read(format!("\u{feff}x,y{separator}{}", lines.join("\n")).as_bytes());
        assert!(matches!(told, Err(BadTrace::Separator { .. })), "{told:?}");
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
