//! What waits to be sent on one connection: a bounded queue, whose messages count as unread.

use axum::extract::ws::Message;
use tokio::sync::mpsc;

use super::protocol::Ending;
use crate::transport::send_budget::{Account, Held};

/// A message that waits.
pub(super) struct Queued {
    pub(super) message: Message,
    /// To be dropped when it is written.
    pub(super) held: Held,
}

/// Where messages are put; clones put them into the same queue.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Queued>,
    account: Account,
}

/// A queue of so many messages, which count for this account.
pub(super) fn new(messages: usize, account: Account) -> (Outbox, mpsc::Receiver<Queued>) {
    let (queue, queued) = mpsc::channel(messages);
    (Outbox { queue, account }, queued)
}

impl Outbox {
    /// From now on messages count for another account.
    pub(super) fn count_for(&mut self, account: Account) {
        self.account = account;
    }

    /// Puts a message into the queue, and waits while it is full.
    ///
    /// # Errors
    /// How the connection ends, when the message cannot be sent any more or there is too much unread.
    pub(super) async fn send(&self, message: Message) -> Result<(), Ending> {
        let bytes = message.to_text().map_or(0, str::len);
        let held = self.account.hold(bytes);
        let held = held.map_err(|_| Ending::too_much_unread())?;
        let queued = Queued { message, held };
        self.queue.send(queued).await.map_err(|_| Ending::Gone)
    }
}
