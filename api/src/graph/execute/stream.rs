//! The sources of subscriptions.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::context::Context;
use super::output::Write;
use crate::graph::error::Error;

/// Opens the stream of a field of the root of subscriptions.
pub trait Streamer: Send + Sync {
    /// Returns the values of the field, one for each answer. A value that failed is the last one.
    ///
    /// # Errors
    /// When the subscription cannot begin.
    fn open(
        &self,
        context: Context,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Box<dyn Write>>, Error>>;
}
