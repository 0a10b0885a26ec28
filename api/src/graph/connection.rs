//! Relay connections over the pages of read models.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{Error, ObjectType, OutputType, SchemaBuilder};
use projections::list::Columns;
use projections::page::{Direction, Page, Slice, Take};

use crate::graph::error::{Code, failure};

/// The maximum number of items of a page.
pub(crate) const MAX_PAGE: u32 = 100;

/// The arguments of a connection, as the client sent them.
#[derive(Debug, Default)]
pub(crate) struct PageArguments {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

impl PageArguments {
    /// Returns the requested number of items from the start of a list that has no pages.
    ///
    /// # Errors
    /// When the number is not from 1 to [`MAX_PAGE`].
    pub(crate) fn first(first: i32) -> Result<u32, Error> {
        size("first", first)
    }

    /// Returns the requested page of a list.
    ///
    /// # Errors
    /// When not exactly one of `first` and `last` is given, or it is not from 1 to [`MAX_PAGE`].
    pub(crate) fn page<Order>(
        self,
        order: Order,
        direction: Direction,
    ) -> Result<Page<Order>, Error> {
        let take = match (self.first, self.last) {
            (Some(first), None) => Take::First(size("first", first)?),
            (None, Some(last)) => Take::Last(size("last", last)?),
            (Some(_), Some(_)) | (None, None) => {
                let message = format!("give one of `first` and `last`, from 1 to {MAX_PAGE}");
                return Err(failure(Code::BadUserInput, message));
            }
        };
        Ok(Page {
            take,
            after: self.after,
            before: self.before,
            order,
            direction,
            columns: Columns::All,
            as_of: false,
        })
    }
}

/// A type of object that is listed in pages.
pub(crate) trait Listed: OutputType {
    /// The fields that a page has besides its items.
    type Fields: ObjectType;
    /// The description of a page.
    const PAGE: &'static str;
    /// The description of an item in a page.
    const ITEM: &'static str;
}

/// A page in the form of a Relay connection.
pub(crate) type Paged<Node> = Connection<String, Node, <Node as Listed>::Fields>;

/// Returns the connection of a page, with its fields besides the edges.
pub(crate) fn connection<Row, Node: Listed>(
    slice: Slice<Row>,
    node: fn(Row) -> Node,
    fields: Node::Fields,
) -> Paged<Node> {
    let mut connection =
        Connection::with_additional_fields(slice.has_previous, slice.has_next, fields);
    let items = slice.items.into_iter();
    connection.edges = items
        .map(|item| Edge::new(item.cursor, node(item.node)))
        .collect();
    connection
}

/// Describes the page types of these nodes, which async-graphql generates without a description.
pub(crate) fn describe<Node: Listed, Query, Mutation, Subscription>(
    schema: SchemaBuilder<Query, Mutation, Subscription>,
) -> SchemaBuilder<Query, Mutation, Subscription> {
    schema
        .override_output_type_description::<Paged<Node>>(Node::PAGE)
        .override_output_type_description::<Edge<String, Node, EmptyFields>>(Node::ITEM)
}

fn size(argument: &str, given: i32) -> Result<u32, Error> {
    u32::try_from(given)
        .ok()
        .filter(|size| (1..=MAX_PAGE).contains(size))
        .ok_or_else(|| {
            let message = format!("`{argument}` is {given}: use 1 to {MAX_PAGE}");
            failure(Code::BadUserInput, message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(first: Option<i32>, last: Option<i32>) -> Option<Take> {
        let arguments = PageArguments {
            first,
            last,
            ..PageArguments::default()
        };
        let page = arguments.page((), Direction::Ascending);
        page.ok().map(|page| page.take)
    }

    #[test]
    fn a_page_has_1_to_100_items() {
        assert_eq!(take(Some(1), None), Some(Take::First(1)));
        assert_eq!(take(None, Some(100)), Some(Take::Last(100)));
        for bad in [0, -1, 101, i32::MAX, i32::MIN] {
            assert_eq!(take(Some(bad), None), None);
            assert_eq!(take(None, Some(bad)), None);
        }
    }

    #[test]
    fn it_is_taken_from_one_end() {
        assert_eq!(take(None, None), None);
        assert_eq!(take(Some(1), Some(1)), None);
    }
}
