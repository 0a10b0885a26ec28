//! The roots of the schema, put together from the fields of all features. They have no logic.

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, SchemaBuilder};
use projections::counts::query::OrgCounts;

use super::node::{Node, NodeQueries};
use crate::activity::{Activity, ActivityQueries};
use crate::catalogue::CatalogueQueries;
use crate::counts::CountsQueries;
use crate::graph::connection;
use crate::graph::resource::Resource;
use crate::history::{Event, HistoryQueries, HistorySubscriptions};
use crate::platform::PlatformQueries;
use crate::projection::ProjectionMutations;
use crate::registry::resources;

macro_rules! roots {
    ($($(#[$description:meta])* $Name:ident in $folder:ident,)+) => {
        /// What may be asked of the platform. Everything is the organization's that the token names. Lists
        /// are Relay connections: give `first` or `last`, and the cursor of an edge to go on from there.
        /// Whoever gives the `consistencyToken` of a mutation as `consistentWith`, or for all fields in the header
        /// `X-Consistency-Token`, sees what it wrote, or after a few seconds the code `NOT_YET_CONSISTENT`.
        #[derive(MergedObject, Default)]
        pub struct Query(
            NodeQueries,
            $(<crate::$folder::$Name as Resource>::Queries,)+
            ActivityQueries,
            HistoryQueries,
            CountsQueries<Counts>,
            CatalogueQueries,
            PlatformQueries,
        );

        /// What may be asked of the platform. Send `@idempotent(key:)` with a mutation to make it safe to
        /// repeat.
        #[derive(MergedObject, Default)]
        pub struct Mutation(
            $(<crate::$folder::$Name as Resource>::Mutations,)+
            ProjectionMutations,
        );

        /// What happens, as it happens, in the order of the history, each event once. Every payload carries
        /// a cursor; a subscription `after` it goes on from there without loss or repetition, even from
        /// another server. Without `after`, a subscription begins with what happens next. It ends with the
        /// code `UNAUTHENTICATED` when its token does.
        #[derive(MergedSubscription, Default)]
        pub struct Subscription(
            $(<crate::$folder::$Name as Resource>::Subscriptions,)+
            HistorySubscriptions<Node>,
        );

        /// How many resources the organization has.
        #[derive(MergedObject)]
        pub(crate) struct Counts($(<crate::$folder::$Name as Resource>::Counts,)+);

        impl From<OrgCounts> for Counts {
            fn from(counts: OrgCounts) -> Self {
                let counts = Arc::new(counts);
                Self($(<crate::$folder::$Name as Resource>::Counts::from(Arc::clone(&counts)),)+)
            }
        }

        /// Describes the types that are made by async-graphql, so that no type is without a description.
        pub(super) fn describe(
            schema: SchemaBuilder<Query, Mutation, Subscription>,
        ) -> SchemaBuilder<Query, Mutation, Subscription> {
            $(let schema = connection::describe::<crate::$folder::$Name, _, _, _>(schema);)+
            let schema = connection::describe::<Activity, _, _, _>(schema);
            connection::describe::<Event, _, _, _>(schema)
        }
    };
}

resources!(roots);
