//! Files with contacts and calendars, as templates see them.

use serde::Serialize;

use super::view::reason;
use super::wording::one_line;
use crate::domain::Language;
use crate::store::{AttachmentRecord, AttachmentState, JobRecord};

/// A file. `outcome` is `failed`, `exceptions`, `running` or `well`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct File {
    pub(super) name: String,
    /// The address of the mailbox it is for; absent where that has been taken out of the request.
    pub(super) mailbox: Option<String>,
    pub(super) outcome: &'static str,
    pub(super) imported: i64,
    pub(super) existing: i64,
    pub(super) updated: i64,
    pub(super) kept: i64,
    pub(super) failed: i64,
    /// How much there is to be told of it.
    pub(super) remarks: i64,
    pub(super) reason: Option<String>,
}

/// The files that came, but for those that were taken back: first what failed, then what has exceptions.
pub(super) fn told(records: &[AttachmentRecord], jobs: &[JobRecord], language: Language) -> Vec<File> {
    let mut files: Vec<File> = records
        .iter()
        .filter_map(|record| File::new(record, jobs, language))
        .collect();
    files.sort_by_key(|file| match file.outcome {
        "failed" => 0,
        "exceptions" => 1,
        "running" => 2,
        _ => 3,
    });
    files
}

impl File {
    fn new(record: &AttachmentRecord, jobs: &[JobRecord], language: Language) -> Option<Self> {
        let outcome = match record.state {
            AttachmentState::AwaitingUpload | AttachmentState::Undoing | AttachmentState::Undone => return None,
            AttachmentState::Importing => "running",
            AttachmentState::Failed => "failed",
            AttachmentState::CompletedWithExceptions => "exceptions",
            AttachmentState::Completed => "well",
        };
        let job = jobs.iter().find(|job| job.job_id == record.job_id);
        let counts = record.progress.counts;
        Some(Self {
            name: one_line(&record.name),
            mailbox: job.map(|job| one_line(&job.address)),
            outcome,
            imported: count(counts.imported),
            existing: count(counts.existing),
            updated: count(counts.updated),
            kept: count(counts.kept),
            failed: count(counts.failed),
            remarks: count(record.progress.problems_found),
            reason: reason(record.error_code.as_deref(), record.error_message.as_deref(), language),
        })
    }

    /// Whether something of it is not there, or not as it was.
    pub(super) fn has_trouble(&self) -> bool {
        matches!(self.outcome, "failed" | "exceptions")
    }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
