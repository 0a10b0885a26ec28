//! One schedule, from a fresh state to the check.

use std::time::Instant;

use super::actor::Player;
use super::choice::{Choice, Schedule};
use super::gate::{Bell, Standing};
use super::server::{LOOK_AFTER, POLL_INTERVAL, Server};
use super::{Bounds, Scene};
use crate::wait::DEADLINE;

/// A schedule that was played.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) points: Vec<Point>,
    /// For people: each choice with the statement it concerned.
    pub(super) story: Vec<String>,
    /// How often somebody had to wait for a lock.
    pub(super) waits: usize,
    pub(super) wrong: Option<String>,
}

/// A moment at which there was a choice.
#[derive(Clone, Debug)]
pub(super) struct Point {
    /// Where everybody stood; empty when only the choice is known.
    pub(super) standings: Vec<Standing>,
    pub(super) choices: Vec<Choice>,
    pub(super) chosen: usize,
}

impl Point {
    pub(super) fn choice(&self) -> Choice {
        self.choices[self.chosen]
    }

    /// A moment of which nothing is known but what was chosen.
    pub(super) fn of(choice: Choice) -> Self {
        Self {
            standings: Vec::new(),
            choices: vec![choice],
            chosen: 0,
        }
    }

    /// Whether the same choice can be made where everybody stands now.
    fn repeats(&self, standings: &[Standing]) -> bool {
        self.standings.is_empty() || self.standings == standings
    }
}

impl Played {
    pub(super) fn schedule(&self) -> Schedule {
        Schedule(self.points.iter().map(Point::choice).collect())
    }
}

/// Plays the given choices, and from there on always the first that there is.
pub(super) struct Run<'a> {
    pub(super) server: &'a Server,
    pub(super) players: &'a mut [Player],
    pub(super) bell: &'a Bell,
    pub(super) bounds: Bounds,
}

impl Run<'_> {
    /// `None` when it comes to stand otherwise than the prefix says.
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
            let standings: Vec<Standing> = self.players.iter().map(|p| p.gate.standing()).collect();
            let choices = self.choices(&standings, &pace);
            if choices.is_empty() {
                break;
            }
            let chosen = match prefix.get(played.points.len()) {
                Some(point) if !point.repeats(&standings) => return None,
                Some(point) => choices.iter().position(|c| *c == point.choice())?,
                None => 0,
            };
            let choice = choices[chosen];
            played.points.push(Point {
                standings,
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

    fn choices(&self, standings: &[Standing], pace: &Pace) -> Vec<Choice> {
        let held = |actor: &usize| matches!(standings[*actor], Standing::Held(_));
        let ready: Vec<usize> = (0..standings.len()).filter(held).collect();
        let goes_on = pace.last.filter(held);
        // Whoever went last goes first, so that a bound on preemptions keeps the simplest schedules.
        let mut order: Vec<usize> = goes_on.into_iter().collect();
        let may_preempt = self.bounds.preemptions.is_none_or(|p| pace.preemptions < p);
        if goes_on.is_none() || may_preempt {
            order.extend(ready.iter().filter(|actor| Some(**actor) != goes_on));
        }
        let mut choices: Vec<Choice> = order.into_iter().map(Choice::Step).collect();
        if pace.crashes < self.bounds.crashes {
            // One that has just ended may also crash: what it did is done, and it does not know.
            let lives = |actor: &usize| {
                let ended = matches!(standings[*actor], Standing::Ended(_));
                pace.has_acted(*actor) && (!ended || pace.last == Some(*actor))
            };
            choices.extend((0..standings.len()).filter(lives).map(Choice::Crash));
            if ready.is_empty() && !choices.is_empty() {
                choices.insert(0, Choice::Rest);
            }
        }
        choices
    }

    async fn take(&mut self, choice: Choice, pace: &mut Pace, story: &mut Vec<String>) {
        let standing = |actor: usize| self.players[actor].gate.standing();
        match choice {
            Choice::Step(actor) => {
                let is_held = |last: &usize| matches!(standing(*last), Standing::Held(_));
                if pace.last.filter(is_held).is_some_and(|last| last != actor) {
                    pace.preemptions += 1;
                }
                pace.acted(actor);
                let name = self.players[actor].actor.name;
                if let Standing::Held(statement) = standing(actor) {
                    story.push(format!("{name}: {}", shortened(&statement)));
                }
                self.players[actor].gate.pass();
            }
            Choice::Crash(actor) => {
                pace.crashed(actor);
                let name = self.players[actor].actor.name;
                story.push(match standing(actor) {
                    Standing::Held(statement) => {
                        format!("{name} crashes before: {}", shortened(&statement))
                    }
                    Standing::Running => format!("{name} crashes while it waits for a lock"),
                    Standing::Ended(_) => format!("{name} crashes at its end"),
                });
                self.players[actor].crash().await;
            }
            Choice::Rest => {}
        }
    }

    fn panicked(&self) -> Option<String> {
        self.players.iter().find_map(|p| match p.gate.standing() {
            Standing::Ended(Err(said)) => Some(format!("{} failed: {said}", p.actor.name)),
            _ => None,
        })
    }

    fn stuck(&self) -> Option<String> {
        let waits = |p: &&Player| p.gate.standing() == Standing::Running;
        let name = self.players.iter().find(waits)?.actor.name;
        Some(format!(
            "{name} waits for a lock that nobody will give back"
        ))
    }
}

/// What was done so far, as far as it bounds what may come.
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
        // A new life has not acted yet, and nothing is gained by ending it before it does.
        self.acted.retain(|acted| *acted != actor);
        self.last = self.last.filter(|last| *last != actor);
    }

    fn has_acted(&self, actor: usize) -> bool {
        self.acted.contains(&actor)
    }
}

/// Returns when nobody computes: everybody is held, has ended, or waits for a lock. Gives how many wait.
async fn settle(server: &Server, players: &[Player], bell: &Bell) -> usize {
    let started = Instant::now();
    let mut look = LOOK_AFTER;
    loop {
        let running: Vec<&Player> = players
            .iter()
            .filter(|p| p.gate.standing() == Standing::Running)
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
