//! `GET /v1/requests/{id}/report.csv`: one line for each mailbox, each message that was refused and
//! each fault of a refused row.
//!
//! The file is for a spreadsheet. Cells hold what strangers wrote, such as names of folders and a
//! server's words, so none may be taken for a formula.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use mailvan::domain::Fault;
use mailvan::intake::spreadsheet_safe;
use mailvan::store::{ChunkRecord, FolderRecord, JobRecord, RequestRecord, Store};

use crate::status::Overview;
use crate::{Deps, response};

/// What Lambda hands on is 6 MB as JSON; this leaves room for the escapes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The names of the columns.
const COLUMNS: [&str; 16] = [
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
];

/// One line; a text that is empty does not apply.
#[derive(Default)]
struct Line {
    kind: &'static str,
    row: u32,
    email: String,
    destination: String,
    state: &'static str,
    pass: &'static str,
    counts: [String; 6],
    column: String,
    folder: String,
    code: String,
    message: String,
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
    let overview = Overview::load(&deps.store, request).await?;
    let mut report = Report::begin()?;
    for job in &overview.jobs {
        report.add(&mailbox(job))?;
        for line in refused_messages(&deps.store, job).await? {
            report.add(&line)?;
        }
    }
    for fault in &overview.faults {
        report.add(&refused_row(fault))?;
    }
    Ok(response::csv_file(&name, report.end()?))
}

async fn refused_messages(store: &Store, job: &JobRecord) -> anyhow::Result<Vec<Line>> {
    if job.exceptions == 0 {
        return Ok(Vec::new());
    }
    let (folders, chunks) = tokio::try_join!(store.folders(job.job_id), store.all_chunks(job.job_id))?;
    Ok(messages(job, &folders, &chunks))
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
        pass: job.status.pass().map_or("", mailvan::domain::Pass::as_str),
        counts: counts.map(|count| count.to_string()),
        code: job.error_code.clone().unwrap_or_default(),
        message: job.error_message.clone().unwrap_or_default(),
        ..of_job("mailbox", job)
    }
}

fn messages(job: &JobRecord, folders: &[FolderRecord], chunks: &[ChunkRecord]) -> Vec<Line> {
    let title = |number| folders.iter().find(|folder| folder.folder == number).map(|folder| folder.title.clone()).unwrap_or_default();
    let lines = chunks.iter().flat_map(|chunk| {
        chunk.exceptions.iter().map(move |exception| Line {
            folder: title(chunk.folder),
            code: exception.code.clone(),
            message: format!("the message with UID {} was refused; the server said: {}", exception.uid, exception.text),
            ..of_job("refused_message", job)
        })
    });
    lines.collect()
}

fn of_job(kind: &'static str, job: &JobRecord) -> Line {
    Line { kind, row: job.job_id.row(), email: job.address.clone(), destination: job.destination.to_string(), ..Line::default() }
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
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        Ok(Self { writer, bytes: 0, left_out: 0 })
    }

    fn add(&mut self, line: &Line) -> Result<(), csv::Error> {
        let row = line.row.to_string();
        let [folders, messages_total, messages_copied, bytes_total, bytes_copied, exceptions] = &line.counts;
        let cells: [&str; COLUMNS.len()] = [
            line.kind,
            &row,
            &line.email,
            &line.destination,
            line.state,
            line.pass,
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
        ];
        self.bytes += cells.iter().map(|cell| cell.len() + 1).sum::<usize>();
        if self.bytes > MAX_BYTES {
            self.left_out += 1;
            return Ok(());
        }
        self.writer.write_record(cells.map(spreadsheet_safe).iter().map(|cell| cell.as_bytes()))
    }

    fn end(mut self) -> anyhow::Result<String> {
        if self.left_out > 0 {
            self.bytes = 0;
            let message = format!("{} more lines do not fit into this report; ask support for them", self.left_out);
            self.add(&Line { kind: "left_out", message, ..Line::default() })?;
        }
        let bytes = self.writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8(bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use mailvan::domain::{FaultCode, JobState, Pass};
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn records(lines: &[Line]) -> Vec<Vec<String>> {
        let mut report = Report::begin().unwrap();
        for line in lines {
            report.add(line).unwrap();
        }
        let text = report.end().unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), COLUMNS.as_slice());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn folder_and_chunk(job: &JobRecord) -> (FolderRecord, ChunkRecord) {
        let folder = json!({
            "job_id": job.job_id, "folder": 1, "source_name": "Old", "title": "=Old/Größe", "destination_name": "Old", "source_uid_validity": 1,
            "destination_uid_validity": 2, "chunks": 1, "last_uid": 9, "planned_pass": "first",
        });
        let chunk = json!({
            "job_id": job.job_id, "folder": 1, "chunk": 0, "first_uid": 1, "last_uid": 9, "messages": 9, "bytes": 90, "map": "", "flags": "",
            "exceptions": [{"uid": 7, "code": "LIMIT", "text": "too \"large\",\nreally"}],
        });
        (serde_json::from_value(folder).unwrap(), serde_json::from_value(chunk).unwrap())
    }

    #[test]
    fn mailboxes_refused_messages_and_refused_rows_have_lines() {
        let mut job = samples::job(2, JobState::AwaitingCutover, Some(Pass::First));
        job.exceptions = 1;
        let (folder, chunk) = folder_and_chunk(&job);
        let fault = Fault::at(3, "port", FaultCode::BadPort, "write a number");
        let mut lines = vec![mailbox(&job)];
        lines.extend(messages(&job, &[folder], &[chunk]));
        lines.push(refused_row(&fault));
        let records = records(&lines);
        let address = "user2@example.com";
        assert_eq!(
            records[0],
            ["mailbox", "2", address, address, "awaiting_cutover", "first", "3", "10", "4", "1000", "400", "1", "", "", "", ""]
        );
        let words = "the message with UID 7 was refused; the server said: too \"large\",\nreally";
        assert_eq!(records[1][..3], ["refused_message", "2", address]);
        assert_eq!(records[1][12..], ["", "'=Old/Größe", "LIMIT", words]);
        assert_eq!((records[2][0].as_str(), records[2][1].as_str()), ("refused_row", "3"));
        assert_eq!(records[2][12..], ["port", "", "bad_port", "write a number"]);
    }

    #[test]
    fn a_report_that_grows_too_large_says_how_much_is_left_out() {
        let long = || Line { kind: "refused_message", message: "x".repeat(1024 * 1024), ..Line::default() };
        let records = records(&[long(), long(), long(), long(), long()]);
        assert_eq!(records.len(), 4);
        assert_eq!(records[3][0], "left_out");
        assert!(records[3][15].starts_with("2 more lines"), "{}", records[3][15]);
    }
}
