//! Who sends a request, and what they may do.

pub mod roles;
pub mod tokens;
