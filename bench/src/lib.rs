//! Benchmarks, and a program that plays recorded input: [`trace_load`], which tests of the platform use too.
//!
//! No part of the platform may import it.

pub mod trace_load;
