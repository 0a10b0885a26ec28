//! Settings of `verify`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::{KafkaTopics, TargetDatabase, share};

/// Settings of `verify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) database: TargetDatabase,
    /// Check Kafka too, at these brokers.
    #[arg(long, env = "CLUSTERGENIE_KAFKA", value_name = "HOST:PORT,...")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) kafka: Option<String>,
    #[command(flatten)]
    pub(crate) topics: KafkaTopics,
    /// Compare read models for this share of streams, above 0 and up to 1. Each run takes another sample;
    /// its report shows the value for --sample-from.
    #[arg(long, default_value = "1", value_name = "SHARE", value_parser = sampled_share)]
    pub(crate) sample: f64,
    /// Repeat the sample of an earlier run, by the number from 0 to 65535 in its report.
    /// By default the sample is random.
    #[arg(long, value_name = "N")]
    pub(crate) sample_from: Option<u16>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn sampled_share(text: &str) -> Result<f64, String> {
    match share(text) {
        Ok(share) if share > 0.0 => Ok(share),
        Ok(_) => Err("nothing would be compared: write a number above 0, such as 0.05".to_owned()),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_something_in_it() {
        assert_eq!(sampled_share("0.02"), Ok(0.02));
        assert_eq!(sampled_share("1"), Ok(1.0));
        for bad in ["0", "0.0", "-1", "1.5", "NaN", "some"] {
            assert!(sampled_share(bad).is_err(), "{bad}");
        }
    }
}
