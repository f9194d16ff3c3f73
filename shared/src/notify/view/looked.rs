//! What a pass after the final one brought.

use serde::Serialize;

use super::{LISTED_MAILBOXES, Listing, View, reason};
use crate::domain::{Language, Pass};
use crate::notify::wording::one_line;
use crate::store::later::is_shut_out;
use crate::store::{JobRecord, NoticeKind, RequestRecord};

/// What a later pass brought for a mailbox.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct LookedAt {
    pub(super) address: String,
    pub(super) messages: i64,
    /// What the customer has to know.
    pub(super) trouble: Option<String>,
}

impl View {
    /// With what the later pass brought that a notice tells of.
    pub(in crate::notify) fn with_later_pass(
        self,
        kind: NoticeKind,
        request: &RequestRecord,
        jobs: &[JobRecord],
    ) -> Self {
        let looked = LookedAt::of(kind, jobs, self.language);
        Self {
            missed: is_missed(kind, request),
            is_shut_out: matches!(kind, NoticeKind::LookedAgain { pass } if is_shut_out(jobs, Pass::Later(pass))),
            fetched: looked.iter().map(|mailbox| mailbox.messages).sum(),
            looked: Listing::first(looked, LISTED_MAILBOXES),
            ..self
        }
    }
}

/// Whether a notice tells of a later pass that never began: the passwords' time was over before.
fn is_missed(kind: NoticeKind, request: &RequestRecord) -> bool {
    let looks = request.looks.as_ref().filter(|looks| looks.ran_out());
    matches!((kind, looks), (NoticeKind::LookedAgain { pass }, Some(looks)) if pass > looks.passes())
}

impl LookedAt {
    fn of(kind: NoticeKind, jobs: &[JobRecord], language: Language) -> Vec<Self> {
        let NoticeKind::LookedAgain { pass } = kind else {
            return Vec::new();
        };
        let found = jobs.iter().filter_map(|job| {
            let looked = job.looked.as_ref().filter(|looked| looked.pass == Pass::Later(pass))?;
            // That the previous provider lets nobody in any more is no news.
            let trouble = looked.trouble.as_ref().filter(|_| looked.is_amiss);
            let mailbox = Self {
                address: one_line(&job.address),
                messages: looked.messages,
                trouble: trouble.and_then(|failure| reason(Some(&failure.code), Some(&failure.message), language)),
            };
            (mailbox.messages > 0 || mailbox.trouble.is_some()).then_some(mailbox)
        });
        found.collect()
    }
}
