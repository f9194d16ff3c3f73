//! Writes to a mailbox's owner that it has moved, once.
//!
//! The way is that of a notice, with the mailbox in the place of the outbox, and so is what a death on it leaves. Each message is
//! one mailbox and costs the same however many the request has. They have a queue of their own, which few read at a
//! time: so notices of requests wait for no thousands of these. Where the mail service takes no more for now, the message is sent
//! again later, and is no dead letter after five times.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use mailvan::clock;
use mailvan::notify::{compose_for_owner, owner_mail_name};
use mailvan::queue::{Queue, TellOwner};
use mailvan::store::StoreError;
use mailvan::store::job::Failure;

use crate::{CLAIM, Deps};

/// Tells an owner. Idempotency key: the mailbox.
pub async fn tell(deps: &Deps, wish: TellOwner, now: Timestamp) -> anyhow::Result<()> {
    let job_id = wish.job_id;
    let id = tracing::field::display(job_id);
    let job = match deps.store.job(job_id).await {
        Err(StoreError::Missing(_)) => return Ok(()),
        job => job?,
    };
    let Some(request) = deps.store.find_request(job_id.request()).await? else {
        return Ok(());
    };
    if !job.owner_is_to_be_told() {
        tracing::debug!(job.id = id, "the mailbox's owner is not to be told, or was before");
        return Ok(());
    }
    if !deps.mailer.has_room_for_owners(now).await {
        return later(deps, wish).await;
    }
    let mail = compose_for_owner(&request, &job, &deps.profile)?;
    let until = now.checked_add(CLAIM)?;
    if !deps.store.claim_owner(job_id, now, until).await? {
        if !deps.store.job(job_id).await?.owner_is_to_be_told() {
            return Ok(());
        }
        bail!("the owner of mailbox job {job_id} is being told by another worker");
    }
    let name = owner_mail_name(job_id);
    let sent = deps
        .mailer
        .send(request.request_id, &name, &job.destination, &mail, &deps.profile)
        .await;
    let message_id = match sent {
        Err(error) if error.is_too_much() => return later(deps, wish).await,
        sent => sent.with_context(|| format!("mail to the owner of mailbox job {job_id}"))?,
    };
    let marked = deps
        .store
        .mark_owner_told(job_id, until, &message_id, clock::now())
        .await;
    marked.with_context(|| format!("the owner of mailbox job {job_id} is told, but not marked as told"))?;
    tracing::info!(job.id = id, message_id, "owner told");
    Ok(())
}

/// Waits until the mail service takes more. The first pause is longer than a claim.
async fn later(deps: &Deps, wish: TellOwner) -> anyhow::Result<()> {
    let Some((next, pause)) = wish.next() else {
        let failure = Failure {
            code: "too_much_mail".to_owned(),
            message: "not sent: for two days the mail service took no more mail".to_owned(),
        };
        tracing::error!(job.id = %wish.job_id, "the owner is not told: the mail service takes no more mail");
        return Ok(deps.store.note_owner_trouble(wish.job_id, &failure).await?);
    };
    Ok(deps.queues.send_later(Queue::Owner, &next, pause).await?)
}
