//! A set of positions, a bit each. Positions are dense, so the set is small also for very many.

use event_store::envelope::Position;

/// Positions from 1 on.
#[derive(Debug, Default)]
pub(super) struct Seen {
    words: Vec<u64>,
}

impl Seen {
    /// Adds a position and returns whether it is new. A position below 1 is never in the set.
    pub(super) fn insert(&mut self, position: Position) -> bool {
        let Some((word, bit)) = place(position) else {
            return true;
        };
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    /// True if the position was added.
    pub(super) fn contains(&self, position: Position) -> bool {
        place(position)
            .and_then(|(word, bit)| Some(self.words.get(word)? & bit != 0))
            .unwrap_or(false)
    }
}

fn place(position: Position) -> Option<(usize, u64)> {
    let nth = usize::try_from(position.0 - 1).ok()?;
    Some((nth / 64, 1 << (nth % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_new_once() {
        let mut seen = Seen::default();
        for position in [1, 64, 65, 1_000_000] {
            assert!(!seen.contains(Position(position)), "{position}");
            assert!(seen.insert(Position(position)), "{position}");
            assert!(!seen.insert(Position(position)), "{position}");
            assert!(seen.contains(Position(position)), "{position}");
        }
        assert!(!seen.contains(Position(2)) && !seen.contains(Position(0)));
    }
}
