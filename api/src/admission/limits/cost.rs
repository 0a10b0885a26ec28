//! Computes the price of an operation, before it runs.
//!
//! - A field with fields of its own costs 1 point for each object, because an object is written for it;
//!   other fields cost nothing.
//! - A page (a field with `first` or `last`) has as many objects as items, and at least 1.
//! - A field with `ids` has as many objects as ids.
//! - A field that is read costs its statement once, however many objects have it, and what it counts once
//!   for each object ([`points`]).
//! - A page with a filter, or in the order `UPDATED_AT`, costs as much as a count more, because its statement may
//!   read every row of the list. The statement of all parents reads each row once. A nested page in the order `NAME`
//!   costs so much for each parent, because it walks the index of all names.
//! - A field whose values may be long costs 1 point per 4 KiB of the maximum size of a value.
//! - A field at the root of a mutation or a subscription costs 10 more.
//! - No operation costs less than 1.
//!
//! Page sizes are those of the plan's arguments. An invalid size is priced as the largest page; the field
//! rejects it anyway. The price also has the bytes that the values of the operation may have, as far as
//! they may be long.

use apollo_compiler::ast::OperationType;
use async_graphql::Value;

use super::{Excess, Limit, Limits};
use crate::graph::collect::arguments::PlanArguments;
use crate::graph::connection::MAX_PAGE;
use crate::graph::execute::plan::{Field, Plan};
use crate::graph::points;

/// The bytes of a long value that cost a point.
const BYTES_A_POINT: usize = 4 * 1024;

/// The order that no index has, because an index of a time that changes with every event would make every event
/// dearer.
const UPDATED_AT: &str = "UPDATED_AT";

/// The order that only lists at the root of queries have an index for.
const NAME: &str = "NAME";

/// The type of the root of queries.
const QUERY: &str = "Query";

/// The price of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Price {
    /// The cost in points, without that of statements.
    pub(crate) objects: usize,
    /// The cost of all statements in points.
    pub(crate) statements: usize,
    /// The number of nodes of all pages, if all pages are full.
    pub(crate) nodes: usize,
    /// The number of bytes of all long values, if all of them are as long as they may be.
    pub(crate) bytes: usize,
}

impl Price {
    /// Compares the price with the limits.
    ///
    /// # Errors
    /// When the price is too high.
    pub(crate) fn check(self, limits: &Limits) -> Result<(), Excess> {
        Limit::Cost.check(self.cost(), limits.cost)?;
        Limit::Nodes.check(self.nodes, limits.nodes)?;
        Limit::LongBytes.check(self.bytes, limits.long_bytes)
    }

    /// Returns the cost in points.
    pub(crate) const fn cost(self) -> usize {
        self.objects.saturating_add(self.statements)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_add(other.objects),
            statements: self.statements.saturating_add(other.statements),
            nodes: self.nodes.saturating_add(other.nodes),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Returns the price of a selection for objects of two types.
    fn or(self, other: Self) -> Self {
        Self {
            objects: self.objects.max(other.objects),
            statements: self.statements.saturating_add(other.statements),
            nodes: self.nodes.max(other.nodes),
            bytes: self.bytes.max(other.bytes),
        }
    }

    fn times(self, size: usize) -> Self {
        Self {
            objects: self.objects.saturating_mul(size),
            // One statement reads for all objects.
            statements: self.statements,
            nodes: self.nodes.saturating_mul(size),
            bytes: self.bytes.saturating_mul(size),
        }
    }
}

/// Returns the price of a plan with its arguments.
pub(crate) fn price(plan: &Plan, arguments: &PlanArguments) -> Price {
    let root = of_selection(&plan.root, arguments);
    let mut price = root.items.plus(root.others);
    if plan.operation != OperationType::Query {
        let effects = plan.roots().len().saturating_mul(points::EFFECT);
        price.objects = price.objects.saturating_add(effects);
    }
    if price.cost() == 0 {
        price.objects = 1;
    }
    price
}

/// The price of the fields of an object.
#[derive(Debug, Clone, Copy, Default)]
struct SelectionPrice {
    /// The price of the fields under `edges` or `nodes`, paid for each item if the object is a page.
    items: Price,
    /// The price of all other fields.
    others: Price,
}

/// Returns the price of the fields below a field. An object has one type, so the highest price of each kind counts.
/// The statements of all types count, because objects of a list may have several.
fn of_selection(field: &Field, arguments: &PlanArguments) -> SelectionPrice {
    let of_types = field.selection.0.iter().map(|selected| {
        let mut sum = SelectionPrice::default();
        for below in &selected.fields {
            let price = of_field(below, arguments);
            if matches!(&*below.name, "edges" | "nodes") {
                sum.items = sum.items.plus(price);
            } else {
                sum.others = sum.others.plus(price);
            }
        }
        sum
    });
    of_types
        .reduce(|one, other| SelectionPrice {
            items: one.items.or(other.items),
            others: one.others.or(other.others),
        })
        .unwrap_or_default()
}

fn of_field(field: &Field, arguments: &PlanArguments) -> Price {
    let below = of_selection(field, arguments);
    let meta = field.meta();
    let (mut own, mut statements, bytes) =
        meta.map_or((0, 0, 0), |meta| (meta.cost, meta.statement, meta.bytes));
    if is_filtered(field, arguments) || is_ordered_by(UPDATED_AT, field, arguments) {
        statements += points::COUNT;
    }
    if field.owner.name != QUERY && is_ordered_by(NAME, field, arguments) {
        own += points::COUNT;
    }
    let object = usize::from(!field.selection.0.is_empty() && &*field.name != "edges");
    let own = Price {
        objects: own + object + bytes.div_ceil(BYTES_A_POINT),
        statements,
        nodes: 0,
        bytes,
    };
    let node = |price: Price| Price {
        objects: price.objects.max(1),
        nodes: price.nodes.saturating_add(1),
        ..price
    };
    match (ids(field, arguments), page_size(field, arguments)) {
        (Some(ids), _) => {
            let object = Price {
                objects: 1,
                ..Price::default()
            };
            let each = below.items.plus(below.others).plus(object);
            own.plus(node(each).times(ids))
        }
        (None, Some(size)) => own.plus(node(below.items).times(size)).plus(below.others),
        (None, None) => own.plus(below.items).plus(below.others),
    }
}

/// Returns true for a list with a filter.
fn is_filtered(field: &Field, arguments: &PlanArguments) -> bool {
    let given = arguments.fields.get(&field.number);
    match given.and_then(|given| given.get("filter")) {
        Some(Value::Object(filter)) => filter.values().any(|value| *value != Value::Null),
        _ => false,
    }
}

/// Returns true for a list in the order of this name.
fn is_ordered_by(order: &str, field: &Field, arguments: &PlanArguments) -> bool {
    let given = arguments.fields.get(&field.number);
    let Some(Value::Object(by)) = given.and_then(|given| given.get("orderBy")) else {
        return false;
    };
    match by.get("field") {
        Some(Value::Enum(name)) => *name == order,
        Some(Value::String(name)) => name == order,
        _ => false,
    }
}

/// Returns the number of objects of a field that reads them by their ids. A field with too many ids reads none.
fn ids(field: &Field, arguments: &PlanArguments) -> Option<usize> {
    match arguments.fields.get(&field.number)?.get("ids")? {
        Value::List(ids) => Some(ids.len().min(MAX_PAGE as usize)),
        _ => None,
    }
}

/// Returns the maximum number of items of the field, if the field is a page.
fn page_size(field: &Field, arguments: &PlanArguments) -> Option<usize> {
    let largest = MAX_PAGE as usize;
    let given = arguments.fields.get(&field.number)?;
    let sizes = ["first", "last"]
        .into_iter()
        .filter_map(|name| given.get(name));
    let sizes = sizes.filter(|size| **size != Value::Null);
    let sizes = sizes.map(|size| match size {
        Value::Number(number) => number.as_u64().map_or(largest, |size| {
            usize::try_from(size).unwrap_or(largest).min(largest)
        }),
        _ => largest,
    });
    sizes.max()
}
