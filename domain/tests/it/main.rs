//! What is stored, held against golden files.

mod events;
mod golden;
mod states;
