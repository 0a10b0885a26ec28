//! Computes the cost of an operation, in points, before it runs.
//!
//! - A field with fields of its own costs 1, because an object is created for it; other fields cost
//!   nothing.
//! - A page (a field with `first` or `last`) costs the cost of an item times the number of items. The cost
//!   is at least 1 for each item. The cost of an item is the cost under `edges` or `nodes`. Fields beside
//!   them (`pageInfo`, `totalCount`) are paid once. `edges` itself costs nothing.
//! - A field at the root of a mutation or a subscription costs 10 more.
//! - `types` of an introspection costs 100, because it lists all types.
//! - No operation costs less than 1.
//!
//! Page sizes come from the document or from the variables. An invalid size is priced as the largest page;
//! the field rejects it anyway. As in [`super::shape`], a fragment is priced once, so pricing takes time
//! linear in the document.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    VariableDefinition,
};
use async_graphql::{Name, Value, Variables};

use super::{Excess, Limit, Limits};
use crate::graph::connection::MAX_PAGE;

/// The cost of a mutation or the start of a subscription, besides the cost of its result.
const EFFECT: usize = 10;

/// The cost of the list of all types.
const ALL_TYPES: usize = 100;

/// The price of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Price {
    /// The cost in points.
    pub(crate) cost: usize,
    /// The number of nodes of all pages, if all pages are full.
    pub(crate) nodes: usize,
}

impl Price {
    /// The price of an operation that will not run.
    pub(crate) const FREE: Self = Self { cost: 0, nodes: 0 };

    /// Compares the price with the limits.
    ///
    /// # Errors
    /// When the price is too high.
    pub(crate) const fn hold(self, limits: &Limits) -> Result<(), Excess> {
        match Limit::Cost.hold(self.cost, limits.cost) {
            Ok(()) => Limit::Nodes.hold(self.nodes, limits.nodes),
            refused => refused,
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(other.cost),
            nodes: self.nodes.saturating_add(other.nodes),
        }
    }

    const fn times(self, size: usize) -> Self {
        Self {
            cost: self.cost.saturating_mul(size),
            nodes: self.nodes.saturating_mul(size),
        }
    }
}

/// Returns the price of an operation with its variables. The fragments of the document form no cycle.
pub(crate) fn price(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Price {
    let mut pricing = Pricing {
        document,
        operation,
        variables,
        fragments: HashMap::new(),
    };
    let set = pricing.set(&operation.selection_set.node);
    let effects = match operation.ty {
        OperationType::Query => 0,
        OperationType::Mutation | OperationType::Subscription => set.fields,
    };
    let mut price = set.items.plus(set.others);
    price.cost = price
        .cost
        .saturating_add(effects.saturating_mul(EFFECT))
        .max(1);
    price
}

/// The price of a selection set, with fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct SetPrice {
    /// The price of the fields under `edges` or `nodes`, paid for each item if the set is that of a page.
    items: Price,
    /// The price of all other fields.
    others: Price,
    /// The number of fields of the set itself.
    fields: usize,
}

impl SetPrice {
    const fn plus(self, other: Self) -> Self {
        Self {
            items: self.items.plus(other.items),
            others: self.others.plus(other.others),
            fields: self.fields.saturating_add(other.fields),
        }
    }
}

struct Pricing<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    fragments: HashMap<&'a str, SetPrice>,
}

impl<'a> Pricing<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> SetPrice {
        let mut sum = SetPrice::default();
        for selection in &set.items {
            sum = sum.plus(match &selection.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
            });
        }
        sum
    }

    fn fragment(&mut self, name: &'a str) -> SetPrice {
        if let Some(priced) = self.fragments.get(name) {
            return *priced;
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return SetPrice::default();
        };
        let priced = self.set(&fragment.node.selection_set.node);
        self.fragments.insert(name, priced);
        priced
    }

    fn field(&mut self, field: &'a Field) -> SetPrice {
        let name = field.name.node.as_str();
        let set = self.set(&field.selection_set.node);
        let own = Price {
            cost: match name {
                "edges" => 0,
                "types" => ALL_TYPES,
                _ => usize::from(set.fields > 0),
            },
            nodes: 0,
        };
        let inner = match self.page_size(field) {
            Some(size) => {
                let item = Price {
                    cost: set.items.cost.max(1),
                    nodes: set.items.nodes.saturating_add(1),
                };
                item.times(size).plus(set.others)
            }
            None => set.items.plus(set.others),
        };
        let price = own.plus(inner);
        let (items, others) = if matches!(name, "edges" | "nodes") {
            (price, Price::default())
        } else {
            (Price::default(), price)
        };
        SetPrice {
            items,
            others,
            fields: 1,
        }
    }

    /// Returns the maximum number of items of the field, if the field is a page.
    fn page_size(&self, field: &Field) -> Option<usize> {
        let largest = MAX_PAGE as usize;
        ["first", "last"]
            .into_iter()
            .filter_map(|argument| field.get_argument(argument))
            .filter_map(|value| {
                let value = value.node.clone();
                match value.into_const_with(|name| self.variable(&name).ok_or(())) {
                    Ok(Value::Null) => None,
                    Ok(value) => Some(size(&value).unwrap_or(largest)),
                    Err(()) => Some(largest),
                }
            })
            .map(|size| size.min(largest))
            .max()
    }

    fn variable(&self, name: &Name) -> Option<Value> {
        let given = self.variables.get(name);
        given
            .or_else(|| self.definition(name)?.default_value())
            .cloned()
    }

    fn definition(&self, name: &Name) -> Option<&VariableDefinition> {
        let mut definitions = self.operation.variable_definitions.iter();
        definitions
            .find(|definition| definition.node.name.node == *name)
            .map(|definition| &definition.node)
    }
}

fn size(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        _ => None,
    }
}
