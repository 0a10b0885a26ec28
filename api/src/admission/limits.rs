//! What a document may ask for, checked before it is validated.
//!
//! Validation and execution take time that grows faster than a document does: a fragment that spreads
//! the one before it twice doubles the work with every line. So every document is measured first, in
//! time linear in its length, and refused with the limit's name, what was found and what is allowed.
//! The measuring is done in the order of the modules: `scan` reads characters before the parser may
//! recurse, `shape` walks the parsed document once, and `cost` prices one operation with its
//! variables. Nothing here may recurse deeper than the limits before it allow.

pub(crate) mod cost;
pub(crate) mod scan;
pub(crate) mod shape;

#[cfg(test)]
mod tests;

use std::time::Duration;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;

/// The most bytes of a request's body, over HTTP and in a message of a WebSocket; no limit of documents
/// may be higher.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The most that a document, or the operation of it that runs, may have of each. A document that has
/// exactly as many is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the document.
    pub document_bytes: usize,
    /// Tokens of the document, as the specification counts them: names, numbers, strings and
    /// punctuation, but neither comments nor commas.
    pub tokens: usize,
    /// Brackets of any kind within each other, so that the parser's stack is bounded.
    pub nesting: usize,
    /// Fields within each other, fragments expanded; those under `__schema` and `__type` excepted.
    pub depth: usize,
    /// Fields within each other under `__schema` or `__type`, these included. Common clients need 15
    /// to unwrap types.
    pub introspection_depth: usize,
    /// Lists of types or fields within each other in an introspection: a type's fields' types' fields
    /// have two. Common clients need one.
    pub introspection_lists: usize,
    /// Fields with all fragments expanded, of all operations together.
    pub fields: usize,
    /// Fragment definitions.
    pub fragments: usize,
    /// Fields that are given another name.
    pub aliases: usize,
    /// Fields at the root of a query, fragments expanded.
    pub root_fields: usize,
    /// Fields at the root of a mutation, fragments expanded.
    pub mutations: usize,
    /// Directives on one field, fragment spread or inline fragment.
    pub field_directives: usize,
    /// Directives of the document.
    pub directives: usize,
    /// Points that the operation costs; see `cost`.
    pub cost: usize,
    /// Nodes of all pages that the operation may ask for: the sizes of pages within each other
    /// multiplied.
    pub nodes: usize,
    /// How long a query or a mutation may run. The database gives up on a statement earlier.
    pub execution: Duration,
}

impl Limits {
    /// What holds when nothing else is set.
    pub const DEFAULT: Self = Self {
        document_bytes: 64 * 1024,
        tokens: 2_000,
        nesting: 32,
        depth: 10,
        introspection_depth: 15,
        introspection_lists: 1,
        fields: 2_000,
        fragments: 50,
        aliases: 30,
        root_fields: 10,
        mutations: 5,
        field_directives: 4,
        directives: 50,
        cost: 1_000,
        nodes: 10_000,
        execution: Duration::from_secs(10),
    };

    /// The most that may be set. `tokens`, `nesting` and `fragments` bound how deep `shape` and
    /// `cost` recurse; with more of them a document could overflow the stack, which ends the
    /// process. `depth` and `introspection_depth` end where the executor's own limit of recursion
    /// does, and a document of more bytes does not fit into a request.
    pub const MAX: Self = Self {
        document_bytes: MAX_BODY_BYTES,
        tokens: 4_000,
        nesting: 64,
        depth: 32,
        introspection_depth: 32,
        introspection_lists: 4,
        fields: 20_000,
        fragments: 100,
        aliases: 1_000,
        root_fields: 100,
        mutations: 100,
        field_directives: 50,
        directives: 1_000,
        cost: 100_000,
        nodes: 1_000_000,
        execution: Duration::from_mins(10),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Parses a document that keeps to all limits but those of cost, which depend on variables. Gives its
/// number of tokens too.
///
/// # Errors
/// The first limit or rule that it breaks.
pub(crate) fn read(document: &str, limits: &Limits) -> Result<(ExecutableDocument, usize), Unfit> {
    let tokens = scan::scan(document, limits)?;
    let parsed = parse_query(document).map_err(|error| Unfit::Unreadable(error.to_string()))?;
    shape::check(&parsed, limits)?;
    Ok((parsed, tokens))
}

/// A limit of documents, by its name in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::document_bytes`].
    DocumentBytes,
    /// [`Limits::tokens`].
    Tokens,
    /// [`Limits::nesting`].
    Nesting,
    /// [`Limits::depth`].
    Depth,
    /// [`Limits::introspection_depth`].
    IntrospectionDepth,
    /// [`Limits::introspection_lists`].
    IntrospectionLists,
    /// [`Limits::fields`].
    Fields,
    /// [`Limits::fragments`].
    Fragments,
    /// [`Limits::aliases`].
    Aliases,
    /// [`Limits::root_fields`].
    RootFields,
    /// [`Limits::mutations`].
    Mutations,
    /// [`Limits::field_directives`].
    FieldDirectives,
    /// [`Limits::directives`].
    Directives,
    /// [`Limits::cost`].
    Cost,
    /// [`Limits::nodes`].
    Nodes,
}

impl Limit {
    /// The limit's name in `extensions.limit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentBytes => "document_bytes",
            Self::Tokens => "tokens",
            Self::Nesting => "nesting",
            Self::Depth => "depth",
            Self::IntrospectionDepth => "introspection_depth",
            Self::IntrospectionLists => "introspection_lists",
            Self::Fields => "fields",
            Self::Fragments => "fragments",
            Self::Aliases => "aliases",
            Self::RootFields => "root_fields",
            Self::Mutations => "mutations",
            Self::FieldDirectives => "field_directives",
            Self::Directives => "directives",
            Self::Cost => "cost",
            Self::Nodes => "nodes",
        }
    }

    /// What is counted, for a sentence that goes on with the number.
    const fn counted(self) -> &'static str {
        match self {
            Self::DocumentBytes => "bytes of the document",
            Self::Tokens => "tokens of the document",
            Self::Nesting => "brackets within each other",
            Self::Depth => "fields within each other",
            Self::IntrospectionDepth => "fields within each other in an introspection",
            Self::IntrospectionLists => "lists within each other in an introspection",
            Self::Fields => "fields with all fragments expanded",
            Self::Fragments => "fragments",
            Self::Aliases => "aliases",
            Self::RootFields => "fields at the root of the query",
            Self::Mutations => "fields at the root of the mutation",
            Self::FieldDirectives => "directives in one place",
            Self::Directives => "directives of the document",
            Self::Cost => "points of cost",
            Self::Nodes => "nodes in all pages",
        }
    }

    /// What to do about it.
    const fn advice(self) -> &'static str {
        match self {
            Self::Cost | Self::Nodes => "ask for smaller pages, or for less of each node",
            Self::Nesting | Self::Depth | Self::IntrospectionDepth | Self::IntrospectionLists => {
                "ask for what is deeper in another request"
            }
            Self::FieldDirectives => "leave some out",
            Self::DocumentBytes
            | Self::Tokens
            | Self::Fields
            | Self::Fragments
            | Self::Aliases
            | Self::RootFields
            | Self::Mutations
            | Self::Directives => "split it into several requests",
        }
    }
}

/// More of something than a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many {counted}: {found}, and {allowed} are allowed; {advice}",
    counted = limit.counted(),
    advice = limit.advice()
)]
pub struct Excess {
    /// Which limit.
    pub limit: Limit,
    /// How many there are; at the top of its range, as many or more.
    pub found: usize,
    /// How many there may be.
    pub allowed: usize,
}

impl Limit {
    /// Holds what was found against the limit.
    ///
    /// # Errors
    /// When it is more than allowed.
    pub(crate) const fn hold(self, found: usize, allowed: usize) -> Result<(), Excess> {
        if found <= allowed {
            return Ok(());
        }
        Err(Excess {
            limit: self,
            found,
            allowed,
        })
    }
}

/// Why a document is not run. `Display` is a sentence for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It asks for too much.
    #[error(transparent)]
    Excess(#[from] Excess),
    /// It is not GraphQL.
    #[error("{0}")]
    Unreadable(String),
    /// It breaks a rule of validation.
    #[error("{0}")]
    Invalid(String),
}
