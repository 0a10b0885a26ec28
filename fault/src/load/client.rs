//! A client: sends each command under the same key until it is answered.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::reads::Reads;
use super::workload::{Operation, Resources, Shared};
use crate::api::Api;
use crate::ledger::{Answer, Attempt, Command, Ledger};
use crate::random::Random;
use crate::token;

/// Number of acknowledged commands that a client keeps for duplicate attempts.
const REMEMBERED: usize = 50;

/// A client of the platform.
pub(crate) struct Client {
    number: usize,
    seed: u64,
    random: Random,
    api: Arc<Api>,
    ledger: Arc<Ledger>,
    reads: Reads,
    shared: Shared,
    resources: Resources,
    sent: u64,
    acknowledged: Vec<usize>,
}

/// A way to deliver a command.
#[derive(Clone, Copy)]
enum Delivery {
    /// Attempts until there is an answer.
    UntilAnswered,
    /// Two parallel attempts, each until there is an answer.
    Doubled,
    /// A single attempt, whose connection is dropped at a random moment.
    Abandoned,
}

impl Client {
    /// Creates a client whose commands follow from the seed and from its answers.
    pub(crate) fn new(
        number: usize,
        seed: u64,
        (api, ledger): (Arc<Api>, Arc<Ledger>),
        reads: Reads,
        shared: Shared,
    ) -> Self {
        Self {
            number,
            seed,
            random: Random::of(seed, "client", number),
            api,
            ledger,
            reads,
            shared,
            resources: Resources::default(),
            sent: 0,
            acknowledged: Vec::new(),
        }
    }

    /// Sends commands until `stop`, and then waits for the answer to the last one.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        while !*stop.borrow() {
            self.step().await?;
            let pause = self.random.millis(20, 160);
            tokio::select! {
                () = sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        if !self.acknowledged.is_empty() && self.random.happens(3) {
            // Deliberate duplicate delivery, long after the first.
            let place = *self.random.one_of(&self.acknowledged);
            let command = self.ledger.command(place);
            let mut random = self.random.clone();
            self.random.next();
            self.send_until_answered(place, &command, &mut random)
                .await?;
            return Ok(());
        }
        let unique = format!("{}-{}", self.number, self.sent);
        let operation = self
            .resources
            .operation(&mut self.random, &unique, &self.shared);
        let command = self.command(&operation);
        self.sent += 1;
        let place = self.ledger.open(command.clone())?;
        let delivery = self.random.weighted(&[
            (86, Delivery::UntilAnswered),
            (10, Delivery::Doubled),
            (4, Delivery::Abandoned),
        ]);
        let mut one = Random::of(self.random.next(), "one", 0);
        let mut other = Random::of(self.random.next(), "other", 0);
        let (process, answer) = match delivery {
            Delivery::UntilAnswered => self.send_until_answered(place, &command, &mut one).await?,
            Delivery::Doubled => {
                let (first, second) = tokio::join!(
                    self.send_until_answered(place, &command, &mut one),
                    self.send_until_answered(place, &command, &mut other),
                );
                first.and_then(|first| second.map(|_| first))?
            }
            Delivery::Abandoned => self.abandon(place, &command, &mut one).await?,
        };
        self.record_outcome(operation, place, process, answer).await;
        if self.random.happens(8) {
            self.reads.plain(&mut self.random).await;
        }
        Ok(())
    }

    /// Records the outcome of an operation. Sometimes reads at another process, with the token.
    async fn record_outcome(
        &mut self,
        operation: Operation,
        place: usize,
        process: usize,
        answer: Answer,
    ) {
        let field = operation.field;
        let Answer::Acknowledged { token } = answer else {
            return self.resources.failed(operation);
        };
        let places = token::places(&token).unwrap_or_default();
        self.resources.applied(operation, &places);
        if self.acknowledged.len() < REMEMBERED {
            self.acknowledged.push(place);
        } else {
            let forgotten = self.random.below(REMEMBERED);
            self.acknowledged[forgotten] = place;
        }
        if let Some(written) = places.first()
            && self.random.happens(12)
        {
            let other = (process + 1) % self.api.processes();
            self.reads.read(other, field, &token, *written).await;
        }
    }

    fn command(&self, operation: &Operation) -> Command {
        let client = u64::try_from(self.number + 1).expect("clients are few");
        Command {
            key: format!("{:x}-{}-{}", self.seed, self.number, self.sent),
            trace: format!("{:016x}{client:04x}{:012x}", self.seed, self.sent),
            field: operation.field,
            input: operation.input.clone(),
            effect: operation.effect,
        }
    }

    /// Sends a command until there is an answer. Returns the answer with the process that sent it.
    async fn send_until_answered(
        &self,
        place: usize,
        command: &Command,
        random: &mut Random,
    ) -> anyhow::Result<(usize, Answer)> {
        loop {
            let process = random.below(self.api.processes());
            let patience = random.millis(2_000, 12_000);
            let sent = self.ledger.now();
            let number = usize::try_from(sent).unwrap_or_default();
            let answer = self.api.send(process, command, number, patience).await;
            self.note(place, process, sent, answer.clone())?;
            if !matches!(answer, Answer::Unknown { .. }) {
                return Ok((process, answer));
            }
            sleep(random.millis(50, 600)).await;
        }
    }

    async fn abandon(
        &self,
        place: usize,
        command: &Command,
        random: &mut Random,
    ) -> anyhow::Result<(usize, Answer)> {
        let process = random.below(self.api.processes());
        let sent = self.ledger.now();
        let patience = random.millis(0, 30);
        let sending = self.api.send(process, command, 0, patience);
        let answer = timeout(patience, sending).await;
        let answer = answer.unwrap_or_else(|_| Answer::Unknown {
            why: "abandoned".to_owned(),
        });
        self.note(place, process, sent, answer.clone())?;
        Ok((process, answer))
    }

    fn note(&self, place: usize, api: usize, sent: u64, answer: Answer) -> anyhow::Result<()> {
        let ended = self.ledger.now();
        self.ledger.note(
            place,
            Attempt {
                api,
                sent,
                ended,
                answer,
            },
        )
    }
}
