//! How to log in to a mailbox's contacts and calendars: with the destination's credentials, as for its mail.

use super::server::{DavError, DavSession, Login};
use crate::imap::Connector;
use crate::profile::{DestinationAuth, DestinationDav, Profile};
use crate::secrets::{SecretError, Secrets};
use crate::store::JobRecord;

/// Why a session could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The password could not be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The profile names no server, or none that can be used.
    #[error(transparent)]
    Server(#[from] DavError),
}

/// A session with the provider's server for a mailbox. Nothing is sent yet.
///
/// # Errors
/// [`AccessError`].
pub async fn session_for(
    profile: &Profile,
    secrets: &Secrets,
    connector: &Connector,
    job: &JobRecord,
) -> Result<DavSession, AccessError> {
    let dav = profile.dav.as_ref().ok_or(DavError::Address)?;
    let mailbox = job.destination.to_string();
    let login = match &profile.imap.auth {
        DestinationAuth::Master { user, password_secret } => Login::Basic {
            user: master_login(dav, &mailbox, user),
            password: secrets.named(password_secret).await?,
        },
        DestinationAuth::Token { token_secret } => Login::Bearer(secrets.named(token_secret).await?),
        DestinationAuth::Password => {
            let sealed = job.sealed_destination_password.as_ref().unwrap_or(&job.sealed_password);
            Login::Basic {
                user: mailbox.clone(),
                password: secrets.open(job.job_id, sealed).await?,
            }
        }
    };
    let url = dav.url.replace("{mailbox}", &mailbox);
    Ok(DavSession::new(connector.clone(), &url, &login)?)
}

fn master_login(dav: &DestinationDav, mailbox: &str, master: &str) -> String {
    dav.master_login
        .replace("{mailbox}", mailbox)
        .replace("{master}", master)
}
