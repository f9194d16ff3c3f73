//! `ticket`: tells the provider's ticket systems what a customer is told.
//!
//! A message names a notice of the outbox and one system; the outbox, not the message, knows whether that system has been
//! told. The way of one: read the request, compose, claim, tell, mark as told. What each death on that way leaves:
//!
//! - before the claim, or between it and the telling: the message comes again, and waits for the claim to run out.
//! - between the telling and the mark: it is told again. A webhook knows it by its id, and in a WHMCS ticket it is found by
//!   that; a mail arrives twice, with the same `X-Mailvan-Notice` header.
//! - between the next message and the note of the try: both messages go on until one is behind the outbox's count of tries.
//!
//! What is not taken is tried again, later and later, for about a day; then its message fails, and `bury` writes beside the
//! notice that it was given up. A ticket that does not exist is given up at once. Each system goes its own way, so that
//! none waits for another.

mod system;

use std::time::Duration;

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use mailvan::clock;
use mailvan::config::Config;
use mailvan::domain::JobState;
use mailvan::imap::Connector;
use mailvan::notify::{Facts, Mail, Mailer, compose, is_overtaken};
use mailvan::profile::Profile;
use mailvan::queue::{LONGEST_DELAY, Queue, Queues, TellTicket, causes, decode, serve};
use mailvan::secrets::Secrets;
use mailvan::store::job::Failure;
use mailvan::store::ticket::Telling;
use mailvan::store::{JobRecord, NoticeKind, Store};
use mailvan::tickets::Told;
use mailvan::tickets::told::without_reference;

use crate::system::TellError;

/// How long a claim keeps others from telling: as long as a run may last (`Timeout` in `template.yaml`).
const CLAIM: SignedDuration = SignedDuration::from_secs(60);

/// When one comes again that found another at it.
const CLAIMED_PAUSE: Duration = Duration::from_mins(1);

/// The pause after the first try.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The least pause where what was written may arrive yet: longer than web servers let a program run.
const UNKNOWN_PAUSE: Duration = Duration::from_mins(5);

/// So many tries take about a day.
const MOST_TRIES: u32 = 100;

/// What the function works with.
struct Deps {
    store: Store,
    queues: Queues,
    secrets: Secrets,
    mailer: Mailer,
    profile: Profile,
    connector: Connector,
}

/// What is to be told, and the mail that it was made of.
struct Message {
    told: Told,
    mail: Mail,
    tries: i64,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        store: config.store(),
        queues: config.queues(),
        secrets: config.secrets(),
        mailer: Mailer::new(aws_sdk_sesv2::Client::new(&config.aws)),
        connector: config.destination.clone(),
        profile: config.profile,
    };
    serve(async |message, _| tell(deps, decode(&message)?, clock::now()).await).await
}

/// Tells one system. Idempotency key: request, notice and system, in the outbox.
async fn tell(deps: &Deps, wish: TellTicket, now: Timestamp) -> anyhow::Result<()> {
    let TellTicket { tries, again, .. } = wish;
    let telling = telling(wish);
    let Telling {
        request_id,
        notice,
        system,
    } = telling;
    let id = tracing::field::display(request_id);
    if again {
        deps.store.begin_telling_anew(telling).await?;
    }
    let Some(message) = message(deps, telling).await? else {
        tracing::debug!(request.id = id, %notice, %system, "the ticket system need not be told");
        return Ok(());
    };
    if message.tries > i64::from(tries) {
        tracing::debug!(request.id = id, %notice, %system, "another message goes on with this");
        return Ok(());
    }
    let until = now.checked_add(CLAIM)?;
    let claim = deps.store.claim_telling(telling, &message.told.at, tries, now, until);
    if !claim.await? {
        // Its worker may have died; the next look at the outbox tells.
        return Ok(deps
            .queues
            .send_later(Queue::Ticket, &TellTicket { again: false, ..wish }, CLAIMED_PAUSE)
            .await?);
    }
    let Err(error) = system::tell(deps, system, notice, &message, now).await else {
        deps.store.mark_told(telling, until, clock::now()).await?;
        tracing::info!(request.id = id, %notice, %system, "the ticket system was told");
        return Ok(());
    };
    let reason = causes(&error);
    tracing::warn!(request.id = id, %notice, %system, tries, error = reason, "the ticket system was not told");
    put_off(deps, wish, until, &error, &failure(reason)).await
}

/// Has a failed try made again later, or gives it up.
async fn put_off(
    deps: &Deps,
    wish: TellTicket,
    claimed_until: Timestamp,
    error: &TellError,
    failure: &Failure,
) -> anyhow::Result<()> {
    let tries = wish.tries;
    let telling = telling(wish);
    if error.is_final() {
        deps.store.note_try(telling, claimed_until, tries, failure).await?;
        return Ok(deps.store.give_up_telling(telling, clock::now()).await?);
    }
    if tries >= MOST_TRIES {
        deps.store.note_try(telling, claimed_until, tries, failure).await?;
        return Err(anyhow!(
            "notice {} of request {} could not be told to {} for a day",
            telling.notice,
            telling.request_id,
            telling.system
        ));
    }
    let next = TellTicket {
        tries: tries + 1,
        again: false,
        ..wish
    };
    deps.queues
        .send_later(Queue::Ticket, &next, pause(tries, error.may_arrive_yet()))
        .await?;
    Ok(deps.store.note_try(telling, claimed_until, next.tries, failure).await?)
}

fn telling(wish: TellTicket) -> Telling {
    Telling {
        request_id: wish.request_id,
        notice: wish.tell,
        system: wish.system,
    }
}

/// What is to be told; none where it has been, or nobody is to be told any more.
async fn message(deps: &Deps, telling: Telling) -> anyhow::Result<Option<Message>> {
    let Telling {
        request_id,
        notice,
        system,
    } = telling;
    let tickets = deps.profile.tickets.as_ref();
    let Some(tickets) = tickets.filter(|tickets| tickets.systems().any(|one| one == system)) else {
        return Ok(None);
    };
    let mark = deps.store.ticket_mark(telling).await?;
    let Some(mark) = mark.filter(|mark| mark.told_at.is_none() && mark.given_up_at.is_none()) else {
        return Ok(None);
    };
    let Some(request) = deps.store.find_request(request_id).await? else {
        return Ok(None);
    };
    if is_overtaken(notice, request.state) {
        return Ok(None);
    }
    let shown = without_reference(&request, tickets.language);
    let facts = Facts::load(&deps.store, &request, notice).await?;
    let mail = compose(notice, &shown, &facts, &deps.profile)?;
    let is_whole = notice == NoticeKind::Finished && facts.jobs.iter().all(has_moved);
    let told = Told::of(notice, &mark.queued_at, &request, tickets, &mail, is_whole);
    Ok(told.map(|told| Message {
        told,
        mail,
        tries: mark.tries,
    }))
}

/// Whether a mailbox has arrived whole, by what was counted: its state may be that of a later pass.
fn has_moved(job: &JobRecord) -> bool {
    let state = job.status.state();
    job.exceptions == 0
        && !matches!(
            state,
            JobState::Failed | JobState::Cancelled | JobState::CompletedWithExceptions
        )
}

fn failure(reason: String) -> Failure {
    Failure {
        code: "ticket_not_told".to_owned(),
        message: reason,
    }
}

/// How long to wait after so many tries before the present one.
fn pause(tries: u32, may_arrive_yet: bool) -> Duration {
    let pause = FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(tries))
        .min(LONGEST_DELAY);
    if may_arrive_yet {
        pause.max(UNKNOWN_PAUSE)
    } else {
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_further_and_further_apart_and_take_about_a_day() {
        assert_eq!(pause(0, false), Duration::from_secs(10));
        assert_eq!(pause(1, false), Duration::from_secs(20));
        assert_eq!(pause(50, true), LONGEST_DELAY);
        let all: Duration = (0..MOST_TRIES).map(|tries| pause(tries, false)).sum();
        assert!(
            (Duration::from_hours(22)..Duration::from_hours(26)).contains(&all),
            "{all:?}"
        );
    }

    #[test]
    fn what_may_arrive_yet_is_waited_for() {
        assert_eq!(pause(0, true), UNKNOWN_PAUSE);
        assert!(UNKNOWN_PAUSE > mailvan::tickets::PATIENCE);
    }
}
