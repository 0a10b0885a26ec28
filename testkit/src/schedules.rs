//! Explores interleavings: several actors on a real Postgres, one statement at a time, in every order, with
//! crashes anywhere.
//!
//! An [`Actor`] is unchanged code of the program with one connection. A gate between the actor and Postgres
//! holds every statement until the explorer releases it. The explorer releases one step of one actor, and
//! waits until no actor computes. An actor does not compute if it is held, has ended, or waits for a lock, as
//! Postgres reports. Then the explorer chooses again. It takes the first choice each time and returns for the
//! others, depth first. The exploration ends when every schedule within the [`Bounds`] has run from a fresh
//! state and was checked.
//!
//! Schedules are deterministic: a failure is printed and can be run again ([`replay`]). A schedule that does
//! not repeat fails the test. A crash closes the connection and resets the session as its end would: the
//! transaction is rolled back and locks are released. A statement that took effect although its actor crashed
//! is the schedule with the crash one step later.
//!
//! Not explored: the inside of a statement, and two connections of one actor.

mod actor;
mod choice;
mod gate;
mod proxy;
mod run;
mod server;
mod session;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::PgPool;
use tokio::sync::Notify;

use self::actor::Player;
pub use self::actor::{Actor, AfterCrash, Stage};
pub use self::choice::{Choice, Schedule};
pub use self::gate::Mutation;
use self::run::{Played, Point, Run};
use self::server::Server;
use crate::postgres::TestDatabase;

/// Attempts to repeat a schedule before the test fails: Postgres wakes two actors that wait for the same
/// transaction in any order.
const ATTEMPTS: usize = 50;

/// A situation to explore: the initial state, the actors and the check.
#[async_trait]
pub trait Scene: Send + Sync {
    /// Creates the state from which every schedule starts.
    async fn reset(&self, pool: &PgPool);

    /// The actors of one schedule; the same actors in the same order each time.
    fn actors(&self) -> Vec<Actor>;

    /// Checks the properties that must hold when all actors have ended.
    ///
    /// # Errors
    /// The broken property, in words.
    async fn check(&self, pool: &PgPool) -> Result<(), String>;
}

/// The bounds of an exploration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most crashes in a schedule.
    pub crashes: usize,
    /// Most preemptions: switches away from an actor that could continue. `None` explores all schedules.
    pub preemptions: Option<usize>,
}

impl Bounds {
    /// All schedules without a crash.
    pub const ALL: Self = Self {
        crashes: 0,
        preemptions: None,
    };

    /// All schedules, and each of them with one crash of any actor at any step.
    pub const ALL_WITH_A_CRASH: Self = Self {
        crashes: 1,
        preemptions: None,
    };
}

/// The result of an exploration.
#[derive(Debug)]
pub struct Explored {
    /// Number of schedules that ran to their end.
    pub schedules: usize,
    /// Number of steps of all schedules together.
    pub steps: usize,
    /// Number of schedules with a crash.
    pub crashed: usize,
    /// Number of schedules with a wait for a lock.
    pub waited: usize,
    /// Number of statements that a mutation changed.
    pub mutated: usize,
    /// Duration of the exploration.
    pub took: Duration,
    /// The first schedule with a broken property, which ended the exploration.
    pub violation: Option<Violation>,
}

/// A schedule with a broken property.
#[derive(Debug)]
pub struct Violation {
    /// The argument for [`replay`].
    pub schedule: Schedule,
    /// The steps, for people.
    pub story: Vec<String>,
    /// The broken property.
    pub what: String,
}

/// Runs all schedules within the bounds, until a property is broken.
///
/// # Panics
/// When Postgres fails, when an actor does nothing for 30 s, or when a schedule does not repeat.
pub async fn explore(database: &TestDatabase, scene: &dyn Scene, bounds: Bounds) -> Explored {
    let mut explorer = Explorer::new(database, scene, bounds);
    let mut prefix = Some(Vec::new());
    while let Some(points) = prefix {
        let played = explorer.play(&points).await;
        explorer.count(&played);
        if explorer.explored.violation.is_some() {
            break;
        }
        prefix = next(played);
    }
    explorer.end()
}

/// Runs one schedule that a failure printed.
///
/// # Panics
/// As [`explore`].
pub async fn replay(
    database: &TestDatabase,
    scene: &dyn Scene,
    schedule: &Schedule,
) -> Option<Violation> {
    let bounds = Bounds {
        crashes: schedule.crashes(),
        preemptions: None,
    };
    let mut explorer = Explorer::new(database, scene, bounds);
    let prefix: Vec<Point> = schedule.0.iter().copied().map(Point::of).collect();
    let played = explorer.play(&prefix).await;
    explorer.count(&played);
    explorer.end().violation
}

struct Explorer<'a> {
    scene: &'a dyn Scene,
    bounds: Bounds,
    server: Arc<Server>,
    players: Vec<Player>,
    bell: Arc<Notify>,
    started: Instant,
    explored: Explored,
}

impl<'a> Explorer<'a> {
    fn new(database: &TestDatabase, scene: &'a dyn Scene, bounds: Bounds) -> Self {
        let server = Arc::new(Server::new(&database.url(), database.pool()));
        let bell = Arc::new(Notify::new());
        let player = |actor| Player::new(actor, Arc::clone(&server), Arc::clone(&bell));
        Self {
            scene,
            bounds,
            players: scene.actors().into_iter().map(player).collect(),
            server,
            bell,
            started: Instant::now(),
            explored: Explored {
                schedules: 0,
                steps: 0,
                crashed: 0,
                waited: 0,
                mutated: 0,
                took: Duration::ZERO,
                violation: None,
            },
        }
    }

    async fn play(&mut self, prefix: &[Point]) -> Played {
        for _ in 0..ATTEMPTS {
            let mut run = Run {
                server: &self.server,
                players: &mut self.players,
                bell: &self.bell,
                bounds: self.bounds,
            };
            if let Some(played) = run.play(self.scene, prefix).await {
                return played;
            }
            // Actors that are still running are ended.
            for player in &mut self.players {
                player.leave().await;
            }
        }
        let schedule = Schedule(prefix.iter().map(Point::choice).collect());
        panic!("the schedule `{schedule}` does not repeat itself");
    }

    fn count(&mut self, played: &Played) {
        let schedule = played.schedule();
        let explored = &mut self.explored;
        explored.schedules += 1;
        explored.steps += schedule.0.len();
        explored.crashed += usize::from(schedule.crashes() > 0);
        explored.waited += usize::from(played.waits > 0);
        if let Some(what) = &played.wrong {
            explored.violation = Some(Violation {
                schedule,
                story: played.story.clone(),
                what: what.clone(),
            });
        }
    }

    fn end(mut self) -> Explored {
        self.explored.mutated = self.players.iter().map(|p| p.gate.mutated()).sum();
        self.explored.took = self.started.elapsed();
        self.explored
    }
}

/// The next schedule, depth first: with another choice at the last point that has another one.
fn next(played: Played) -> Option<Vec<Point>> {
    let mut points = played.points;
    let last = points
        .iter()
        .rposition(|point| point.chosen + 1 < point.choices.len())?;
    points.truncate(last + 1);
    points[last].chosen += 1;
    Some(points)
}

impl Explored {
    /// Fails the test with the schedule and its steps if a property was broken.
    ///
    /// # Panics
    /// If a property was broken.
    pub fn assert_holds(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            schedules,
            steps,
            crashed,
            waited,
            took,
            ..
        } = self;
        let seconds = took.as_secs_f64();
        write!(
            f,
            "{schedules} schedules of {steps} steps in {seconds:.1} s, {crashed} with a crash, \
             {waited} with a wait for a lock"
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "schedule `{}`:", self.schedule)?;
        for line in &self.story {
            writeln!(f, "    {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
