//! Limits of requests: of documents, of points, and which documents are trusted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use api::admission::documents::trusted::Trusted;
use api::admission::limits::Limits;
use api::admission::rate_limit::{Rate, Rates};
use api::identity::shares::Shares;
use api::pipeline::{Rules, Runs};
use api::schema;
use clap::Args;
use clap::builder::{RangedU64ValueParser, TypedValueParser};

use crate::duration;

const LIMITS: Limits = Limits::DEFAULT;
const MAX: Limits = Limits::MAX;
const RATES: Rates = Rates::DEFAULT;

/// Limits of requests. Each limit has bounds: at 0 no document would be accepted, and beyond [`Limits::MAX`]
/// a document could crash the process.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits of requests")]
pub(crate) struct Requests {
    /// Most bytes of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DOCUMENT_BYTES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.document_bytes, value_parser = at_most(MAX.document_bytes))]
    limit_document_bytes: usize,
    /// Most tokens of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_TOKENS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.tokens, value_parser = at_most(MAX.tokens))]
    limit_tokens: usize,
    /// Deepest nesting of brackets of any kind.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_NESTING", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.nesting, value_parser = at_most(MAX.nesting))]
    limit_nesting: usize,
    /// Deepest nesting of fields.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DEPTH", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.depth, value_parser = at_most(MAX.depth))]
    limit_depth: usize,
    /// Deepest nesting of fields in an introspection.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_INTROSPECTION_DEPTH",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.introspection_depth)]
    #[arg(value_parser = at_most(MAX.introspection_depth))]
    limit_introspection_depth: usize,
    /// Deepest nesting of lists of types or fields in an introspection.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_INTROSPECTION_LISTS",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.introspection_lists)]
    #[arg(value_parser = at_most(MAX.introspection_lists))]
    limit_introspection_lists: usize,
    /// Most fields of a document, with all fragments expanded.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_FIELDS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.fields, value_parser = at_most(MAX.fields))]
    limit_fields: usize,
    /// Most fragments of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_FRAGMENTS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.fragments, value_parser = at_most(MAX.fragments))]
    limit_fragments: usize,
    /// Most aliases of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_ALIASES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.aliases, value_parser = at_most(MAX.aliases))]
    limit_aliases: usize,
    /// Most fields at the root of a query.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_ROOT_FIELDS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.root_fields, value_parser = at_most(MAX.root_fields))]
    limit_root_fields: usize,
    /// Most fields at the root of a mutation.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_MUTATIONS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.mutations, value_parser = at_most(MAX.mutations))]
    limit_mutations: usize,
    /// Most directives in one place.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_FIELD_DIRECTIVES",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.field_directives, value_parser = at_most(MAX.field_directives))]
    limit_field_directives: usize,
    /// Most directives of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DIRECTIVES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.directives, value_parser = at_most(MAX.directives))]
    limit_directives: usize,
    /// Highest cost of an operation, in points.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_COST", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.cost, value_parser = at_most(MAX.cost))]
    limit_cost: usize,
    /// Most nodes that an operation may request, over all its pages.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_NODES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.nodes, value_parser = at_most(MAX.nodes))]
    limit_nodes: usize,
    /// Most bytes of long values that an operation may request, if all of them are as long as they may be.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_LONG_BYTES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.long_bytes, value_parser = at_most(MAX.long_bytes))]
    limit_long_bytes: usize,
    /// Timeout of a query or a mutation.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_EXECUTION", default_value = "10s")]
    #[arg(value_name = "TIME", value_parser = execution)]
    limit_execution: Duration,
    /// Most points that a subject may hold.
    #[arg(long, env = "CLUSTERGENIE_POINTS", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.people.capacity)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    points: u32,
    /// Points that a subject regains each second.
    #[arg(long, env = "CLUSTERGENIE_POINTS_PER_SECOND", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.people.per_second)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    points_per_second: u32,
    /// Most points that an agent may hold.
    #[arg(long, env = "CLUSTERGENIE_AGENT_POINTS", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.agents.capacity)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    agent_points: u32,
    /// Points that an agent regains each second.
    #[arg(
        long,
        env = "CLUSTERGENIE_AGENT_POINTS_PER_SECOND",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = RATES.agents.per_second)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    agent_points_per_second: u32,
    /// A directory of trusted documents (*.graphql), which clients call by the SHA-256 of the file.
    #[arg(long, env = "CLUSTERGENIE_TRUSTED_DOCUMENTS", value_name = "DIR")]
    trusted_documents: Option<PathBuf>,
    /// Run only trusted documents.
    #[arg(
        long,
        env = "CLUSTERGENIE_TRUSTED_ONLY",
        requires = "trusted_documents"
    )]
    trusted_only: bool,
}

impl Requests {
    /// The time limit of a query or a mutation.
    pub(crate) fn limit_execution(&self) -> Duration {
        self.limit_execution
    }

    /// Builds the rules and reads the trusted documents.
    ///
    /// # Errors
    /// When a trusted document would not run.
    pub(crate) fn rules(&self) -> anyhow::Result<Rules> {
        let limits = self.limits();
        let trusted = match &self.trusted_documents {
            Some(folder) => schema::load_trusted(folder, &limits)
                .context("the trusted documents cannot be used")?,
            None => Trusted::default(),
        };
        Ok(Rules {
            limits,
            rates: Rates {
                people: Rate {
                    capacity: self.points,
                    per_second: self.points_per_second,
                },
                agents: Rate {
                    capacity: self.agent_points,
                    per_second: self.agent_points_per_second,
                },
            },
            shares: Shares::default(),
            trusted,
            runs: if self.trusted_only {
                Runs::OnlyTrusted
            } else {
                Runs::Everything
            },
        })
    }

    fn limits(&self) -> Limits {
        Limits {
            document_bytes: self.limit_document_bytes,
            tokens: self.limit_tokens,
            nesting: self.limit_nesting,
            depth: self.limit_depth,
            introspection_depth: self.limit_introspection_depth,
            introspection_lists: self.limit_introspection_lists,
            fields: self.limit_fields,
            fragments: self.limit_fragments,
            aliases: self.limit_aliases,
            root_fields: self.limit_root_fields,
            mutations: self.limit_mutations,
            field_directives: self.limit_field_directives,
            directives: self.limit_directives,
            cost: self.limit_cost,
            nodes: self.limit_nodes,
            long_bytes: self.limit_long_bytes,
            execution: self.limit_execution,
        }
    }
}

/// Reads a number from 1 to the upper bound of a limit.
fn at_most(most: usize) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=most as u64)
}

/// Reads the timeout of an operation.
fn execution(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    if time.is_zero() || time > MAX.execution {
        let most = MAX.execution.as_secs() / 60;
        return Err(format!("choose a time from 1ms to {most}m"));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        requests: Requests,
    }

    fn parse(arguments: &[&str]) -> Result<Requests, clap::Error> {
        let arguments = ["program"].iter().chain(arguments);
        Only::try_parse_from(arguments).map(|only| only.requests)
    }

    #[tokio::test]
    async fn what_is_not_set_is_the_default() {
        let rules = parse(&[]).unwrap().rules().unwrap();
        assert_eq!(rules.limits, LIMITS);
        assert_eq!(rules.rates, RATES);
        assert_eq!(rules.runs, Runs::Everything);
        let set = parse(&["--limit-cost=5", "--points=7"]).unwrap();
        let rules = set.rules().unwrap();
        assert_eq!(rules.limits, Limits { cost: 5, ..LIMITS });
        assert_eq!(rules.rates.people.capacity, 7);
    }

    #[tokio::test]
    async fn trusted_documents_must_be_there() {
        assert!(parse(&["--trusted-only"]).is_err());
        let missing = parse(&["--trusted-documents=/nowhere/at/all", "--trusted-only"]).unwrap();
        let refused = missing.rules().unwrap_err();
        assert!(format!("{refused:#}").contains("/nowhere/at/all"));
    }

    /// Every numeric limit of documents, with its upper bound.
    const NUMBERS: [(&str, usize); 16] = [
        ("--limit-document-bytes", MAX.document_bytes),
        ("--limit-tokens", MAX.tokens),
        ("--limit-nesting", MAX.nesting),
        ("--limit-depth", MAX.depth),
        ("--limit-introspection-depth", MAX.introspection_depth),
        ("--limit-introspection-lists", MAX.introspection_lists),
        ("--limit-fields", MAX.fields),
        ("--limit-fragments", MAX.fragments),
        ("--limit-aliases", MAX.aliases),
        ("--limit-root-fields", MAX.root_fields),
        ("--limit-mutations", MAX.mutations),
        ("--limit-field-directives", MAX.field_directives),
        ("--limit-directives", MAX.directives),
        ("--limit-cost", MAX.cost),
        ("--limit-nodes", MAX.nodes),
        ("--limit-long-bytes", MAX.long_bytes),
    ];

    #[test]
    fn every_limit_has_a_range_and_leaving_it_is_told_in_a_sentence() {
        for (flag, most) in NUMBERS {
            assert!(parse(&[&format!("{flag}=1")]).is_ok(), "{flag}");
            assert!(parse(&[&format!("{flag}={most}")]).is_ok(), "{flag}");
            for wrong in [0, most + 1] {
                let refused = parse(&[&format!("{flag}={wrong}")]).err();
                let told = refused.expect("it is refused").to_string();
                assert!(told.contains(flag), "{told}");
                let why = format!("{wrong} is not in 1..={most}");
                assert!(told.contains(&why), "{told}");
            }
        }
        for wrong in ["0s", "11m"] {
            let refused = parse(&[&format!("--limit-execution={wrong}")]).err();
            let told = refused.expect("it is refused").to_string();
            assert!(told.contains("choose a time from 1ms to 10m"), "{told}");
        }
    }

    #[test]
    fn every_limit_is_listed_in_the_test_of_ranges() {
        let command = Only::command();
        let flags = command.get_arguments().filter_map(clap::Arg::get_long);
        let limits = flags.filter(|flag| flag.starts_with("limit-") && *flag != "limit-execution");
        assert_eq!(limits.count(), NUMBERS.len());
    }

    #[test]
    fn points_come_back() {
        for flag in [
            "--points",
            "--points-per-second",
            "--agent-points",
            "--agent-points-per-second",
        ] {
            assert!(parse(&[&format!("{flag}=0")]).is_err(), "{flag}");
        }
    }
}
