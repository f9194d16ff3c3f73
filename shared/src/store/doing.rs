//! What is being done with a mailbox at the moment: for whoever watches it. Nothing else depends on it.
//!
//! It stands in an item of its own, with an attribute for each lane, so that it never comes between what copying and
//! certifying write on conditions. What is no longer true is not given out ([`JobRecord::doing`]).

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::{Item, JobRecord, Store, StoreError, expires_at, request};
use crate::domain::{JobId, JobState, Pass, RequestId};

/// Between two writes of a mailbox there are so many seconds. The moments are whole seconds, so that it is never less than two.
const PAUSE_SECONDS: i64 = 3;

/// How long it is believed: a lane at work notes it every few seconds, and one that died never again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);

/// What the name of a lane's attribute begins with.
const LANE: &str = "lane_";

/// What a lane does with a mailbox, or all of them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doing {
    /// In which pass, or after which.
    pub pass: Pass,
    /// What.
    pub step: Step,
    /// The folder it is at, as people read it.
    pub folder: String,
    /// How many folders have been compared, and of how many; absent while copying, where the mailbox counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folders: Option<(u32, u32)>,
    /// How fast it was in the last minute; absent while too little is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// When that was so, in seconds since 1970.
    pub at: i64,
}

/// What is done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It is copied.
    Copying,
    /// What the destination holds is compared.
    Comparing,
}

/// How much is copied, or compared, in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl JobRecord {
    /// What is done with it now, of what its lanes have noted: the folder of the one that noted last, and the speed of all.
    pub fn doing(&self, noted: &[Doing], now: Timestamp) -> Option<Doing> {
        let step = match self.status.state() {
            JobState::Copying => Step::Copying,
            JobState::Certifying => Step::Comparing,
            _ => return None,
        };
        if self.resting(now).is_some() {
            return None;
        }
        let oldest = now.as_second() - BELIEVED.as_secs();
        let is_so = |doing: &&Doing| Some(doing.pass) == self.status.pass() && doing.step == step && doing.at >= oldest;
        let paces = noted.iter().filter(is_so).filter_map(|doing| doing.pace);
        let pace = paces.reduce(|all, one| Pace {
            messages: all.messages.saturating_add(one.messages),
            bytes: all.bytes.saturating_add(one.bytes),
        });
        let last = noted.iter().filter(is_so).max_by_key(|doing| doing.at)?;
        Some(Doing { pace, ..last.clone() })
    }
}

fn prefix(generation: u32) -> String {
    format!("DOING#{generation}#")
}

impl Store {
    /// Notes what a lane does, unless something was noted of its mailbox a moment ago: says whether it was.
    pub(super) async fn put_doing(&self, id: JobId, lane: u8, doing: &Doing) -> Result<bool, StoreError> {
        let noted: AttributeValue = serde_dynamo::to_attribute_value(doing)?;
        let change = Change::default()
            .if_at_most("noted_at", doing.at - PAUSE_SECONDS)
            .set("noted_at", doing.at)
            .set("row", i64::from(id.row()))
            .set(&format!("{LANE}{lane}"), noted)
            .set("expires_at", expires_at(id.request()));
        let sk = format!("{}{:05}", prefix(id.generation()), id.row());
        self.change_if(change, request::partition(id.request()), sk).await
    }

    /// What the lanes of a request's mailboxes have noted last, by the mailboxes' rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn doings(&self, id: RequestId, generation: u32) -> Result<BTreeMap<u32, Vec<Doing>>, StoreError> {
        let pk = request::partition(id);
        let noted = self.query_each(&pk, &prefix(generation), None, lanes).await?;
        Ok(noted.into_iter().collect())
    }
}

/// The row of a mailbox and what its lanes have noted.
fn lanes(mut item: Item) -> Result<(u32, Vec<Doing>), StoreError> {
    let row = item.remove("row").unwrap_or(AttributeValue::Null(true));
    let lanes = item.into_iter().filter(|(name, _)| name.starts_with(LANE));
    let doings = lanes.map(|(_, noted)| serde_dynamo::from_attribute_value(noted));
    Ok((
        serde_dynamo::from_attribute_value(row)?,
        doings.collect::<Result<_, _>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CopyOptions, EmailAddress, Endpoint, JobStatus, MailboxOrder, Rest, Secret};

    fn now() -> Timestamp {
        "2026-11-24T09:00:00Z".parse().unwrap()
    }

    fn job(state: JobState, pass: Pass) -> JobRecord {
        let address: EmailAddress = "anna@example.org".parse().unwrap();
        let order = MailboxOrder {
            source_user: address.to_string(),
            destination: address.clone(),
            address,
            password: Secret::from("hunter2"),
            source: Endpoint::with_defaults("imap.example.org".parse().unwrap(), None, None),
            seeks_source: false,
            destination_password: None,
        };
        let id = JobId::new(RequestId::from_parts(0, [0; 10]), 1, 2);
        let job = JobRecord::accepted(id, &order, String::new(), None, &CopyOptions::default(), now());
        JobRecord {
            status: JobStatus::new(state, Some(pass)).unwrap(),
            ..job
        }
    }

    fn noted(step: Step, pass: Pass, seconds_ago: i64, folder: &str) -> Doing {
        Doing {
            pass,
            step,
            folder: folder.to_owned(),
            folders: None,
            pace: Some(Pace {
                messages: 60,
                bytes: 6_000,
            }),
            at: now().as_second() - seconds_ago,
        }
    }

    #[test]
    fn lanes_are_told_of_together() {
        let quiet = Doing {
            pace: None,
            ..noted(Step::Copying, Pass::First, 1, "INBOX")
        };
        let lanes = [
            noted(Step::Copying, Pass::First, 20, "Sent"),
            quiet,
            noted(Step::Copying, Pass::First, 9, "Work"),
        ];
        let doing = job(JobState::Copying, Pass::First).doing(&lanes, now()).unwrap();
        let pace = Pace {
            messages: 120,
            bytes: 12_000,
        };
        assert_eq!((doing.folder.as_str(), doing.pace), ("INBOX", Some(pace)));
    }

    #[test]
    fn what_is_no_longer_so_is_not_told() {
        let copying = job(JobState::Copying, Pass::Final);
        let told = |job: &JobRecord, noted| job.doing(&[noted], now()).is_some();
        let is_at = |step, pass, ago| noted(step, pass, ago, "INBOX");
        assert!(told(&copying, is_at(Step::Copying, Pass::Final, 60)));
        assert!(
            !told(&copying, is_at(Step::Copying, Pass::Final, 61)),
            "its worker died"
        );
        assert!(
            !told(&copying, is_at(Step::Copying, Pass::First, 1)),
            "of the pass before"
        );
        let certifying = job(JobState::Certifying, Pass::Final);
        assert!(told(&certifying, is_at(Step::Comparing, Pass::Final, 1)));
        assert!(!told(&certifying, is_at(Step::Copying, Pass::Final, 1)));
        let ended = job(JobState::Completed, Pass::Final);
        assert!(!told(&ended, is_at(Step::Comparing, Pass::Final, 1)));
        let rests = JobRecord {
            rest: Rest::next(None, 0, now()),
            ..copying
        };
        assert!(!told(&rests, is_at(Step::Copying, Pass::Final, 1)));
    }
}
