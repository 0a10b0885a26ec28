//! The views that clients read.

/// A view that clients, and analysts with SQL, read a model through.
///
/// Its columns are a promise: they keep their names, types and order for as long as its schema is
/// declared, and new ones come last. When the tables beneath change, the query makes up for it (a new
/// name, a cast), or cannot; then the model declares a view of the next version too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The schema, which is the version of what clients see, such as `read_v1`.
    pub schema: &'static str,
    /// The name in that schema.
    pub name: &'static str,
    /// The query that it shows: over the tables of the model by their bare names, with a list of
    /// columns.
    pub query: &'static str,
}
