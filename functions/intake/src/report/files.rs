//! The lines of the report about files with contacts and calendars.

use mailvan::dav::import::Counts;
use mailvan::store::{AttachmentRecord, JobRecord};

use super::{Line, of_job};

/// The files with contacts and calendars: a line each, one for each collection, and one for each problem.
pub(super) fn lines(records: &[AttachmentRecord], jobs: &[JobRecord]) -> Vec<Line> {
    let mut lines = Vec::new();
    for record in records {
        let job = jobs.iter().find(|job| job.job_id == record.job_id);
        let line = |kind| {
            job.map_or_else(Line::default, |job| Line {
                folder: record.name.clone(),
                ..of_job(kind, job)
            })
        };
        lines.push(Line {
            kind: "attachment",
            state: record.state.as_str(),
            code: record.error_code.clone().unwrap_or_default(),
            message: record
                .error_message
                .clone()
                .unwrap_or_else(|| of_counts(record.progress.objects, record.progress.counts)),
            ..line("attachment")
        });
        lines.extend(record.progress.collections.iter().map(|collection| Line {
            kind: "attachment_collection",
            folder: collection.name.clone().unwrap_or_default(),
            message: of_counts(collection.counts.all(), collection.counts),
            ..line("attachment_collection")
        }));
        lines.extend(record.progress.problems.iter().map(|problem| Line {
            kind: "attachment_problem",
            message: format!(
                "{}line {}: {}",
                problem.file.as_ref().map(|file| format!("{file}, ")).unwrap_or_default(),
                problem.line,
                problem.reason
            ),
            ..line("attachment_problem")
        }));
    }
    lines
}

fn of_counts(all: u64, counts: Counts) -> String {
    format!(
        "{all} in all: {} imported, {} were there already, {} replaced, {} there in another version and kept, {} not imported",
        counts.imported, counts.existing, counts.updated, counts.kept, counts.failed
    )
}
