//! The API as its clients see it.

mod health;
mod http;
mod page;
mod serving;
mod websocket;
