//! `notify`: sends what waits in the outbox, by e-mail; and writes to the owners of mailboxes (`owner`).
//!
//! A message of the notify queue names a notice in the outbox; the table, not the message, says
//! whether it is still to be sent. The way of one: read the request, compose, claim, send, mark as
//! sent. What each death on that way leaves:
//!
//! - before the claim: nothing; the message comes again.
//! - between the claim and the sending: a claim that runs out after `CLAIM`, while the message
//!   comes again until it does.
//! - between the sending and the mark: the mail is out and the table does not know. When the claim
//!   has run out it is sent a second time. A second mail is possible in that instant, a lost one is
//!   not: no order of two services that share no transaction has neither. Both mails carry the same
//!   `X-Mailvan-Notice` header, by which a ticket system can drop the second.
//!
//! Where another notice of the same kind takes a notice's place while it is being sent, the mark
//! fails, the message comes again and the new one is sent: see [`NoticeKind`].
//!
//! Where a mail came back because there is no such address, further ones are not sent, and the notice says so.
//!
//! Where SES takes no more for now, its rate or its quota of a day being used up, a notice waits and is tried for two days; the
//! mails to owners, of which there may be thousands, leave it a part of the quota.
//!
//! What SES refuses for good ends in the dead-letter queue like everything else that fails five
//! times. Logs name requests, never addresses.

mod owner;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use mailvan::clock;
use mailvan::config::Config;
use mailvan::imports::{is_due, is_followed};
use mailvan::notify::calendar::calendar;
use mailvan::notify::{Entry, Facts, Mailer, compose, is_overtaken, recipient, shown_to};
use mailvan::profile::Profile;
use mailvan::queue::{Queue, Queues, SendNotice, TellOwner, TellTicket, decode, serve};
use mailvan::store::job::Failure;
use mailvan::store::{NoticeKind, RequestRecord, Sent, Store, StoreError};
use serde::Deserialize;

/// What its two queues bring.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Notice(SendNotice),
    Owner(TellOwner),
}

/// How long a claim keeps others from sending: as long as a run may last (`Timeout` in
/// `template.yaml`), so it cannot run out under a run that is still sending.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);

/// What the function works with.
struct Deps {
    /// The job table.
    store: Store,
    /// Where ticket systems are told from.
    queues: Queues,
    /// Sends the mails.
    mailer: Mailer,
    /// The provider's settings.
    profile: Profile,
}

/// Serves until the platform ends it.
///
/// # Errors
/// A configuration that is not right, or the platform's.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let client = aws_sdk_sesv2::Client::new(&config.aws);
    let mailer = Mailer::new(client).told_by(config.mail_configuration_set.clone());
    let deps = &Deps {
        store: config.store(),
        queues: config.queues(),
        mailer,
        profile: config.profile,
    };
    serve(async |message, _| match decode(&message)? {
        Wish::Notice(wish) => send(deps, wish, clock::now()).await,
        Wish::Owner(wish) => owner::tell(deps, wish, clock::now()).await,
    })
    .await
}

/// Sends a notice. Idempotency key: request and notice, in the outbox.
async fn send(deps: &Deps, wish: SendNotice, now: Timestamp) -> anyhow::Result<()> {
    let SendNotice {
        request_id,
        notice,
        tries,
    } = wish;
    let id = tracing::field::display(request_id);
    let outbox = deps.store.notices(request_id).await?;
    let Some(request) = deps.store.find_request(request_id).await? else {
        tracing::warn!(request.id = id, %notice, "the request is not in the table any more: notice dropped");
        return Ok(());
    };
    if is_overtaken(notice, request.state) {
        tracing::info!(request.id = id, %notice, request.state = %request.state, "the request has gone on since: notice dropped");
        if let Some(queued) = outbox.iter().find(|queued| queued.notice == notice) {
            deps.store.drop_notice(request_id, queued, now).await?;
        }
        return Ok(());
    }
    let facts = Facts::load(&deps.store, &request, notice).await?;
    let is_of_files = matches!(notice, NoticeKind::Imported { .. });
    if is_of_files && (is_followed(notice, &outbox) || !is_due(request.state, &facts.files, &outbox)) {
        tracing::info!(request.id = id, %notice, "another notice tells of these files: notice dropped");
        return Ok(());
    }
    let shown = shown_to(notice, &request, &deps.profile);
    let mut mail = compose(notice, &shown, &facts, &deps.profile)?;
    let entry = Entry::with(notice, &request, &outbox, now);
    mail.calendar = entry
        .map(|entry| calendar(notice, entry, &request, &deps.profile, now))
        .transpose()?;

    if tries == 0 {
        tell_tickets(deps, &request, notice).await?;
    }
    let Some(to) = recipient(notice, &request, &deps.profile) else {
        tracing::info!(request.id = id, %notice, "nobody gets a mail of this notice");
        return Ok(deps.store.close_notice(request_id, notice, clock::now()).await?);
    };
    let until = now.checked_add(CLAIM)?;
    if !notice.is_for_staff() && request.cannot_be_written_to() {
        tracing::warn!(request.id = id, %notice, "an earlier mail to the customer came back: notice not sent");
        return given_up(deps, wish).await;
    }
    if !deps.store.claim_notice(request_id, notice, now, until).await? {
        return not_claimed(deps, wish).await;
    }
    let sent = deps
        .mailer
        .send(request_id, &notice.to_string(), to, &mail, &deps.profile)
        .await;
    let message_id = match sent {
        Err(error) if error.is_too_much() => return later(deps, wish).await,
        sent => sent.with_context(|| format!("notice {notice} of request {request_id}"))?,
    };
    let sent = Sent {
        message_id: &message_id,
        tells_of: now,
        frame: match entry {
            Some(Entry::Holds(frame)) => Some(frame),
            _ => None,
        },
    };
    let marked = deps
        .store
        .mark_sent(request_id, notice, until, sent, clock::now())
        .await;
    marked.with_context(|| format!("notice {notice} of request {request_id} is sent, but not marked as sent"))?;
    tracing::info!(request.id = id, %notice, message_id, "notice sent");
    Ok(())
}

/// Waits until the mail service takes more. The first pause is longer than a claim.
async fn later(deps: &Deps, wish: SendNotice) -> anyhow::Result<()> {
    let SendNotice { request_id, notice, .. } = wish;
    let Some((next, pause)) = wish.next() else {
        anyhow::bail!("for two days the mail service took no more mail: notice {notice} of request {request_id}");
    };
    tracing::warn!(request.id = %request_id, %notice, tries = next.tries, "the mail service takes no more mail for now");
    Ok(deps.queues.send_later(Queue::Notify, &next, pause).await?)
}

/// Notes that a notice is not sent, because there is nobody to read it.
async fn given_up(deps: &Deps, SendNotice { request_id, notice, .. }: SendNotice) -> anyhow::Result<()> {
    let failure = Failure {
        code: "mail_came_back".to_owned(),
        message: "not sent: an earlier mail came back, because there is no such address".to_owned(),
    };
    match deps.store.note_notice_trouble(request_id, notice, &failure).await {
        // It was sent before, or is not in the outbox.
        Ok(()) | Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the provider's ticket systems told. Before the mail, so that one that cannot be sent keeps no ticket from being told;
/// said again with each try of the mail, which the outbox knows.
async fn tell_tickets(deps: &Deps, request: &RequestRecord, notice: NoticeKind) -> anyhow::Result<()> {
    let Some(tickets) = deps.profile.tickets.as_ref().filter(|_| request.ticket.is_some()) else {
        return Ok(());
    };
    for system in tickets.systems() {
        let tell = TellTicket {
            request_id: request.request_id,
            tell: notice,
            system,
            tries: 0,
            again: false,
        };
        deps.queues.send(Queue::Ticket, &tell).await?;
    }
    Ok(())
}

/// Says why a notice could not be claimed. While another worker has it the message must come again,
/// because that worker may have died.
async fn not_claimed(deps: &Deps, SendNotice { request_id, notice, .. }: SendNotice) -> anyhow::Result<()> {
    let id = tracing::field::display(request_id);
    let outbox = deps.store.notices(request_id).await?;
    match outbox.iter().find(|record| record.notice == notice) {
        Some(record) if record.sent_at.is_some() => tracing::debug!(request.id = id, %notice, "notice sent before"),
        Some(_) => anyhow::bail!("notice {notice} of request {request_id} is being sent by another worker"),
        None => tracing::warn!(request.id = id, %notice, "the notice is not in the outbox: dropped"),
    }
    Ok(())
}
