//! The table of rights: what each role may ask for, as it is published and as it is enforced.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use api::graph::execute::schema::ExecutableSchema;
use api::graph::guard::Need;
use api::identity::roles::Role;
use api::schema::Platform;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use futures_util::StreamExt;
use serde_json::Value;

use crate::calling::{TestApi, code_of};

/// Set to write the file anew.
const UPDATE: &str = "UPDATE_GOLDEN";

/// The reason why writing a text cannot fail.
const TEXT: &str = "a text takes all";

const INTRODUCTION: &str = "# Rights\n\n\
    Generated from the schema; a test compares it with what is served, and sends each field of the roots with each \
    role.\n\
    Fields of other types that are not listed need only the right to read their object.\n\n";

/// Returns the published table.
fn table(schema: &ExecutableSchema) -> String {
    let mut table = INTRODUCTION.to_owned();
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
    writeln!(table, "| field | right | {} |", roles.join(" | ")).expect(TEXT);
    writeln!(table, "|---|---|{}", "---|".repeat(roles.len())).expect(TEXT);
    for name in schema.definition.types.keys() {
        let Some(entry) = schema.entry(name) else {
            continue;
        };
        for field in entry
            .fields
            .iter()
            .filter(|field| !field.name.starts_with("__"))
        {
            let (right, note) = match field.need {
                None if ["Query", "Mutation", "Subscription"].contains(&name.as_str()) => {
                    (None, "any token")
                }
                None => continue,
                Some(Need::Right(right)) => (Some(right), ""),
                Some(Need::OfOperators(right)) => (Some(right), ", of the operators"),
            };
            let may = |role: &Role| right.is_none_or(|right| right.roles().contains(role));
            let marks: Vec<_> = Role::ALL
                .iter()
                .map(|role| if may(role) { "yes" } else { "no" })
                .collect();
            let right = right.map_or("", |right| right.name());
            writeln!(
                table,
                "| `{name}.{}` | {right}{note} | {} |",
                field.name,
                marks.join(" | ")
            )
            .expect(TEXT);
        }
    }
    table
}

#[test]
fn the_published_rights_are_those_of_the_schema() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schema/graphql/rights.md");
    let served = table(&ExecutableSchema::new::<Platform>());
    if env::var_os(UPDATE).is_some() {
        fs::write(&file, &served).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == served,
        "schema/graphql/rights.md is not what is served: look at the difference after \
         `{UPDATE}=1 cargo test -p api --test it rights`"
    );
}

/// Returns a value of a type for an argument: whatever is valid, and names nothing that exists.
fn literal(schema: &ExecutableSchema, ty: &Type) -> String {
    if ty.is_list() {
        return format!("[{}]", literal(schema, &ty.item_type().clone().nullable()));
    }
    let name = ty.inner_named_type().as_str();
    match &schema.definition.types[name] {
        ExtendedType::Enum(values) => {
            let value = values.values.keys().next();
            value.expect("an enum has values").to_string()
        }
        ExtendedType::InputObject(input) => {
            let is_one_of = input.directives.has("oneOf");
            let fields = input.fields.values().enumerate();
            let fields = fields
                .filter(|(place, field)| field.is_required() || is_one_of && *place == 0)
                .map(|(_, field)| field);
            let fields: Vec<_> = fields
                .map(|field| format!("{}: {}", field.name, literal(schema, &field.ty)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        _ if ["Int", "Float", "BigInt"].contains(&name) => "1".to_owned(),
        _ if name == "Boolean" => "true".to_owned(),
        _ => "\"Droplet:01a22b8d-01f7-7386-b66c-c157134034ea\"".to_owned(),
    }
}

/// Returns a document that asks for one field of a root.
fn document(schema: &ExecutableSchema, operation: &str, field: &FieldDefinition) -> String {
    let arguments = field.arguments.iter();
    let required: Vec<_> = arguments
        .filter(|argument| argument.is_required() || argument.name == "first")
        .map(|argument| format!("{}: {}", argument.name, literal(schema, &argument.ty)))
        .collect();
    let arguments = if required.is_empty() {
        String::new()
    } else {
        format!("({})", required.join(", "))
    };
    let selection = match &schema.definition.types[field.ty.inner_named_type().as_str()] {
        ExtendedType::Scalar(_) | ExtendedType::Enum(_) => "",
        _ => "{ __typename }",
    };
    format!("{operation} {{ {}{arguments} {selection} }}", field.name)
}

#[tokio::test]
async fn every_field_of_the_roots_is_refused_to_exactly_the_roles_that_lack_its_right() {
    let api = TestApi::start().await;
    let schema = ExecutableSchema::new::<Platform>();
    let mut refusals = 0;
    for (root, operation) in [
        ("Query", "query"),
        ("Mutation", "mutation"),
        ("Subscription", "subscription"),
    ] {
        let entry = schema.entry(root).expect("it is a root");
        let ExtendedType::Object(object) = &schema.definition.types[root] else {
            panic!("a root is an object");
        };
        for meta in entry
            .fields
            .iter()
            .filter(|meta| !meta.name.starts_with("__"))
        {
            let document = document(&schema, operation, &object.fields[meta.name]);
            let right = meta.need.map(|need| match need {
                Need::Right(right) | Need::OfOperators(right) => right,
            });
            for role in Role::ALL {
                let may = right.is_none_or(|right| right.roles().contains(&role));
                let caller = api.caller(&[role]);
                let response = match operation {
                    // Whoever may follow gets nothing as long as nothing happens.
                    "subscription" if may => continue,
                    "subscription" => {
                        let mut stream = caller.subscribe(&document, Value::Null);
                        stream.next().await.expect("the refusal is sent")
                    }
                    _ => caller.response(&document, Value::Null).await,
                };
                let code = response["errors"][0]["extensions"]["code"].as_str();
                assert_eq!(
                    code == Some("FORBIDDEN"),
                    !may,
                    "{role:?} {document}: {response}"
                );
                assert_ne!(
                    code,
                    Some("GRAPHQL_VALIDATION_FAILED"),
                    "{document}: {response}"
                );
                refusals += usize::from(!may);
            }
        }
    }
    assert!(refusals > 50, "{refusals}: rights are refused");
}

/// Only those who run the platform operate it, whatever role others have in their own organization.
#[tokio::test]
async fn fields_about_all_organizations_are_refused_to_admins_of_others() {
    let api = TestApi::start().await;
    let schema = ExecutableSchema::new::<Platform>();
    let admin = api.caller_of("globex", &[Role::Admin]);
    let mut asked = 0;
    for (root, operation) in [("Query", "query"), ("Mutation", "mutation")] {
        let ExtendedType::Object(object) = &schema.definition.types[root] else {
            panic!("a root is an object");
        };
        for meta in &schema.entry(root).expect("it is a root").fields {
            if let Some(Need::OfOperators(_)) = meta.need {
                let document = document(&schema, operation, &object.fields[meta.name]);
                let response = admin.response(&document, Value::Null).await;
                assert_eq!(code_of(&response), "FORBIDDEN", "{document}");
                asked += 1;
            }
        }
    }
    assert!(asked > 0);
}
