//! The read model `jobs`: jobs as they are now.

mod fold;
mod model;

pub mod counted;
pub mod query;
pub mod row;

pub use self::model::Jobs;
