//! The roots of the schema, merged from the fields of all features. The roots have no logic.

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
        /// The queries of the platform. All data belongs to the organization that the token names. Lists
        /// are Relay connections: give `first` or `last`, and the cursor of an edge to continue from there.
        /// A query with the `consistencyToken` of a mutation shows the write, or fails after a few seconds
        /// with the code `NOT_YET_CONSISTENT`. Send the token as `consistentWith`, or for all fields in the
        /// header `X-Consistency-Token`.
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

        /// The mutations of the platform. Send `@idempotent(key:)` with a mutation to make a retry safe.
        #[derive(MergedObject, Default)]
        pub struct Mutation(
            $(<crate::$folder::$Name as Resource>::Mutations,)+
            ProjectionMutations,
        );

        /// The live changes, in the order of the history, each event once. Every payload carries a cursor.
        /// A subscription `after` this cursor continues without loss or repetition, even on another server.
        /// Without `after`, a subscription begins with the next event. A subscription ends with the code
        /// `UNAUTHENTICATED` when its token ends.
        #[derive(MergedSubscription, Default)]
        pub struct Subscription(
            $(<crate::$folder::$Name as Resource>::Subscriptions,)+
            HistorySubscriptions<Node>,
        );

        /// The numbers of resources of the organization.
        #[derive(MergedObject)]
        pub(crate) struct Counts($(<crate::$folder::$Name as Resource>::Counts,)+);

        impl From<OrgCounts> for Counts {
            fn from(counts: OrgCounts) -> Self {
                let counts = Arc::new(counts);
                Self($(<crate::$folder::$Name as Resource>::Counts::from(Arc::clone(&counts)),)+)
            }
        }

        /// Describes the types that async-graphql generates, so that no type lacks a description.
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
