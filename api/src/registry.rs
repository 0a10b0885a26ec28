//! The only list of resources: the kinds of object that have a global id and a history of their own.
//!
//! Code that concerns every resource uses this list and names no resource. Examples are `node` and the
//! roots of the schema ([`crate::schema`]), and global ids and types of resources ([`crate::graph`]). A new
//! resource is a folder that implements [`Resource`](crate::graph::resource::Resource), and one line here.

/// Calls a macro with all resources: the description, the name in GraphQL, the row and the folder of each.
/// The name in GraphQL is also that of the stream type.
macro_rules! resources {
    ($callback:ident) => {
        $callback! {
            /// A virtual machine.
            Droplet as DropletRow in droplet,
            /// A piece of work.
            Job as JobRow in job,
            /// A group of droplets.
            Cluster as ClusterRow in cluster,
        }
    };
}

pub(crate) use resources;
