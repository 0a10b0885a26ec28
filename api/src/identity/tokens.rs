//! Authenticates requests by signed tokens (JWT, HS256) and their claims.
//!
//! A token names its subject, one organization and roles, and expires. The organization bounds every action
//! with the token. No claim is trusted before the signature is checked; after that, errors name the claim.

mod claims;
mod signature;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::ids::OrgId;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::identity::principal::Principal;
use crate::identity::roles::Role;

/// The issuer of tokens; the claim `iss` of every token.
pub const ISSUER: &str = "clustergenie";

/// The name of the platform in the claim `aud`. A token that names audiences must name this one.
pub const AUDIENCE: &str = "clustergenie";

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
}

impl Auth {
    /// Creates the check of tokens that were signed with this key.
    ///
    /// # Errors
    /// When the key is too short to be safe.
    pub fn new(key: &[u8]) -> Result<Self, KeyTooShort> {
        check_key(key)?;
        signature::install();
        Ok(Self {
            key: DecodingKey::from_secret(key),
        })
    }

    /// Returns the principal of the token. `bearer` is the bare token, without the word `Bearer`.
    ///
    /// # Errors
    /// When the token is rejected. The error is a sentence that may be sent to the client.
    #[expect(
        clippy::disallowed_methods,
        reason = "the edge: the clock tells whether a token is valid"
    )]
    pub fn authenticate(&self, bearer: &str) -> Result<Principal, AuthError> {
        self.authenticate_at(bearer, Utc::now())
    }

    fn authenticate_at(&self, bearer: &str, now: DateTime<Utc>) -> Result<Principal, AuthError> {
        let (message, signature) = bearer.rsplit_once('.').ok_or(AuthError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(AuthError::Malformed)?;
        let header = object(header).ok_or(AuthError::Malformed)?;
        // The only algorithm, whatever others the key would fit.
        if header.get("alg").and_then(Value::as_str) != Some("HS256") {
            return Err(AuthError::Malformed);
        }
        match verify(signature, message.as_bytes(), &self.key, Algorithm::HS256) {
            Ok(true) => {}
            Ok(false) => return Err(AuthError::WrongSignature),
            Err(_) => return Err(AuthError::Malformed),
        }
        // RFC 7515, section 4.1.11: a token with an extension that is not understood is invalid, and none is.
        if header.contains_key("crit") {
            return Err(AuthError::CriticalExtension);
        }
        claims::check(&object(payload).ok_or(AuthError::NotClaims)?, now)
    }
}

/// Returns the JSON object that a part of a token encodes.
fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
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

/// The reason for the rejection of a token. The message tells an attacker nothing useful: claims are named only
/// after the signature was found right. It is short enough for the close frame of a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The token is not one of this platform.
    #[error("the token is not one of this platform: send the whole token, unchanged")]
    Malformed,
    /// The token was signed with another key, or changed.
    #[error("the token's signature is wrong: get a new token from this platform")]
    WrongSignature,
    /// The header of the token demands an extension, and none is supported.
    #[error("the token's header has `crit`, and no extension is supported")]
    CriticalExtension,
    /// The payload of the token is not a JSON object.
    #[error("the token's claims are not a JSON object")]
    NotClaims,
    /// A required claim is missing.
    #[error("the token's claim `{0}` is missing")]
    Missing(&'static str),
    /// A claim has a value of another type than the standard or this platform demands.
    #[error("the token's claim `{claim}` must be {expected}")]
    WrongType {
        /// The name of the claim.
        claim: &'static str,
        /// The type, with its article.
        expected: &'static str,
    },
    /// The token has expired.
    #[error("the token has expired (`exp`): get a new one")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet (`nbf`): wait, or get another")]
    NotYetValid,
    /// The token has another issuer.
    #[error("the token was not issued by {ISSUER} (`iss`): get one that was")]
    WrongIssuer,
    /// The token is for other platforms or services.
    #[error("the token is not for {AUDIENCE} (`aud`): get one that is")]
    WrongAudience,
    /// The subject of the token cannot be an actor.
    #[error("the token's claim `sub` must be 1 to {MAX_SUBJECT_CHARS} printable characters")]
    InvalidSubject,
    /// The id of the token cannot be recorded.
    #[error("the token's claim `jti` must be 1 to {MAX_SUBJECT_CHARS} printable characters")]
    InvalidTokenId,
    /// The organization of the token is not a valid name.
    #[error("the token's claim `org` is not a valid name of an organization")]
    InvalidOrganization,
    /// A role of the token does not exist.
    #[error("`roles` of the token: none of admin, operator, viewer, auditor, analyst, agent")]
    UnknownRole,
    /// The token has no role at all.
    #[error("the token's claim `roles` is empty: get a token with a role")]
    NoRole,
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

    fn with(name: &str, value: Value) -> Value {
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
    fn a_good_signature_is_no_licence_for_extensions_or_other_payloads() {
        let auth = Auth::new(&KEY).unwrap();
        let signed = |header: &str, payload: &str| {
            let [header, payload] = [header, payload].map(|part| URL_SAFE_NO_PAD.encode(part));
            let message = format!("{header}.{payload}");
            let key = EncodingKey::from_secret(&KEY);
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            auth.authenticate(&format!("{message}.{signature}"))
        };
        let good = with("sub", json!("ada")).to_string();
        assert!(signed(r#"{"alg":"HS256"}"#, &good).is_ok());
        // Of two of one name the last counts.
        assert!(signed(r#"{"alg":"none","alg":"HS256","x":1}"#, &good).is_ok());
        for crit in [
            r#"["exp"]"#,
            r#"["b64"]"#,
            r#"["x"]"#,
            "[]",
            "null",
            r#""exp""#,
            "3",
        ] {
            let header = format!(r#"{{"alg":"HS256","x":1,"b64":true,"crit":{crit}}}"#);
            assert_eq!(
                signed(&header, &good),
                Err(AuthError::CriticalExtension),
                "{crit}"
            );
        }
        for payload in ["", "[]", "3", "{", "a.b.c", "\u{0}"] {
            assert_eq!(
                signed(r#"{"alg":"HS256"}"#, payload),
                Err(AuthError::NotClaims),
                "{payload}"
            );
        }
        for header in [
            "",
            "[]",
            "{}",
            r#"{"alg":"none"}"#,
            r#"{"alg":"hs256"}"#,
            r#"{"alg":null}"#,
        ] {
            assert_eq!(signed(header, &good), Err(AuthError::Malformed), "{header}");
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(sign(&[1; 31], &claims()), Err(KeyTooShort { bytes: 31 }));
        assert!(Auth::new(&[1; 31]).is_err());
    }
}
