//! What is to be mended, row by row.

use serde::Serialize;

use super::{Listing, own_words};
use crate::domain::{Fault, Language};
use crate::notify::german;
use crate::notify::wording::{one_line, sentence};
use crate::store::JobRecord;

/// How many refused rows a mail lists.
pub(in crate::notify) const LISTED_ROWS: usize = 50;
/// How many faults of one row a mail lists.
const LISTED_FAULTS: usize = 10;

/// A refused row; 0 is the file as a whole.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Row {
    pub(super) number: u32,
    /// Of a mailbox that was looked at.
    pub(super) address: Option<String>,
    pub(super) faults: Listing<Remedy>,
}

/// What to mend in a row.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Remedy {
    pub(super) column: Option<String>,
    pub(super) message: String,
}

impl Row {
    /// The refused rows, and the mailboxes in whose checks something was found, by their rows.
    pub(super) fn listing(faults: &[Fault], jobs: &[JobRecord], language: Language) -> Listing<Self> {
        let mut rows = std::collections::BTreeMap::<u32, Vec<Remedy>>::new();
        let mut addresses = std::collections::BTreeMap::new();
        for job in jobs.iter().filter(|job| job.check.needs_attention()) {
            let remedies = job.check.failed().iter().map(|fault| Remedy {
                column: None,
                message: sentence(&one_line(
                    &own_words(language, || Some(german::check(fault))).unwrap_or_else(|| fault.in_words()),
                )),
            });
            rows.entry(job.job_id.row()).or_default().extend(remedies);
            addresses.insert(job.job_id.row(), one_line(&job.address));
        }
        for fault in faults {
            let remedy = Remedy {
                column: fault.column.as_deref().map(one_line),
                message: sentence(&one_line(
                    own_words(language, || Some(german::fault(fault))).unwrap_or(&fault.message),
                )),
            };
            rows.entry(fault.row).or_default().push(remedy);
        }
        let rows = rows.into_iter().map(|(row, faults)| Self {
            address: addresses.remove(&row),
            number: row,
            faults: Listing::first(faults, LISTED_FAULTS),
        });
        Listing::first(rows.collect(), LISTED_ROWS)
    }
}
