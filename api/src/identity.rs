//! Who sends a request, and what they may do.

pub mod principal;
pub mod roles;
pub mod tokens;
