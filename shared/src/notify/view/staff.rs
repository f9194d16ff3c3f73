//! What only the provider's staff are told of a request.

use serde::Serialize;

use super::View;
use crate::notify::wording::one_line;
use crate::store::{NoticeKind, RequestRecord};

/// Why staff are needed, and for whom.
#[derive(Debug, Serialize)]
pub(in crate::notify) struct Staff {
    /// `given_up`, `late` or `all_failed`.
    pub(super) cause: &'static str,
    /// The customer's address.
    pub(super) contact: String,
    /// The request's state, as staff ask for it.
    pub(super) state: String,
}

impl View {
    /// With what staff are told, where it is for them; they have no use for the customer's page.
    #[must_use]
    pub(in crate::notify) fn for_staff(self, kind: NoticeKind, request: &RequestRecord) -> Self {
        let NoticeKind::NeedsStaff { cause } = kind else {
            return self;
        };
        Self {
            page: None,
            staff: Some(Staff {
                cause: cause.as_str(),
                contact: one_line(request.contact_email.as_str()),
                state: request.state.to_string(),
            }),
            ..self
        }
    }
}
