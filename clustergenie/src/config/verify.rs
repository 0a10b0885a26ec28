//! Settings of `verify`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{KafkaTopics, SomeDatabase, share};

/// Settings of `verify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) database: SomeDatabase,
    /// Look at Kafka too, by these brokers.
    #[arg(long, env = "CLUSTERGENIE_KAFKA", value_name = "HOST:PORT,...")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) topics: KafkaTopics,
    /// The share of streams, from 0 to 1, whose rows of read models are folded again and compared.
    #[arg(long, default_value = "1", value_name = "SHARE", value_parser = share)]
    pub(crate) sample: f64,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
