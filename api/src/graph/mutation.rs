//! The last step of every mutation that sends a command.

use commands::context;
use commands::error::CommandError;
use commands::execute::Commands;
use commands::receipt::Receipt;

use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::input::Check;
use crate::graph::payload::Outcome;
use crate::graph::scalars::Time;

/// Executes the command that was read from an input; `read` is `None` if the input was invalid.
///
/// # Errors
/// When the command was neither executed nor rejected.
pub(crate) async fn carry_out<Command, Payload, Carrying>(
    context: &Context,
    check: Check<'_>,
    occurred_at: Option<Time>,
    read: Option<Command>,
    carry: impl FnOnce(Commands, context::Context, Command) -> Carrying,
) -> Result<Payload>
where
    Payload: From<Outcome>,
    Carrying: Future<Output = std::result::Result<Receipt, CommandError>>,
{
    let (about, command) = match check.finish(occurred_at, read) {
        Ok(checked) => checked,
        Err(errors) => return Ok(Outcome::Refused(errors).into()),
    };
    let commands = context.services().commands.clone();
    Ok(Outcome::of(carry(commands, about, command).await)?.into())
}
