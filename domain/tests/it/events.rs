//! Every event, in the bytes that are stored.
//!
//! `UPDATE_GOLDEN=1 cargo test -p domain` makes the golden file of a new event or a new schema
//! version. It never changes a file that is there. Files of older versions stay for ever; that they
//! are still read, through the upcasters, is tested in the event store.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use domain::registry::Event;

use crate::golden;

#[test]
fn every_sample_is_written_and_read_as_its_golden_file_says() {
    let failures: Vec<String> = Event::samples()
        .iter()
        .filter_map(|event| {
            let file = file(event.event_type(), event.schema_version());
            let json = event.to_json().expect("samples serialise");
            let read = Event::from_json(event.event_type(), &json).expect("samples decode");
            assert_eq!(read, *event, "{file}");
            golden::check("events", &file, &json).err()
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_older_version_has_its_file_and_no_file_is_left_over() {
    let names = |versions: fn(i32) -> Range<i32>| -> BTreeSet<String> {
        Event::types()
            .flat_map(|(_, event_type, current)| {
                versions(current).map(move |version| file(event_type, version))
            })
            .collect()
    };
    let found: BTreeSet<String> = fs::read_dir(golden::folder("events"))
        .expect("there is a folder of golden files")
        .map(|entry| {
            entry
                .expect("it can be listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let older = names(|current| 1..current);
    assert!(
        older.is_subset(&found),
        "of {older:?} there are only {found:?}"
    );
    let all = names(|current| 1..current + 1);
    assert!(
        found.is_subset(&all),
        "of {found:?} only {all:?} are stored"
    );
}

#[test]
fn a_request_of_version_1_is_not_taken_for_a_current_one() {
    let json = fs::read_to_string(golden::folder("events").join(file("droplet_requested", 1)))
        .expect("version 1 has a golden file");
    assert!(!json.contains("provisioner"));
    assert!(Event::from_json("droplet_requested", &json).is_err());
}

fn file(event_type: &str, version: i32) -> String {
    format!("{event_type}.v{version}.json")
}
