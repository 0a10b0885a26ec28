//! Idempotency: a command that is sent again has one effect. The key, the hash of the request and the
//! receipt of the first run commit together with its events, or with its refusal.

/// The retention of a key, in days, at least. Keys are dropped with their partition of ten days.
pub const RETENTION_DAYS: i32 = 30;

/// A command that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The client's key, unique in its organization.
    pub key: String,
    /// The SHA-256 of the request.
    pub request_hash: [u8; 32],
    /// The receipt or the refusal, as JSON; a repeated command gets the same.
    pub receipt: String,
}

/// The first run of a repeated command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The SHA-256 of the first request.
    pub request_hash: Vec<u8>,
    /// The receipt of the first run, as JSON.
    pub receipt: String,
}
