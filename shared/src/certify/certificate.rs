//! The certificate: the document that is made of what was found. `infra/openapi.yaml` has its schema.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::code;
use crate::domain::tally::Tally;
use crate::domain::uid::UidSet;
use crate::domain::{ClassCounts, ExceptionClass, JobId, Pass, RequestId};
use crate::imap::name;
use crate::store::job::{CertificateNote, Failure};
use crate::store::{ChunkRecord, Finding, Findings, FolderRecord, SourceState, StoreError};

/// How the digests are made, by a name that changes with it.
const DIGEST: &str = "sha256-sum-1";

/// The most exceptions that are listed; what is beyond is counted.
const MOST_EXCEPTIONS: usize = 20_000;

/// Where a certificate lies in the bucket: `certificates/<request>/<job>.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateKey(pub JobId);

/// What a mailbox holds, compared with what it should hold.
#[derive(Clone, Debug, Serialize)]
pub struct Certificate {
    request: RequestId,
    job: JobId,
    row: u32,
    mailbox: String,
    destination: String,
    pass: Pass,
    made_at: String,
    digest: &'static str,
    /// Both sides are the same in each folder.
    agrees: bool,
    totals: Totals,
    folders: Vec<Folder>,
    /// Exceptions that the copying did not know of.
    #[serde(skip)]
    found_anew: u64,
    /// What messages were refused for.
    #[serde(skip)]
    classes: ClassCounts,
}

#[derive(Clone, Debug, Serialize)]
struct Side {
    messages: u64,
    bytes: u64,
    digest: String,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Totals {
    source_side: Side,
    destination_side: Side,
    exceptions: u64,
    exceptions_not_listed: u64,
    gone_since: u64,
    unverified: u64,
    gone_at_source: u64,
    arrived_since: u64,
    others: u64,
    late_copies_removed: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Folder {
    source: String,
    destination: String,
    source_state: SourceState,
    agrees: bool,
    source_side: Side,
    destination_side: Side,
    exceptions: Vec<Exception>,
    /// Messages that were refused as they were, and are there otherwise, as the customer wanted.
    repaired: Vec<Exception>,
    gone_since: Messages,
    unverified: Messages,
    gone_at_source: u64,
    arrived_since: u64,
    others: u64,
    late_copies_removed: Vec<LateCopy>,
}

/// What is not at the destination as it is or was at the source, for one reason.
#[derive(Clone, Debug, Serialize)]
struct Exception {
    code: String,
    /// What it was refused for, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<ExceptionClass>,
    text: String,
    messages: u64,
    uids: UidSet,
}

/// Source UIDs.
#[derive(Clone, Debug, Default, Serialize)]
struct Messages {
    messages: u64,
    uids: UidSet,
}

#[derive(Clone, Debug, Serialize)]
struct LateCopy {
    uid: u32,
    destination_uid: u32,
}

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// After which pass it is made.
    pub pass: Pass,
    /// The mailbox's job.
    pub job_id: JobId,
    /// The address at the source.
    pub mailbox: String,
    /// The address at the destination.
    pub destination: String,
}

/// Puts a certificate together, folder after folder.
#[derive(Clone, Debug, Default)]
struct Draft {
    folders: Vec<Folder>,
    totals: Totals,
    sums: (Tally, Tally),
    classes: ClassCounts,
    listed: usize,
    found_anew: u64,
}

impl Draft {
    /// Adds a folder: what copying it left out, and what was found in it.
    fn add(&mut self, folder: &FolderRecord, chunks: &[ChunkRecord], findings: &[&Finding]) {
        let (mut source, mut destination) = (Tally::default(), Tally::default());
        let (mut exceptions, mut repaired) = (Exceptions::default(), Exceptions::default());
        if let Some(error) = &folder.error {
            exceptions.add((code::FOLDER_NOT_COPIED.0, None), error, 0, []);
        }
        for exception in chunks.iter().flat_map(|chunk| &chunk.exceptions) {
            let kind = if exception.is_there() {
                &mut repaired
            } else {
                &mut exceptions
            };
            kind.add((&exception.code, exception.class), &exception.text, 1, [exception.uid]);
        }
        let known = exceptions.count();
        for finding in findings {
            source.merge(&finding.source);
            destination.merge(&finding.destination);
            for found in &finding.discrepancies {
                exceptions.add((&found.code, None), &found.text, found.messages, found.uids.iter());
            }
        }
        self.sums.0.merge(&source);
        self.sums.1.merge(&destination);
        self.found_anew += exceptions.count() - known;
        let sum = |count: fn(&Finding) -> u64| findings.iter().map(|finding| count(finding)).sum();
        let whole = findings.iter().find(|finding| finding.chunk.is_none());
        let late_copies = findings.iter().flat_map(|finding| finding.late_copies.iter());
        let folder = Folder {
            source: folder.title.clone(),
            destination: name::decode(&folder.destination_name).unwrap_or_else(|| folder.destination_name.clone()),
            source_state: whole
                .and_then(|whole| whole.source_state)
                .unwrap_or(SourceState::Unreachable),
            agrees: source == destination,
            source_side: Side::from(source),
            destination_side: Side::from(destination),
            gone_since: messages(findings, |finding| &finding.gone_since),
            unverified: messages(findings, |finding| &finding.unverified),
            gone_at_source: sum(|finding| finding.gone_at_source),
            arrived_since: sum(|finding| finding.arrived_since),
            others: sum(|finding| finding.others),
            late_copies_removed: late_copies
                .map(|(destination_uid, uid)| LateCopy { uid, destination_uid })
                .collect(),
            exceptions: Vec::new(),
            repaired: repaired.listed(),
        };
        let exceptions = exceptions.listed();
        for exception in &exceptions {
            if let Some(class) = exception.class {
                self.classes.add(class, exception.messages);
            }
        }
        let totals = &mut self.totals;
        totals.exceptions += exceptions.iter().map(Exception::weight).sum::<u64>();
        totals.gone_since += folder.gone_since.messages;
        totals.unverified += folder.unverified.messages;
        totals.gone_at_source += folder.gone_at_source;
        totals.arrived_since += folder.arrived_since;
        totals.others += folder.others;
        totals.late_copies_removed += folder.late_copies_removed.len() as u64;
        let room = MOST_EXCEPTIONS.saturating_sub(self.listed);
        let left_out = exceptions.iter().skip(room).map(Exception::weight);
        totals.exceptions_not_listed += left_out.sum::<u64>();
        self.listed += exceptions.len().min(room);
        self.folders.push(Folder {
            exceptions: exceptions.into_iter().take(room).collect(),
            ..folder
        });
    }

    fn finish(self, subject: Subject, made_at: String) -> Certificate {
        let Subject {
            job_id,
            pass,
            mailbox,
            destination,
        } = subject;
        Certificate {
            request: job_id.request(),
            job: job_id,
            pass,
            row: job_id.row(),
            mailbox,
            destination,
            made_at,
            digest: DIGEST,
            agrees: self.folders.iter().all(|folder| folder.agrees),
            totals: Totals {
                source_side: Side::from(self.sums.0),
                destination_side: Side::from(self.sums.1),
                ..self.totals
            },
            folders: self.folders,
            found_anew: self.found_anew,
            classes: self.classes,
        }
    }
}

impl Certificate {
    /// Makes the certificate of what was found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn draw_up<L: Findings>(ledger: &L, subject: Subject, made_at: String) -> Result<Self, StoreError> {
        let findings = ledger.findings(subject.job_id, subject.pass).await?;
        let mut draft = Draft::default();
        for folder in ledger.folders(subject.job_id).await? {
            let mut chunks = ledger.chunks(subject.job_id, folder.folder).await?;
            chunks.retain(|chunk| folder.counts(chunk));
            let of_folder = findings.iter().filter(|finding| finding.folder == folder.folder);
            draft.add(&folder, &chunks, &of_folder.collect::<Vec<_>>());
        }
        Ok(draft.finish(subject, made_at))
    }

    /// Whether both sides are the same in each folder.
    pub fn agrees(&self) -> bool {
        self.agrees
    }

    /// The mailbox it is of.
    pub fn job_id(&self) -> JobId {
        self.job
    }

    /// After which pass it was made.
    pub fn pass(&self) -> Pass {
        self.pass
    }

    /// What the job table keeps of it.
    pub fn note(&self) -> CertificateNote {
        CertificateNote {
            made_at: self.made_at.clone(),
            pass: self.pass,
            agrees: self.agrees,
            classes: self.classes,
        }
    }

    /// How many messages and folders are not as they should be.
    pub fn exceptions(&self) -> u64 {
        self.totals.exceptions
    }

    /// Why the mailbox is not completed, where that was found only now.
    pub(super) fn failure(&self) -> Option<Failure> {
        (self.found_anew > 0).then(|| Failure {
            code: "not_as_at_the_source".to_owned(),
            message: match self.found_anew {
                1 => "one message is not at the new provider as it was at the previous one; the certificate names it"
                    .to_owned(),
                more => format!(
                    "{more} messages are not at the new provider as they were at the previous one; the certificate names them"
                ),
            },
        })
    }
}

impl fmt::Display for CertificateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificates/{}/{}.json", self.0.request(), self.0)
    }
}

impl From<Tally> for Side {
    fn from(tally: Tally) -> Self {
        Self {
            messages: tally.messages,
            bytes: tally.bytes,
            digest: tally.digest(),
        }
    }
}

impl Default for Side {
    fn default() -> Self {
        Self::from(Tally::default())
    }
}

impl Exception {
    /// What it counts for: its messages, or the folder.
    fn weight(&self) -> u64 {
        self.messages.max(1)
    }
}

/// Exceptions of a folder, those for the same reason together: how many messages, and which.
#[derive(Default)]
struct Exceptions(BTreeMap<Reason, (u64, BTreeSet<u32>)>);

/// A code, a class and words.
type Reason = (String, Option<ExceptionClass>, String);

impl Exceptions {
    /// Adds messages, or the folder as a whole where there are none.
    fn add(
        &mut self,
        (code, class): (&str, Option<ExceptionClass>),
        text: &str,
        messages: u64,
        uids: impl IntoIterator<Item = u32>,
    ) {
        let (count, all) = self.0.entry((code.to_owned(), class, text.to_owned())).or_default();
        *count += messages;
        all.extend(uids);
    }

    fn count(&self) -> u64 {
        self.0.values().map(|(messages, _)| (*messages).max(1)).sum()
    }

    fn listed(self) -> Vec<Exception> {
        let listed = self
            .0
            .into_iter()
            .map(|((code, class, text), (messages, uids))| Exception {
                code,
                class,
                text,
                messages,
                uids: UidSet::from_sorted(uids),
            });
        listed.collect()
    }
}

/// The UIDs of all findings of a folder together.
fn messages(findings: &[&Finding], of: fn(&Finding) -> &UidSet) -> Messages {
    let uids: BTreeSet<u32> = findings.iter().flat_map(|finding| of(finding).iter()).collect();
    Messages {
        messages: uids.len() as u64,
        uids: UidSet::from_sorted(uids),
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
