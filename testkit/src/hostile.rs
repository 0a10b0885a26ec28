//! Documents that cost a server much more than they cost to send.
//!
//! Each document must be refused within milliseconds, without being executed. The documents use the API's own
//! fields, so that its limits refuse them, and not validation of an unknown name.

/// The attack of a document, and its text.
pub type Hostile = (String, String);

/// About 130 hostile documents, the fragment bomb of 30 levels first.
#[must_use]
pub fn documents() -> Vec<Hostile> {
    let mut all = Vec::new();
    bombs(&mut all);
    towers(&mut all);
    crowds(&mut all);
    pages(&mut all);
    introspections(&mut all);
    cycles(&mut all);
    nonsense(&mut all);
    all
}

/// Fragments that each spread the next several times.
fn bombs(all: &mut Vec<Hostile>) {
    for (levels, times) in [(30, 2), (49, 2), (12, 2), (20, 3), (10, 10), (4, 40)] {
        let spreads = |n: usize| format!("...F{n} ").repeat(times);
        let chain = |inner: &str| {
            let fragments = (0..levels).map(|n| {
                let spreads = spreads(n + 1);
                format!("fragment F{n} on Droplet {{ {spreads} }} ")
            });
            let last = format!("fragment F{levels} on Droplet {{ {inner} }}");
            fragments.collect::<String>() + &last
        };
        let page = "droplets(first: 1) { nodes { ...F0 } }";
        let name = |kind: &str| format!("{kind}, {levels} levels of {times}");
        add(all, name("bomb"), format!("{{ {page} }} {}", chain("id")));
        add(
            all,
            name("unused bomb"),
            format!("{{ counts {{ __typename }} }} {}", chain("id")),
        );
        add(
            all,
            name("bomb of nothing"),
            format!("{{ {page} }} {}", chain("...Missing")),
        );
        let document = format!("{{ {page} }} {}", chain("... on Droplet { ... { id } }"));
        add(all, name("bomb of inline fragments"), document);
        let document = format!("{{ {page} }} {}", chain("id @skip(if: true)"));
        add(all, name("bomb that skips"), document);
        let document = format!(
            "subscription {{ dropletChanged {{ node {{ ...F0 }} }} }} {}",
            chain("id")
        );
        add(all, name("subscribed bomb"), document);
    }
}

/// Brackets within brackets.
fn towers(all: &mut Vec<Hostile>) {
    let wrap = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    for levels in [40, 400, 15_000] {
        for (kind, before, open, inner, close, after) in [
            ("fields", "", "{a", "", "}", ""),
            ("fields with aliases", "", "{a:a", "", "}", ""),
            ("inline fragments", "{", "...{", "id", "}", "}"),
            ("lists", "{a(a:", "[", "1", "]", ")}"),
            ("input objects", "{a(a:", "{a:", "1", "}", ")}"),
            ("types", "query($a:", "[", "Int", "]", "){a}"),
            ("defaults", "query($a:A=", "[", "1", "]", "){a}"),
            ("directives", "{a @a(a:", "[", "1", "]", ")}"),
        ] {
            let document = format!("{before}{}{after}", wrap(open, inner, close, levels));
            add(all, format!("{levels} {kind} deep"), document);
        }
        add(
            all,
            format!("{levels} that never close"),
            "{a".repeat(levels),
        );
        add(
            all,
            format!("{levels} of all kinds"),
            "{a(a:[".repeat(levels),
        );
    }
    let deep = wrap("droplet(id: 1) { ", "id", " }", 11);
    add(all, "11 fields deep".to_owned(), format!("{{ {deep} }}"));
}

/// Documents with many items of one kind.
fn crowds(all: &mut Vec<Hostile>) {
    let many = |number: usize, of: &dyn Fn(usize) -> String| {
        (0..number).map(of).collect::<Vec<_>>().join(" ")
    };
    let mut crowd = |name: &str, document: String| add(all, name.to_owned(), document);
    for number in [31, 300, 600] {
        let aliases = many(number, &|n| format!("a{n}: __typename"));
        crowd(
            &format!("{number} aliases"),
            format!("{{ counts {{ {aliases} }} }}"),
        );
        let roots = "__typename ".repeat(number);
        crowd(&format!("{number} roots"), format!("{{ {roots} }}"));
        crowd(
            &format!("{number} mutations"),
            format!("mutation {{ {roots} }}"),
        );
        crowd(
            &format!("{number} subscriptions"),
            format!("subscription {{ {roots} }}"),
        );
        let directives = "@skip(if: false) ".repeat(number / 6);
        crowd(
            &format!("{} directives", number / 6),
            format!("{{ __typename {directives} }}"),
        );
        let unknown = "@unknown ".repeat(number);
        crowd(
            &format!("{number} unknown directives"),
            format!("query {unknown} {{ __typename }}"),
        );
        let fields = many(number, &|n| format!("unknown{n}"));
        crowd(
            &format!("{number} unknown fields"),
            format!("{{ counts {{ {fields} }} }}"),
        );
        let long = many(number, &|_| "x".repeat(100));
        crowd(
            &format!("{number} long unknown fields"),
            format!("{{ counts {{ {long} }} }}"),
        );
        let page = format!("droplets(first: 1) {{ nodes {{ {long} }} }}");
        crowd(
            &format!("{number} long unknown fields of droplets"),
            format!("{{ {page} }}"),
        );
        let fragments = many(number.min(240), &|n| {
            format!("fragment F{n} on Query {{ __typename }}")
        });
        crowd(
            &format!("{number} fragments"),
            format!("{{ __typename }} {fragments}"),
        );
        let conflicts = many(number.min(180), &|n| {
            format!("droplet(id: \"{n}\") {{ id }}")
        });
        crowd(
            &format!("{number} conflicts"),
            format!("{{ ... {{ {conflicts} }} }}"),
        );
        let variables = many(number.min(480), &|n| format!("$v{n}: Int"));
        crowd(
            &format!("{number} unused variables"),
            format!("query ({variables}) {{ __typename }}"),
        );
        let undefined = many(number.min(180), &|n| format!("droplet(id: $v{n}) {{ id }}"));
        crowd(
            &format!("{number} undefined variables"),
            format!("{{ counts {{ {undefined} }} }}"),
        );
    }
    crowd("a name of 60,000", format!("{{ {} }}", "x".repeat(60_000)));
    crowd(
        "a mutation of 60,000",
        format!("mutation {{ {} }}", "x".repeat(60_000)),
    );
    crowd(
        "an argument of 60,000",
        format!("{{ droplet({}: 1) {{ id }} }}", "x".repeat(60_000)),
    );
    crowd(
        "zeros",
        format!("{{ droplet(id: [{}]) {{ id }} }}", "0".repeat(60_000)),
    );
    crowd(
        "minus ones",
        format!("{{ droplet(id: [{}]) {{ id }} }}", "-1".repeat(30_000)),
    );
    crowd(
        "empty strings",
        format!("{{ droplet(id: [{}]) {{ id }} }}", "\"\" ".repeat(20_000)),
    );
    crowd(
        "empty lists",
        format!("{{ droplet(id: [{}]) {{ id }} }}", "[]".repeat(30_000)),
    );
    crowd("dots", ".".repeat(60_000));
    crowd("commas", format!("{{ __typename {} }}", ",".repeat(70_000)));
    crowd(
        "a comment",
        format!("{{ __typename }} #{}", "x".repeat(70_000)),
    );
    crowd(
        "operations",
        many(250, &|n| format!("query Q{n} {{ ...F }}"))
            + " fragment F on Query { a b c d e f g h i }",
    );
}

/// Pages of pages, and page sizes that only variables contain.
fn pages(all: &mut Vec<Hostile>) {
    let mut page = |name: &str, document: &str| add(all, name.to_owned(), document.to_owned());
    page(
        "pages of pages",
        "{ droplets(first: 100) { nodes { jobs(first: 100) { nodes { id } } } } }",
    );
    page(
        "pages of empty pages",
        "{ droplets(first: 100) { nodes { jobs(first: 100) { totalCount } } } }",
    );
    page(
        "ten pages",
        &format!(
            "{{ {} }}",
            (0..10)
                .map(|n| format!("p{n}: droplets(last: 100) {{ edges {{ cursor }} }} "))
                .collect::<String>()
        ),
    );
    page(
        "a default size",
        "query ($n: Int = 100) { droplets(first: $n) { nodes { jobs(last: $n) { edges { cursor } } } } }",
    );
    page(
        "a size that is missing",
        "query ($n: Int!) { droplets(first: $n) { nodes { jobs(first: $n) { nodes { id } } } } }",
    );
    page(
        "a size that is none",
        "{ droplets(first: \"all\") { nodes { jobs(first: []) { nodes { id } } } } }",
    );
}

/// Introspections of types that contain themselves.
fn introspections(all: &mut Vec<Hostile>) {
    let mut ask = |name: &str, document: String| add(all, name.to_owned(), document);
    ask(
        "types of fields of types of fields",
        "{ __schema { types { fields { type { fields { name } } } } } }".to_owned(),
    );
    let around = |levels: usize| {
        let (open, close) = ("type { fields { ".repeat(levels), "} } ".repeat(levels));
        format!("fields {{ {open} name {close} }}")
    };
    for levels in [1, 2, 4, 20] {
        ask(
            &format!("around {levels} times"),
            format!("{{ __type(name: \"Query\") {{ {} }} }}", around(levels)),
        );
        ask(
            &format!("around {levels} times in a fragment"),
            format!(
                "{{ ...F }} fragment F on Query {{ __schema {{ queryType {{ {} }} }} }}",
                around(levels)
            ),
        );
    }
    let (open, close) = ("ofType { ".repeat(20), "} ".repeat(20));
    ask(
        "unwrapping for ever",
        format!("{{ __schema {{ types {{ {open} name {close} }} }} }}"),
    );
    let types = (0..20)
        .map(|n| format!("t{n}: types {{ name }} "))
        .collect::<String>();
    ask(
        "all types twenty times",
        format!("{{ __schema {{ {types} }} }}"),
    );
    ask(
        "possible types around",
        "{ __schema { types { possibleTypes { interfaces { possibleTypes { name } } } } } }"
            .to_owned(),
    );
}

/// Fragments that spread themselves, directly or through others.
fn cycles(all: &mut Vec<Hostile>) {
    for length in [1, 2, 10, 50] {
        let fragments = (0..length).map(|n| {
            let next = (n + 1) % length;
            format!("fragment F{n} on Query {{ __typename ...F{next} }} ")
        });
        let fragments = fragments.collect::<String>();
        add(
            all,
            format!("a cycle of {length}"),
            format!("{{ ...F0 }} {fragments}"),
        );
        add(
            all,
            format!("an unused cycle of {length}"),
            format!("{{ __typename }} {fragments}"),
        );
    }
}

/// Documents that are barely GraphQL.
fn nonsense(all: &mut Vec<Hostile>) {
    for (name, document) in [
        ("nothing", String::new()),
        (
            "a string without an end",
            format!("{{ droplet(id: \"{}", "x".repeat(60_000)),
        ),
        (
            "a block without an end",
            format!("{{ droplet(id: \"\"\"{}", "\\\"\"\"".repeat(15_000)),
        ),
        (
            "a block that hides brackets",
            format!("{{ a(b: [\"\"\"x\" {}", "{a:".repeat(20_000)),
        ),
        (
            "an input field twice",
            "mutation { protectDroplet(input: { id: \"a\", id: \"b\" }) { consistencyToken } }"
                .to_owned(),
        ),
        ("control characters", "\0".repeat(60_000)),
        ("marks of byte order", "\u{feff}".repeat(20_000)),
        ("astral letters", "{ 𝓍𝓍𝓍 }".repeat(4_000)),
        (
            "escapes",
            format!("{{ droplet(id: \"{}\") {{ id }} }}", "\\q".repeat(30_000)),
        ),
    ] {
        add(all, name.to_owned(), document);
    }
}

fn add(all: &mut Vec<Hostile>, name: String, document: String) {
    all.push((name, document));
}
