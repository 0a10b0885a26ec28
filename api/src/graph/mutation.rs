//! The last step of every mutation that sends a command.

use async_graphql::{Context, Result};
use commands::context;
use commands::error::CommandError;
use commands::execute::Commands;
use commands::receipt::Receipt;

use crate::graph::input::Check;
use crate::graph::payload::Outcome;
use crate::graph::scalars::Time;
use crate::graph::services::Services;

/// Executes the command that was read from an input; `read` is `None` if the input was invalid.
///
/// # Errors
/// When the command was neither executed nor rejected.
pub(crate) async fn carry_out<Command, Payload, Carrying>(
    context: &Context<'_>,
    check: Check<'_>,
    occurred_at: Option<Time>,
    read: Option<Command>,
    carry: impl FnOnce(Commands, context::Context, Command) -> Carrying,
) -> Result<Payload>
where
    Payload: From<Outcome>,
    Carrying: Future<Output = Result<Receipt, CommandError>>,
{
    let (about, command) = match check.finish(occurred_at, read) {
        Ok(checked) => checked,
        Err(errors) => return Ok(Outcome::Refused(errors).into()),
    };
    let commands = context.data::<Services>()?.commands.clone();
    Ok(Outcome::of(carry(commands, about, command).await)?.into())
}
