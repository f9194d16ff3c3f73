//! What notices are about, and their names in the table and in mails.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a notice is about. Each is sent once a request; [`NoticeKind::Refused`] once for each file
/// that was read, [`NoticeKind::FoundAgain`] once or twice for each start, [`NoticeKind::LookedAgain`] once for each later
/// pass, [`NoticeKind::Started`] once for each start, [`NoticeKind::NeedsStaff`] once for each cause, and
/// [`NoticeKind::Imported`] once for each import at most (see [`crate::imports`]).
///
/// Two different files can be read in the same generation, since a URL takes more than one. The
/// notice of the second takes the place of the first in the outbox, unsent. That never tells one
/// file twice, because a file is read once: it is deleted before its faults are told. And it loses
/// none, because a mail that is under way does not count as sent for the notice that took its
/// place, see [`Store::mark_sent`](crate::store::Store::mark_sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum NoticeKind {
    /// The order has arrived: of a file, that it is being read.
    Received,
    /// All rows are good; the copying begins at once.
    Accepted,
    /// Rows have to be mended.
    Refused {
        /// Which upload.
        generation: u32,
    },
    /// All rows are good; the copying begins at its time.
    Scheduled,
    /// Something is wrong that was right before, found by the look before the start.
    FoundAgain {
        /// Before which start, in seconds since 1970.
        start: i64,
        /// It tells what was found after the first had been sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        further: bool,
    },
    /// The time frame has begun, and with it the copying.
    Started,
    /// The first pass is done; the DNS can be changed.
    FirstPassDone,
    /// The clock has seen the changed DNS; the final pass begins.
    DnsSeen,
    /// Everything has moved, or what did not is listed.
    Finished,
    /// A later pass fetched mail, or met something that the customer has to know.
    LookedAgain {
        /// Which one, from 1.
        pass: u32,
    },
    /// Nobody comes back to the request, and it is ended in some days.
    ForgottenSoon {
        /// When, in seconds since 1970: whoever came back once is told of the next time too.
        until: i64,
    },
    /// Nothing could be moved.
    Failed,
    /// Ended before its time.
    Cancelled,
    /// What became of files with contacts and calendars.
    Imported {
        /// The one whose import ended last: each is the last at most once.
        attachment: u64,
    },
    /// For staff alone: something does not go on by itself.
    NeedsStaff {
        /// Why.
        cause: StaffCause,
    },
}

/// Why staff are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffCause {
    /// A mailbox, or other work, was given up for a reason that the customer cannot mend.
    GivenUp,
    /// The request takes longer than a day.
    Late,
    /// No mailbox could be copied in a pass.
    AllFailed,
}

impl StaffCause {
    const ALL: [Self; 3] = [Self::GivenUp, Self::Late, Self::AllFailed];

    /// The word it is stored as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GivenUp => "given_up",
            Self::Late => "late",
            Self::AllFailed => "all_failed",
        }
    }
}

/// A text that names no notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a notice")]
pub struct UnknownNotice;

impl NoticeKind {
    /// What it is about, in one word: the same as in the table, without a number.
    pub fn word(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Refused { .. } => "refused",
            Self::Scheduled => "scheduled",
            Self::FoundAgain { .. } => "found_again",
            Self::Started => "started",
            Self::FirstPassDone => "first_pass_done",
            Self::DnsSeen => "dns_seen",
            Self::Finished => "finished",
            Self::LookedAgain { .. } => "looked_again",
            Self::ForgottenSoon { .. } => "forgotten_soon",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Imported { .. } => "imported",
            Self::NeedsStaff { .. } => "needs_staff",
        }
    }

    /// Whether it is for the provider's staff, and its customer gets to see nothing of it.
    pub fn is_for_staff(self) -> bool {
        matches!(self, Self::NeedsStaff { .. })
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Refused { generation } => write!(f, "_{generation}"),
            Self::FoundAgain { start, further: false } => write!(f, "_{start}"),
            Self::FoundAgain { start, further: true } => write!(f, "_{start}_further"),
            Self::LookedAgain { pass } => write!(f, "_{pass}"),
            Self::ForgottenSoon { until } => write!(f, "_{until}"),
            Self::Imported { attachment } => write!(f, "_{attachment:016x}"),
            Self::NeedsStaff { cause } => write!(f, "_{}", cause.as_str()),
            _ => Ok(()),
        }
    }
}

impl FromStr for NoticeKind {
    type Err = UnknownNotice;

    fn from_str(name: &str) -> Result<Self, UnknownNotice> {
        let plain = [
            Self::Received,
            Self::Accepted,
            Self::Scheduled,
            Self::Started,
            Self::FirstPassDone,
            Self::DnsSeen,
            Self::Finished,
            Self::Failed,
            Self::Cancelled,
        ];
        let for_staff = StaffCause::ALL.map(|cause| Self::NeedsStaff { cause });
        let known = plain.into_iter().chain(for_staff).find(|kind| kind.to_string() == name);
        let numbered = || {
            if let Some(start) = name.strip_prefix("found_again_") {
                let (start, further) = match start.strip_suffix("_further") {
                    Some(start) => (start, true),
                    None => (start, false),
                };
                let start = start.parse().ok()?;
                return Some(Self::FoundAgain { start, further });
            }
            if let Some(attachment) = name.strip_prefix("imported_") {
                let attachment = u64::from_str_radix(attachment, 16).ok()?;
                return Some(Self::Imported { attachment });
            }
            if let Some(until) = name.strip_prefix("forgotten_soon_") {
                let until = until.parse().ok()?;
                return Some(Self::ForgottenSoon { until });
            }
            if let Some(pass) = name.strip_prefix("looked_again_") {
                let pass = pass.parse().ok()?;
                return Some(Self::LookedAgain { pass });
            }
            let generation = name.strip_prefix("refused_")?.parse().ok()?;
            Some(Self::Refused { generation })
        };
        // One that is written otherwise than here is none: it would be another item of the table.
        let kind = known.or_else(numbered).filter(|kind| kind.to_string() == name);
        kind.ok_or(UnknownNotice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_by_its_name_and_in_no_other_form() {
        for kind in [
            NoticeKind::Received,
            NoticeKind::DnsSeen,
            NoticeKind::FirstPassDone,
            NoticeKind::Refused { generation: 12 },
            NoticeKind::FoundAgain {
                start: 1_795_600_000,
                further: false,
            },
            NoticeKind::FoundAgain {
                start: -1,
                further: true,
            },
            NoticeKind::LookedAgain { pass: 2 },
            NoticeKind::Imported { attachment: 0xfe },
            NoticeKind::NeedsStaff {
                cause: StaffCause::AllFailed,
            },
        ] {
            assert_eq!(kind.to_string().parse(), Ok(kind), "{kind}");
        }
        for text in [
            "",
            "needs_staff",
            "refused_",
            "refused_01",
            "refused_+1",
            "imported_fe",
            "owner_1_2",
            "Received",
        ] {
            assert_eq!(text.parse::<NoticeKind>(), Err(UnknownNotice), "{text}");
        }
    }
}
