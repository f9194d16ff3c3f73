//! `GET /v1/requests/{id}/report.csv`: one line for each mailbox, for what its check found, for what later passes brought, for what was not copied of it or
//! is at the destination otherwise, for each kind of what certifying found beyond that, and for each
//! fault of a refused row.
//!
//! The file is for a spreadsheet. Cells hold what strangers wrote, such as names of folders and a
//! server's words, so none may be taken for a formula.

mod files;

use std::collections::{BTreeMap, BTreeSet};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mailvan::domain::uid::UidSet;
use mailvan::domain::{DroppedFlags, ExceptionClass, Fault, Pass};
use mailvan::intake::spreadsheet_safe;
use mailvan::store::{ChunkRecord, Finding, Findings as _, FolderRecord, JobRecord, Ledger as _, RequestRecord, Store};

use crate::status::Overview;
use crate::{Deps, later, response};

/// What Lambda hands on is 6 MB as JSON; this leaves room for the escapes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many mailboxes are looked up at a time.
const LOOKUPS: usize = 16;

/// How many characters a list of UIDs may take.
const MAX_UIDS_CHARS: usize = 400;

/// The names of the columns.
const COLUMNS: [&str; 18] = [
    "kind",
    "row",
    "email",
    "destination",
    "state",
    "pass",
    "folders",
    "messages_total",
    "messages_copied",
    "bytes_total",
    "bytes_copied",
    "exceptions",
    "column",
    "folder",
    "code",
    "message",
    "certificate",
    "class",
];

/// One line; a text that is empty does not apply.
#[derive(Default)]
struct Line {
    kind: &'static str,
    row: u32,
    email: String,
    destination: String,
    state: &'static str,
    pass: String,
    counts: [String; 6],
    column: String,
    folder: String,
    code: String,
    message: String,
    certificate: String,
    class: &'static str,
}

/// A report being written.
struct Report {
    writer: csv::Writer<Vec<u8>>,
    bytes: usize,
    left_out: usize,
}

/// Answers with the report.
pub async fn report(deps: &Deps, request: RequestRecord) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let name = format!("mailvan-{}.csv", request.request_id);
    let overview = Overview::load(deps, request).await?;
    let mut report = Report::begin()?;
    let details = overview.jobs.iter().map(|job| details(&deps.store, job));
    let mut details = stream::iter(details).buffered(LOOKUPS);
    while let Some(lines) = details.try_next().await? {
        for line in lines {
            report.add(&line)?;
        }
    }
    for line in files::lines(
        &deps.store.attachments(overview.request.request_id).await?,
        &overview.jobs,
    ) {
        report.add(&line)?;
    }
    for fault in &overview.faults {
        report.add(&refused_row(fault))?;
    }
    Ok(response::csv_file(&name, report.end()?))
}

/// The lines of a mailbox. Most have renamed folders at most, and their chunks are not read.
async fn details(store: &Store, job: &JobRecord) -> anyhow::Result<Vec<Line>> {
    let mut lines = vec![mailbox(job)];
    lines.extend(check_faults(job));
    lines.extend(later_passes(job));
    if job.exceptions > 0 || job.notes > 0 {
        let folders = store.folders(job.job_id).await?;
        let renamed = folders.iter().filter(|folder| folder.note.is_some()).count();
        let has_messages = job.exceptions > 0 || job.notes > i64::try_from(renamed)?;
        let chunks = if has_messages {
            store.all_chunks(job.job_id).await?
        } else {
            Vec::new()
        };
        lines.extend(renamed_folders(job, &folders));
        lines.extend(messages(job, &folders, &chunks));
        lines.extend(dropped_flags(job, &chunks));
        // A later pass may have ended without a certificate; the one before still stands.
        let certified = job.certificate.as_ref().map_or(Pass::Final, |note| note.pass);
        let findings = store.findings(job.job_id, certified).await?;
        lines.extend(discrepancies(job, &folders, &findings));
    }
    Ok(lines)
}

fn mailbox(job: &JobRecord) -> Line {
    let counts = [
        i64::from(job.folders),
        job.messages_total,
        job.messages_copied,
        job.bytes_total,
        job.bytes_copied,
        job.exceptions,
    ];
    Line {
        state: job.status.state().as_str(),
        pass: job.status.pass().map(|pass| pass.to_string()).unwrap_or_default(),
        counts: counts.map(|count| count.to_string()),
        code: job.error_code.clone().unwrap_or_default(),
        message: job.error_message.clone().unwrap_or_default(),
        certificate: job.certificate_path().unwrap_or_default(),
        ..of_job("mailbox", job)
    }
}

/// What the passes after the final one brought.
fn later_passes(job: &JobRecord) -> Option<Line> {
    let (pass, code, message) = later::in_words(job)?;
    Some(Line {
        pass,
        code,
        message,
        ..of_job("later_pass", job)
    })
}

/// What the check found, as long as the mailbox has not begun.
fn check_faults(job: &JobRecord) -> Vec<Line> {
    let faults = job.check.failed().iter().map(|fault| Line {
        code: fault.code.as_str().to_owned(),
        message: fault.in_words(),
        ..of_job("check_fault", job)
    });
    faults.collect()
}

fn messages(job: &JobRecord, folders: &[FolderRecord], chunks: &[ChunkRecord]) -> Vec<Line> {
    let skipped = folders.iter().filter_map(|folder| {
        Some(Line {
            folder: folder.title.clone(),
            code: "folder_not_copied".to_owned(),
            message: folder.error.clone()?,
            ..of_job("skipped_folder", job)
        })
    });
    let lines = chunks.iter().flat_map(|chunk| {
        chunk.exceptions.iter().map(move |exception| {
            let (kind, became) = if exception.is_there() {
                (
                    "repaired_message",
                    "was refused as it was, and is copied repaired".to_owned(),
                )
            } else {
                let why = exception
                    .class
                    .and_then(ExceptionClass::in_words)
                    .map(|words| format!(" {words}"));
                ("refused_message", format!("was not copied{}", why.unwrap_or_default()))
            };
            Line {
                folder: title(folders, chunk.folder),
                code: exception.code.clone(),
                class: exception.class.map_or("", ExceptionClass::as_str),
                message: format!("the message with UID {} {became}: {}", exception.uid, exception.text),
                ..of_job(kind, job)
            }
        })
    });
    skipped.chain(lines).collect()
}

fn renamed_folders(job: &JobRecord, folders: &[FolderRecord]) -> Vec<Line> {
    let renamed = folders.iter().filter_map(|folder| {
        Some(Line {
            folder: folder.title.clone(),
            code: "folder_renamed".to_owned(),
            message: folder.note.clone()?,
            ..of_job("renamed_folder", job)
        })
    });
    renamed.collect()
}

/// Of how many messages of the mailbox each flag was dropped.
fn dropped_flags(job: &JobRecord, chunks: &[ChunkRecord]) -> Vec<Line> {
    let mut dropped = DroppedFlags::default();
    for chunk in chunks {
        dropped.merge(&chunk.dropped);
    }
    let others = (dropped.others > 0).then(|| ("other flags".to_owned(), dropped.others));
    let named = dropped
        .flags
        .into_iter()
        .map(|(flag, count)| (format!("the flag {flag}"), count));
    let line = |(flag, count): (String, i64)| Line {
        code: "flag_not_kept".to_owned(),
        message: format!("the new provider does not keep {flag}, which {count} messages had"),
        ..of_job("dropped_flag", job)
    };
    named.chain(others).map(line).collect()
}

/// What certifying found beyond what the copying had noted, those of a folder for the same reason
/// together.
fn discrepancies(job: &JobRecord, folders: &[FolderRecord], findings: &[Finding]) -> Vec<Line> {
    let mut found: BTreeMap<(u32, &str, &str), (u64, BTreeSet<u32>)> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.done) {
        for one in &finding.discrepancies {
            let (messages, uids) = found.entry((finding.folder, &one.code, &one.text)).or_default();
            *messages += one.messages;
            uids.extend(one.uids.iter());
        }
    }
    let line = |((folder, code, text), (messages, uids)): ((u32, &str, &str), (u64, BTreeSet<u32>))| Line {
        folder: title(folders, folder),
        code: code.to_owned(),
        message: match messages {
            0 => text.to_owned(),
            1 => format!("{text}: the one with UID {}", listed(uids)),
            more => format!("{text}: {more} messages, with the UIDs {}", listed(uids)),
        },
        ..of_job("certificate_exception", job)
    };
    found.into_iter().map(line).collect()
}

/// UIDs as far as they fit into a cell that somebody reads.
fn listed(uids: BTreeSet<u32>) -> String {
    let text = UidSet::from_sorted(uids).to_string();
    match text.get(..MAX_UIDS_CHARS).and_then(|start| start.rsplit_once(',')) {
        Some((start, _)) => format!("{start} and more, which the certificate lists"),
        None => text,
    }
}

fn title(folders: &[FolderRecord], number: u32) -> String {
    let folder = folders.iter().find(|folder| folder.folder == number);
    folder.map(|folder| folder.title.clone()).unwrap_or_default()
}

fn of_job(kind: &'static str, job: &JobRecord) -> Line {
    Line {
        kind,
        row: job.job_id.row(),
        email: job.address.clone(),
        destination: job.destination.to_string(),
        ..Line::default()
    }
}

fn refused_row(fault: &Fault) -> Line {
    Line {
        kind: "refused_row",
        row: fault.row,
        column: fault.column.clone().unwrap_or_default(),
        code: fault.code.as_str().to_owned(),
        message: fault.message.clone(),
        ..Line::default()
    }
}

impl Report {
    fn begin() -> Result<Self, csv::Error> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        Ok(Self {
            writer,
            bytes: 0,
            left_out: 0,
        })
    }

    fn add(&mut self, line: &Line) -> Result<(), csv::Error> {
        let row = line.row.to_string();
        let [
            folders,
            messages_total,
            messages_copied,
            bytes_total,
            bytes_copied,
            exceptions,
        ] = &line.counts;
        let cells: [&str; COLUMNS.len()] = [
            line.kind,
            &row,
            &line.email,
            &line.destination,
            line.state,
            &line.pass,
            folders,
            messages_total,
            messages_copied,
            bytes_total,
            bytes_copied,
            exceptions,
            &line.column,
            &line.folder,
            &line.code,
            &line.message,
            &line.certificate,
            line.class,
        ];
        self.bytes += cells.iter().map(|cell| cell.len() + 1).sum::<usize>();
        if self.bytes > MAX_BYTES {
            self.left_out += 1;
            return Ok(());
        }
        self.writer
            .write_record(cells.map(spreadsheet_safe).iter().map(|cell| cell.as_bytes()))
    }

    fn end(mut self) -> anyhow::Result<String> {
        if self.left_out > 0 {
            self.bytes = 0;
            let message = format!(
                "{} more lines do not fit into this report; ask support for them",
                self.left_out
            );
            self.add(&Line {
                kind: "left_out",
                message,
                ..Line::default()
            })?;
        }
        let bytes = self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8(bytes)?)
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
