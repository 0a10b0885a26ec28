//! Names that one stream may hold at a time.
//!
//! The names that a stream holds follow from its state alone ([`Aggregate::names`]). So names are taken and
//! released with the events, whatever the command was.
//!
//! [`Aggregate::names`]: crate::aggregate::Aggregate::names

/// The reach of a name or a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Each organization has its own.
    Organization,
    /// All organizations share one.
    Platform,
}

/// A kind of name, declared once by the aggregate whose streams hold names of this kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameScope {
    /// The name of the scope in storage. A name never changes, and belongs to one scope only.
    pub name: &'static str,
    /// The reach within which a name is unique.
    pub reach: Reach,
    /// The code of the rejection of a name that is taken.
    pub code: &'static str,
    /// The input field at fault, as a camelCase path.
    pub field: &'static str,
    /// The holder of such a name, for people: `live droplet`. The last word is the kind of the holder.
    pub holder: &'static str,
}

/// A name that one stream may hold at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UniqueName {
    /// The kind of the name.
    pub scope: &'static NameScope,
    /// The name itself.
    pub key: String,
}
