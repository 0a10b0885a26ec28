//! The read model `clusters`: clusters as they are now, deleted ones too.

mod fold;
mod model;

pub mod counted;
pub mod query;
pub mod row;

pub use self::model::Clusters;
