//! The limits of documents, checked before validation.
//!
//! The time of execution grows faster than the document. A fragment that spreads the previous fragment
//! twice doubles the work with every line. So every document is measured first, in time linear in its
//! length. A document over a limit is rejected with the limit's name, the number found and the number
//! allowed. The modules measure in this order. `scan` reads characters before the parser may recurse.
//! `shape` walks the parsed document once. `cost` prices the plan of one operation with its arguments. No
//! code here may recurse deeper than the earlier limits allow.

pub(crate) mod cost;
pub(crate) mod scan;
pub(crate) mod shape;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use async_graphql::Pos;

/// The maximum number of bytes of a request's body, over HTTP and in a message of a WebSocket. No limit of
/// documents may be higher.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The maximum number of bytes of all arguments of an operation as JSON. A variable counts for each field that it
/// is given to. It is as high as the limit of a body, so that a variable that stands once is never refused.
pub const MAX_ARGUMENT_BYTES: usize = MAX_BODY_BYTES;

/// The maximum numbers for a document, or for the operation of it that runs. A document with exactly the
/// maximum number is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The number of bytes of the document.
    pub document_bytes: usize,
    /// The number of tokens of the document, as the specification counts them: names, numbers, strings and
    /// punctuation, but neither comments nor commas.
    pub tokens: usize,
    /// The depth of nested brackets of any kind, so that the parser's stack is bounded.
    pub nesting: usize,
    /// The depth of nested fields, with fragments expanded, except those under `__schema` and `__type`.
    pub depth: usize,
    /// The depth of nested fields under `__schema` or `__type`, including these two. Common clients need 15
    /// to unwrap types.
    pub introspection_depth: usize,
    /// The depth of nested lists of types or fields in an introspection: a type's fields' types' fields
    /// have two. Common clients need one.
    pub introspection_lists: usize,
    /// The number of fields of all operations together, with all fragments expanded.
    pub fields: usize,
    /// The number of fragment definitions.
    pub fragments: usize,
    /// The number of fields with an alias.
    pub aliases: usize,
    /// The number of fields at the root of a query, with fragments expanded.
    pub root_fields: usize,
    /// The number of fields at the root of a mutation, with fragments expanded.
    pub mutations: usize,
    /// The number of directives on one field, fragment spread or inline fragment.
    pub field_directives: usize,
    /// The number of directives of the document.
    pub directives: usize,
    /// The cost of the operation in points; see `cost`.
    pub cost: usize,
    /// The number of nodes of all pages that the operation may ask for: the product of the sizes of nested
    /// pages.
    pub nodes: usize,
    /// The number of bytes of all long values that the operation may ask for, if all of them are as long as
    /// they may be.
    pub long_bytes: usize,
    /// The time limit of a query or a mutation. The database ends a statement earlier.
    pub execution: Duration,
}

impl Limits {
    /// The default limits.
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
        long_bytes: 16 * 1024 * 1024,
        execution: Duration::from_secs(10),
    };

    /// The highest limits that may be set. `tokens`, `nesting` and `fragments` bound the recursion of
    /// `shape` and `cost`. With higher limits a document could overflow the stack, which ends the process.
    /// `depth` and `introspection_depth` bound that of `collect` and of the writer. A document of more bytes does
    /// not fit into a request.
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
        long_bytes: 1024 * 1024 * 1024,
        execution: Duration::from_mins(10),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
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
    /// [`Limits::long_bytes`].
    LongBytes,
    /// [`MAX_ARGUMENT_BYTES`].
    ArgumentBytes,
}

impl Limit {
    /// Returns the limit's name in `extensions.limit`.
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
            Self::LongBytes => "long_bytes",
            Self::ArgumentBytes => "argument_bytes",
        }
    }

    /// Returns the name of the counted parts, for a sentence that continues with the number.
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
            Self::LongBytes => "bytes in all long values",
            Self::ArgumentBytes => "bytes in the arguments of all fields",
        }
    }

    /// Returns the advice for the client.
    const fn advice(self) -> &'static str {
        match self {
            Self::Cost | Self::Nodes | Self::LongBytes => {
                "ask for smaller pages, or for less of each node"
            }
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
            | Self::Directives
            | Self::ArgumentBytes => "split it into several requests",
        }
    }

    /// Compares the number found with the limit.
    ///
    /// # Errors
    /// When the number is higher than allowed.
    pub(crate) const fn check(self, found: usize, allowed: usize) -> Result<(), Excess> {
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

/// The error for a number that is higher than a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "too many {counted}: {found}, and {allowed} are allowed; {advice}",
    counted = limit.counted(),
    advice = limit.advice()
)]
pub struct Excess {
    /// The limit.
    pub limit: Limit,
    /// The number found; at the top of its range, that number or more.
    pub found: usize,
    /// The number allowed.
    pub allowed: usize,
}

/// The reason why a document does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The document asks for too much.
    Excess(Excess),
    /// The document is not GraphQL.
    Unreadable(Fault),
    /// The document breaks rules of validation.
    Invalid(Vec<Fault>),
}

/// An error in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The description of the error, in one line.
    pub message: String,
    /// The place of the error, if it has one.
    pub place: Option<Pos>,
}

impl From<Excess> for Unfit {
    fn from(excess: Excess) -> Self {
        Self::Excess(excess)
    }
}

impl Unfit {
    /// Returns the reason for a rule that a document breaks somewhere.
    pub(crate) fn invalid(message: impl Into<String>, place: Option<Pos>) -> Self {
        Self::Invalid(vec![Fault {
            message: message.into(),
            place,
        }])
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excess(excess) => excess.fmt(formatter),
            Self::Unreadable(fault) => formatter.write_str(&fault.message),
            Self::Invalid(faults) => {
                let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
                formatter.write_str(&messages.join("; "))
            }
        }
    }
}
