//! The views that clients read.

/// A view that clients, and analysts with SQL, read a model through.
///
/// The columns are a promise: they keep their names, types and order for as long as the schema is
/// declared, and new ones come last. When the tables beneath change, the query compensates for the
/// change (a new name, a cast). Where it cannot, the model declares a view of the next version too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The schema, which is the version of the views of clients, such as `read_v1`.
    pub schema: &'static str,
    /// The name in that schema.
    pub name: &'static str,
    /// The query of the view, over the tables of the model by their bare names, with a list of columns,
    /// a line each. The comment above a column or above the query is stored as its comment.
    pub query: &'static str,
}

/// The subject of a view's comment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Commented<'query> {
    /// The whole view.
    View,
    /// The column with this name.
    Column(&'query str),
}

impl View {
    /// Returns the comments of the query, each with its subject.
    pub(crate) fn comments(&self) -> Vec<(Commented<'static>, String)> {
        let (mut comments, mut above) = (Vec::new(), Vec::new());
        for line in self.query.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("--") {
                above.push(comment.trim());
                continue;
            }
            let line = line.trim_end_matches(',');
            let about = match line.rsplit(' ').next().unwrap_or(line) {
                "select" => Commented::View,
                column => Commented::Column(column),
            };
            if !above.is_empty() {
                comments.push((about, above.join(" ")));
                above.clear();
            }
        }
        comments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_about_what_follows_it() {
        let view = View {
            schema: "read_v1",
            name: "things",
            query: "-- Things: one row\n-- a thing.\nselect\n    id,\n    -- Its name.\n    \
                    title as name\nfrom things",
        };
        assert_eq!(
            view.comments(),
            [
                (Commented::View, "Things: one row a thing.".to_owned()),
                (Commented::Column("name"), "Its name.".to_owned()),
            ]
        );
    }
}
