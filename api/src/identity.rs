//! The sender of a request, and the rights of the sender.

pub mod principal;
pub mod roles;
pub mod shares;
pub mod tokens;
