//! The position after which a publisher begins, or the reason why it must not begin.
//!
//! Nothing is published twice, and no position is published below another one of its partition. So the publisher
//! begins after what Kafka has, if that is of this log. Otherwise an operator has to say that it may begin, and where
//! (`--republish-from`):
//! - *Kafka has nothing, although this log was published before:* the topics were lost, or are others.
//! - *Kafka has what another server or database published, of which this log may be a copy.*
//!
//! What the operator says counts in these two cases only, so a setting that stays does nothing later. Topics that hold
//! what this log lost, or another log, take nothing more at all: positions would not ascend. The operator deletes them,
//! or chooses a prefix, and then it is the first case.

use anyhow::{bail, ensure};
use event_store::envelope::Position;
use event_store::incarnation;
use event_store::log;
use sqlx::PgPool;

use super::Target;
use crate::lag;
use crate::progress::{Mismatch, Standing};

/// Returns the position up to which Kafka has everything that it is to have of this log.
///
/// # Errors
/// When nothing must be published, with what to do; and when Postgres fails.
pub(super) async fn position(
    pool: &PgPool,
    target: &Target,
    standing: Option<&Standing>,
) -> anyhow::Result<Position> {
    let topics = &target.topics;
    let Some(standing) = standing else {
        let published = lag::noted(pool).await?;
        return match target.republish_from {
            Some(from) => before(pool, from).await,
            None if published > Position::START => bail!(
                "the topics of `{}` hold nothing, though events up to position {published} were published: if they \
                 are the right topics, start the relay with --republish-from 1 to publish everything again, or with a \
                 later position if readers need less",
                topics.progress()
            ),
            None => Ok(Position::START),
        };
    };
    let lineage = incarnation::ensure(pool).await?;
    match standing.check(pool, &lineage).await? {
        None => Ok(standing.position),
        Some(Mismatch::Copy)
            if target.republish_from == Some(Position(standing.position.0 + 1)) =>
        {
            Ok(standing.position)
        }
        Some(mismatch) => bail!(standing.explain(&mismatch, topics)),
    }
}

/// Returns the position before the one that an operator named.
async fn before(pool: &PgPool, from: Position) -> anyhow::Result<Position> {
    let next = Position(log::head(pool).await?.0 + 1);
    ensure!(
        (Position(1)..=next).contains(&from),
        "--republish-from {from} is not a position of this log: use 1 to {next}"
    );
    Ok(Position(from.0 - 1))
}
