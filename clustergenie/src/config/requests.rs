//! What the API's requests are held against: limits of documents, points, trusted documents.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use api::documents::trusted::Trusted;
use api::gate::{Rules, Runs};
use api::limits::Limits;
use api::rate_limit::{Rate, Rates};
use clap::Args;

use crate::duration;

const LIMITS: Limits = Limits::DEFAULT;
const RATES: Rates = Rates::DEFAULT;

/// What requests are held against.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits of requests")]
pub(crate) struct Requests {
    /// The most bytes of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DOCUMENT_BYTES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.document_bytes)]
    limit_document_bytes: usize,
    /// The most tokens of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_TOKENS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.tokens)]
    limit_tokens: usize,
    /// The most brackets of any kind within each other, 64 at most: the parser recurses with them.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_NESTING", value_name = "NUMBER")]
    #[arg(default_value = "32", value_parser = clap::value_parser!(u8).range(1..=64))]
    limit_nesting: u8,
    /// The most fields within each other.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DEPTH", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.depth)]
    limit_depth: usize,
    /// The most fields within each other in an introspection.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_INTROSPECTION_DEPTH",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.introspection_depth)]
    limit_introspection_depth: usize,
    /// The most lists of types or fields within each other in an introspection.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_INTROSPECTION_LISTS",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.introspection_lists)]
    limit_introspection_lists: usize,
    /// The most fields of a document with all fragments expanded.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_FIELDS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.fields)]
    limit_fields: usize,
    /// The most fragments of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_FRAGMENTS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.fragments)]
    limit_fragments: usize,
    /// The most aliases of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_ALIASES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.aliases)]
    limit_aliases: usize,
    /// The most fields at the root of a query.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_ROOT_FIELDS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.root_fields)]
    limit_root_fields: usize,
    /// The most fields at the root of a mutation.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_MUTATIONS", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.mutations)]
    limit_mutations: usize,
    /// The most directives in one place.
    #[arg(
        long,
        env = "CLUSTERGENIE_LIMIT_FIELD_DIRECTIVES",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = LIMITS.field_directives)]
    limit_field_directives: usize,
    /// The most directives of a document.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_DIRECTIVES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.directives)]
    limit_directives: usize,
    /// The most points that an operation may cost.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_COST", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.cost)]
    limit_cost: usize,
    /// The most nodes of all pages that an operation may ask for.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_NODES", value_name = "NUMBER")]
    #[arg(default_value_t = LIMITS.nodes)]
    limit_nodes: usize,
    /// How long a query or a mutation may run.
    #[arg(long, env = "CLUSTERGENIE_LIMIT_EXECUTION", default_value = "10s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    limit_execution: Duration,
    /// The points that a person or a program may spend at once.
    #[arg(long, env = "CLUSTERGENIE_POINTS", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.people.capacity)]
    points: u32,
    /// The points that come back to a person or a program in a second.
    #[arg(long, env = "CLUSTERGENIE_POINTS_PER_SECOND", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.people.per_second)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    points_per_second: u32,
    /// The points that an agent may spend at once.
    #[arg(long, env = "CLUSTERGENIE_AGENT_POINTS", value_name = "NUMBER")]
    #[arg(default_value_t = RATES.agents.capacity)]
    agent_points: u32,
    /// The points that come back to an agent in a second.
    #[arg(
        long,
        env = "CLUSTERGENIE_AGENT_POINTS_PER_SECOND",
        value_name = "NUMBER"
    )]
    #[arg(default_value_t = RATES.agents.per_second)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    agent_points_per_second: u32,
    /// A folder of documents, *.graphql, that clients may ask for by the SHA-256 of the file.
    #[arg(long, env = "CLUSTERGENIE_TRUSTED_DOCUMENTS", value_name = "DIR")]
    trusted_documents: Option<PathBuf>,
    /// Run no other documents than those.
    #[arg(
        long,
        env = "CLUSTERGENIE_TRUSTED_ONLY",
        requires = "trusted_documents"
    )]
    trusted_only: bool,
}

impl Requests {
    /// The rules; reads the trusted documents.
    ///
    /// # Errors
    /// When there is a trusted document that would not run.
    pub(crate) async fn rules(&self) -> anyhow::Result<Rules> {
        let limits = self.limits();
        let trusted = match &self.trusted_documents {
            Some(folder) => Trusted::load(folder, &limits)
                .await
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
            nesting: self.limit_nesting.into(),
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
            execution: self.limit_execution,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

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
        let rules = parse(&[]).unwrap().rules().await.unwrap();
        assert_eq!(rules.limits, LIMITS);
        assert_eq!(rules.rates, RATES);
        assert_eq!(rules.runs, Runs::Everything);
        let set = parse(&["--limit-cost=5", "--points=7"]).unwrap();
        let rules = set.rules().await.unwrap();
        assert_eq!(rules.limits, Limits { cost: 5, ..LIMITS });
        assert_eq!(rules.rates.people.capacity, 7);
    }

    #[tokio::test]
    async fn trusted_documents_must_be_there() {
        assert!(parse(&["--trusted-only"]).is_err());
        let missing = parse(&["--trusted-documents=/nowhere/at/all", "--trusted-only"]).unwrap();
        let refused = missing.rules().await.unwrap_err();
        assert!(format!("{refused:#}").contains("/nowhere/at/all"));
    }

    #[test]
    fn limits_that_would_break_the_parser_are_refused() {
        assert!(parse(&["--limit-nesting=65"]).is_err());
        assert!(parse(&["--points-per-second=0"]).is_err());
    }
}
