//! `Node`: whatever has a global id.

use async_graphql::{ID, Interface};

use crate::types::droplet::Droplet;
use crate::types::job::Job;

/// Something with an id by which `node` finds it again.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Its id, the same for ever."))]
pub(crate) enum Node {
    Droplet(Droplet),
    Job(Job),
}
