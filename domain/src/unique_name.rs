//! Names that one stream may hold at a time.
//!
//! Which names a stream holds follows from its state alone ([`Aggregate::names`]), so that names are
//! taken and given back with the events, whatever the command was.
//!
//! [`Aggregate::names`]: crate::aggregate::Aggregate::names

/// How far a name or a counter reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Each organization has its own.
    Organization,
    /// All organizations share it.
    Platform,
}

/// A kind of name, declared once by the aggregate whose streams hold names of this kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameScope {
    /// Its name in storage. It never changes, and belongs to one scope only.
    pub name: &'static str,
    /// Within what a name is unique.
    pub reach: Reach,
    /// The code of the rejection of a name that is taken.
    pub code: &'static str,
    /// The input field at fault, as a camelCase path.
    pub field: &'static str,
    /// What holds such a name, for people: `live droplet`. The last word says what it is.
    pub holder: &'static str,
}

/// A name that one stream may hold at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UniqueName {
    /// What kind of name it is.
    pub scope: &'static NameScope,
    /// The name itself.
    pub key: String,
}
