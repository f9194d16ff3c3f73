//! The mail to a mailbox's owner: of this one mailbox, without a word of the request or a way to it.

use super::templates::Templates;
use super::view::View;
use super::{ComposeError, Mail};
use crate::apple::{AppleProfileError, apple_profile};
use crate::domain::JobId;
use crate::profile::Profile;
use crate::store::{JobRecord, RequestRecord};

/// What the mail is about, as templates are named.
pub(super) const OWNER: &str = "owner";

/// The mail to an owner cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OwnerMailError {
    /// A template does not fit.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The file for Apple's devices.
    #[error(transparent)]
    Apple(#[from] AppleProfileError),
}

/// Writes the mail to the owner of a mailbox that has moved. The file for Apple's devices goes with it: the call that gives it to
/// customers needs the request's token, which opens the request.
///
/// # Errors
/// [`OwnerMailError`].
pub fn compose_for_owner(request: &RequestRecord, job: &JobRecord, profile: &Profile) -> Result<Mail, OwnerMailError> {
    let view = View::of_owner(request, job, profile);
    let rendered = Templates::of(view.language, &profile.templates)
        .and_then(|mut templates| templates.render(&view))
        .map_err(|source| ComposeError { notice: OWNER, source })?;
    Ok(Mail {
        subject: rendered.title,
        text: rendered.text,
        html: rendered.html,
        calendar: None,
        apple: apple_profile(&job.destination, profile, request.language)?,
    })
}

/// The name of the mail to a mailbox's owner, beside those of the request's notices.
pub fn owner_mail_name(id: JobId) -> String {
    format!("{OWNER}_{}_{}", id.generation(), id.row())
}

/// Whose mail has this name, if it is one to an owner.
pub(super) fn owner_of_name(id: crate::domain::RequestId, name: &str) -> Option<JobId> {
    let (generation, row) = name.strip_prefix(OWNER)?.strip_prefix('_')?.split_once('_')?;
    Some(JobId::new(id, generation.parse().ok()?, row.parse().ok()?))
}
