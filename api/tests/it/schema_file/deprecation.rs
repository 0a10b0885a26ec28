//! Nothing is taken away that the last release did not call deprecated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use api::schema;
use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    ConstDirective, InputValueDefinition, TypeKind, TypeSystemDefinition,
};

/// What clients may use, by its coordinate such as `Query.droplets(first:)`, and whether it is
/// deprecated.
type Members = BTreeMap<String, bool>;

fn members(sdl: &str) -> Members {
    let document = parse_schema(sdl).expect("a schema can be read");
    let mut members = Members::new();
    for definition in document.definitions {
        match definition {
            TypeSystemDefinition::Type(definition) => {
                let name = definition.node.name.node.as_str();
                add_type(&mut members, name, &definition.node.kind);
            }
            TypeSystemDefinition::Directive(directive) => {
                let name = format!("@{}", directive.node.name.node);
                members.insert(name.clone(), false);
                add_inputs(&mut members, &directive.node.arguments, |argument| {
                    format!("{name}({argument}:)")
                });
            }
            TypeSystemDefinition::Schema(_) => {}
        }
    }
    members
}

/// A type has no mark of its own: it may go when all that is in it may.
fn add_type(members: &mut Members, name: &str, kind: &TypeKind) {
    match kind {
        TypeKind::Scalar | TypeKind::Union(_) => {
            members.insert(name.to_owned(), false);
        }
        TypeKind::Object(object) => add_fields(members, name, &object.fields),
        TypeKind::Interface(interface) => add_fields(members, name, &interface.fields),
        TypeKind::Enum(values) => members.extend(values.values.iter().map(|value| {
            let coordinate = format!("{name}.{}", value.node.value.node);
            (coordinate, is_deprecated(&value.node.directives))
        })),
        TypeKind::InputObject(input) => {
            add_inputs(members, &input.fields, |field| format!("{name}.{field}"));
        }
    }
}

fn add_fields(
    members: &mut Members,
    name: &str,
    fields: &[Positioned<async_graphql::parser::types::FieldDefinition>],
) {
    for field in fields {
        let coordinate = format!("{name}.{}", field.node.name.node);
        let deprecated = is_deprecated(&field.node.directives);
        add_inputs(members, &field.node.arguments, |argument| {
            format!("{coordinate}({argument}:)")
        });
        if deprecated {
            // With the field go its arguments.
            let prefix = format!("{coordinate}(");
            let arguments = members.iter_mut();
            let arguments = arguments.filter(|(argument, _)| argument.starts_with(&prefix));
            arguments.for_each(|(_, deprecated)| *deprecated = true);
        }
        members.insert(coordinate, deprecated);
    }
}

fn add_inputs(
    members: &mut Members,
    inputs: &[Positioned<InputValueDefinition>],
    coordinate: impl Fn(&str) -> String,
) {
    members.extend(inputs.iter().map(|input| {
        let coordinate = coordinate(&input.node.name.node);
        (coordinate, is_deprecated(&input.node.directives))
    }));
}

fn is_deprecated(directives: &[Positioned<ConstDirective>]) -> bool {
    let mut directives = directives.iter();
    directives.any(|directive| directive.node.name.node == "deprecated")
}

/// What is gone although it was not deprecated.
fn torn_away(released: &str, now: &str) -> Vec<String> {
    let now = members(now);
    let gone = members(released).into_iter();
    gone.filter(|(coordinate, deprecated)| !deprecated && !now.contains_key(coordinate))
        .map(|(coordinate, _)| coordinate)
        .collect()
}

/// The version in the name of a released schema.
fn version(file: &Path) -> Option<Vec<u64>> {
    let name = file.file_name()?.to_str()?.strip_suffix(".graphql")?;
    let numbers = name.split('.').map(str::parse);
    Some(
        numbers
            .collect::<Result<_, _>>()
            .expect("a version has three numbers"),
    )
}

#[test]
fn what_is_taken_away_was_deprecated_in_the_last_release() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/graphql/released");
    let files = fs::read_dir(&folder).expect("there is a folder of releases");
    let files = files.map(|file| file.expect("it can be listed").path());
    let last = files
        .filter_map(|file| Some((version(&file)?, file)))
        .max()
        .map(|(_, file)| fs::read_to_string(file).expect("a release can be read"));
    // Before the first release everything may change.
    if let Some(last) = last {
        assert_eq!(torn_away(&last, &schema::sdl()), Vec::<String>::new());
    }
}

#[test]
fn fields_arguments_and_values_stay_until_they_were_deprecated() {
    let released = r#"
        type Query { a(b: Int, old: Int @deprecated(reason: "`b`")): Int
            old(c: Int): Int @deprecated(reason: "`a`") }
        enum E { A B OLD @deprecated(reason: "`B`") }
        input I { a: Int b: Int }
        type Gone { old: Int @deprecated(reason: "`Query.a`") }
        directive @mark(key: String) on FIELD
        scalar S"#;
    assert_eq!(torn_away(released, released), Vec::<String>::new());
    let later = "type Query { a(b: Int): Int new: Int } enum E { A B } input I { a: Int b: Int } \
        directive @mark(key: String) on FIELD scalar S";
    assert_eq!(torn_away(released, later), Vec::<String>::new());
    let broken = "type Query { a: Int } enum E { A } input I { a: Int } directive @mark on FIELD";
    assert_eq!(
        torn_away(released, broken),
        ["@mark(key:)", "E.B", "I.b", "Query.a(b:)", "S"]
    );
}

#[test]
fn our_schema_can_be_compared() {
    let members = members(&schema::sdl());
    for coordinate in [
        "Query.droplets(first:)",
        "DropletStatus.ACTIVE",
        "@idempotent(key:)",
    ] {
        assert_eq!(members.get(coordinate), Some(&false), "{coordinate}");
    }
}
