//! A schedule as text, which can be printed, read and run again.

use std::fmt;
use std::str::FromStr;

/// The next step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The actor with this number runs its next statement.
    Step(usize),
    /// The actor with this number crashes.
    Crash(usize),
    /// No step: all actors have ended, and the last one does not crash then.
    Rest,
}

/// All steps from the start, as text `0 1 1 0! 0 .`, where `!` is a crash and `.` no step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule(pub Vec<Choice>);

impl Schedule {
    pub(super) fn crashes(&self) -> usize {
        let is_crash = |choice: &&Choice| matches!(choice, Choice::Crash(_));
        self.0.iter().filter(is_crash).count()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, choice) in self.0.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            match choice {
                Choice::Step(actor) => write!(f, "{space}{actor}")?,
                Choice::Crash(actor) => write!(f, "{space}{actor}!")?,
                Choice::Rest => write!(f, "{space}.")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = |word: &str| match (word, word.strip_suffix('!')) {
            (".", _) => Ok(Choice::Rest),
            (_, Some(actor)) => actor.parse().map(Choice::Crash),
            (_, None) => word.parse().map(Choice::Step),
        };
        text.split_whitespace()
            .map(choice)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
