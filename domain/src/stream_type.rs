//! The type of a stream: which aggregate its events belong to.
//!
//! Types are open. A program meets types that only a newer program knows, in the log, in tokens and
//! in checkpoints, and must pass them on unchanged; only whoever wants to decode an event of such a
//! stream has to refuse. So a type is its code, and a name is looked up where people read it.

/// The type of a stream, by its code in storage. Codes are never reused.
///
/// The types of this program are constants that the registry declares, such as `StreamType::DROPLET`; the
/// registry also knows their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamType(i16);

impl StreamType {
    /// The type with this code, whether this program knows it or not.
    #[must_use]
    pub const fn new(code: i16) -> Self {
        Self(code)
    }

    /// The number used in storage, in shards and in tokens.
    #[must_use]
    pub const fn code(self) -> i16 {
        self.0
    }
}

impl From<i16> for StreamType {
    fn from(code: i16) -> Self {
        Self(code)
    }
}
