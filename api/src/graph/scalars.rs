//! Scalars that GraphQL does not have.

use std::borrow::Cow;

use async_graphql::{
    Description, ID, InputValueError, InputValueResult, OutputType, Scalar, ScalarType, Value,
};
use chrono::{DateTime, Timelike, Utc};
use projections::model::JsonText;
use uuid::Uuid;

use crate::graph::execute::output::{Output, Write};
use crate::graph::execute::plan::Field;
use crate::graph::execute::types::Types;
use crate::graph::execute::writer::{Failed, Writer};

mod rfc3339;

/// The nanoseconds of a second; a leap second has more.
const NANOSECONDS: u32 = 1_000_000_000;

/// A point in time by RFC 3339, such as `2026-11-01T12:00:00Z`. The platform returns times in UTC, with as
/// many decimals of a second as needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub(crate) struct Time(pub(crate) DateTime<Utc>);

#[Scalar(
    name = "DateTime",
    specified_by_url = "https://datatracker.ietf.org/doc/html/rfc3339",
    use_type_description
)]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => match DateTime::parse_from_rfc3339(text) {
                // Postgres has no leap seconds.
                Ok(time) if time.nanosecond() >= NANOSECONDS => Err(InputValueError::custom(
                    "leap seconds cannot be stored: write the second before or after",
                )),
                Ok(time) => Ok(Self(time.to_utc())),
                Err(_) => Err(InputValueError::custom(
                    "write a time like \"2026-11-01T12:00:00Z\"",
                )),
            },
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        let mut text = Vec::new();
        rfc3339::write(&self.0, &mut text);
        Value::String(String::from_utf8(text).expect("digits and punctuation are UTF-8"))
    }
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// A whole number of 64 bits, written as a decimal string such as `"1500000"`, because JavaScript loses
/// digits beyond 53 bits. Inputs accept a number too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Description)]
pub(crate) struct BigInt(pub(crate) i64);

#[Scalar(use_type_description)]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        number
            .map(Self)
            .ok_or_else(|| InputValueError::expected_type(value))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<i64> for BigInt {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

/// Any JSON value. Whole numbers of 64 bits keep all digits; other numbers become doubles, so send longer ones as
/// strings. Objects are returned with sorted names, and have the last of several values with one name.
#[derive(Debug, Description)]
pub(crate) struct JsonInput(pub(crate) serde_json::Value);

#[Scalar(name = "JSON", use_type_description)]
impl ScalarType for JsonInput {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(json(value)))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// Converts a value member by member. A conversion by serde would replace objects with names that `serde_json`
/// keeps for itself.
fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Number(number) => serde_json::Value::Number(number),
        Value::String(text) => serde_json::Value::String(text),
        Value::Boolean(value) => serde_json::Value::Bool(value),
        Value::Enum(name) => serde_json::Value::String(name.to_string()),
        Value::List(items) => items.into_iter().map(json).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, field)| (name.to_string(), json(field)))
                .collect()
        }
        Value::Binary(_) => unreachable!("a request has no binary values"),
    }
}

/// A JSON value as text.
pub(crate) struct Json(pub(crate) String);

/// A UUID, which clients get as an id.
pub(crate) struct UuidId(pub(crate) Uuid);

macro_rules! scalars {
    ($($Type:ty: $name:literal, $described:ty, |$value:ident, $out:ident| $write:expr;)+) => {
        $(
            impl Write for $Type {
                fn write(&self, _: &Field, $out: &mut Writer<'_>) -> Result<(), Failed> {
                    let $value = &self.0;
                    $write;
                    Ok(())
                }
            }

            impl Output for $Type {
                fn name() -> Cow<'static, str> {
                    $name.into()
                }

                fn describe(types: &mut Types) {
                    <$described as OutputType>::create_type_info(&mut types.registry);
                }
            }
        )+
    };
}

impl Write for JsonText {
    fn write(&self, _: &Field, out: &mut Writer<'_>) -> Result<(), Failed> {
        out.raw(self.as_str());
        Ok(())
    }
}

impl Output for JsonText {
    fn name() -> Cow<'static, str> {
        Json::name()
    }

    fn describe(types: &mut Types) {
        Json::describe(types);
    }
}

scalars! {
    Time: "DateTime", Time, |time, out| {
        out.plain(|bytes| rfc3339::write(time, bytes));
    };
    BigInt: "BigInt", BigInt, |number, out| {
        // Decimal digits need no escapes.
        out.plain(|bytes| bytes.extend_from_slice(number.to_string().as_bytes()));
    };
    Json: "JSON", JsonInput, |text, out| out.raw(text);
    UuidId: "ID", ID, |uuid, out| {
        let mut digits = Uuid::encode_buffer();
        let digits = uuid.hyphenated().encode_lower(&mut digits);
        out.plain(|bytes| bytes.extend_from_slice(digits.as_bytes()));
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc_and_short() {
        let time = Time::parse(Value::from("2026-11-01T13:00:00.25+01:00")).unwrap();
        assert_eq!(time.to_value(), Value::from("2026-11-01T12:00:00.250Z"));
        let whole = Time::parse(Value::from("2023-01-01T00:00:00Z")).unwrap();
        assert_eq!(whole.to_value(), Value::from("2023-01-01T00:00:00Z"));
    }

    #[test]
    fn other_times_are_refused() {
        for bad in [
            "",
            "yesterday",
            "2026-11-01",
            "2026-11-01T12:00:00",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
        ] {
            assert!(Time::parse(Value::from(bad)).is_err(), "{bad:?} was taken");
        }
        assert!(Time::parse(Value::from(0)).is_err());
    }

    #[test]
    fn large_numbers_keep_their_digits() {
        let text = Value::from("9223372036854775807");
        assert_eq!(BigInt::parse(text.clone()).unwrap().to_value(), text);
        assert_eq!(BigInt::parse(Value::from(-5)).unwrap(), BigInt(-5));
        assert!(BigInt::parse(Value::from("1.5")).is_err());
        assert!(BigInt::parse(Value::from(true)).is_err());
    }
}
