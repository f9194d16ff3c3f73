//! How to log in to a mailbox's contacts and calendars: with the destination's credentials, as for its mail.

use super::hex;
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
            let sealed = job.sealed_for_destination();
            Login::Basic {
                user: mailbox.clone(),
                password: secrets.open(job.job_id, sealed).await?,
            }
        }
    };
    let url = dav.url.replace("{mailbox}", &encoded(&mailbox));
    Ok(DavSession::new(connector.clone(), &url, &login)?)
}

fn master_login(dav: &DestinationDav, mailbox: &str, master: &str) -> String {
    dav.master_login
        .replace("{mailbox}", mailbox)
        .replace("{master}", master)
}

/// A mailbox's address as a part of a path: customers choose what stands before the at sign, and nothing of it may end
/// the part or name another mailbox.
fn encoded(mailbox: &str) -> String {
    let mut path = String::with_capacity(mailbox.len());
    for byte in mailbox.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b'+') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_mailbox_leads_out_of_its_part_of_the_path() {
        for (mailbox, path) in [
            ("anna.b+c_d-e@example.org", "anna.b+c_d-e@example.org"),
            (
                "victim%40a.example/?x#y@b.example",
                "victim%2540a.example%2F%3Fx%23y@b.example",
            ),
            ("jörg@example.org", "j%C3%B6rg@example.org"),
        ] {
            assert_eq!(encoded(mailbox), path);
            let url: http::Uri = format!("https://dav.example/{}/", encoded(mailbox)).parse().unwrap();
            assert_eq!((url.path(), url.query()), (format!("/{path}/").as_str(), None));
        }
    }
}
