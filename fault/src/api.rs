//! A client of the platform's public API: any of its processes, over HTTP.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::ledger::{Answer, Command};

/// Codes of errors after which a client may retry.
const RETRYABLE: [&str; 5] = [
    "CONFLICT",
    "NOT_YET_CONSISTENT",
    "RATE_LIMITED",
    "TOO_SLOW",
    "UNAVAILABLE",
];

/// The reason for which a query has no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No answer, as when the process is down.
    NoAnswer,
    /// An answer with a code after which a client may retry.
    Retryable { code: String },
    /// An answer that no client should ever get.
    Wrong { why: String },
}

/// The API of all processes, for one token.
#[derive(Debug)]
pub(crate) struct Api {
    urls: Vec<String>,
    token: String,
    client: Client,
}

impl Api {
    /// The API at these addresses, with this token.
    pub(crate) fn new(urls: Vec<String>, token: String) -> Self {
        let client = Client::new();
        Self {
            urls,
            token,
            client,
        }
    }

    /// Number of processes that serve the API.
    pub(crate) fn processes(&self) -> usize {
        self.urls.len()
    }

    /// The header that authorizes a request.
    pub(crate) fn authorization(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// The address of a process for WebSockets.
    pub(crate) fn websocket_url(&self, process: usize) -> String {
        let url = &self.urls[process];
        format!("{}/graphql", url.replacen("http", "ws", 1))
    }

    /// Sends a command once. `number` distinguishes the attempts of a command.
    pub(crate) async fn send(
        &self,
        process: usize,
        command: &Command,
        number: usize,
        patience: Duration,
    ) -> Answer {
        let (field, key) = (command.field, &command.key);
        let (first, rest) = field.split_at(1);
        let input = format!("{}{rest}Input", first.to_ascii_uppercase());
        let query = format!(
            "mutation ($input: {input}!) {{ {field}(input: $input) @idempotent(key: \"{key}\") \
             {{ consistencyToken userErrors {{ code message }} }} }}"
        );
        let trace = format!("00-{}-{:016x}-01", command.trace, number + 1);
        let variables = json!({ "input": command.input });
        match self
            .post(process, &query, variables, Some(&trace), patience)
            .await
        {
            Ok(mut answer) => mutation_answer(answer["data"][field].take(), &answer["errors"]),
            Err(why) => Answer::Unknown { why },
        }
    }

    /// Sends a query and returns its data.
    ///
    /// # Errors
    /// When there is no data. The error is the reason.
    pub(crate) async fn ask(
        &self,
        process: usize,
        query: &str,
        variables: Value,
        patience: Duration,
    ) -> Result<Value, Failure> {
        let answer = self.post(process, query, variables, None, patience).await;
        query_data(answer.map_err(|_| Failure::NoAnswer)?)
    }

    async fn post(
        &self,
        process: usize,
        query: &str,
        variables: Value,
        trace: Option<&str>,
        patience: Duration,
    ) -> Result<Value, String> {
        let url = format!("{}/graphql", self.urls[process]);
        let mut request = self
            .client
            .post(url)
            .header("authorization", self.authorization())
            .header("accept", "application/graphql-response+json")
            .json(&json!({ "query": query, "variables": variables }));
        if let Some(trace) = trace {
            request = request.header("traceparent", trace);
        }
        let asked = async {
            let answer = request.send().await?;
            answer.json::<Value>().await
        };
        match timeout(patience, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(format!("{error:?}")),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }
}

fn mutation_answer(payload: Value, errors: &Value) -> Answer {
    if let Some(token) = payload["consistencyToken"].as_str() {
        let token = token.to_owned();
        return Answer::Acknowledged { token };
    }
    let refusals = payload["userErrors"].as_array().map(Vec::as_slice);
    let refusals = refusals.unwrap_or_default();
    if !refusals.is_empty() {
        let code = |refusal: &Value| refusal["code"].as_str().unwrap_or_default().to_owned();
        let codes = refusals.iter().map(code).collect();
        return Answer::Refused { codes };
    }
    match failure(errors) {
        Some(Failure::Retryable { code }) => Answer::Unknown { why: code },
        Some(Failure::Wrong { why }) => Answer::Wrong { why },
        Some(Failure::NoAnswer) | None => {
            let why = "neither a token nor an error".to_owned();
            Answer::Wrong { why }
        }
    }
}

fn query_data(mut answer: Value) -> Result<Value, Failure> {
    match failure(&answer["errors"]) {
        Some(failure) => Err(failure),
        None if answer["data"].is_object() => Ok(answer["data"].take()),
        None => Err(Failure::Wrong {
            why: "neither data nor an error".to_owned(),
        }),
    }
}

/// The failure of an answer with errors. An error without a retryable code takes precedence over a retryable
/// one.
fn failure(errors: &Value) -> Option<Failure> {
    let errors = errors.as_array()?;
    let code = |error: &Value| {
        let code = error["extensions"]["code"].as_str();
        code.unwrap_or("(no code)").to_owned()
    };
    let passes = |error: &&Value| RETRYABLE.contains(&code(error).as_str());
    match errors.iter().find(|error| !passes(error)) {
        Some(wrong) => {
            let why = format!("{}: {}", code(wrong), wrong["message"]);
            Some(Failure::Wrong { why })
        }
        None => errors
            .first()
            .map(|error| Failure::Retryable { code: code(error) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let failed = |code: &str| {
            let errors = json!([{ "message": "m", "extensions": { "code": code } }]);
            mutation_answer(Value::Null, &errors)
        };
        assert!(matches!(failed("UNAVAILABLE"), Answer::Unknown { .. }));
        assert!(matches!(failed("INTERNAL"), Answer::Wrong { .. }));
        assert!(matches!(
            failed("IDEMPOTENCY_KEY_REUSED"),
            Answer::Wrong { .. }
        ));
        let done = mutation_answer(
            json!({ "consistencyToken": "t", "userErrors": [] }),
            &Value::Null,
        );
        assert_eq!(
            done,
            Answer::Acknowledged {
                token: "t".to_owned()
            }
        );
        let refused = json!({ "consistencyToken": null, "userErrors": [{ "code": "NAME_TAKEN" }] });
        let codes = vec!["NAME_TAKEN".to_owned()];
        assert_eq!(
            mutation_answer(refused, &Value::Null),
            Answer::Refused { codes }
        );
    }

    #[test]
    fn only_what_passes_may_keep_a_query_from_its_data() {
        let error = |code: &str| json!({ "message": "m", "extensions": { "code": code } });
        let failed = |errors: &[Value]| query_data(json!({ "data": null, "errors": errors }));
        let passing = || Failure::Retryable {
            code: "NOT_YET_CONSISTENT".to_owned(),
        };
        assert_eq!(failed(&[error("NOT_YET_CONSISTENT")]), Err(passing()));
        for wrong in [
            vec![error("INTERNAL")],
            vec![error("FORBIDDEN")],
            vec![json!({ "message": "relation does not exist" })],
            vec![error("UNAVAILABLE"), error("INTERNAL")],
            vec![],
        ] {
            let found = failed(&wrong);
            assert!(matches!(found, Err(Failure::Wrong { .. })), "{wrong:?}");
        }
        let data = json!({ "counts": { "jobsByStatus": [] } });
        assert_eq!(query_data(json!({ "data": data.clone() })), Ok(data));
    }
}
