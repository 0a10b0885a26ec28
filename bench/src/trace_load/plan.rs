//! The requests for a trace, and their order: a pure function of the trace's rows.

use chrono::{DateTime, TimeDelta, Utc};

use super::rows::{Phase, Row};
use super::step::Step;

/// The moment from which the seconds of a trace count: 2023-01-01T00:00:00Z.
const START: i64 = 1_672_531_200;

/// An event of one task at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The row, counted from 0.
    pub(super) row: usize,
    /// The change of the task.
    pub(super) change: Change,
    /// The time, in seconds from the start of the trace.
    second: u32,
}

/// A change of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Change {
    /// A request for the task.
    Created,
    /// An assignment of a machine.
    Scheduled,
    /// A success of the task, and the removal of its machine.
    Succeeded,
    /// A failure of the task, and the removal of its machine.
    Failed,
    /// An abandonment of the task, which never ran.
    Unschedulable,
    /// An eviction of the task, and the removal of its machine.
    Evicted,
    /// An eviction of the task before it had a machine.
    EvictedUnscheduled,
}

impl Moment {
    /// The time of the moment.
    pub(super) fn at(&self) -> DateTime<Utc> {
        let start = DateTime::from_timestamp(START, 0).expect("2023 is within chrono's years");
        start + TimeDelta::seconds(i64::from(self.second))
    }
}

impl Change {
    /// The requests of the change, sent one after another, each with steps that are executed in order.
    pub(super) fn requests(self) -> &'static [&'static [Step]] {
        use Step::{
            CancelJob, DeleteDroplet, FailJob, ProvisionDroplet, ReportDropletActive,
            ReportDropletDeleted, ReportDropletFailed, StartJob, SubmitJob, SucceedJob,
        };
        const UNSCHEDULABLE: &str = "unschedulable";
        const EVICTED: &str = "evicted";
        match self {
            // The job is for the droplet, whose id is in the first answer.
            Self::Created => &[&[ProvisionDroplet], &[SubmitJob]],
            Self::Scheduled => &[&[ReportDropletActive, StartJob]],
            Self::Succeeded => &[&[SucceedJob, DeleteDroplet, ReportDropletDeleted]],
            Self::Failed => &[&[FailJob, DeleteDroplet, ReportDropletDeleted]],
            Self::Unschedulable => {
                &[&[CancelJob(UNSCHEDULABLE), ReportDropletFailed(UNSCHEDULABLE)]]
            }
            Self::Evicted => &[&[CancelJob(EVICTED), DeleteDroplet, ReportDropletDeleted]],
            Self::EvictedUnscheduled => &[&[CancelJob(EVICTED)]],
        }
    }

    /// The order of changes at one second: creation, then scheduling, then the end.
    fn rank(self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Scheduled => 1,
            Self::Succeeded
            | Self::Failed
            | Self::Unschedulable
            | Self::Evicted
            | Self::EvictedUnscheduled => 2,
        }
    }
}

/// All moments of a trace in time order. At one second, creations come first, then schedulings, then ends,
/// each in the order of the file.
pub(super) fn plan(rows: &[Row]) -> Vec<Moment> {
    let end = rows.iter().map(|row| row.deleted).max().unwrap_or(0);
    let mut moments: Vec<_> = (0..)
        .zip(rows)
        .flat_map(|(row, task)| {
            let moment = move |change, second| Moment {
                row,
                change,
                second,
            };
            let created = moment(Change::Created, task.created);
            let scheduled = task
                .scheduled
                .map(|second| moment(Change::Scheduled, second));
            let ended = ending(task, end).map(|change| moment(change, task.deleted));
            [Some(created), scheduled, ended].into_iter().flatten()
        })
        .collect();
    moments.sort_by_key(|moment| (moment.second, moment.change.rank(), moment.row));
    moments
}

/// The end of a task, if it ended before the trace.
fn ending(task: &Row, end_of_trace: u32) -> Option<Change> {
    match (task.phase, task.scheduled) {
        (Phase::Succeeded, _) => Some(Change::Succeeded),
        (Phase::Failed, _) => Some(Change::Failed),
        (Phase::Pending, _) => Some(Change::Unschedulable),
        (Phase::Running, _) if task.deleted == end_of_trace => None,
        (Phase::Running, Some(_)) => Some(Change::Evicted),
        (Phase::Running, None) => Some(Change::EvictedUnscheduled),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;

    fn plan_of(lines: &str) -> Vec<(u32, usize, Change)> {
        let header = "name,cpu_milli,memory_mib,qos,pod_phase,creation_time,scheduled_time,\
                      deletion_time";
        let rows = rows::read(format!("{header}\n{lines}").as_bytes()).unwrap();
        plan(&rows)
            .into_iter()
            .map(|m| (m.second, m.row, m.change))
            .collect()
    }

    #[test]
    fn every_phase_has_its_end() {
        let planned = plan_of(
            "a,1,1,LS,Succeeded,0,1,2\n\
             b,1,1,LS,Failed,10,11,12\n\
             c,1,1,LS,Pending,20,,22\n\
             d,1,1,LS,Running,30,31,32\n\
             e,1,1,LS,Running,40,,42\n\
             f,1,1,LS,Running,50,51,99\n\
             g,1,1,LS,Running,60,,99\n\
             h,1,1,LS,Succeeded,70,71,99\n",
        );
        assert_eq!(
            planned,
            [
                (0, 0, Change::Created),
                (1, 0, Change::Scheduled),
                (2, 0, Change::Succeeded),
                (10, 1, Change::Created),
                (11, 1, Change::Scheduled),
                (12, 1, Change::Failed),
                (20, 2, Change::Created),
                (22, 2, Change::Unschedulable),
                (30, 3, Change::Created),
                (31, 3, Change::Scheduled),
                (32, 3, Change::Evicted),
                (40, 4, Change::Created),
                (42, 4, Change::EvictedUnscheduled),
                (50, 5, Change::Created),
                (51, 5, Change::Scheduled),
                (60, 6, Change::Created),
                (70, 7, Change::Created),
                (71, 7, Change::Scheduled),
                (99, 7, Change::Succeeded),
            ]
        );
    }

    #[test]
    fn at_one_second_creations_come_first_and_rows_in_their_order() {
        let planned =
            plan_of("a,1,1,LS,Succeeded,3,5,5\nb,1,1,LS,Running,5,5,6\nc,1,1,LS,Pending,5,,6");
        let at_five: Vec<_> = planned
            .into_iter()
            .filter(|(second, ..)| *second == 5)
            .collect();
        assert_eq!(
            at_five,
            [
                (5, 1, Change::Created),
                (5, 2, Change::Created),
                (5, 0, Change::Scheduled),
                (5, 1, Change::Scheduled),
                (5, 0, Change::Succeeded),
            ]
        );
    }

    #[test]
    fn an_empty_trace_has_no_moments() {
        assert_eq!(plan_of(""), []);
    }

    #[test]
    fn seconds_count_from_the_start_of_2023() {
        let moment = Moment {
            row: 0,
            change: Change::Created,
            second: 86_400,
        };
        assert_eq!(moment.at().to_rfc3339(), "2023-01-02T00:00:00+00:00");
    }
}
