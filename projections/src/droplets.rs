//! The read model `droplets`: droplets as they are now, deleted ones too.

mod fold;
mod model;

pub mod counted;
pub mod query;
pub mod row;

pub use self::model::Droplets;
