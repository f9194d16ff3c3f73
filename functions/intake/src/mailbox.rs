//! A mailbox as the status shows it: how far it is, what is done with it now, and what became of it.

use jiff::Timestamp;
use mailvan::domain::{ClassCounts, FoundBy, JobState, Pass, Security};
use mailvan::store::{Doing, JobRecord, Step, stamp};
use serde::Serialize;

use crate::check;
use crate::later::{self, LookedView};
use crate::owner_mail::OwnerMailView;
use crate::status::{ErrorView, EstimateView, error};

/// A mailbox as clients get it.
#[derive(Serialize)]
pub struct MailboxView<'a> {
    row: u32,
    email: &'a str,
    state: JobState,
    pass: Option<Pass>,
    folders: u32,
    messages_total: i64,
    messages_copied: i64,
    bytes_total: i64,
    bytes_copied: i64,
    exceptions: i64,
    notes: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doing: Option<DoingView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceView<'a>>,
    check: check::CheckView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<EstimateView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateView<'a>>,
    /// When it goes on, while its previous provider gives out no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumes_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<LookedView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_mail: Option<OwnerMailView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView<'a>>,
}

/// How many folders the running step is through with.
#[derive(Serialize)]
struct ProgressView {
    folders_done: u32,
    folders: u32,
}

/// What is done with it now.
#[derive(Serialize)]
struct DoingView {
    step: Step,
    folder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_minute: Option<u64>,
    at: String,
}

/// The server at the previous provider.
#[derive(Serialize)]
struct SourceView<'a> {
    host: &'a str,
    port: u16,
    security: Security,
    #[serde(skip_serializing_if = "Option::is_none")]
    found_by: Option<FoundBy>,
}

/// A certificate that has been made, and where it is.
#[derive(Serialize)]
struct CertificateView<'a> {
    url: String,
    made_at: &'a str,
    agrees: bool,
    #[serde(skip_serializing_if = "ClassCounts::is_empty")]
    refused: ClassCounts,
}

/// A mailbox with what is done with it at the moment, where that is known.
pub fn view(
    job: &JobRecord,
    doing: Option<Doing>,
    estimate: Option<EstimateView>,
    read_at: Timestamp,
) -> MailboxView<'_> {
    MailboxView {
        row: job.job_id.row(),
        email: &job.address,
        state: job.status.state(),
        pass: job.status.pass(),
        folders: job.folders,
        messages_total: job.messages_total,
        messages_copied: job.messages_copied,
        bytes_total: job.bytes_total,
        bytes_copied: job.bytes_copied,
        exceptions: job.exceptions,
        notes: job.notes,
        progress: progress(job, doing.as_ref()),
        doing: doing.map(|doing| doing_view(doing, read_at)),
        source: source(job),
        check: check::view(&job.check),
        estimate: estimate.filter(|_| job.resting(read_at).is_none()),
        resumes_at: job.resting(read_at).map(|rest| stamp(rest.until())),
        owner_mail: OwnerMailView::of(&job.owner),
        certificate: certificate(job),
        later: later::looked(job),
        error: error(job.error_code.as_deref(), job.error_message.as_deref()),
    }
}

/// Copying counts the folders in which there is something to do; of comparing only what is done now tells.
fn progress(job: &JobRecord, doing: Option<&Doing>) -> Option<ProgressView> {
    let (folders_done, folders) = match job.status.state() {
        JobState::Copying => (job.pass_folders.saturating_sub(job.open_folders), job.pass_folders),
        JobState::Certifying => doing?.folders?,
        _ => return None,
    };
    (folders > 0).then_some(ProgressView { folders_done, folders })
}

fn doing_view(doing: Doing, read_at: Timestamp) -> DoingView {
    DoingView {
        step: doing.step,
        messages_per_minute: doing.pace.map(|pace| pace.messages),
        bytes_per_minute: doing.pace.map(|pace| pace.bytes),
        at: stamp(Timestamp::from_second(doing.at).unwrap_or(read_at)),
        folder: doing.folder,
    }
}

fn source(job: &JobRecord) -> Option<SourceView<'_>> {
    let source = job.named_source()?;
    Some(SourceView {
        host: source.host.as_str(),
        port: source.port,
        security: source.security,
        found_by: job.source_found_by,
    })
}

fn certificate(job: &JobRecord) -> Option<CertificateView<'_>> {
    let note = job.certificate.as_ref()?;
    Some(CertificateView {
        url: job.certificate_path()?,
        made_at: &note.made_at,
        agrees: note.agrees,
        refused: note.classes,
    })
}

#[cfg(test)]
mod tests {
    use mailvan::store::Pace;
    use serde_json::{Value, json};

    use super::*;
    use crate::samples;

    fn shown(job: &JobRecord, doing: Option<Doing>) -> (Value, Value) {
        let view = serde_json::to_value(view(job, doing, None, samples::now())).unwrap();
        (view["progress"].clone(), view["doing"].clone())
    }

    fn doing(step: Step, folders: Option<(u32, u32)>) -> Doing {
        Doing {
            pass: Pass::Final,
            step,
            folder: "Work/2026".to_owned(),
            folders,
            pace: Some(Pace {
                messages: 1_240,
                bytes: 46_000_000,
            }),
            at: samples::now().as_second() - 5,
        }
    }

    #[test]
    fn the_final_pass_counts_the_folders_it_has_work_in() {
        let mut job = samples::job(2, JobState::Copying, Some(Pass::Final));
        (job.pass_folders, job.open_folders) = (3, 1);
        let (progress, doing) = shown(&job, Some(doing(Step::Copying, None)));
        assert_eq!(progress, json!({"folders_done": 2, "folders": 3}));
        assert_eq!(
            doing,
            json!({
                "step": "copying", "folder": "Work/2026", "messages_per_minute": 1_240, "bytes_per_minute": 46_000_000,
                "at": "2026-11-24T08:59:55Z",
            })
        );
    }

    #[test]
    fn comparing_counts_the_folders_that_are_compared() {
        let job = samples::job(2, JobState::Certifying, Some(Pass::Final));
        let compared = doing(Step::Comparing, Some((4, 9)));
        assert_eq!(shown(&job, Some(compared)).0, json!({"folders_done": 4, "folders": 9}));
        assert_eq!(shown(&job, None), (Value::Null, Value::Null));
    }

    #[test]
    fn a_mailbox_that_was_planned_before_folders_were_counted_tells_nothing() {
        let mut job = samples::job(2, JobState::Copying, Some(Pass::First));
        job.open_folders = 2;
        assert_eq!(shown(&job, None), (Value::Null, Value::Null));
    }
}
