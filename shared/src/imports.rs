//! When customers are told by e-mail what became of their contacts and calendars.
//!
//! While a request runs they are told of what went wrong, since it can be mended then; the notice of the end tells of all.
//! After the end they are told of each import. Where several files are imported, one mail tells of them: the import that
//! ends last puts a notice into the outbox, and when that is due to be sent it is asked again whether it still is.
//!
//! No news is lost: an import ends first and asks after that, so the last of two that end at once sees both. A notice tells
//! of the table as it is when it is written, and counts as having told of what ended before its first look only.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::now;
use crate::domain::{RequestId, RequestState};
use crate::queue::{Queue, QueueError, Queues, SendNotice};
use crate::store::{AttachmentRecord, AttachmentState, NoticeKind, NoticeRecord, Store, StoreError};
use crate::sync::settle_request;

/// What follows the end of an import could not be done; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue of the notices.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What follows the end of an import: a request that only waited for it ends, and its customer is told, after `wait` in
/// which others may end. May be repeated.
///
/// # Errors
/// [`CloseError`].
pub async fn close_import(
    store: &Store,
    queues: &Queues,
    id: RequestId,
    attachment: &str,
    wait: Duration,
) -> Result<(), CloseError> {
    let is_open = async || -> Result<bool, StoreError> {
        let request = store.find_request(id).await?;
        Ok(request.is_some_and(|request| !request.state.is_terminal() && !request.state.has_been_completed()))
    };
    let was_open = is_open().await?;
    match settle_request(store, id, now()).await {
        Ok(notices) => queues.send_notices(id, &notices).await?,
        // The table has forgotten it.
        Err(StoreError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // The notice of an end that this brought about tells of the file.
    if was_open && !is_open().await? {
        return Ok(());
    }
    if let Some(notice) = settle_import(store, id, attachment, now()).await? {
        let message = SendNotice::new(id, notice);
        queues.send_later(Queue::Notify, &message, wait).await?;
    }
    Ok(())
}

/// Puts a notice into the outbox after an import has ended, if one is due, and gives it where it is still to be sent.
/// Idempotency key: the attachment.
async fn settle_import(
    store: &Store,
    id: RequestId,
    attachment: &str,
    now: Timestamp,
) -> Result<Option<NoticeKind>, StoreError> {
    // Its own ids are what the table has under this prefix.
    let Ok(attachment) = u64::from_str_radix(attachment, 16) else {
        return Ok(None);
    };
    let Some(request) = store.find_request(id).await? else {
        return Ok(None);
    };
    if !is_due(request.state, &store.attachments(id).await?, &store.notices(id).await?) {
        return Ok(None);
    }
    let kind = NoticeKind::Imported { attachment };
    Ok(store.queue_notice(id, kind, now).await?.then_some(kind))
}

/// Whether there is something to tell that no mail has told, and nothing to wait for.
pub fn is_due(state: RequestState, attachments: &[AttachmentRecord], notices: &[NoticeRecord]) -> bool {
    if matches!(state, RequestState::Cancelled | RequestState::Failed) || is_under_way(attachments) {
        return false;
    }
    let told = notices
        .iter()
        .filter(|notice| matches!(notice.notice, NoticeKind::Finished | NoticeKind::Imported { .. }))
        .filter_map(|notice| notice.tells_of.as_deref())
        .max();
    attachments.iter().any(|attachment| {
        let is_news = match attachment.state {
            AttachmentState::Failed | AttachmentState::CompletedWithExceptions => true,
            AttachmentState::Completed => state.is_terminal() || state.has_been_completed(),
            _ => false,
        };
        // The same second may have been before or after that look.
        is_news && told.is_none_or(|told| attachment.state_since.as_str() >= told)
    })
}

/// Whether another notice of this kind was put into the outbox later, and will tell of everything.
pub fn is_followed(kind: NoticeKind, notices: &[NoticeRecord]) -> bool {
    let own = notices.iter().find(|notice| notice.notice == kind);
    let place = |notice: &NoticeRecord| (notice.queued_at.clone(), notice.notice.to_string());
    let is_later = |notice: &&NoticeRecord| {
        matches!(notice.notice, NoticeKind::Imported { .. })
            && notice.sent_at.is_none()
            && own.is_some_and(|own| place(notice) > place(own))
    };
    notices.iter().any(|notice| is_later(&notice))
}

/// Whether an import is at work, whose end will tell.
fn is_under_way(attachments: &[AttachmentRecord]) -> bool {
    let states = attachments.iter().map(|attachment| attachment.state);
    states.into_iter().any(|state| state == AttachmentState::Importing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::Kind;
    use crate::domain::JobId;

    const ID: u64 = 7;

    fn file(state: AttachmentState, since: &str) -> AttachmentRecord {
        let request_id = RequestId::from_parts(1_795_600_000_000, [7; 10]);
        AttachmentRecord {
            state,
            state_since: format!("2026-11-23T{since}Z"),
            ..AttachmentRecord::announced(
                JobId::new(request_id, 1, 2),
                format!("{ID:016x}"),
                Kind::Contacts,
                "contacts.vcf".to_owned(),
                1,
                "2026-11-23T09:00:00Z".parse().unwrap(),
            )
        }
    }

    fn notice(kind: NoticeKind, tells_of: Option<&str>) -> NoticeRecord {
        NoticeRecord {
            request_id: RequestId::from_parts(1_795_600_000_000, [7; 10]),
            notice: kind,
            queued_at: "2026-11-23T10:00:00Z".to_owned(),
            overtaken_at: None,
            sent_at: tells_of.map(|_| "2026-11-23T10:00:09Z".to_owned()),
            frame: None,
            tells_of: tells_of.map(|at| format!("2026-11-23T{at}Z")),
        }
    }

    const IMPORTED: NoticeKind = NoticeKind::Imported { attachment: ID };

    #[test]
    fn while_it_runs_only_what_went_wrong_is_told_and_after_the_end_everything() {
        use AttachmentState as File;
        use RequestState as Request;
        for (state, file_state, due) in [
            (Request::AwaitingCutover, File::Completed, false),
            (Request::AwaitingCutover, File::CompletedWithExceptions, true),
            (Request::FinalPass, File::Failed, true),
            (Request::Completed, File::Completed, true),
            (Request::CompletedWithExceptions, File::Failed, true),
            (Request::Completed, File::AwaitingUpload, false),
            (Request::Completed, File::Undone, false),
            (Request::Cancelled, File::Failed, false),
            (Request::Failed, File::Failed, false),
        ] {
            assert_eq!(
                is_due(state, &[file(file_state, "10:00:00")], &[]),
                due,
                "{state} {file_state:?}"
            );
        }
    }

    #[test]
    fn nothing_is_told_twice_and_nothing_while_another_import_is_at_work() {
        let ended = file(AttachmentState::Failed, "10:00:00");
        let state = RequestState::Completed;
        for (kind, at, due) in [
            (NoticeKind::Finished, "10:00:01", false),
            (IMPORTED, "10:00:01", false),
            // In the same second it may have ended after the look.
            (NoticeKind::Finished, "10:00:00", true),
            (NoticeKind::Finished, "09:59:59", true),
            (NoticeKind::FirstPassDone, "10:00:01", true),
        ] {
            assert_eq!(
                is_due(state, std::slice::from_ref(&ended), &[notice(kind, Some(at))]),
                due,
                "{kind} {at}"
            );
        }
        let other = file(AttachmentState::Importing, "09:00:00");
        assert!(!is_due(state, &[ended, other], &[]));
    }

    #[test]
    fn of_two_notices_that_wait_the_later_one_tells() {
        let later = NoticeKind::Imported { attachment: ID + 1 };
        assert!(is_followed(IMPORTED, &[notice(IMPORTED, None), notice(later, None)]));
        assert!(!is_followed(later, &[notice(IMPORTED, None), notice(later, None)]));
        assert!(!is_followed(
            IMPORTED,
            &[notice(IMPORTED, None), notice(later, Some("10:00:01"))]
        ));
        assert!(!is_followed(
            IMPORTED,
            &[notice(IMPORTED, None), notice(NoticeKind::Finished, None)]
        ));
    }
}
