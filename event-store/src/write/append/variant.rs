//! The variants of the append statement: its text without the parts that a batch does not need.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Prepared;

const WHOLE: &str = include_str!("../append.sql");

/// The parts of the statement that a batch needs. `append.sql` says what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Parts {
    pub(super) names: bool,
    pub(super) keys: bool,
    pub(super) records: bool,
    pub(super) shared: bool,
}

/// A variant of the statement.
#[derive(Debug)]
pub(super) struct Variant {
    /// The text, with numbered parameters.
    pub(super) text: String,
    /// The names of the parameters, in the order of their numbers.
    pub(super) parameters: Vec<String>,
}

static VARIANTS: LazyLock<HashMap<Parts, Variant>> = LazyLock::new(|| {
    let all = Parts::all();
    all.map(|parts| (parts, Variant::new(WHOLE, parts)))
        .collect()
});

impl Parts {
    /// Returns the parts that commands need.
    pub(super) fn of(batch: &[&Prepared]) -> Self {
        let any = |needs: fn(&Prepared) -> bool| batch.iter().any(|prepared| needs(prepared));
        Self {
            names: any(|prepared| !prepared.append().names.is_empty()),
            keys: any(|prepared| prepared.append().keyed.is_some()),
            records: any(|prepared| prepared.append().record.is_some()),
            shared: any(Prepared::shares),
        }
    }

    /// Returns the variant with these parts.
    pub(super) fn variant(self) -> &'static Variant {
        &VARIANTS[&self]
    }

    fn all() -> impl Iterator<Item = Self> {
        (0..16_u8).map(|bits| Self {
            names: bits & 1 != 0,
            keys: bits & 2 != 0,
            records: bits & 4 != 0,
            shared: bits & 8 != 0,
        })
    }

    fn has(self, part: &str) -> bool {
        match part {
            "names" => self.names,
            "keys" => self.keys,
            "records" => self.records,
            "shared" => self.shared,
            other => unreachable!("the statement has no part {other}"),
        }
    }
}

impl Variant {
    fn new(whole: &str, parts: Parts) -> Self {
        let mut left_out = 0;
        let mut text = String::with_capacity(whole.len());
        for line in whole.lines() {
            let mark = line.trim().strip_prefix("-- ");
            if let Some(part) = mark.and_then(|mark| mark.strip_prefix('[')) {
                left_out += u32::from(left_out > 0 || !parts.has(part));
            } else if mark.is_some_and(|mark| mark.ends_with(']') && !mark.contains(' ')) {
                left_out = u32::saturating_sub(left_out, 1);
            } else if left_out == 0 {
                text.push_str(line);
                text.push('\n');
            }
        }
        Self::numbered(&text)
    }

    /// Replaces the names of parameters by numbers.
    fn numbered(named: &str) -> Self {
        let mut parameters: Vec<String> = Vec::new();
        let mut parts = named.split('$');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
            let name = part
                .split(|character| !is_name(character))
                .next()
                .unwrap_or_default();
            let known = parameters.iter().position(|known| known == name);
            let number = known.unwrap_or_else(|| {
                parameters.push(name.to_owned());
                parameters.len() - 1
            });
            text.push_str(&format!("${}{}", number + 1, &part[name.len()..]));
        }
        Self { text, parameters }
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    #[test]
    fn parts_are_left_out_with_those_in_them() {
        let whole =
            "a $x::int $y\n-- [names\nb $z\n  -- [shared\nc\n  -- shared]\nd\n-- names]\ne $y\n";
        let variant = |names, shared| {
            let parts = Parts {
                names,
                shared,
                ..Parts::default()
            };
            Variant::new(whole, parts)
        };
        assert_eq!(variant(false, true).text, "a $1::int $2\ne $2\n");
        assert_eq!(variant(true, false).text, "a $1::int $2\nb $3\nd\ne $2\n");
        assert_eq!(variant(true, true).text, "a $1::int $2\nb $3\nc\nd\ne $2\n");
        assert_eq!(variant(true, true).parameters, ["x", "y", "z"]);
    }

    #[test]
    fn every_parameter_is_bound() {
        for parts in Parts::all() {
            let variant = parts.variant();
            let mut columns = Columns::default();
            let mut query = sqlx::query(&*variant.text);
            for parameter in &variant.parameters {
                query = columns.bind(query, parameter);
            }
            assert!(!variant.text.contains("-- [") && variant.parameters.len() > 15);
        }
    }
}
