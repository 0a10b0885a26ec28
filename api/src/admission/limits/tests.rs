//! Tests, for every limit, the last document that is accepted and the first that is rejected.

use apollo_compiler::ast::Document as Parsed;
use apollo_compiler::request::coerce_variable_values;
use serde_json::{Value, json};

use super::cost::{Price, price};
use super::scan::scan;
use super::{Excess, Limit, Limits, Unfit};
use crate::admission::documents::{Document, validation};
use crate::graph::collect::arguments::PlanArguments;
use crate::graph::execute::schema::ExecutableSchema;
use crate::graph::points;
use crate::schema::Platform;

const LIMITS: Limits = Limits::DEFAULT;

/// Scans, parses and measures a document, without its validation.
fn read(document: &str, limits: &Limits) -> Result<Parsed, Unfit> {
    scan(document, limits)?;
    validation::parse(document, limits)
}

/// Checks that a document with the allowed number is accepted, and that one with one more is rejected.
#[track_caller]
fn last_and_first(limit: Limit, allowed: usize, with: impl Fn(usize) -> String) {
    let accepted = read(&with(allowed), &LIMITS);
    assert!(accepted.is_ok(), "{limit:?}: {:?}", accepted.unwrap_err());
    let excess = Excess {
        limit,
        found: allowed + 1,
        allowed,
    };
    let refused = read(&with(allowed + 1), &LIMITS).unwrap_err();
    assert_eq!(refused, Unfit::Excess(excess), "{limit:?}");
}

/// Returns nested fields of this depth.
fn nested(depth: usize, field: &str) -> String {
    let (open, close) = (format!("{{ {field} ").repeat(depth - 1), " }".repeat(depth));
    format!("{open}{{ leaf{close}")
}

/// Returns this many texts in a row, each built from its number.
fn repeated(many: usize, what: impl Fn(usize) -> String) -> String {
    (0..many).map(what).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_length_and_the_tokens_of_a_document_are_limited() {
    last_and_first(Limit::DocumentBytes, 65_536, |bytes| {
        format!("{{ a }}#{}", "x".repeat(bytes - 6))
    });
    last_and_first(Limit::Tokens, 2_000, |tokens| {
        format!("{{ a(b: [{}]) }}", "1,".repeat(tokens - 9))
    });
}

#[test]
fn brackets_are_limited_before_the_parser_recurses() {
    // Two brackets surround the list.
    last_and_first(Limit::Nesting, 32, |deep| {
        let (open, close) = ("[".repeat(deep - 2), "]".repeat(deep - 2));
        format!("{{ a(b: {open}1{close}) }}")
    });
    let tower = |open: &str, close: &str| {
        let deep = 60_000 / (open.len() + close.len());
        let refused = read(
            &format!("{{ a{}{} }}", open.repeat(deep), close.repeat(deep)),
            &LIMITS,
        );
        assert!(matches!(refused, Err(Unfit::Excess(_))));
    };
    tower("{a", "}");
    tower("(a:[", "])");
    tower("(a:{a:", "})");
    tower("{...{", "}}");
}

#[test]
fn fields_within_each_other_are_limited() {
    last_and_first(Limit::Depth, 10, |depth| nested(depth, "a"));
    last_and_first(Limit::Depth, 10, |depth| {
        // Fragments do not count themselves, but their fields do.
        let inner = nested(depth - 2, "a");
        format!("{{ a {{ ...F }} }} fragment F on A {{ ... on B {{ a {inner} }} }}")
    });
}

#[test]
fn introspection_goes_as_deep_as_clients_need() {
    let introspection = include_str!("../../../tests/it/introspection.graphql");
    assert!(read(introspection, &LIMITS).is_ok());
    last_and_first(Limit::IntrospectionDepth, 15, |depth| {
        format!("{{ __schema {} }}", nested(depth - 1, "ofType"))
    });
    last_and_first(Limit::IntrospectionDepth, 15, |depth| {
        let inner = nested(depth - 1, "ofType");
        format!("{{ ...F }} fragment F on Query {{ __type(name: \"A\") {inner} }}")
    });
    last_and_first(Limit::IntrospectionLists, 1, |lists| {
        format!("{{ __schema {{ types {} }} }}", nested(lists + 1, "fields"))
    });
    // The same names outside of introspection are ordinary fields.
    assert!(read(&nested(3, "fields"), &LIMITS).is_ok());
}

#[test]
fn expanded_fields_are_limited() {
    // 31 spreads of 64 fields, and what is left to the limit.
    last_and_first(Limit::Fields, 2_000, |fields| {
        let spreads = "...F ".repeat(31);
        let others = "c ".repeat(fields - 31 * 64 - 1);
        let fragment = "b ".repeat(64);
        format!("{{ a {{ {spreads} {others} }} }} fragment F on A {{ {fragment} }}")
    });
    last_and_first(Limit::Fields, 2_000, |fields| {
        // Several operations are validated together.
        let (spreads, others) = ("...F ".repeat(10), "c ".repeat(fields - 2 * 991));
        let fragment = "b ".repeat(99);
        format!(
            "query A {{ a {{ {spreads} }} }} query B {{ a {{ {spreads} {others} }} }} \
             fragment F on A {{ {fragment} }}"
        )
    });
    // No operation spreads the last fragment, but it would be validated.
    let bomb = repeated(30, |n| {
        let next = n + 1;
        format!("fragment F{n} on A {{ ...F{next} ...F{next} }}")
    });
    let refused = read(
        &format!("{{ a }} {bomb} fragment F30 on A {{ b }}"),
        &LIMITS,
    );
    // Which of them is measured first is not defined.
    assert!(matches!(refused, Err(Unfit::Excess(excess)) if excess.limit == Limit::Fields));
}

#[test]
fn fragments_aliases_and_directives_are_limited() {
    last_and_first(Limit::Fragments, 50, |many| {
        let fragments = repeated(many, |n| format!("fragment F{n} on A {{ b }}"));
        format!("{{ a }} {fragments}")
    });
    last_and_first(Limit::Aliases, 30, |many| {
        format!("{{ a {{ {} }} }}", repeated(many, |n| format!("b{n}: b")))
    });
    last_and_first(Limit::FieldDirectives, 4, |many| {
        format!("{{ a {} }}", "@skip(if: false) ".repeat(many))
    });
    last_and_first(Limit::Directives, 50, |many| {
        let fields = "b @skip(if: false) ".repeat(many - 2);
        format!("query Q @a {{ a {{ {fields} ...F }} }} fragment F on A @b {{ b }}")
    });
}

#[test]
fn fields_at_the_root_are_limited() {
    last_and_first(Limit::RootFields, 10, |many| {
        format!("{{ ...F }} fragment F on Query {{ {} }}", "a ".repeat(many))
    });
    last_and_first(Limit::Mutations, 5, |many| {
        format!("mutation {{ {} }}", "a ".repeat(many))
    });
}

#[test]
fn a_fragment_that_spreads_itself_is_refused() {
    for cycle in [
        "{ ...A } fragment A on Q { ...A }",
        "{ a } fragment A on Q { b { ...B } } fragment B on Q { ... { ...A } }",
    ] {
        assert!(
            matches!(read(cycle, &LIMITS), Err(Unfit::Invalid(_))),
            "{cycle}"
        );
    }
}

#[test]
fn what_is_no_graphql_is_unreadable() {
    for bad in ["{", "{ }", "hello", "{ \u{fe} }"] {
        assert!(
            matches!(read(bad, &LIMITS), Err(Unfit::Unreadable(_))),
            "{bad}"
        );
    }
}

#[track_caller]
fn priced(document: &str, variables: Value) -> Price {
    let schema = ExecutableSchema::new::<Platform>();
    let document = Document::read(document, &Limits::MAX, &schema).expect("it is valid");
    let operation = document
        .parsed
        .operations
        .get(None)
        .expect("it has one operation");
    let variables = serde_json::from_value(variables).expect("variables are an object");
    let variables = coerce_variable_values(&schema.definition, operation, &variables);
    let variables = variables.expect("the variables are valid");
    let plan = document.plan(operation, &variables, &Limits::MAX, &schema);
    let plan = plan.expect("it has few fields");
    let arguments = PlanArguments::of(&plan, &variables, usize::MAX);
    price(&plan, &arguments.expect("they are small"))
}

#[track_caller]
fn cost(document: &str) -> usize {
    priced(document, json!({})).cost()
}

#[test]
fn an_operation_costs_what_it_makes() {
    assert_eq!(cost("{ __typename }"), 1);
    assert_eq!(cost("{ catalogue { date } }"), 1);
    assert_eq!(cost("{ catalogue { sizes { slug } regions { slug } } }"), 3);
    // What is read costs too, once where it stands twice.
    let droplet = "droplet(id: \"a\") { name }";
    assert_eq!(cost(&format!("{{ {droplet} }}")), points::READ + 1);
    assert_eq!(
        cost(&format!("{{ {droplet} {droplet} }}")),
        points::READ + 1
    );
    assert_eq!(
        cost(&format!("{{ {droplet} b: {droplet} }}")),
        2 * (points::READ + 1)
    );
    let delete = "deleteDroplet(input: { id: \"a\" }) { userErrors { code } }";
    assert_eq!(
        cost(&format!("mutation {{ {delete} }}")),
        points::EFFECT + 2
    );
    assert_eq!(
        cost("subscription { dropletChanged { event { type } } }"),
        points::EFFECT + 2
    );
    // One for the page, one for each node.
    let list = points::READ + 1;
    assert_eq!(
        cost("{ droplets(first: 100) { edges { node { name } } } }"),
        list + 100
    );
    assert_eq!(
        cost("{ droplets(last: 100) { nodes { name } } }"),
        list + 100
    );
    // The cluster of each node too; the page's information once.
    let page = "{ droplets(first: 10) { edges { node { cluster { id } } cursor } \
        pageInfo { endCursor } } }";
    assert_eq!(cost(page), list + 10 * 2 + 1 + points::READ);
    assert_eq!(
        cost("{ droplets(first: 10) { totalCount } }"),
        list + 10 + points::COUNT
    );
    // Pages of pages multiply, and what is counted is counted for each.
    let pages = "{ droplets(first: 10) { nodes { jobs(first: 5) { totalCount nodes { id } } } } }";
    assert_eq!(
        cost(pages),
        list + 10 * (1 + 1 + 5 + points::COUNT) + points::READ
    );
    assert_eq!(priced(pages, json!({})).nodes, 10 + 50);
    // The dearest of the types that a node may have.
    assert_eq!(
        cost(
            "{ node(id: \"a\") { id ... on Droplet { addresses { ip } priceHourly { micros } } } }"
        ),
        list + 2
    );
    let introspection = include_str!("../../../tests/it/introspection.graphql");
    assert!(cost(introspection) < 300);
}

#[test]
fn a_list_that_no_index_serves_costs_as_much_as_a_count() {
    let cost = |arguments: &str, variables: Value| {
        let document = format!(
            "query ($f: DropletFilter, $o: DropletOrder) {{ droplets(first: 0{arguments}) {{ nodes {{ id }} }} a: droplets(first: 0, filter: $f, orderBy: $o) {{ nodes {{ id }} }} }}"
        );
        priced(&document, variables).cost()
    };
    let plain = cost("", json!({}));
    for (arguments, variables) in [
        (", filter: {name: \"web\"}", json!({})),
        (", filter: {statuses: []}", json!({})),
        (
            ", orderBy: {field: UPDATED_AT, direction: DESCENDING}",
            json!({}),
        ),
        ("", json!({"f": {"tags": ["a"]}})),
        (
            "",
            json!({"o": {"field": "UPDATED_AT", "direction": "ASCENDING"}}),
        ),
    ] {
        let expected = plain + points::COUNT;
        assert_eq!(
            cost(arguments, variables.clone()),
            expected,
            "{arguments} {variables}"
        );
    }
    for (arguments, variables) in [
        (", filter: {}", json!({"f": {}})),
        (", filter: {name: null}", json!({"f": null})),
        (
            ", orderBy: {field: NAME, direction: ASCENDING}",
            json!({"o": {"field": "CREATED_AT", "direction": "ASCENDING"}}),
        ),
    ] {
        assert_eq!(cost(arguments, variables), plain, "{arguments}");
    }
}

#[test]
fn a_nested_list_costs_by_the_rows_that_it_reads() {
    let cost = |arguments: &str| {
        let document = format!(
            "{{ clusters(first: 7) {{ nodes {{ droplets(first: 1{arguments}) {{ nodes {{ id }} }} }} }} }}"
        );
        priced(&document, json!({})).cost()
    };
    let plain = cost("");
    // The lists of all clusters together are one list.
    for arguments in [
        ", filter: {name: \"web\"}",
        ", orderBy: {field: UPDATED_AT, direction: ASCENDING}",
    ] {
        assert_eq!(cost(arguments), plain + points::COUNT);
    }
    let by_name = cost(", orderBy: {field: NAME, direction: ASCENDING}");
    assert_eq!(by_name, plain + 7 * points::COUNT);
}

#[test]
fn all_types_of_a_list_are_read() {
    let cost = |fields: &str| {
        let document = format!("{{ nodes(ids: [\"a\"]) {{ {fields} }} }}");
        priced(&document, json!({})).statements
    };
    let jobs = "... on Droplet { jobs(first: 0, filter: {kinds: [\"a\"]}) { nodes { id } } }";
    let droplets = "... on Cluster { droplets(first: 0, filter: {name: \"a\"}) { nodes { id } } }";
    let both = cost(&format!("{jobs} {droplets}"));
    assert_eq!(both, cost(jobs) + cost(droplets) - cost("id"));
}

#[test]
fn long_values_have_a_price() {
    let page = |fields: &str| format!("{{ jobs(first: 10) {{ nodes {{ {fields} }} }} }}");
    let (short, long) = (page("kind"), page("parameters"));
    assert!(cost(&long) > cost(&short));
    let bytes = priced(&long, json!({})).bytes;
    assert_eq!(bytes, 10 * points::JSON_BYTES);
    // The same field is written once.
    assert_eq!(
        priced(&page("parameters parameters"), json!({})).bytes,
        bytes
    );
}

#[test]
fn sizes_of_pages_come_from_variables() {
    let page = "query ($n: Int = 7, $m: Int) { droplets(first: $n, last: $m) { nodes { name } } }";
    let list = points::READ + 1;
    for (variables, size) in [
        (json!({}), 7),
        (json!({"n": 20}), 20),
        (json!({"n": null, "m": 30}), 30),
        // What the field refuses is priced as the largest page.
        (json!({"n": -1}), 100),
        (json!({"n": 1_000_000}), 100),
    ] {
        assert_eq!(
            priced(page, variables.clone()).cost(),
            list + size,
            "{variables}"
        );
    }
    assert_eq!(
        cost("{ droplets(first: null) { nodes { name } } }"),
        list + 1
    );
}

#[test]
fn prices_are_limited() {
    let exact = |objects, nodes, bytes| Price {
        objects,
        statements: 0,
        nodes,
        bytes,
    };
    let excess = |limit, found, allowed| {
        Err(Excess {
            limit,
            found,
            allowed,
        })
    };
    let most = exact(LIMITS.cost, LIMITS.nodes, LIMITS.long_bytes);
    assert_eq!(most.check(&LIMITS), Ok(()));
    for (price, expected) in [
        (exact(1_001, 0, 0), excess(Limit::Cost, 1_001, 1_000)),
        (exact(0, 10_001, 0), excess(Limit::Nodes, 10_001, 10_000)),
        (
            exact(0, 0, LIMITS.long_bytes + 1),
            excess(Limit::LongBytes, LIMITS.long_bytes + 1, LIMITS.long_bytes),
        ),
    ] {
        assert_eq!(price.check(&LIMITS), expected);
    }
}

#[test]
fn a_refusal_says_what_was_found_and_what_to_do() {
    let refused = read(&nested(11, "a"), &LIMITS).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "too many fields within each other: 11, and 10 are allowed; ask for what is deeper in \
         another request"
    );
}

/// The stack size of the runtime's threads, in bytes.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Returns a document as deep as the highest limits allow. It has as many fragments as the tokens permit,
/// each of which spreads the next one as deep within itself as possible.
fn deepest() -> String {
    let levels = Limits::MAX.nesting - 1;
    let deep = |inner: &str| format!("{{{}{inner}{}}}", "...{".repeat(levels), "}".repeat(levels));
    let fragment =
        |number: usize, inner: &str| format!("fragment f{number} on Query{}", deep(inner));
    let tokens = |text: &str| {
        scan(text, &Limits::MAX)
            .expect("it is within the limits")
            .tokens
    };
    let mut document = deep("...f0");
    let each = tokens(&fragment(0, "...f1"));
    let last = (Limits::MAX.tokens - tokens(&document)) / each - 1;
    assert!(last < Limits::MAX.fragments);
    for number in 0..last {
        document += &fragment(number, &format!("...f{}", number + 1));
    }
    document + &fragment(last, "__typename")
}

#[test]
fn the_highest_limits_leave_enough_stack() {
    let walk = || {
        let deepest = deepest();
        let tokens = scan(&deepest, &Limits::MAX)
            .expect("it is within the limits")
            .tokens;
        assert!(tokens * 10 > Limits::MAX.tokens * 9, "{tokens} tokens");
        // Which fragment is measured first is by chance, and so is how deep measuring goes.
        for _ in 0..20 {
            read(&deepest, &Limits::MAX).expect("it is within the limits");
        }
        // The library may refuse such a depth, but must not end the process.
        let schema = ExecutableSchema::new::<Platform>();
        match Document::read(&deepest, &Limits::MAX, &schema) {
            Ok(document) => {
                let operation = document.parsed.operations.get(None).expect("there is one");
                let none = Default::default();
                let plan = document.plan(operation, &none, &Limits::MAX, &schema);
                let plan = plan.expect("it has one field");
                let arguments = PlanArguments::of(&plan, &none, usize::MAX);
                price(&plan, &arguments.expect("there are few")).cost()
            }
            Err(Unfit::Invalid(_)) => 1,
            Err(other) => panic!("{other}"),
        }
    };
    // A quarter of the stack is left to the caller; this build's frames are larger than a release's.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES / 4 * 3);
    let priced = thread.spawn(walk).expect("a thread starts").join();
    assert_eq!(priced.expect("it ends"), 1);
}
