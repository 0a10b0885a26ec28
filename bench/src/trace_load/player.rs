//! Plays a plan in its order, many rows at a time, one moment of a row after another.

use std::collections::VecDeque;
use std::sync::Arc;

use indicatif::ProgressBar;
use serde_json::{Map, Value};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::plan::Moment;
use super::rows::Row;
use super::step::{Ids, Sent, Step, document};

/// Maximum number of moments that wait for an earlier moment of their row, in multiples of the concurrency.
/// The moments of one row often follow each other closely and wait for each other.
const LOOK_AHEAD: usize = 4;
/// Maximum number of refusals that are kept word for word.
const REMEMBERED: usize = 5;

/// A trace that is ready to be played.
#[derive(Debug)]
pub(super) struct Playable {
    /// The file's name, the prefix of idempotency keys.
    pub(super) file_name: String,
    pub(super) rows: Vec<Row>,
    /// The slug of the size of each row.
    pub(super) sizes: Vec<String>,
    pub(super) moments: Vec<Moment>,
}

/// The result of playing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Mutations that were answered.
    pub(super) mutations: u64,
    /// Mutations that the platform refused, or that could not be sent because of such a refusal.
    pub(super) refused: u64,
    /// The first refusals, in sentences.
    pub(super) refusals: Vec<String>,
    /// The consistency tokens of the moments that ended last, as many as ran at once. All others had ended
    /// before the last event was written, so they have positions when these have.
    pub(super) last_tokens: VecDeque<String>,
}

/// Plays all moments, or until `stop`, and then lets the running ones end. `progress` advances by one with
/// every moment.
///
/// # Errors
/// When the platform refuses a request as a whole, or does not answer any more.
pub(super) async fn play(
    client: Arc<Client>,
    playable: Arc<Playable>,
    concurrency: usize,
    progress: &ProgressBar,
    stop: &CancellationToken,
) -> anyhow::Result<Tally> {
    let mut playing = Playing {
        rows: vec![Task::default(); playable.rows.len()],
        running: JoinSet::new(),
        held_back: 0,
        client,
        playable: Arc::clone(&playable),
    };
    let mut moments = playable.moments.iter().copied();
    let mut tally = Tally::default();
    loop {
        while playing.running.len() < concurrency
            && playing.held_back < concurrency * LOOK_AHEAD
            && !stop.is_cancelled()
        {
            match moments.next() {
                Some(moment) => playing.begin(moment),
                None => break,
            }
        }
        let Some(ended) = playing.running.join_next().await else {
            return Ok(tally);
        };
        let played = ended.expect("playing a moment does not panic and is not aborted")?;
        tally.add(&played, concurrency);
        progress.inc(1);
        playing.end(played, stop);
    }
}

/// The rows that are being played.
struct Playing {
    client: Arc<Client>,
    playable: Arc<Playable>,
    rows: Vec<Task>,
    running: JoinSet<anyhow::Result<Played>>,
    /// Moments that wait for an earlier moment of their row.
    held_back: usize,
}

/// A row that is being played.
#[derive(Clone, Debug, Default)]
struct Task {
    ids: Ids,
    busy: bool,
    waiting: VecDeque<Moment>,
}

/// A moment that was played.
struct Played {
    row: usize,
    ids: Ids,
    mutations: u64,
    refusals: Vec<String>,
    /// The consistency token of the last mutation that was executed.
    token: Option<String>,
}

impl Playing {
    /// Plays a moment, at once or after the earlier moments of its row.
    fn begin(&mut self, moment: Moment) {
        let row = &mut self.rows[moment.row];
        if row.busy {
            row.waiting.push_back(moment);
            self.held_back += 1;
        } else {
            row.busy = true;
            self.start(moment);
        }
    }

    fn end(&mut self, played: Played, stop: &CancellationToken) {
        let row = &mut self.rows[played.row];
        row.ids = played.ids;
        row.busy = false;
        if stop.is_cancelled() {
            return;
        }
        if let Some(next) = row.waiting.pop_front() {
            row.busy = true;
            self.held_back -= 1;
            self.start(next);
        }
    }

    fn start(&mut self, moment: Moment) {
        let (client, playable) = (Arc::clone(&self.client), Arc::clone(&self.playable));
        let ids = self.rows[moment.row].ids.clone();
        self.running
            .spawn(async move { play_moment(&client, &playable, moment, ids).await });
    }
}

impl Tally {
    /// Adds a moment, of at most `concurrency` that ran at once.
    fn add(&mut self, played: &Played, concurrency: usize) {
        self.mutations += played.mutations;
        self.refused += played.refusals.len() as u64;
        let room = REMEMBERED.saturating_sub(self.refusals.len());
        self.refusals
            .extend(played.refusals.iter().take(room).cloned());
        if let Some(token) = &played.token {
            self.last_tokens.push_back(token.clone());
            if self.last_tokens.len() > concurrency {
                self.last_tokens.pop_front();
            }
        }
    }
}

async fn play_moment(
    client: &Client,
    playable: &Playable,
    moment: Moment,
    mut ids: Ids,
) -> anyhow::Result<Played> {
    let row = &playable.rows[moment.row];
    let (mut mutations, mut refusals, mut token) = (0, Vec::new(), None);
    for steps in moment.change.requests() {
        let sent = Sent {
            row,
            size: &playable.sizes[moment.row],
            ids: &ids,
            at: moment.at(),
        };
        let Some(variables) = variables(playable, moment.row, steps, sent) else {
            // Its droplet or job was refused before; the platform has nothing that this is about.
            refusals.extend(
                steps
                    .iter()
                    .map(|step| format!("{}: {} was not sent", row.name, step.field())),
            );
            continue;
        };
        let data = client.send(&document(steps), variables).await?;
        for (index, step) in steps.iter().enumerate() {
            let payload = &data[format!("s{index}")];
            mutations += 1;
            token = payload["consistencyToken"]
                .as_str()
                .map(str::to_owned)
                .or(token);
            match step {
                Step::ProvisionDroplet => ids.droplet = id(&payload["droplet"]),
                Step::SubmitJob => ids.job = id(&payload["job"]),
                _ => {}
            }
            refusals.extend(
                refusal(&payload["userErrors"])
                    .map(|why| format!("{}: {} was refused: {why}", row.name, step.field())),
            );
        }
    }
    Ok(Played {
        row: moment.row,
        ids,
        mutations,
        refusals,
        token,
    })
}

/// The variables of a request; `None` if a step needs an id that the row never received.
fn variables(playable: &Playable, row: usize, steps: &[Step], sent: Sent<'_>) -> Option<Value> {
    let mut variables = Map::new();
    for (index, step) in steps.iter().enumerate() {
        // Counted from 1, as people count rows.
        let key = format!("trace:{}:{}:{}", playable.file_name, row + 1, step.field());
        variables.insert(format!("input{index}"), step.input(sent)?);
        variables.insert(format!("key{index}"), key.into());
    }
    Some(variables.into())
}

fn id(node: &Value) -> Option<String> {
    node["id"].as_str().map(str::to_owned)
}

/// All user errors of a payload in one sentence, if there are any.
fn refusal(user_errors: &Value) -> Option<String> {
    let told: Vec<_> = user_errors
        .as_array()?
        .iter()
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default();
            format!("{} ({})", text("message"), text("code"))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_many_tokens_are_kept_as_there_were_moments_at_once() {
        let mut tally = Tally::default();
        for token in [Some("1"), Some("2"), None, Some("3")] {
            let played = Played {
                row: 0,
                ids: Ids::default(),
                mutations: 1,
                refusals: Vec::new(),
                token: token.map(str::to_owned),
            };
            tally.add(&played, 2);
        }
        assert_eq!(tally.last_tokens, ["2", "3"]);
    }

    #[test]
    fn a_refusal_tells_everything_that_was_wrong() {
        assert_eq!(refusal(&json!([])), None);
        let errors = json!([
            { "field": ["input", "name"], "message": "taken", "code": "NAME_TAKEN" },
            { "field": null, "message": "bad", "code": "INVALID_VALUE" },
        ]);
        assert_eq!(
            refusal(&errors).unwrap(),
            "taken (NAME_TAKEN); bad (INVALID_VALUE)"
        );
    }
}
