//! The states of a generation.

use std::fmt;
use std::str::FromStr;

use crate::error::StoreError;

/// The state of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GenerationState {
    /// The generation is being filled and compared, beside the one that serves.
    Building,
    /// Queries and consumers use the generation. At most one generation of a consumer serves.
    Serving,
    /// The generation was built and differs from what the log says. It never served.
    Failed,
    /// The generation has served, or was given up while it was being built.
    Retired,
}

impl GenerationState {
    /// Returns the name as it is stored and shown, such as `SERVING`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "BUILDING",
            Self::Serving => "SERVING",
            Self::Failed => "FAILED",
            Self::Retired => "RETIRED",
        }
    }

    /// Returns true if consumers write the generation: it has checkpoints then.
    #[must_use]
    pub const fn is_in_use(self) -> bool {
        matches!(self, Self::Building | Self::Serving)
    }
}

impl fmt::Display for GenerationState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text that is no [`GenerationState`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the state of a generation")]
pub struct UnknownState(String);

impl FromStr for GenerationState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::Building, Self::Serving, Self::Failed, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl TryFrom<String> for GenerationState {
    type Error = UnknownState;

    fn try_from(text: String) -> Result<Self, UnknownState> {
        text.parse()
    }
}

/// Reads a state as it is stored.
pub(super) fn stored(text: String) -> Result<GenerationState, StoreError> {
    GenerationState::try_from(text).map_err(|unknown| StoreError::Unavailable {
        doing: "reading the state of a generation",
        source: sqlx::Error::Decode(unknown.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_as_it_is_stored() {
        use GenerationState::{Building, Failed, Retired, Serving};
        for state in [Building, Serving, Failed, Retired] {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert!("building".parse::<GenerationState>().is_err());
    }
}
