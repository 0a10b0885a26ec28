//! The roots of the schema, merged from the fields of all features. The roots have no logic.

use super::{introspection, links};
use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::schema::Definition;
use crate::graph::execute::types::Extensions;
use crate::graph::resource::{Resource, ResourceKind};
use crate::graph::{node, resource_list};
use crate::registry::resources;
use crate::{activity, catalogue, counts, history, platform, projection, recorded_command, viewer};

/// The schema of the platform.
pub enum Platform {}

/// The root of queries.
#[derive(Default)]
pub struct Query;

/// The root of mutations.
#[derive(Default)]
pub struct Mutation;

/// The root of subscriptions.
#[derive(Default)]
pub struct Subscription;

macro_rules! roots {
    ($($(#[$description:meta])* $Name:ident as $Row:ident in $folder:ident,)+) => {
        impl Definition for Platform {
            type Query = Query;
            type Mutation = Mutation;
            type Subscription = Subscription;

            fn resources() -> Vec<ResourceKind> {
                vec![$(ResourceKind::of::<crate::$folder::$Row>(),)+]
            }

            fn extensions() -> Extensions {
                links::links()
            }
        }

        impl Object for Query {
            const NAME: &'static str = "Query";
            const DESCRIPTION: &'static str = "The queries of the platform. All data belongs to the \
                organization that the token names. Lists are Relay connections: give `first` or `last`, \
                and the cursor of an edge to continue from there. A query with the `consistencyToken` of a \
                mutation shows the write, or fails after a few seconds with the code `NOT_YET_CONSISTENT`. \
                Send the token as `consistentWith`, or for all fields in the header `X-Consistency-Token`.";

            fn fields(fields: &mut Fields<'_, Self>) {
                introspection::queries(fields);
                node::queries(fields);
                viewer::queries(fields);
                $(resource_list::queries::<crate::$folder::$Row, _>(fields);)+
                activity::queries::queries(fields);
                history::queries::queries(fields);
                recorded_command::queries::queries(fields);
                counts::queries(fields);
                catalogue::queries(fields);
                platform::queries::queries(fields);
            }
        }

        impl Object for Mutation {
            const NAME: &'static str = "Mutation";
            const DESCRIPTION: &'static str = "The mutations of the platform. Send `@idempotent(key:)` with \
                a mutation to make a retry safe. A mutation that fails is null, and the error says why.";

            fn fields(fields: &mut Fields<'_, Self>) {
                $(crate::$folder::$Row::mutations(fields);)+
                projection::mutations::mutations(fields);
            }
        }

        impl Object for Subscription {
            const NAME: &'static str = "Subscription";
            const DESCRIPTION: &'static str = "The live changes, in the order of the history, each event \
                once. Every payload carries a cursor. A subscription `after` this cursor continues without \
                loss or repetition, even on another server. Without `after`, a subscription begins with the \
                next event. A subscription ends with the code `UNAUTHENTICATED` when its token ends.";

            fn fields(fields: &mut Fields<'_, Self>) {
                $(crate::$folder::$Row::subscriptions(fields);)+
                history::subscriptions::subscriptions(fields);
            }
        }
    };
}

resources!(roots);
