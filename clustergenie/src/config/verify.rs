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
    /// The share of streams, above 0 and up to 1, whose rows of read models are folded again and compared.
    /// They are other streams each time, and the report names them for `--sample-from`.
    #[arg(long, default_value = "1", value_name = "SHARE", value_parser = sampled_share)]
    pub(crate) sample: f64,
    /// Where the sample begins among the streams, from 0 to 65535, as the report of an earlier run tells
    /// it: looks at the same streams again. By default anywhere.
    #[arg(long, value_name = "N")]
    pub(crate) sample_from: Option<u16>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn sampled_share(text: &str) -> Result<f64, String> {
    match share(text) {
        Ok(share) if share > 0.0 => Ok(share),
        Ok(_) => Err(
            "of no stream, no row would be compared: write a number above 0, such as 0.05"
                .to_owned(),
        ),
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
