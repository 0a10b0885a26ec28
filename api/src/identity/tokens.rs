//! Authenticates requests by signed tokens (JWT, HS256) and their claims.
//!
//! A token names its subject, one organization and roles, and expires. The organization bounds every action
//! with the token. No claim is trusted before the signature is checked.

mod signature;

use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::identity::principal::Principal;
use crate::identity::roles::{Role, Roles};

/// The issuer of tokens; the claim `iss` of every token.
pub const ISSUER: &str = "clustergenie";

/// The minimum number of bytes of a signing key: as many as the digest of HS256 has.
pub const MIN_KEY_BYTES: usize = 32;

/// The time in seconds for which a token is still accepted after its expiry, because clocks differ.
pub const LEEWAY_SECONDS: u64 = 5;

/// The maximum number of characters of a subject, which becomes the actor of events.
pub const MAX_SUBJECT_CHARS: usize = 255;

/// Checks tokens.
#[derive(Clone)]
pub struct Auth {
    key: DecodingKey,
    validation: Validation,
}

impl Auth {
    /// Creates the check of tokens that were signed with this key.
    ///
    /// # Errors
    /// When the key is too short to be safe.
    pub fn new(key: &[u8]) -> Result<Self, KeyTooShort> {
        check_key(key)?;
        signature::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        Ok(Self {
            key: DecodingKey::from_secret(key),
            validation,
        })
    }

    /// Returns the principal of the token. `bearer` is the bare token, without the word `Bearer`.
    ///
    /// # Errors
    /// When the token is rejected. The error is a sentence that may be sent to the client.
    pub fn authenticate(&self, bearer: &str) -> Result<Principal, AuthError> {
        let claims = decode::<ReceivedClaims>(bearer, &self.key, &self.validation)
            .map_err(|error| AuthError::from(error.kind()))?
            .claims;
        let subject = claims.sub;
        let characters = subject.chars().count();
        if characters == 0
            || characters > MAX_SUBJECT_CHARS
            || subject.chars().any(char::is_control)
        {
            return Err(AuthError::InvalidSubject);
        }
        let org = OrgId::parse(claims.org).map_err(|_| AuthError::InvalidOrganization)?;
        let roles = claims
            .roles
            .iter()
            .map(|name| Role::named(name).ok_or(AuthError::UnknownRole))
            .collect::<Result<Roles, _>>()?;
        if roles.is_empty() {
            return Err(AuthError::NoRole);
        }
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(AuthError::Malformed)?;
        Ok(Principal {
            subject,
            org,
            roles,
            expires_at,
        })
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is not written to any log.
        formatter.debug_struct("Auth").finish_non_exhaustive()
    }
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The subject of the token.
    pub subject: String,
    /// The organization of the token.
    pub org: OrgId,
    /// The roles of the token; at least one.
    pub roles: Vec<Role>,
    /// The time at which the token was issued.
    pub issued_at: DateTime<Utc>,
    /// The time at which the token expires.
    pub expires_at: DateTime<Utc>,
}

/// Signs a token with these claims.
///
/// # Errors
/// When the key is too short to be safe.
pub fn sign(key: &[u8], claims: &Claims) -> Result<String, KeyTooShort> {
    check_key(key)?;
    signature::install();
    let sent = SignedClaims {
        iss: ISSUER,
        sub: &claims.subject,
        org: &claims.org,
        roles: &claims.roles,
        iat: claims.issued_at.timestamp(),
        exp: claims.expires_at.timestamp(),
    };
    let token = encode(&Header::default(), &sent, &EncodingKey::from_secret(key));
    Ok(token.expect("plain claims serialise, and every key signs by HS256"))
}

/// The error for a signing key that is so short that it could be guessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the signing key has {bytes} bytes: use at least {MIN_KEY_BYTES} random ones, such as \
     `openssl rand 32` writes"
)]
pub struct KeyTooShort {
    /// The number of bytes of the key.
    pub bytes: usize,
}

/// The reason for the rejection of a token. The message tells an attacker nothing useful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The token is not one of this platform.
    #[error("the token is not one of this platform: send the whole token, unchanged")]
    Malformed,
    /// The token was signed with another key, or changed.
    #[error("the token's signature is wrong: get a new token from this platform")]
    WrongSignature,
    /// The token has expired.
    #[error("the token has expired: get a new one")]
    Expired,
    /// The token has another issuer.
    #[error("the token was not issued by {ISSUER}: get one that was")]
    WrongIssuer,
    /// The subject of the token cannot be an actor.
    #[error(
        "the token's subject must be 1 to {MAX_SUBJECT_CHARS} printable characters: get a new token"
    )]
    InvalidSubject,
    /// The organization of the token is not a valid name.
    #[error("the token's organization is not a valid name: get a new token")]
    InvalidOrganization,
    /// A role of the token does not exist.
    #[error(
        "the token has a role that is none of admin, operator, viewer, auditor, analyst, agent: \
         get a new token"
    )]
    UnknownRole,
    /// The token has no role at all.
    #[error("the token has no role: get one with a role")]
    NoRole,
}

impl From<&ErrorKind> for AuthError {
    fn from(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::InvalidIssuer => Self::WrongIssuer,
            ErrorKind::InvalidSignature => Self::WrongSignature,
            _ => Self::Malformed,
        }
    }
}

#[derive(Serialize)]
struct SignedClaims<'claims> {
    iss: &'static str,
    sub: &'claims str,
    org: &'claims OrgId,
    roles: &'claims [Role],
    iat: i64,
    exp: i64,
}

// Loose types, so that every bad value gets its own message.
#[derive(Deserialize)]
struct ReceivedClaims {
    sub: String,
    org: String,
    roles: Vec<String>,
    exp: i64,
}

fn check_key(key: &[u8]) -> Result<(), KeyTooShort> {
    if key.len() < MIN_KEY_BYTES {
        return Err(KeyTooShort { bytes: key.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::identity::roles::Right;

    const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

    #[expect(
        clippy::disallowed_methods,
        reason = "tests are an edge: time enters here"
    )]
    fn now() -> DateTime<Utc> {
        Utc::now()
    }

    fn claims() -> Claims {
        Claims {
            subject: "ada".to_owned(),
            org: OrgId::parse("acme").unwrap(),
            roles: vec![Role::Viewer, Role::Agent],
            issued_at: now(),
            expires_at: now() + TimeDelta::minutes(5),
        }
    }

    fn refusal(claims: serde_json::Value) -> AuthError {
        let auth = Auth::new(&KEY).unwrap();
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(&KEY)).unwrap();
        auth.authenticate(&token).unwrap_err()
    }

    fn with(name: &str, value: serde_json::Value) -> serde_json::Value {
        let exp = (now() + TimeDelta::minutes(5)).timestamp();
        let mut claims = json!({
            "iss": ISSUER, "sub": "ada", "org": "acme", "roles": ["viewer"], "exp": exp,
        });
        claims[name] = value;
        claims
    }

    #[test]
    fn what_was_signed_is_taken() {
        let claims = claims();
        let token = sign(&KEY, &claims).unwrap();
        let principal = Auth::new(&KEY).unwrap().authenticate(&token).unwrap();
        assert_eq!(principal.subject, "ada");
        assert_eq!(principal.org, claims.org);
        assert!(principal.roles.allow(Right::Report));
        assert_eq!(
            principal.expires_at.timestamp(),
            claims.expires_at.timestamp()
        );
    }

    #[test]
    fn a_token_ends_after_a_leeway() {
        let signed = |expires_at| {
            let claims = Claims {
                expires_at,
                ..claims()
            };
            let token = sign(&KEY, &claims).unwrap();
            Auth::new(&KEY).unwrap().authenticate(&token)
        };
        assert!(signed(now() - TimeDelta::seconds(2)).is_ok());
        assert_eq!(
            signed(now() - TimeDelta::seconds(10)),
            Err(AuthError::Expired)
        );
    }

    #[test]
    fn a_changed_or_foreign_token_is_refused() {
        let auth = Auth::new(&KEY).unwrap();
        let foreign = sign(&[7; 32], &claims()).unwrap();
        assert_eq!(auth.authenticate(&foreign), Err(AuthError::WrongSignature));
        assert_eq!(auth.authenticate("not.a.token"), Err(AuthError::Malformed));
        assert_eq!(auth.authenticate(""), Err(AuthError::Malformed));
        let other = Header::new(Algorithm::HS512);
        let token = encode(
            &other,
            &with("sub", json!("ada")),
            &EncodingKey::from_secret(&KEY),
        );
        assert_eq!(
            auth.authenticate(&token.unwrap()),
            Err(AuthError::Malformed)
        );
    }

    #[test]
    fn every_claim_is_checked() {
        assert_eq!(refusal(with("iss", json!("x"))), AuthError::WrongIssuer);
        assert_eq!(refusal(with("iss", json!(null))), AuthError::Malformed);
        assert_eq!(refusal(with("exp", json!(null))), AuthError::Malformed);
        assert_eq!(refusal(with("sub", json!(""))), AuthError::InvalidSubject);
        assert_eq!(
            refusal(with("sub", json!("a\0"))),
            AuthError::InvalidSubject
        );
        assert_eq!(
            refusal(with("org", json!("Acme"))),
            AuthError::InvalidOrganization
        );
        assert_eq!(
            refusal(with("roles", json!(["root"]))),
            AuthError::UnknownRole
        );
        assert_eq!(refusal(with("roles", json!([]))), AuthError::NoRole);
        assert_eq!(refusal(with("roles", json!("admin"))), AuthError::Malformed);
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(sign(&[1; 31], &claims()), Err(KeyTooShort { bytes: 31 }));
        assert!(Auth::new(&[1; 31]).is_err());
    }
}
