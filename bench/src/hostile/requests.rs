//! The requests of hostile clients: each tries to use much more of the server than of its sender.

use anyhow::Context;
use commands::token::Token;
use event_store::envelope::Version;
use serde_json::{Value, json};
use testkit::hostile;

/// The bodies of all requests, the costly ones between the refused documents of `testkit`. `token` is a
/// consistency token of the clients' organization.
///
/// # Errors
/// When `token` is not a consistency token.
pub(super) fn bodies(token: &str) -> anyhow::Result<Vec<String>> {
    let costly = costly(token.parse().context("a mutation returns a token")?);
    let refused = hostile::documents().into_iter();
    let refused = refused.map(|(_, document)| json!({ "query": document }));
    let bodies = refused.zip(costly.iter().cycle());
    Ok(bodies
        .flat_map(|(refused, costly)| [refused.to_string(), costly.to_string()])
        .collect())
}

fn costly(token: Token) -> Vec<Value> {
    let many =
        |number: usize, of: &dyn Fn(usize) -> String| (0..number).map(of).collect::<String>();
    let page = |n: usize| format!("a{n}: droplets(first: 1) {{ totalCount }} ");
    let large = many(10, &|n| {
        format!("a{n}: jobs(first: 19) {{ nodes {{ parameters }} }} ")
    });
    let deep = "nodes { id name tags addresses { ip } jobs(first: 10) { nodes { id status droplet { id name } } } }";
    let filtered = many(30, &|n| {
        format!("a{n}: jobs(first: 1, filter: $filter) {{ totalCount }} ")
    });
    let filtered =
        format!("query ($filter: JobFilter) {{ droplets(first: 1) {{ nodes {{ {filtered} }} }} }}");
    let mutation = "protectDroplet(input: { id: \"x\" }) { consistencyToken } ";
    let zeros = |bytes: usize| json!(vec![0; bytes / 2]);
    let submit =
        "mutation ($input: SubmitJobInput!) { submitJob(input: $input) { consistencyToken } }";
    let submitted = json!({ "kind": "batch", "target": { "clusterLabel": "x" }, "parameters": { "zeros": zeros(250_000) } });
    let future = |ahead: i64| {
        let streams = token.streams.iter();
        let streams = streams
            .map(|(stream, Version(version))| (*stream, Version(version.saturating_add(ahead))));
        let token = Token {
            incarnation: token.incarnation,
            streams: streams.collect(),
        }
        .to_string();
        json!({ "query": "query ($token: String) { droplets(first: 1, consistentWith: $token) { totalCount } }",
                "variables": { "token": token } })
    };
    vec![
        // Duplicates.
        json!({ "query": format!("mutation {{ {} }}", many(5, &|n| format!("a{n}: {mutation}"))) }),
        json!({ "query": format!("mutation {{ {} }}", mutation.repeat(100)) }),
        json!({ "query": format!("{{ droplets(first: 100) {{ {} nodes {{ id }} }} }}", "totalCount ".repeat(900)) }),
        // Aliases of lists: too many, and as many as are allowed.
        json!({ "query": format!("{{ {} }}", many(300, &page)) }),
        json!({ "query": format!("{{ {} }}", many(10, &page)) }),
        // The dearest documents: long values, wide pages, and pages of pages.
        json!({ "query": format!("{{ {large} }}") }),
        json!({ "query": "{ jobs(first: 100) { nodes { parameters result } } }" }),
        json!({ "query": format!("{{ droplets(first: 25) {{ totalCount {deep} }} }}") }),
        json!({ "query": format!("{{ droplets(last: 100, filter: {{ name: \"o\" }}) {{ totalCount nodes {{ id name tags addresses {{ ip }} }} }} }}") }),
        // JSON: beyond the limit of bodies, in an unknown variable, and in an argument.
        json!({ "query": "{ __typename }", "variables": { "unknown": zeros(1_000_000) } }),
        json!({ "query": "{ __typename }", "variables": { "unknown": zeros(250_000) } }),
        json!({ "query": submit, "variables": { "input": submitted } }),
        // A variable that many fields have.
        json!({ "query": filtered, "variables": { "filter": { "kinds": vec![""; 80_000] } } }),
        // Names of operations that do not exist.
        json!({ "query": "{ __typename }", "operationName": "unknown" }),
        json!({ "query": "{ __typename }", "operationName": "x".repeat(250_000) }),
        // Tokens of the future: one that may come, and one that cannot.
        future(1_000),
        future(i64::MAX),
    ]
}
