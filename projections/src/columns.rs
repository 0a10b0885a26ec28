//! The choice of the columns that a read asks for.

/// The columns of rows that are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Columns {
    /// All columns.
    #[default]
    All,
    /// All columns but those of JSON that can be large ([`FromCells::JSON`](crate::model::FromCells::JSON)), and the data of events. They are
    /// as if they were null.
    WithoutJson,
}
