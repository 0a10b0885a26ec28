//! The one list of resources: the kinds of object that have a global id and a history of their own.
//!
//! What concerns every resource goes by this list and names none: `node` and the roots of the schema
//! ([`crate::schema`]), global ids and types of resources ([`crate::graph`]). A new resource is a folder
//! that implements [`Resource`](crate::graph::resource::Resource), and one line here.

/// Calls a macro with all resources: of each its description, its name in GraphQL, which is also that of
/// its stream type, and its folder.
macro_rules! resources {
    ($callback:ident) => {
        $callback! {
            /// A virtual machine.
            Droplet in droplet,
            /// A piece of work.
            Job in job,
            /// A group of droplets.
            Cluster in cluster,
        }
    };
}

pub(crate) use resources;
