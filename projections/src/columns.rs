//! The choice of the columns that a read asks for.

/// The columns of rows that are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Columns {
    /// All columns.
    #[default]
    All,
    /// The columns with these names, and those that the read itself needs. Other names have no effect. The field
    /// of a column that is not read holds a placeholder, which must not be shown.
    Only(Vec<String>),
}

impl Columns {
    /// Returns true if the column with this name is wanted.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}
