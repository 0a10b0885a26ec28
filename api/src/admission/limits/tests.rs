//! Tests, for every limit, the last document that is accepted and the first that is rejected.

use async_graphql::Variables;
use async_graphql::parser::types::DocumentOperations;
use serde_json::{Value, json};

use super::cost::{Price, price};
use super::scan::scan;
use super::{Excess, Limit, Limits, Unfit, read};

const LIMITS: Limits = Limits::DEFAULT;

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
    assert!(read("subscription { a }", &LIMITS).is_ok());
    for several in [
        "subscription { a b }",
        "subscription { ...F } fragment F on Subscription { a b }",
        "subscription { a ... { b } }",
    ] {
        assert!(matches!(read(several, &LIMITS), Err(Unfit::Invalid(_))));
    }
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
    for bad in ["", "{", "{ }", "hello", "{ a } { b }", "{ \u{fe} }"] {
        assert!(
            matches!(read(bad, &LIMITS), Err(Unfit::Unreadable(_))),
            "{bad}"
        );
    }
}

#[track_caller]
fn priced(document: &str, variables: Value) -> Price {
    let (document, _) = read(document, &LIMITS).unwrap();
    let DocumentOperations::Single(operation) = &document.operations else {
        panic!("one operation");
    };
    price(&document, &operation.node, &Variables::from_json(variables))
}

#[track_caller]
fn cost(document: &str) -> usize {
    priced(document, Value::Null).cost
}

#[test]
fn an_operation_costs_what_it_makes() {
    assert_eq!(cost("{ a }"), 1);
    assert_eq!(cost("{ a { b } c { d { e } } }"), 3);
    assert_eq!(cost("mutation { a { b { c } } }"), 12);
    assert_eq!(cost("subscription { a { b } }"), 11);
    // One for the page, one for each node.
    assert_eq!(cost("{ a(first: 100) { edges { node { b } } } }"), 101);
    assert_eq!(cost("{ a(last: 100) { nodes { b } } }"), 101);
    // The job of each node too; the page's information once.
    let page =
        "{ a(first: 10) { edges { node { job { id } } cursor } pageInfo { c } totalCount } }";
    assert_eq!(cost(page), 1 + 10 * 2 + 1);
    assert_eq!(cost("{ a(first: 10) { totalCount } }"), 11);
    // Pages of pages multiply, through fragments too.
    let pages = "{ a(first: 10) { ...P } } \
        fragment P on P { edges { node { b(first: 5) { nodes { c } } } } }";
    assert_eq!(cost(pages), 1 + 10 * (1 + 1 + 5));
    assert_eq!(priced(pages, Value::Null).nodes, 10 + 50);
    assert!(
        cost(
            include_str!("../../../tests/it/introspection.graphql")
                .split_once('\n')
                .unwrap()
                .1
                .replace("query IntrospectionQuery", "")
                .as_str()
        ) < 200
    );
}

#[test]
fn sizes_of_pages_come_from_variables() {
    let page = "query ($n: Int = 7, $m: Int) { a(first: $n, last: $m) { nodes { b } } }";
    for (variables, size) in [
        (json!({}), 7),
        (json!({"n": 20}), 20),
        (json!({"n": null, "m": 30}), 30),
        // What the field refuses is priced as the largest page.
        (json!({"n": -1}), 100),
        (json!({"n": "many"}), 100),
        (json!({"n": 1_000_000}), 100),
    ] {
        assert_eq!(
            priced(page, variables.clone()).cost,
            1 + size,
            "{variables}"
        );
    }
    assert_eq!(cost("{ a(first: null) { b } }"), 1);
}

#[test]
fn cost_and_nodes_are_limited() {
    // 1 for the page, 1 beside it, and for each of 100 nodes 1 and its objects.
    let dear = |objects: usize| {
        format!(
            "{{ a(first: 100) {{ nodes {{ {} }} }} b {{ c }} }}",
            "d { e } ".repeat(objects)
        )
    };
    let exact = |cost: usize| Price { cost, nodes: 1 };
    assert_eq!(priced(&dear(8), Value::Null).cost, 902);
    assert_eq!(exact(1_000).hold(&LIMITS), Ok(()));
    let excess = |limit, found, allowed| {
        Err(Excess {
            limit,
            found,
            allowed,
        })
    };
    assert_eq!(
        exact(1_001).hold(&LIMITS),
        excess(Limit::Cost, 1_001, 1_000)
    );
    assert_eq!(
        priced(&dear(9), Value::Null).hold(&LIMITS),
        excess(Limit::Cost, 1_002, 1_000)
    );
    let limits = Limits {
        cost: usize::MAX,
        ..LIMITS
    };
    let pages = |last: usize| {
        format!(
            "{{ a(first: 99) {{ nodes {{ b(first: 100) {{ nodes {{ c }} }} }} }} d(first: {last}) {{ nodes {{ e }} }} }}"
        )
    };
    assert_eq!(priced(&pages(1), Value::Null).hold(&limits), Ok(()));
    assert_eq!(
        priced(&pages(2), Value::Null).hold(&limits),
        excess(Limit::Nodes, 10_001, 10_000)
    );
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
    let fragment = |number: usize, inner: &str| format!("fragment f{number} on T{}", deep(inner));
    let tokens = |text: &str| scan(text, &Limits::MAX).expect("it is within the limits");
    let mut document = deep("...f0");
    let each = tokens(&fragment(0, "...f1"));
    let last = (Limits::MAX.tokens - tokens(&document)) / each - 1;
    assert!(last < Limits::MAX.fragments);
    for number in 0..last {
        document += &fragment(number, &format!("...f{}", number + 1));
    }
    document + &fragment(last, "a")
}

#[test]
fn the_highest_limits_leave_enough_stack() {
    let walk = || {
        let deepest = deepest();
        // Which fragment is measured first is by chance, and so is how deep measuring goes.
        for _ in 0..20 {
            read(&deepest, &Limits::MAX).expect("it is within the limits");
        }
        let (document, tokens) = read(&deepest, &Limits::MAX).expect("it is again");
        assert!(tokens * 10 > Limits::MAX.tokens * 9, "{tokens} tokens");
        let (_, operation) = document.operations.iter().next().expect("there is one");
        price(&document, &operation.node, &Variables::default())
    };
    // A quarter of the stack is left to the caller; this build's frames are larger than a release's.
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES / 4 * 3);
    let priced = thread.spawn(walk).expect("a thread starts").join();
    assert_eq!(priced.expect("it ends").cost, 1);
}
