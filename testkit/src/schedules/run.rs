//! Runs one schedule, from a fresh state to the check.

use std::time::Instant;

use super::actor::Player;
use super::choice::{Choice, Schedule};
use super::gate::{ActorState, Bell};
use super::server::{LOOK_AFTER, POLL_INTERVAL, Server};
use super::{Bounds, Scene};
use crate::wait::DEADLINE;

/// A schedule that has run.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) points: Vec<Point>,
    /// Each choice with its statement, for people.
    pub(super) story: Vec<String>,
    /// Number of waits for a lock.
    pub(super) waits: usize,
    pub(super) wrong: Option<String>,
}

/// A point of a schedule, with a choice of the next step.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// The states of all actors; empty if only the choice is known.
    pub(super) states: Vec<ActorState>,
    pub(super) choices: Vec<Choice>,
    pub(super) chosen: usize,
}

impl Point {
    pub(super) fn choice(&self) -> Choice {
        self.choices[self.chosen]
    }

    /// A point whose states are unknown.
    pub(super) fn of(choice: Choice) -> Self {
        Self {
            states: Vec::new(),
            choices: vec![choice],
            chosen: 0,
        }
    }

    /// True if the same choice is possible in these states.
    fn repeats(&self, states: &[ActorState]) -> bool {
        self.states.is_empty() || self.states == states
    }
}

impl Played {
    pub(super) fn schedule(&self) -> Schedule {
        Schedule(self.points.iter().map(Point::choice).collect())
    }
}

/// A run of one schedule, which makes the given choices, and then always the first possible one.
pub(super) struct Run<'a> {
    pub(super) server: &'a Server,
    pub(super) players: &'a mut [Player],
    pub(super) bell: &'a Bell,
    pub(super) bounds: Bounds,
}

impl Run<'_> {
    /// Runs a schedule. Returns `None` if the states differ from those of the prefix.
    pub(super) async fn play(&mut self, scene: &dyn Scene, prefix: &[Point]) -> Option<Played> {
        scene.reset(&self.server.pool).await;
        for (player, actor) in self.players.iter_mut().zip(scene.actors()) {
            player.begin(actor).await;
            settle(self.server, std::slice::from_mut(player), self.bell).await;
        }
        let mut played = Played::default();
        let mut pace = Pace::default();
        loop {
            played.waits += settle(self.server, self.players, self.bell).await;
            played.wrong = self.panicked();
            if played.wrong.is_some() {
                return Some(played);
            }
            let states: Vec<ActorState> = self.players.iter().map(|p| p.gate.state()).collect();
            let choices = self.choices(&states, &pace);
            if choices.is_empty() {
                break;
            }
            let chosen = match prefix.get(played.points.len()) {
                Some(point) if !point.repeats(&states) => return None,
                Some(point) => choices.iter().position(|c| *c == point.choice())?,
                None => 0,
            };
            let choice = choices[chosen];
            played.points.push(Point {
                states,
                choices,
                chosen,
            });
            if choice == Choice::Rest {
                break;
            }
            self.take(choice, &mut pace, &mut played.story).await;
        }
        played.wrong = match self.stuck() {
            Some(stuck) => Some(stuck),
            None => scene.check(&self.server.pool).await.err(),
        };
        Some(played)
    }

    fn choices(&self, states: &[ActorState], pace: &Pace) -> Vec<Choice> {
        let held = |actor: &usize| matches!(states[*actor], ActorState::Held(_));
        let ready: Vec<usize> = (0..states.len()).filter(held).collect();
        let goes_on = pace.last.filter(held);
        // The actor of the last step comes first, so that a bound on preemptions keeps the simplest schedules.
        let mut order: Vec<usize> = goes_on.into_iter().collect();
        let may_preempt = self.bounds.preemptions.is_none_or(|p| pace.preemptions < p);
        if goes_on.is_none() || may_preempt {
            order.extend(ready.iter().filter(|actor| Some(**actor) != goes_on));
        }
        let mut choices: Vec<Choice> = order.into_iter().map(Choice::Step).collect();
        if pace.crashes < self.bounds.crashes {
            // An actor that has just ended may also crash: its effects stay, and its next life does not know them.
            let lives = |actor: &usize| {
                let ended = matches!(states[*actor], ActorState::Ended(_));
                pace.has_acted(*actor) && (!ended || pace.last == Some(*actor))
            };
            choices.extend((0..states.len()).filter(lives).map(Choice::Crash));
            if ready.is_empty() && !choices.is_empty() {
                choices.insert(0, Choice::Rest);
            }
        }
        choices
    }

    async fn take(&mut self, choice: Choice, pace: &mut Pace, story: &mut Vec<String>) {
        let state = |actor: usize| self.players[actor].gate.state();
        match choice {
            Choice::Step(actor) => {
                let is_held = |last: &usize| matches!(state(*last), ActorState::Held(_));
                if pace.last.filter(is_held).is_some_and(|last| last != actor) {
                    pace.preemptions += 1;
                }
                pace.acted(actor);
                let name = self.players[actor].actor.name;
                if let ActorState::Held(statement) = state(actor) {
                    story.push(format!("{name}: {}", shortened(&statement)));
                }
                self.players[actor].gate.pass();
            }
            Choice::Crash(actor) => {
                pace.crashed(actor);
                let name = self.players[actor].actor.name;
                story.push(match state(actor) {
                    ActorState::Held(statement) => {
                        format!("{name} crashes before: {}", shortened(&statement))
                    }
                    ActorState::Running => format!("{name} crashes while it waits for a lock"),
                    ActorState::Ended(_) => format!("{name} crashes at its end"),
                });
                self.players[actor].crash().await;
            }
            Choice::Rest => {}
        }
    }

    fn panicked(&self) -> Option<String> {
        self.players.iter().find_map(|p| match p.gate.state() {
            ActorState::Ended(Err(said)) => Some(format!("{} failed: {said}", p.actor.name)),
            _ => None,
        })
    }

    fn stuck(&self) -> Option<String> {
        let waits = |p: &&Player| p.gate.state() == ActorState::Running;
        let name = self.players.iter().find(waits)?.actor.name;
        Some(format!(
            "{name} waits for a lock that nobody will give back"
        ))
    }
}

/// The spent part of the bounds.
#[derive(Debug, Default)]
struct Pace {
    last: Option<usize>,
    preemptions: usize,
    crashes: usize,
    acted: Vec<usize>,
}

impl Pace {
    fn acted(&mut self, actor: usize) {
        self.last = Some(actor);
        self.acted.push(actor);
    }

    fn crashed(&mut self, actor: usize) {
        self.crashes += 1;
        // A new life has not acted yet, and a crash before its first step would add no behavior.
        self.acted.retain(|acted| *acted != actor);
        self.last = self.last.filter(|last| *last != actor);
    }

    fn has_acted(&self, actor: usize) -> bool {
        self.acted.contains(&actor)
    }
}

/// Waits until no actor computes: each is held, has ended, or waits for a lock. Returns the number of waits.
async fn settle(server: &Server, players: &[Player], bell: &Bell) -> usize {
    let started = Instant::now();
    let mut look = LOOK_AFTER;
    loop {
        let running: Vec<&Player> = players
            .iter()
            .filter(|p| p.gate.state() == ActorState::Running)
            .collect();
        if running.is_empty() {
            return 0;
        }
        if tokio::time::timeout(look, bell.notified()).await.is_ok() {
            continue;
        }
        look = (2 * look).min(POLL_INTERVAL);
        let pids: Vec<i32> = running.iter().filter_map(|p| p.gate.pid()).collect();
        if pids.len() == running.len() && server.all_wait(&pids).await {
            return pids.len();
        }
        let names: Vec<&str> = running.iter().map(|p| p.actor.name).collect();
        assert!(
            started.elapsed() < DEADLINE,
            "{names:?} neither act nor end nor wait for a lock"
        );
    }
}

fn shortened(statement: &str) -> String {
    let words: Vec<&str> = statement
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(str::split_whitespace)
        .collect();
    let mut text: String = words.join(" ").chars().take(100).collect();
    if text.len() == 100 {
        text.push('…');
    }
    text
}
