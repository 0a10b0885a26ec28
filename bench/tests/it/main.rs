//! The program `bench` as its users see it.

mod trace_load;
