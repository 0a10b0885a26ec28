//! The claims of a token: those registered by RFC 7519, and ours.
//!
//! A claim that is present has the type of the standard, also where its value does not matter here (`iat`,
//! `jti`). Claims of others are ignored. Of two claims of one name the last counts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::OrgId;
use serde_json::{Map, Value};

use super::{AUDIENCE, AuthError, ISSUER, LEEWAY_SECONDS, MAX_SUBJECT_CHARS};
use crate::identity::principal::Principal;
use crate::identity::roles::{Role, Roles};

/// The last second that RFC 3339 can write: the end of the year 9999. A later expiry counts as this one.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Returns the principal that the claims of a correctly signed token describe.
///
/// # Errors
/// When a claim is missing, has another type, or makes the token invalid now.
pub(super) fn check(
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Principal, AuthError> {
    if required(claims, "iss", text)? != ISSUER {
        return Err(AuthError::WrongIssuer);
    }
    if optional(claims, "aud", texts)?.is_some_and(|names| !names.contains(&AUDIENCE)) {
        return Err(AuthError::WrongAudience);
    }
    let leeway = TimeDelta::seconds(LEEWAY_SECONDS.cast_signed());
    let expires_at = required(claims, "exp", time)?;
    if expires_at <= now - leeway {
        return Err(AuthError::Expired);
    }
    if optional(claims, "nbf", time)?.is_some_and(|not_before| not_before > now + leeway) {
        return Err(AuthError::NotYetValid);
    }
    optional(claims, "iat", time)?;
    let credential = optional(claims, "jti", text)?;
    Ok(Principal {
        subject: printable(required(claims, "sub", text)?).ok_or(AuthError::InvalidSubject)?,
        credential: credential
            .map(|id| printable(id).ok_or(AuthError::InvalidTokenId))
            .transpose()?,
        org: OrgId::parse(required(claims, "org", text)?)
            .map_err(|_| AuthError::InvalidOrganization)?,
        roles: roles(&required(claims, "roles", list)?)?,
        expires_at,
    })
}

/// Returns a text that can be stored with every command, if this is one.
fn printable(text: &str) -> Option<String> {
    let fits = (1..=MAX_SUBJECT_CHARS).contains(&text.chars().count());
    (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn roles(names: &[&str]) -> Result<Roles, AuthError> {
    let known = |name: &&str| Role::named(name).ok_or(AuthError::UnknownRole);
    let roles: Roles = names.iter().map(known).collect::<Result<_, _>>()?;
    if roles.is_empty() {
        return Err(AuthError::NoRole);
    }
    Ok(roles)
}

/// Reads the value of a claim. The error is the type that the claim must have.
type Read<'claims, T> = fn(&'claims Value) -> Result<T, &'static str>;

fn required<'claims, T>(
    claims: &'claims Map<String, Value>,
    claim: &'static str,
    read: Read<'claims, T>,
) -> Result<T, AuthError> {
    optional(claims, claim, read)?.ok_or(AuthError::Missing(claim))
}

/// Reads a claim. `null` is a value like any other: it has the wrong type.
fn optional<'claims, T>(
    claims: &'claims Map<String, Value>,
    claim: &'static str,
    read: Read<'claims, T>,
) -> Result<Option<T>, AuthError> {
    let value = claims.get(claim).map(read).transpose();
    value.map_err(|expected| AuthError::WrongType { claim, expected })
}

fn text(value: &Value) -> Result<&str, &'static str> {
    value.as_str().ok_or("a string")
}

fn list(value: &Value) -> Result<Vec<&str>, &'static str> {
    let list = value.as_array().map(|list| list.iter().map(Value::as_str));
    list.and_then(Iterator::collect).ok_or("a list of strings")
}

/// Reads a string, or a list of strings.
fn texts(value: &Value) -> Result<Vec<&str>, &'static str> {
    match value {
        Value::String(text) => Ok(vec![text]),
        other => list(other).map_err(|_| "a string or a list of strings"),
    }
}

/// Reads a `NumericDate`: seconds since 1970, also with a fraction or an exponent. Times before 1970 count as
/// 1970.
fn time(value: &Value) -> Result<DateTime<Utc>, &'static str> {
    let number = value.as_f64().ok_or("a number of seconds since 1970")?;
    let seconds = number.clamp(0.0, LAST_SECOND);
    // In range: seconds of 0 to 9999 years, and less than a second of nanoseconds.
    let (whole, nanoseconds) = (seconds.floor() as i64, (seconds.fract() * 1e9) as u32);
    Ok(DateTime::from_timestamp(whole, nanoseconds).expect("the range is that of the calendar"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The time of the tests, in seconds since 1970.
    const NOW: i64 = 1_893_456_000;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(NOW, 500_000_000).unwrap()
    }

    fn valid() -> Value {
        json!({
            "iss": ISSUER, "sub": "ada", "org": "acme", "roles": ["viewer"], "exp": NOW + 60,
        })
    }

    /// Checks valid claims, with this one replaced or added.
    fn with(name: &str, value: Value) -> Result<Principal, AuthError> {
        let mut claims = valid();
        claims[name] = value;
        check(claims.as_object().unwrap(), now())
    }

    #[test]
    fn a_missing_claim_is_named() {
        for claim in ["iss", "exp", "sub", "org", "roles"] {
            let mut claims = valid();
            let claims = claims.as_object_mut().unwrap();
            claims.remove(claim);
            assert_eq!(check(claims, now()), Err(AuthError::Missing(claim)));
        }
    }

    #[test]
    fn a_claim_of_another_type_is_named() {
        let all = [
            json!(null),
            json!(true),
            json!(3),
            json!(1e300),
            json!("x"),
            json!([]),
            json!(["x"]),
            json!([3]),
            json!({"x": ["y"]}),
        ];
        for (claim, fits) in [
            ("iss", Value::is_string as fn(&Value) -> bool),
            ("sub", Value::is_string),
            ("jti", Value::is_string),
            ("org", Value::is_string),
            ("exp", Value::is_number),
            ("nbf", Value::is_number),
            ("iat", Value::is_number),
            ("roles", |value| {
                value == &json!([]) || value == &json!(["x"])
            }),
            ("aud", |value| {
                value.is_string() || value == &json!([]) || value == &json!(["x"])
            }),
        ] {
            for value in all.iter().filter(|value| !fits(value)) {
                let refused = with(claim, value.clone()).unwrap_err();
                assert!(
                    matches!(refused, AuthError::WrongType { claim: named, .. } if named == claim),
                    "{claim}: {value}: {refused}"
                );
                assert!(refused.to_string().contains(&format!("`{claim}` must be")));
            }
        }
    }

    #[test]
    fn times_may_have_fractions_and_exponents_and_lie_far_away() {
        for (exp, expires_at) in [
            (json!(1_893_456_000.75), "2030-01-01T00:00:00.750Z"),
            (json!(1.893_456_1e9), "2030-01-01T00:01:40Z"),
            (json!(253_402_300_800_i64), "9999-12-31T23:59:59Z"),
            (json!(u64::MAX), "9999-12-31T23:59:59Z"),
            (json!(1e300), "9999-12-31T23:59:59Z"),
        ] {
            let principal = with("exp", exp.clone()).unwrap();
            let expected: DateTime<Utc> = expires_at.parse().unwrap();
            assert_eq!(principal.expires_at, expected, "{exp}");
        }
        for exp in [json!(0), json!(-1), json!(-1e300), json!(0.5)] {
            assert_eq!(with("exp", exp), Err(AuthError::Expired));
        }
        for iat in [json!(-1.5), json!(1e300), json!(NOW + 1_000_000)] {
            assert!(with("iat", iat).is_ok());
        }
    }

    #[test]
    fn a_token_is_valid_from_nbf_until_exp_with_the_leeway() {
        // The time of the tests is half a second after `NOW`.
        assert!(with("exp", json!(NOW - 4)).is_ok());
        assert_eq!(with("exp", json!(NOW - 5)), Err(AuthError::Expired));
        assert_eq!(
            with("exp", json!(NOW as f64 - 4.5)),
            Err(AuthError::Expired)
        );
        assert!(with("nbf", json!(NOW + 5)).is_ok());
        assert!(with("nbf", json!(NOW as f64 + 5.5)).is_ok());
        assert!(with("nbf", json!(-1)).is_ok());
        for nbf in [json!(NOW + 6), json!(NOW as f64 + 5.75), json!(1e300)] {
            assert_eq!(with("nbf", nbf), Err(AuthError::NotYetValid));
        }
    }

    #[test]
    fn issuer_and_audience_are_this_platform() {
        for iss in ["x", "", "Clustergenie", "https://clustergenie"] {
            assert_eq!(with("iss", json!(iss)), Err(AuthError::WrongIssuer));
        }
        for aud in [json!(AUDIENCE), json!(["x", AUDIENCE])] {
            assert!(with("aud", aud).is_ok());
        }
        for aud in [
            json!("x"),
            json!(""),
            json!("ClusterGenie"),
            json!([]),
            json!(["x", "y"]),
        ] {
            assert_eq!(with("aud", aud), Err(AuthError::WrongAudience));
        }
    }

    #[test]
    fn subject_organization_and_roles_must_fit() {
        for sub in [json!(""), json!("a\0"), json!("x".repeat(256))] {
            assert_eq!(with("sub", sub), Err(AuthError::InvalidSubject));
        }
        let org = with("org", json!("Acme"));
        assert_eq!(org, Err(AuthError::InvalidOrganization));
        let roles = with("roles", json!(["viewer", "root"]));
        assert_eq!(roles, Err(AuthError::UnknownRole));
        assert_eq!(with("roles", json!([])), Err(AuthError::NoRole));
        assert!(with("azp", json!({"of": "others"})).is_ok());
    }
}
