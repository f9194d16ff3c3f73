//! Who gets the mail of a notice.

use std::borrow::Cow;

use crate::domain::EmailAddress;
use crate::profile::{Profile, TicketOnly};
use crate::store::{NoticeKind, RequestRecord};

/// Whom a notice is mailed to; nobody where ticket systems alone are told.
pub fn recipient<'a>(kind: NoticeKind, request: &'a RequestRecord, profile: &'a Profile) -> Option<&'a EmailAddress> {
    let notices = &profile.notices;
    let ticket_only = |kind| notices.ticket_only.contains(&kind);
    let is_mailed = match kind {
        NoticeKind::NeedsStaff { .. } => return notices.support.as_ref(),
        // The mailboxes of a form are checked within a minute or two, and that is told.
        NoticeKind::Received => !request.is_by_form() && !ticket_only(TicketOnly::Received),
        NoticeKind::Started => !ticket_only(TicketOnly::Started),
        NoticeKind::DnsSeen => !ticket_only(TicketOnly::DnsSeen),
        _ => true,
    };
    is_mailed.then_some(&request.contact_email)
}

/// A request as the reader of this notice sees it: staff in their own language.
pub fn shown_to<'a>(kind: NoticeKind, request: &'a RequestRecord, profile: &Profile) -> Cow<'a, RequestRecord> {
    let of_staff = profile.tickets.as_ref().and_then(|tickets| tickets.language);
    match of_staff.filter(|_| kind.is_for_staff()) {
        Some(language) => Cow::Owned(RequestRecord {
            language,
            ..request.clone()
        }),
        None => Cow::Borrowed(request),
    }
}
