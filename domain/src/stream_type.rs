//! The type of a stream: the aggregate that its events belong to.
//!
//! Types are open. A program meets types that only a newer program knows, in the log, in tokens and in
//! checkpoints. The program must pass such types on unchanged; only code that decodes an event of such a
//! stream has to refuse. So a type is its code, and its name is looked up for people.

/// The type of a stream, by its code in storage. Codes are never reused.
///
/// The types of this program are constants that the registry declares, such as `StreamType::DROPLET`. The
/// registry also knows their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamType(i16);

impl StreamType {
    /// Returns the type with this code, also if this program does not know the type.
    #[must_use]
    pub const fn new(code: i16) -> Self {
        Self(code)
    }

    /// Returns the number used in storage, in shards and in tokens.
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
