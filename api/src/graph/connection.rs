//! Relay connections over the pages of read models.

use std::borrow::Cow;

use async_graphql::InputObject;
use projections::page::{Cursor, Direction, Item, Page, Slice, Take, log_cursor};

use crate::graph::error::{Code, Error, failure};
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};

/// The name of the field that tells the position of a page.
const AS_OF: &str = "asOf";

/// The maximum number of items of a page.
pub(crate) const MAX_PAGE: u32 = 100;

/// The arguments of every page.
#[derive(Debug, InputObject)]
pub(crate) struct PageArguments {
    /// The number of items from the start, 0 to 100.
    first: Option<i32>,
    /// The cursor after which the items start.
    after: Option<String>,
    /// The number of items from the end, 0 to 100.
    last: Option<i32>,
    /// The cursor before which the items end.
    before: Option<String>,
}

impl PageArguments {
    /// Returns the requested number of items from the start of a list that has no pages.
    ///
    /// # Errors
    /// When the number is not from 0 to [`MAX_PAGE`].
    pub(crate) fn first(first: i32) -> Result<u32, Error> {
        size("first", first)
    }

    /// Returns the page of a list that this field asks for.
    ///
    /// # Errors
    /// When not exactly one of `first` and `last` is given, or it is not from 0 to [`MAX_PAGE`].
    pub(crate) fn page<Order>(
        self,
        context: &Context,
        order: Order,
        direction: Direction,
    ) -> Result<Page<Order>, Error> {
        let take = match (self.first, self.last) {
            (Some(first), None) => Take::First(size("first", first)?),
            (None, Some(last)) => Take::Last(size("last", last)?),
            (Some(_), Some(_)) | (None, None) => {
                let message = format!("give one of `first` and `last`, from 0 to {MAX_PAGE}");
                return Err(failure(Code::BadUserInput, message));
            }
        };
        Ok(Page {
            take,
            after: self.after,
            before: self.before,
            order,
            direction,
            columns: context.columns(),
            as_of: context.selects(AS_OF),
        })
    }
}

/// A type of object that is listed in pages.
pub(crate) trait Paged: Object {
    /// The data for the fields of a page besides its items.
    type Extra: Send + Sync + 'static;

    /// The noun for several objects.
    const ITEMS: &'static str;

    /// Declares the fields that a page has besides its items.
    fn extra(_fields: &mut Fields<'_, Connection<Self>>) {}
}

/// A page.
pub(crate) struct Connection<Node: Paged> {
    /// The page as it was read.
    pub(crate) slice: Slice<Node>,
    /// The data for the other fields of the page.
    pub(crate) extra: Node::Extra,
}

struct PageInfo {
    has_previous: bool,
    has_next: bool,
    start: Option<Cursor>,
    end: Option<Cursor>,
}

impl<Node: Paged> Object for Connection<Node> {
    fn name() -> Cow<'static, str> {
        format!("{}Connection", <Node as Object>::name()).into()
    }

    fn description() -> Cow<'static, str> {
        format!("A page of {}.", Node::ITEMS).into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "pageInfo",
            "The place of the page in its list.",
            |connection| {
                let slice = &connection.slice;
                PageInfo {
                    has_previous: slice.has_previous,
                    has_next: slice.has_next,
                    start: slice.start.clone(),
                    end: slice.end.clone(),
                }
            },
        );
        fields.part(
            "edges",
            "The items of the page, each with its cursor.",
            |connection| &connection.slice.items,
        );
        fields.list("nodes", "The items of the page.", |connection, each| {
            for item in &connection.slice.items {
                each(&*item.node);
            }
        });
        fields.value(
            AS_OF,
            "The cursor of the last event that the page shows. A subscription `after` this cursor sends all \
             later changes, so that a client that lists and then follows misses none. It may repeat changes \
             that the page shows: skip those whose `version`, as a number, is not greater.",
            |connection| connection.slice.as_of.map(log_cursor).unwrap_or_default(),
        );
        Node::extra(fields);
    }
}

impl<Node: Paged> Object for Item<Node> {
    fn name() -> Cow<'static, str> {
        format!("{}Edge", <Node as Object>::name()).into()
    }

    fn description() -> Cow<'static, str> {
        format!("An item of a page of {}.", Node::ITEMS).into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part("node", "The item.", |item| &*item.node);
        fields.value("cursor", "The place of the item in the list.", |item| {
            item.cursor.text()
        });
    }
}

impl Object for PageInfo {
    const NAME: &'static str = "PageInfo";
    const DESCRIPTION: &'static str = "The place of a page in its list.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "hasPreviousPage",
            "True if the list has items before the page.",
            |page| page.has_previous,
        );
        fields.value(
            "hasNextPage",
            "True if the list has items after the page.",
            |page| page.has_next,
        );
        fields.value(
            "startCursor",
            "The cursor of the first item; null if the page is empty.",
            |page| page.start.as_ref().map(Cursor::text),
        );
        fields.value(
            "endCursor",
            "The cursor of the last item; null if the page is empty.",
            |page| page.end.as_ref().map(Cursor::text),
        );
    }
}

fn size(argument: &str, given: i32) -> Result<u32, Error> {
    u32::try_from(given)
        .ok()
        .filter(|size| *size <= MAX_PAGE)
        .ok_or_else(|| {
            let message = format!("`{argument}` is {given}: use 0 to {MAX_PAGE}");
            failure(Code::BadUserInput, message)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_0_to_100_items() {
        assert_eq!(size("first", 0), Ok(0));
        assert_eq!(size("first", 100), Ok(100));
        for bad in [-1, 101, i32::MAX, i32::MIN] {
            assert!(size("first", bad).is_err());
        }
    }
}
