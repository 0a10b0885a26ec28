//! The columns of a row: the names of its fields, as serde has them.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The names of the fields of a struct, in the order of their declaration; none for a type that is no
/// struct of named fields.
pub(crate) fn of<R: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields = Fields(&[]);
    // Always an error: the struct only says what it would read.
    let _ = R::deserialize(&mut fields);
    fields.0
}

/// A deserializer without values, which keeps the names of the fields that it is asked for.
struct Fields(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Fields {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0 = fields;
        Err(Error::custom("the fields are known"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("a row is a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the names matter")]
    struct Named {
        id: i32,
        #[serde(rename = "org_id")]
        org: String,
        note: Option<String>,
    }

    #[test]
    fn fields_are_named_as_they_are_stored() {
        assert_eq!(of::<Named>(), ["id", "org_id", "note"]);
        assert!(of::<Vec<i32>>().is_empty());
    }
}
