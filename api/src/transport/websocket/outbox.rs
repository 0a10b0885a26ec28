//! The messages that wait to be sent on one connection: a bounded queue, whose messages count as unread.

use axum::extract::ws::Message;
use tokio::sync::mpsc;

use super::protocol::Ending;
use crate::transport::send_budget::{Account, Held};

/// A message that waits to be sent.
pub(super) struct Queued {
    pub(super) message: Message,
    /// The counted bytes of the message; dropped when the message is written.
    pub(super) held: Held,
}

/// The sender of messages; clones send into the same queue. The queue holds boxes, because it keeps room for dozens of
/// entries while it is empty.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Box<Queued>>,
    account: Account,
}

/// Creates a queue of this many messages, which count for this account.
pub(super) fn new(messages: usize, account: Account) -> (Outbox, mpsc::Receiver<Box<Queued>>) {
    let (queue, queued) = mpsc::channel(messages);
    (Outbox { queue, account }, queued)
}

impl Outbox {
    /// Makes later messages count for another account.
    pub(super) fn count_for(&mut self, account: Account) {
        self.account = account;
    }

    /// Puts a message into the queue, and waits while it is full.
    ///
    /// # Errors
    /// The ending of the connection, when the message cannot be sent any more or there is too much unread.
    pub(super) async fn send(&self, message: Message) -> Result<(), Ending> {
        let bytes = message.to_text().map_or(0, str::len);
        let held = self.account.hold(bytes);
        let held = held.map_err(|_| Ending::too_much_unread())?;
        let queued = Box::new(Queued { message, held });
        self.queue.send(queued).await.map_err(|_| Ending::Gone)
    }
}
