//! Actors: code of the program with one connection each.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use sqlx::PgPool;
use tokio::task::JoinSet;

use super::gate::{ActorState, Bell, Gate, Mutation};
use super::proxy::Proxy;
use super::server::Server;
use super::session::Session;

type Play = dyn Fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// The behavior of an actor after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// No restart: the actor has ended.
    Gone,
    /// A restart without memory.
    StartsAnew,
}

/// Code of the program that runs concurrently with other actors.
#[derive(Clone)]
pub struct Actor {
    pub(super) name: &'static str,
    pub(super) after_crash: AfterCrash,
    pub(super) mutations: Vec<Mutation>,
    play: Arc<Play>,
}

/// The environment of an actor.
#[derive(Clone, Debug)]
pub struct Stage {
    /// A pool with one connection. Each statement waits for the explorer, except those that begin a
    /// transaction or set a savepoint.
    pub pool: PgPool,
    /// Number of earlier crashes of the actor.
    pub life: usize,
    gate: Arc<Gate>,
}

impl Actor {
    /// Creates an actor that runs `play`, and restarts after a crash.
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

    /// Returns the same actor with another behavior after a crash.
    #[must_use]
    pub fn after_crash(self, after_crash: AfterCrash) -> Self {
        Self {
            after_crash,
            ..self
        }
    }

    /// Returns the same actor with safeguards removed from its statements.
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
    /// Runs work that precedes the start of the other actors: its statements pass at once. The caller must
    /// call this only at the start of the first life.
    pub async fn before<T>(&self, work: impl Future<Output = T>) -> T {
        self.gate.open();
        let done = work.await;
        self.gate.close();
        done
    }
}

/// An actor with its connection, for all schedules.
pub(super) struct Player {
    pub(super) actor: Actor,
    pub(super) gate: Arc<Gate>,
    server: Arc<Server>,
    playing: JoinSet<()>,
    /// The proxy of the session while the actor runs, and the pool through it.
    proxy: Option<(Proxy, PgPool)>,
    /// The session between two lives of the actor.
    session: Option<Session>,
    life: usize,
}

impl Player {
    pub(super) fn new(actor: Actor, server: Arc<Server>, bell: Bell) -> Self {
        Self {
            gate: Gate::new(bell, actor.mutations.clone()),
            actor,
            server,
            playing: JoinSet::new(),
            proxy: None,
            session: None,
            life: 0,
        }
    }

    /// Starts the actor for a new schedule.
    pub(super) async fn begin(&mut self, actor: Actor) {
        self.actor = actor;
        self.life = 0;
        self.live().await;
    }

    /// Ends the actor at once, as `kill -9` does, and restarts it if it is [`AfterCrash::StartsAnew`].
    pub(super) async fn crash(&mut self) {
        self.leave().await;
        self.life += 1;
        match self.actor.after_crash {
            AfterCrash::Gone => self.gate.set_state(ActorState::Ended(Ok(()))),
            AfterCrash::StartsAnew => self.live().await,
        }
    }

    /// Ends the actor and its transaction.
    pub(super) async fn leave(&mut self) {
        if let Some((proxy, _)) = self.proxy.take() {
            // First, so that no further statement of the actor reaches Postgres.
            let mut session = proxy.shut().await;
            self.playing.shutdown().await;
            session.reset(&self.server).await.expect("Postgres answers");
            self.session = Some(session);
        }
    }

    async fn live(&mut self) {
        self.gate.set_state(ActorState::Running);
        self.gate.close();
        let pool = match &self.proxy {
            Some((_, pool)) => pool.clone(),
            None => {
                let session = match self.session.take() {
                    Some(session) => session,
                    None => Session::connect(&self.server)
                        .await
                        .expect("Postgres answers"),
                };
                let (gate, server) = (Arc::clone(&self.gate), Arc::clone(&self.server));
                let proxy = Proxy::open(session, gate, server).await;
                let pool = self.server.pool_through(proxy.address);
                self.proxy = Some((proxy, pool.clone()));
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
            // Returns when a dropped transaction is rolled back, which is a step as well.
            let returned = pool.acquire().await.map(drop);
            let ended = match (ended, returned) {
                (Ok(()), Ok(())) => Ok(()),
                (Ok(()), Err(error)) => Err(format!("its connection is lost: {error}")),
                (Err(panic), _) => Err(panic_message(panic.as_ref())),
            };
            gate.set_state(ActorState::Ended(ended));
        });
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked".to_owned())
}
