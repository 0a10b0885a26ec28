//! Tokens whose signature is right and whose claims are not, over HTTP and over a WebSocket.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client as Http, StatusCode};
use ring::hmac;
use serde_json::{Value, json};

use crate::calling::now;
use crate::serving::{KEY, Serving};
use crate::websocket::client::Client;

/// Signs a token of any header and claims.
fn signed(header: &Value, claims: &Value) -> String {
    let [header, claims] =
        [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string().as_bytes()));
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
    format!("{message}.{signature}")
}

/// Returns claims that are valid for ten minutes, with this one replaced or added; without it for null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": "clustergenie", "sub": "ada", "org": "acme", "roles": ["viewer"],
        "exp": now().timestamp() + 600,
    });
    match value {
        Value::Null => drop(claims.as_object_mut().expect("is an object").remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn both_transports_check_every_claim_and_name_the_one_at_fault() {
    let serving = Serving::start().await;
    let plain = json!({"alg": "HS256", "typ": "JWT"});
    let soon = now().timestamp() + 60;
    let mut refused = vec![(
        "crit",
        signed(
            &json!({"alg": "HS256", "crit": ["exp"]}),
            &with("nbf", json!(0)),
        ),
    )];
    for (claim, value) in [
        ("nbf", json!(soon)),
        ("nbf", json!(soon as f64 + 0.5)),
        ("nbf", json!("soon")),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("exp", json!(1.5)),
        ("iat", json!("now")),
        ("jti", json!(1)),
        ("aud", json!("others")),
        ("aud", json!(["others"])),
        ("aud", json!(1)),
        ("iss", Value::Null),
        ("iss", json!("others")),
        ("iss", json!(["clustergenie"])),
        ("sub", Value::Null),
        ("sub", json!({"name": "ada"})),
        ("org", Value::Null),
        ("org", json!(["acme"])),
        ("roles", Value::Null),
        ("roles", json!("viewer")),
        ("roles", json!([])),
        ("roles", json!(["root"])),
    ] {
        refused.push((claim, signed(&plain, &with(claim, value))));
    }
    for (claim, token) in refused {
        let (status, body) = over_http(&serving, &token).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
        assert_eq!(body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let message = body["errors"][0]["message"]
            .as_str()
            .expect("is a sentence");
        assert!(
            message.contains(&format!("`{claim}`")),
            "{claim}: {message}"
        );

        let mut client = Client::connect(&serving).await;
        client.init(json!({"authorization": token})).await;
        let frame = client.closed().await;
        assert_eq!(u16::from(frame.code), 4403);
        let reason = frame.reason.as_str();
        assert!(reason.contains(&format!("`{claim}`")), "{claim}: {reason}");
        assert!(reason.contains("`clustergenie token`"), "{reason}");
    }
}

#[tokio::test]
async fn both_transports_take_fractions_audiences_and_claims_of_others() {
    let serving = Serving::start().await;
    for (claim, value) in [
        ("exp", json!(now().timestamp() as f64 + 600.5)),
        ("exp", json!(1e300)),
        ("nbf", json!(now().timestamp() as f64 - 0.5)),
        ("iat", json!(now().timestamp() as f64 + 0.25)),
        ("aud", json!("clustergenie")),
        ("aud", json!(["others", "clustergenie"])),
        ("jti", json!("1")),
        ("scope", json!({"of": "others"})),
    ] {
        let token = signed(&json!({"alg": "HS256"}), &with(claim, value));
        let (status, body) = over_http(&serving, &token).await;
        assert_eq!(status, StatusCode::OK, "{claim}: {body}");
        assert_eq!(body["data"]["who"], "ada@acme");

        let mut client = Client::connect(&serving).await;
        client.init(json!({"authorization": token})).await;
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    }
}

async fn over_http(serving: &Serving, token: &str) -> (StatusCode, Value) {
    let request = Http::new().post(serving.url("/graphql")).bearer_auth(token);
    let request = request.json(&json!({"query": "{ who }"}));
    let response = request.send().await.expect("the server answers");
    let status = response.status();
    (status, response.json().await.expect("answers are JSON"))
}
