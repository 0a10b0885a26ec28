//! Who acts: a piece of the program with a connection of its own.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::gate::{Bell, Gate, Mutation, Standing};
use super::proxy::Proxy;
use super::server::Server;
use super::session::Session;

type Play = dyn Fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// What becomes of an actor that crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// Nobody takes its place.
    Gone,
    /// It starts anew, knowing nothing.
    StartsAnew,
}

/// A piece of the program that acts at the same time as others.
#[derive(Clone)]
pub struct Actor {
    pub(super) name: &'static str,
    pub(super) after_crash: AfterCrash,
    pub(super) mutations: Vec<Mutation>,
    play: Arc<Play>,
}

/// Where an actor acts.
#[derive(Clone, Debug)]
pub struct Stage {
    /// One connection: each statement on it waits for the explorer, except those that begin a transaction
    /// or set a savepoint.
    pub pool: PgPool,
    /// How often the actor crashed before.
    pub life: usize,
    gate: Arc<Gate>,
}

impl Actor {
    /// An actor that does `play`, and starts anew when it crashes.
    pub fn new<F>(name: &'static str, play: impl Fn(Stage) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            name,
            after_crash: AfterCrash::StartsAnew,
            mutations: Vec::new(),
            play: Arc::new(move |stage| Box::pin(play(stage))),
        }
    }

    /// The same actor with another fate after a crash.
    #[must_use]
    pub fn after_crash(self, after_crash: AfterCrash) -> Self {
        Self {
            after_crash,
            ..self
        }
    }

    /// The same actor with safeguards taken out of its statements.
    #[must_use]
    pub fn mutated(self, mutations: impl IntoIterator<Item = Mutation>) -> Self {
        Self {
            mutations: mutations.into_iter().collect(),
            ..self
        }
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Actor").field(&self.name).finish()
    }
}

impl Stage {
    /// Does what happened before anybody else acts: its statements pass at once. To be called at the beginning of
    /// the first life only.
    pub async fn before<T>(&self, work: impl Future<Output = T>) -> T {
        self.gate.open();
        let done = work.await;
        self.gate.close();
        done
    }
}

/// An actor with its connection, through all schedules.
pub(super) struct Player {
    pub(super) actor: Actor,
    pub(super) gate: Arc<Gate>,
    server: Arc<Server>,
    playing: JoinSet<()>,
    /// The way to the session; or else the session, once there was one.
    door: Option<(Proxy, PgPool)>,
    line: Option<Session>,
    life: usize,
}

impl Player {
    pub(super) fn new(actor: Actor, server: Arc<Server>, bell: Bell) -> Self {
        Self {
            gate: Gate::new(bell, actor.mutations.clone()),
            actor,
            server,
            playing: JoinSet::new(),
            door: None,
            line: None,
            life: 0,
        }
    }

    /// Begins anew, in a new schedule; `actor` holds what it needs for this one.
    pub(super) async fn begin(&mut self, actor: Actor) {
        self.actor = actor;
        self.life = 0;
        self.live().await;
    }

    /// Ends it in the middle of whatever it does, as `kill -9` does, and lets it start anew if it is to.
    pub(super) async fn crash(&mut self) {
        self.leave().await;
        self.life += 1;
        match self.actor.after_crash {
            AfterCrash::Gone => self.gate.stands(Standing::Ended(Ok(()))),
            AfterCrash::StartsAnew => self.live().await,
        }
    }

    /// Ends it, with its transaction.
    pub(super) async fn leave(&mut self) {
        if let Some((door, _)) = self.door.take() {
            // First, so that nothing the actor still says reaches Postgres.
            let mut line = door.shut().await;
            self.playing.shutdown().await;
            line.reset(&self.server).await.expect("Postgres answers");
            self.line = Some(line);
        }
    }

    async fn live(&mut self) {
        self.gate.stands(Standing::Running);
        self.gate.close();
        let pool = match &self.door {
            Some((_, pool)) => pool.clone(),
            None => {
                let line = match self.line.take() {
                    Some(line) => line,
                    None => Session::dial(&self.server).await.expect("Postgres answers"),
                };
                let (gate, server) = (Arc::clone(&self.gate), Arc::clone(&self.server));
                let door = Proxy::open(line, gate, server).await;
                let pool = self.server.pool_through(door.address);
                self.door = Some((door, pool.clone()));
                pool
            }
        };
        let stage = Stage {
            pool: pool.clone(),
            life: self.life,
            gate: Arc::clone(&self.gate),
        };
        let gate = Arc::clone(&self.gate);
        let play = (self.actor.play)(stage);
        while self.playing.try_join_next().is_some() {}
        self.playing.spawn(async move {
            let ended = AssertUnwindSafe(play).catch_unwind().await;
            // Comes back when a transaction that was dropped is rolled back, which is a step as well.
            let returned = pool.acquire().await.map(drop);
            let ended = match (ended, returned) {
                (Ok(()), Ok(())) => Ok(()),
                (Ok(()), Err(error)) => Err(format!("its connection is lost: {error}")),
                (Err(panic), _) => Err(said(panic.as_ref())),
            };
            gate.stands(Standing::Ended(ended));
        });
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked".to_owned())
}
