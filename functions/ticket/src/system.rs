//! Which way a notice goes to which system, by the profile and the secrets as they are now: a key that was changed counts
//! from the next try.

use std::time::Duration;

use jiff::Timestamp;
use mailvan::domain::TicketSystem;
use mailvan::notify::SendError;
use mailvan::secrets::SecretError;
use mailvan::store::NoticeKind;
use mailvan::tickets::mail::{mail, sent_by};
use mailvan::tickets::signature::SigningKeys;
use mailvan::tickets::whmcs::Credentials;
use mailvan::tickets::{TicketError, Webhook, Whmcs};

use crate::{Deps, Message};

/// How long the mail service may take.
const MAILED_WITHIN: Duration = Duration::from_secs(30);

/// Why a system was not told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    #[error(transparent)]
    Ticket(#[from] TicketError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Mail(#[from] SendError),
    #[error("the mail service did not answer within {} seconds", MAILED_WITHIN.as_secs())]
    Unmailed,
}

impl TellError {
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Ticket(error) if error.is_final())
    }

    pub fn may_arrive_yet(&self) -> bool {
        matches!(self, Self::Ticket(error) if error.may_arrive_yet())
    }
}

/// Tells one system, whose settings are in the profile.
pub async fn tell(
    deps: &Deps,
    system: TicketSystem,
    notice: NoticeKind,
    message: &Message,
    now: Timestamp,
) -> Result<(), TellError> {
    let Some(tickets) = &deps.profile.tickets else {
        return Ok(());
    };
    let told = &message.told;
    let address = |url: &str| {
        url.parse()
            .map_err(|_| TicketError::Unfit("the address in the profile cannot be used"))
    };
    if let (TicketSystem::Webhook, Some(settings)) = (system, &tickets.webhook) {
        let keys = SigningKeys::parse(&deps.secrets.named(&settings.key_secret).await?)?;
        let webhook = Webhook::new(deps.connector.clone(), address(&settings.url)?, keys);
        webhook.tell(told, now.as_second()).await?;
    }
    if let (TicketSystem::Whmcs, Some(settings)) = (system, &tickets.whmcs) {
        let credentials = Credentials::parse(&deps.secrets.named(&settings.credentials_secret).await?)?;
        let address = address(&settings.url)?;
        let whmcs = Whmcs::new(deps.connector.clone(), address, credentials, settings.clone());
        whmcs.tell(told).await?;
    }
    if let (TicketSystem::Email, Some(settings)) = (system, &tickets.email) {
        let profile = sent_by(settings, &deps.profile);
        let mail = mail(message.mail.clone(), told, settings);
        let name = notice.to_string();
        let sending = deps
            .mailer
            .send(told.request, &name, &settings.address, &mail, &profile);
        let sent = tokio::time::timeout(MAILED_WITHIN, sending).await;
        sent.map_err(|_| TellError::Unmailed)??;
    }
    Ok(())
}
