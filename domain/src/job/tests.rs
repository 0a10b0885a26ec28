use serde_json::{Map, json};
use uuid::Uuid;

use super::*;
use crate::decider::fold;
use crate::decision_table;
use crate::event::DomainEvent;
use crate::ids::DropletId;
use crate::input::{InvalidInput, MAX_TEXT_CHARS};
use crate::name::{ClusterName, JobKind, WorkerName};
use crate::testing::{given, given_nothing};

// Every command in every state. Lower case is the event, upper case the rejection, both without
// the prefix `job`.
const DECISIONS: &str = "
    command  | absent    | submitted      | running         | succeeded      | failed         | cancelled
    Submit   | submitted | ALREADY_EXISTS | ALREADY_EXISTS  | ALREADY_EXISTS | ALREADY_EXISTS | ALREADY_EXISTS
    Start    | NOT_FOUND | started        | ALREADY_STARTED | FINISHED       | FINISHED       | FINISHED
    Progress | NOT_FOUND | NOT_RUNNING    | progressed      | FINISHED       | FINISHED       | FINISHED
    Succeed  | NOT_FOUND | NOT_RUNNING    | succeeded       | FINISHED       | FINISHED       | FINISHED
    Fail     | NOT_FOUND | NOT_RUNNING    | failed          | FINISHED       | FINISHED       | FINISHED
    Cancel   | NOT_FOUND | cancelled      | cancelled       | FINISHED       | FINISHED       | FINISHED
";

// Every event in every state, also where it cannot happen: the status after it.
const TRANSITIONS: &str = "
    event      | absent    | submitted | running   | succeeded | failed | cancelled
    submitted  | submitted | submitted | running   | succeeded | failed | cancelled
    started    | absent    | running   | running   | succeeded | failed | cancelled
    progressed | absent    | submitted | running   | succeeded | failed | cancelled
    succeeded  | absent    | submitted | succeeded | succeeded | failed | cancelled
    failed     | absent    | submitted | failed    | succeeded | failed | cancelled
    cancelled  | absent    | cancelled | cancelled | succeeded | failed | cancelled
";

#[test]
fn every_command_in_every_state() {
    let decisions = decision_table::decisions::<Job>(&commands(), &states());
    assert_eq!(
        decisions,
        decision_table::cells(DECISIONS, &JobStatus::ALL.map(JobStatus::as_str))
    );
}

#[test]
fn every_event_in_every_state() {
    let samples = JobEvent::samples();
    let transitions = decision_table::transitions(&samples, &states(), Job::status);
    assert_eq!(
        transitions,
        decision_table::cells(TRANSITIONS, &JobStatus::ALL.map(JobStatus::as_str))
    );
}

#[test]
fn every_event_of_an_accepted_command_changes_the_state() {
    for history in states() {
        let before = fold(Job::default(), &history);
        for command in commands() {
            for event in before.decide(&command).unwrap_or_default() {
                assert_ne!(
                    before.clone().evolve(&event),
                    before,
                    "{event:?} had no effect"
                );
            }
        }
    }
}

#[test]
fn the_ends_absorb_every_event() {
    for end in [
        JobStatus::Succeeded,
        JobStatus::Failed,
        JobStatus::Cancelled,
    ] {
        let before = fold(Job::default(), &history(Some(end)));
        for event in JobEvent::samples() {
            assert_eq!(
                before.clone().evolve(&event),
                before,
                "{event:?} changed {end}"
            );
        }
    }
}

#[test]
fn a_refusal_after_the_end_names_the_end() {
    for end in [
        JobStatus::Succeeded,
        JobStatus::Failed,
        JobStatus::Cancelled,
    ] {
        given::<Job>(history(Some(end)))
            .when(succeed(None))
            .then_rejected(JobRejection::JobFinished { status: end });
    }
}

#[test]
fn a_submission_keeps_everything() {
    given_nothing::<Job>().when(submit(3)).then([submitted()]);
}

#[test]
fn a_job_can_concern_a_cluster() {
    let blue = JobSubject::Cluster(ClusterName::parse("blue").expect("a good name"));
    let mut command = submit(3);
    let JobCommand::Submit { subject, .. } = &mut command else {
        unreachable!("the command is to submit");
    };
    *subject = blue.clone();
    given_nothing::<Job>().when(command).then([JobSubmitted {
        subject: blue,
        ..submitted()
    }]);
}

#[test]
fn a_job_has_1_to_10_attempts() {
    for attempts in 0..=u8::MAX {
        let outcome = given_nothing::<Job>().when(submit(attempts));
        if (1..=10).contains(&attempts) {
            outcome.then([JobSubmitted {
                attempts,
                ..submitted()
            }]);
        } else {
            outcome.then_rejected(JobRejection::InvalidAttempts { attempts });
        }
    }
}

#[test]
fn parameters_are_bounded() {
    let mut command = submit(1);
    let JobCommand::Submit { parameters, .. } = &mut command else {
        unreachable!("the command is to submit");
    };
    *parameters = Map::from_iter([("script".to_owned(), json!("a\0b"))]);
    given_nothing::<Job>()
        .when(command)
        .then_rejected(JobRejection::InvalidInput(InvalidInput::NulCharacter {
            field: "parameters",
        }));
}

#[test]
fn a_start_names_the_worker() {
    given::<Job>([submitted()])
        .when(JobUpdate::Start { worker: worker() })
        .then([JobStarted { worker: worker() }]);
}

#[test]
fn progress_grows_from_0_to_100() {
    for reached in 0..=100 {
        for percent in 0..=u8::MAX {
            let outcome = running(reached, None).when(progress(percent, None));
            if percent > 100 {
                outcome.then_rejected(JobRejection::InvalidPercent { percent });
            } else if percent < reached {
                outcome.then_rejected(JobRejection::ProgressWentBack { percent, reached });
            } else if percent == reached {
                outcome.then_nothing();
            } else {
                outcome.then([JobProgressed {
                    percent,
                    message: None,
                }]);
            }
        }
    }
}

#[test]
fn the_same_percentage_is_news_only_with_another_message() {
    let copying = Some("copying the image");
    running(30, copying)
        .when(progress(30, copying))
        .then_nothing();
    running(30, copying).when(progress(30, None)).then_nothing();
    running(30, copying)
        .when(progress(30, Some("verifying")))
        .then([JobProgressed {
            percent: 30,
            message: Some("verifying".to_owned()),
        }]);
}

#[test]
fn a_message_is_remembered_through_progress_without_one() {
    given::<Job>([
        JobEvent::from(submitted()),
        JobStarted { worker: worker() }.into(),
        JobProgressed {
            percent: 10,
            message: Some("copying".to_owned()),
        }
        .into(),
        JobProgressed {
            percent: 30,
            message: None,
        }
        .into(),
    ])
    .when(progress(30, Some("copying")))
    .then_nothing();
}

#[test]
fn progress_of_100_is_not_yet_success() {
    running(100, None)
        .when(JobUpdate::Fail {
            error: "late".to_owned(),
        })
        .then([JobFailed {
            error: "late".to_owned(),
        }]);
}

#[test]
fn progress_that_went_back_in_history_does_not_count() {
    given::<Job>([
        JobEvent::from(submitted()),
        JobStarted { worker: worker() }.into(),
        JobProgressed {
            percent: 75,
            message: None,
        }
        .into(),
        JobProgressed {
            percent: 30,
            message: None,
        }
        .into(),
    ])
    .when(progress(50, None))
    .then_rejected(JobRejection::ProgressWentBack {
        percent: 50,
        reached: 75,
    });
}

#[test]
fn a_result_can_be_any_json() {
    for result in [
        json!(true),
        json!(42),
        json!("done"),
        json!([1, 2]),
        json!({ "rows": 42 }),
    ] {
        running(75, None)
            .when(succeed(Some(result.clone())))
            .then([JobSucceeded {
                result: Some(result),
            }]);
    }
}

#[test]
fn a_result_of_null_is_no_result() {
    running(75, None)
        .when(succeed(Some(json!(null))))
        .then([JobSucceeded { result: None }]);
    running(75, None)
        .when(succeed(None))
        .then([JobSucceeded { result: None }]);
}

#[test]
fn results_are_bounded() {
    running(75, None)
        .when(succeed(Some(json!({ "\0": 1 }))))
        .then_rejected(JobRejection::InvalidInput(InvalidInput::NulCharacter {
            field: "result",
        }));
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    for (field, command) in [
        ("message", progress(80, Some(&long))),
        (
            "reason",
            JobUpdate::Fail {
                error: long.clone(),
            },
        ),
        (
            "reason",
            JobUpdate::Cancel {
                reason: long.clone(),
            },
        ),
    ] {
        running(75, None)
            .when(command)
            .then_rejected(JobRejection::InvalidInput(InvalidInput::TextTooLong {
                field,
                chars: MAX_TEXT_CHARS + 1,
            }));
    }
}

#[test]
fn a_job_is_cancelled_before_and_while_it_runs() {
    let reason = || "evicted".to_owned();
    given::<Job>([submitted()])
        .when(JobUpdate::Cancel { reason: reason() })
        .then([JobCancelled { reason: reason() }]);
    running(75, None)
        .when(JobUpdate::Cancel { reason: reason() })
        .then([JobCancelled { reason: reason() }]);
}

#[test]
fn the_runner_is_known_until_the_end() {
    for status in JobStatus::ALL {
        let job = fold(Job::default(), &history(Some(status)));
        let expected = match status {
            JobStatus::Submitted | JobStatus::Running => Some(Runner::Agent),
            JobStatus::Succeeded | JobStatus::Failed | JobStatus::Cancelled => None,
        };
        assert_eq!(job.runner(), expected, "{status}");
    }
}

#[test]
fn names_in_json_are_the_names_in_words() {
    for status in JobStatus::ALL {
        assert_eq!(
            serde_json::to_value(status).expect("it serialises"),
            status.as_str()
        );
    }
    for runner in [Runner::Platform, Runner::Agent] {
        assert_eq!(
            serde_json::to_value(runner).expect("it serialises"),
            runner.as_str()
        );
    }
}

/// One of each command, in order. A new command must be put between two others here.
fn commands() -> Vec<JobCommand> {
    let next = |previous: &JobCommand| {
        let update = match previous {
            JobCommand::Submit { .. } => JobUpdate::Start { worker: worker() },
            JobCommand::Update(update) => match update {
                JobUpdate::Start { .. } => progress(50, Some("half-way")),
                JobUpdate::Progress { .. } => succeed(Some(json!({ "rows": 42 }))),
                JobUpdate::Succeed { .. } => JobUpdate::Fail {
                    error: "no memory".to_owned(),
                },
                JobUpdate::Fail { .. } => JobUpdate::Cancel {
                    reason: "evicted".to_owned(),
                },
                JobUpdate::Cancel { .. } => return None,
            },
        };
        Some(JobCommand::from(update))
    };
    std::iter::successors(Some(submit(3)), next).collect()
}

/// A history that leads to each state, in the order of the tables' columns.
fn states() -> Vec<Vec<JobEvent>> {
    std::iter::once(None)
        .chain(JobStatus::ALL.map(Some))
        .map(history)
        .collect()
}

fn history(status: Option<JobStatus>) -> Vec<JobEvent> {
    let submitted = JobEvent::from(submitted());
    let started = JobEvent::from(JobStarted { worker: worker() });
    match status {
        None => vec![],
        Some(JobStatus::Submitted) => vec![submitted],
        Some(JobStatus::Running) => vec![submitted, started],
        Some(JobStatus::Succeeded) => {
            vec![submitted, started, JobSucceeded { result: None }.into()]
        }
        Some(JobStatus::Failed) => {
            vec![
                submitted,
                started,
                JobFailed {
                    error: "no memory".to_owned(),
                }
                .into(),
            ]
        }
        Some(JobStatus::Cancelled) => {
            vec![
                submitted,
                JobCancelled {
                    reason: "evicted".to_owned(),
                }
                .into(),
            ]
        }
    }
}

fn running(percent: u8, message: Option<&str>) -> crate::testing::Given<Job> {
    given::<Job>([
        JobEvent::from(submitted()),
        JobStarted { worker: worker() }.into(),
        JobProgressed {
            percent,
            message: message.map(str::to_owned),
        }
        .into(),
    ])
}

fn submit(attempts: u8) -> JobCommand {
    let JobSubmitted {
        kind,
        subject,
        parameters,
        runner,
        attempts: _,
    } = submitted();
    JobCommand::Submit {
        kind,
        subject,
        parameters,
        runner,
        attempts,
    }
}

/// What comes of [`submit`] with 3 attempts.
fn submitted() -> JobSubmitted {
    JobSubmitted {
        kind: JobKind::parse("batch").expect("a good kind"),
        subject: JobSubject::Droplet(DropletId::new(Uuid::from_u128(7))),
        parameters: Map::from_iter([("gpus".to_owned(), json!(2))]),
        runner: Runner::Agent,
        attempts: 3,
    }
}

fn progress(percent: u8, message: Option<&str>) -> JobUpdate {
    JobUpdate::Progress {
        percent,
        message: message.map(str::to_owned),
    }
}

fn succeed(result: Option<Value>) -> JobUpdate {
    JobUpdate::Succeed { result }
}

fn worker() -> WorkerName {
    WorkerName::parse("worker-7").expect("a good name")
}
