//! Explores interleavings: several actors against a real Postgres, one statement at a time, in every
//! order there is, with crashes anywhere.
//!
//! An [`Actor`] is a piece of the program as it is, with a connection of its own. Between it and
//! Postgres stands a gate that holds every statement until the explorer lets it pass, so that nothing
//! in the program needs to know. The explorer lets one actor go one step, waits until nobody computes
//! (an actor is held, has ended, or waits for a lock, which Postgres tells), and chooses again. It takes
//! the first choice each time, and comes back for the others, depth first, until every schedule within
//! the [`Bounds`] was played from a fresh state, and checked.
//!
//! What it promises: schedules are deterministic, so a failure is printed and can be played again
//! ([`replay`]); a schedule that does not repeat itself fails the test. A crash closes the connection
//! and does to the session what its end would do: the transaction is rolled back, and locks are free. A
//! statement that was on its way and took effect all the same is the schedule with the crash one step
//! later.
//!
//! What it does not see: what happens within one statement; two connections of one actor.

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

/// How often a schedule is played again before it is called unrepeatable: two actors that wait for the same
/// transaction are woken in any order.
const ATTEMPTS: usize = 50;

/// What is explored.
#[async_trait]
pub trait Scene: Send + Sync {
    /// Makes the state from which every schedule starts.
    async fn reset(&self, pool: &PgPool);

    /// Who acts, in a schedule of its own; the same actors in the same order each time.
    fn actors(&self) -> Vec<Actor>;

    /// What must hold when everybody has ended.
    ///
    /// # Errors
    /// What does not hold, in words.
    async fn check(&self, pool: &PgPool) -> Result<(), String>;
}

/// How far to explore.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Crashes at most in a schedule.
    pub crashes: usize,
    /// How often at most an actor that could go on has to let another go first; all schedules if `None`.
    pub preemptions: Option<usize>,
}

impl Bounds {
    /// All schedules without a crash.
    pub const ALL: Self = Self {
        crashes: 0,
        preemptions: None,
    };

    /// All schedules, and each of them with a crash of anybody anywhere.
    pub const ALL_WITH_A_CRASH: Self = Self {
        crashes: 1,
        preemptions: None,
    };
}

/// What was explored.
#[derive(Debug)]
pub struct Explored {
    /// How many schedules were played to their end.
    pub schedules: usize,
    /// Steps of all of them together.
    pub steps: usize,
    /// How many of them had a crash.
    pub crashed: usize,
    /// How many of them had somebody wait for a lock.
    pub waited: usize,
    /// How often a mutation met its text.
    pub mutated: usize,
    /// How long it took.
    pub took: Duration,
    /// The first schedule after which something did not hold; nothing was explored behind it.
    pub violation: Option<Violation>,
}

/// A schedule after which something does not hold.
#[derive(Debug)]
pub struct Violation {
    /// What to give to [`replay`].
    pub schedule: Schedule,
    /// What happened, step by step.
    pub story: Vec<String>,
    /// What does not hold.
    pub what: String,
}

/// Plays all schedules within the bounds, until one is wrong.
///
/// # Panics
/// When Postgres fails, when an actor does nothing for 30 s, or when a schedule does not repeat itself.
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

/// Plays one schedule, as a failure printed it.
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
            // Whoever is in the middle of something is ended.
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

/// The next schedule, depth first: the last choice that can be another one.
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
    /// Fails the test when something did not hold, with the schedule and its story.
    ///
    /// # Panics
    /// Then.
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
