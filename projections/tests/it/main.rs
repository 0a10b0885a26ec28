//! Read models on a real Postgres: what events make of them, and what clients see of them.

mod activity;
mod as_of;
mod cells;
mod changes;
mod columns;
mod compare;
mod consistency;
mod counts;
mod declared;
mod droplets;
mod history;
mod idle;
mod isolation;
mod jobs;
mod kafka;
mod nested;
mod newer_program;
mod paging;
mod parking;
mod rebuild;
mod rebuild_versions;
mod replay;
mod sessions;
mod status;
mod tables;
mod world;
