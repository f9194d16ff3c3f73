//! Later looks in the table: what a later pass of a mailbox brought. When they are due, and the end of the passwords that are
//! kept for them, is in `later/due.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::advance::Step;
use super::expression::Change;
use super::job::{Failure, Verdict};
use super::{Advance, JobRecord, Ledger as _, RequestRecord, Store, StoreError, attribute};
use crate::domain::{JobEvent, JobState, Pass};

mod due;

pub use due::{DueLooks, EndedBy};

/// A mailbox as it was when its later pass began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeLook {
    /// How it had ended.
    pub state: JobState,
    /// Folders.
    pub folders: u32,
    /// Messages at the source, as far as they were known.
    pub messages_total: i64,
    /// Of those, how many are at the destination.
    pub messages_copied: i64,
    /// Bytes at the source, as far as they were known.
    pub bytes_total: i64,
    /// How many messages and folders are not there as they should be.
    pub exceptions: i64,
    /// What was noted of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What the last later pass of a mailbox brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Which pass.
    pub pass: Pass,
    /// Messages that it fetched.
    pub messages: i64,
    /// Messages that all later passes fetched.
    pub in_all: i64,
    /// Why it could not be done, or not whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Failure>,
    /// Whether its customer has to know of the trouble: it is none that is to be expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_amiss: bool,
    /// Whether the pass before it ran into the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_repeated: bool,
    /// Whether the mailbox is less whole than it was when its final pass was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_exceptions: bool,
}

/// What the chunks of a mailbox tell in the middle of a later pass.
#[derive(Clone, Copy, Debug)]
struct Known {
    messages: i64,
    messages_copied: i64,
    bytes: i64,
    bytes_copied: i64,
    /// Whether something is known of that is not there yet.
    lacks_some: bool,
}

impl BeforeLook {
    /// Whether a pass before had copied it.
    fn has_been_copied(&self) -> bool {
        self.state != JobState::Failed
    }
}

impl JobRecord {
    /// The mailbox as it is before a later pass begins.
    pub(super) fn before_look_now(&self) -> BeforeLook {
        let failure = self.error_code.clone().map(|code| Failure {
            code,
            message: self.error_message.clone().unwrap_or_default(),
        });
        BeforeLook {
            state: self.status.state(),
            folders: self.folders,
            messages_total: self.messages_total,
            messages_copied: self.messages_copied,
            bytes_total: self.bytes_total,
            exceptions: self.exceptions,
            failure,
        }
    }

    /// What the running pass brought, by how many messages are there now; `None` where it is no later one.
    fn looked_now(&self, messages_copied: i64, trouble: Option<Failure>, is_amiss: bool) -> Option<Looked> {
        let pass = self.status.pass().filter(|pass| pass.is_later())?;
        let before = self.before_look.as_ref()?;
        let messages = messages_copied.saturating_sub(before.messages_copied).max(0);
        let last = self.looked.as_ref();
        let code = |failure: &Option<Failure>| failure.as_ref().map(|failure| failure.code.clone());
        Some(Looked {
            pass,
            messages,
            in_all: last.map_or(0, |last| last.in_all).saturating_add(messages),
            is_amiss,
            is_repeated: trouble.is_some()
                && last.is_some_and(|last| last.is_amiss == is_amiss && code(&last.trouble) == code(&trouble)),
            left_exceptions: self.has_exceptions_of_looks(),
            trouble,
        })
    }

    /// Whether it is less whole since an earlier later pass than it was before.
    pub fn has_exceptions_of_looks(&self) -> bool {
        self.looked.as_ref().is_some_and(|looked| looked.left_exceptions)
    }

    /// What its running later pass brought, where it ends with this verdict. What is worse than before has to be known.
    pub(super) fn looked_by(&self, verdict: &Verdict, ends_with_exceptions: bool) -> Option<Looked> {
        let before = self.before_look.as_ref()?;
        let is_news = before.state != JobState::CompletedWithExceptions
            || verdict.exceptions > before.exceptions
            || verdict.certificate.is_none();
        let is_amiss = ends_with_exceptions && is_news;
        let noted = || {
            Some(Failure {
                code: self.error_code.clone()?,
                message: self.error_message.clone()?,
            })
        };
        let trouble = verdict.failure.clone().or_else(noted).unwrap_or_else(|| Failure {
            code: "not_all_fetched".to_owned(),
            message: "not all that arrived at the previous provider could be fetched; the report names it".to_owned(),
        });
        let mut looked = self.looked_now(self.messages_copied, is_amiss.then_some(trouble), is_amiss)?;
        looked.left_exceptions =
            ends_with_exceptions && (looked.left_exceptions || before.state != JobState::CompletedWithExceptions);
        Some(looked)
    }

    /// Why it had failed before the later pass that it is in; that says more than that the pass was cut off.
    pub(super) fn failed_before(&self, failure: &Failure) -> Option<Failure> {
        let (_, before) = self.later_pass().filter(|_| is_without_passwords(&failure.code))?;
        before.failure.clone().filter(|_| before.state == JobState::Failed)
    }

    /// The later pass that it is in, and how it was when that began.
    fn later_pass(&self) -> Option<(Pass, &BeforeLook)> {
        let pass = self.status.pass().filter(|pass| pass.is_later())?;
        Some((pass, self.before_look.as_ref()?))
    }
}

impl Store {
    /// Ends the later pass of a mailbox in which nothing was to be fetched: it is as it was. `None` where it
    /// has to be ended in the ordinary way. Idempotency key: job and pass.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_look(&self, job: &JobRecord, now: Timestamp) -> Result<Option<Advance<JobRecord>>, StoreError> {
        let Some((pass, before)) = job.later_pass().filter(|(_, before)| before.has_been_copied()) else {
            return Ok(None);
        };
        let event = JobEvent::LookEnded {
            pass,
            exceptions: before.state != JobState::Completed,
        };
        let looked = job.looked_now(before.messages_copied, None, false);
        let change = as_before(before).set_or_remove("looked", attribute(looked.as_ref())?);
        self.advance_job(job.job_id, event, now, change, Step::Last(None))
            .await
            .map(Some)
    }

    /// Ends the later pass of a mailbox that could not be done. What was copied before stays as it was said of
    /// it; only new mail that is known of and not there, or not compared, is an exception. That the previous
    /// provider does not let us in any more is to be expected; of anything else the customer has to know. `None`
    /// where the mailbox was not copied before, nor by this pass, and fails in the ordinary way.
    pub(super) async fn fail_look(
        &self,
        job: &JobRecord,
        failure: &Failure,
        now: Timestamp,
    ) -> Result<Option<Advance<JobRecord>>, StoreError> {
        let is_certifying = job.status.state() == JobState::Certifying;
        let Some((pass, before)) = job
            .later_pass()
            .filter(|(_, before)| is_certifying || before.has_been_copied())
        else {
            return Ok(None);
        };
        // One that is being certified has been copied, and fails for no other reason.
        if is_certifying && !is_without_passwords(&failure.code) {
            return Err(StoreError::Illegal(format!(
                "mailbox job {} is being certified",
                job.job_id
            )));
        }
        let known = self.known(job).await?;
        let is_copied_now = known.messages_copied > before.messages_copied || !before.has_been_copied();
        let has_new = known.lacks_some || is_copied_now;
        let is_amiss = has_new || !may_be_expected(&failure.code);
        let mut looked = job.looked_now(known.messages_copied, Some(failure.clone()), is_amiss);
        if let Some(looked) = &mut looked {
            looked.left_exceptions |= has_new;
        }
        let change = match (has_new, job.status.state()) {
            (false, _) => as_before(before),
            // Nothing is counted before all is planned.
            (true, JobState::Planning) => failure
                .change()
                .set("exceptions", job.exceptions.max(1))
                .set("messages_total", known.messages)
                .set("messages_copied", known.messages_copied)
                .set("bytes_total", known.bytes)
                .set("bytes_copied", known.bytes_copied),
            (true, _) => failure.change().set("exceptions", job.exceptions.max(1)),
        };
        let event = JobEvent::LookEnded {
            pass,
            exceptions: has_new || before.state != JobState::Completed,
        };
        let change = change.set_or_remove("looked", attribute(looked.as_ref())?);
        let step = Step::Last(Some(&failure.code));
        self.advance_job(job.job_id, event, now, change, step).await.map(Some)
    }

    /// What is known of a mailbox that is being planned or copied.
    async fn known(&self, job: &JobRecord) -> Result<Known, StoreError> {
        let folders = self.folders(job.job_id).await?;
        let chunks = self.planned_chunks(job.job_id, &folders).await?;
        Ok(Known {
            messages: chunks.iter().map(|chunk| chunk.messages).sum(),
            // All is counted once it is planned.
            messages_copied: chunks
                .iter()
                .map(|chunk| chunk.counted.0)
                .sum::<i64>()
                .max(job.messages_copied),
            bytes: chunks.iter().map(|chunk| chunk.bytes).sum(),
            bytes_copied: chunks.iter().map(|chunk| chunk.counted.1).sum(),
            lacks_some: chunks.iter().any(|chunk| chunk.done_pass.is_none()),
        })
    }
}

/// Only while the later looks are those that were read.
pub(super) fn unchanged(change: Change, record: &RequestRecord) -> Result<Change, StoreError> {
    Ok(match attribute(record.looks.as_ref())? {
        Some(looks) => change.if_equal("looks", looks),
        None => change.if_absent("looks"),
    })
}

fn as_before(before: &BeforeLook) -> Change {
    let change = before.failure.as_ref().map_or_else(
        || Change::default().remove("error_code").remove("error_message"),
        Failure::change,
    );
    change
        .set("exceptions", before.exceptions)
        .set("folders", i64::from(before.folders))
        .set("messages_total", before.messages_total)
        .set("bytes_total", before.bytes_total)
}

/// Whether a later pass may fail for this reason without anything being amiss: the customer has given up
/// the mailbox at the previous provider, changed its password there, or had us delete it.
fn may_be_expected(code: &str) -> bool {
    [SOURCE_LOGIN_REFUSED, PASSWORDS_DELETED].contains(&code)
}

fn is_without_passwords(code: &str) -> bool {
    [PASSWORDS_DELETED, NOT_IN_TIME].contains(&code)
}

/// Whether a later pass came to nothing because the previous provider let it into no mailbox any more.
pub fn is_shut_out(jobs: &[JobRecord], pass: Pass) -> bool {
    let mut looked = jobs
        .iter()
        .filter_map(|job| job.looked.as_ref())
        .filter(|looked| looked.pass == pass)
        .peekable();
    looked.peek().is_some()
        && looked.all(|looked| {
            let code = looked.trouble.as_ref().map(|failure| failure.code.as_str());
            looked.messages == 0 && code == Some(SOURCE_LOGIN_REFUSED)
        })
}

/// Whether a later pass that ran into this may do better another time. A login that is refused is not tried again
/// and again: some providers lock a mailbox for that.
pub fn may_pass(code: &str) -> bool {
    !is_without_passwords(code) && !is_login_refused(code) && code != TOO_MUCH_TIDIED_UP
}

/// Whether a server said that a password is wrong, or a mailbox not there.
pub fn is_login_refused(code: &str) -> bool {
    [SOURCE_LOGIN_REFUSED, DESTINATION_LOGIN_REFUSED].contains(&code)
}

const SOURCE_LOGIN_REFUSED: &str = "source_login_refused";
const DESTINATION_LOGIN_REFUSED: &str = "destination_login_refused";

/// Why new mail of a folder is not fetched: more was moved there at the previous provider than can be told from it.
pub const TOO_MUCH_TIDIED_UP: &str = "too_much_tidied_up";

/// Why a pass ends whose passwords their owner had deleted while it ran.
pub const PASSWORDS_DELETED: &str = "passwords_deleted";

/// Why a pass ends that took longer than the passwords are kept.
pub const NOT_IN_TIME: &str = "not_looked_at_in_time";
