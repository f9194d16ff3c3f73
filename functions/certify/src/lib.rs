//! `certify`: reads what a mailbox holds after its last pass, and certifies that it is complete.
//!
//! Continues itself by a new message when time runs short. Idempotency key: the mailbox; any message
//! may come twice, and of two runs one waits.

use std::time::Duration;

use anyhow::Context as _;
use aws_lambda_events::event::sqs::SqsMessage;
use mailvan::certify::{
    Certificate, CertificateKey, CertifyEnd, abandon_certificate, certify_mailbox, conclude, progress,
};
use mailvan::clock::Deadline;
use mailvan::config::Config;
use mailvan::queue::{CertifyMailbox, Queue, Queues, causes, decode, serve, times_received};
use mailvan::store::{Findings as _, Ledger as _};
use mailvan::sync::{Engine, SyncError};

/// How long a mailbox is left alone after a fault; longer with each that follows.
const RETRY_AFTER: Duration = Duration::from_secs(11);

/// So many faults without anything read between them, and that side is given up.
const MOST_FAULTS: u32 = 5;

/// A refused login is believed at the second time: the first may be about the number of connections.
const REFUSALS_BELIEVED: u32 = 2;

/// What the function works with.
struct Deps {
    engine: Engine,
    queues: Queues,
    s3: aws_sdk_s3::Client,
    bucket: String,
}

/// Runs the function until the platform ends it.
///
/// # Errors
/// Where it is configured wrongly.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    let config = Config::load().await?;
    let deps = &Deps {
        engine: config.engine(),
        queues: config.queues(),
        s3: aws_sdk_s3::Client::new(&config.aws),
        bucket: config.certificate_bucket.clone(),
    };
    serve(async |message, deadline| certify(deps, message, deadline).await).await
}

async fn certify(deps: &Deps, message: SqsMessage, deadline: Deadline) -> anyhow::Result<()> {
    let wish: CertifyMailbox = decode(&message)?;
    let job_id = wish.job_id;
    // A delivery before this one ended without a word: it was cut off.
    let faults = wish.faults + times_received(&message) - 1;
    let notices = match certify_mailbox(&deps.engine, job_id, !wish.without_source, deadline).await {
        Ok(CertifyEnd::Continue) => return next(deps, CertifyMailbox { faults: 0, ..wish }, Duration::ZERO).await,
        Ok(CertifyEnd::Wait(delay)) => return next(deps, CertifyMailbox { faults, ..wish }, delay).await,
        Ok(CertifyEnd::Done(notices)) => notices,
        Ok(CertifyEnd::Made(certificate)) => {
            keep(deps, &certificate).await?;
            conclude(&deps.engine.store, &certificate).await?
        }
        Err(failure) => {
            let faults = if failure.progressed { 1 } else { faults + 1 };
            tracing::warn!(job.id = %job_id, faults, error = causes(&failure.error), "certifying broke off");
            deps.engine.store.note_trouble(job_id, &failure.error.failure()).await?;
            return after_fault(deps, wish, faults, &failure.error).await;
        }
    };
    Ok(deps.queues.send_notices(job_id.request(), &notices).await?)
}

/// Tries again; or goes on without the source; or ends the mailbox without a certificate.
async fn after_fault(deps: &Deps, wish: CertifyMailbox, faults: u32, error: &SyncError) -> anyhow::Result<()> {
    let job_id = wish.job_id;
    let is_source = matches!(error, SyncError::Source(_));
    match (is_believed(error, faults), is_source) {
        (false, _) => next(deps, CertifyMailbox { faults, ..wish }, RETRY_AFTER * faults).await,
        (true, true) => {
            tracing::warn!(job.id = %job_id, "the source is given up; what was read while copying counts");
            let without_source = CertifyMailbox {
                faults: 0,
                without_source: true,
                ..wish
            };
            next(deps, without_source, Duration::ZERO).await
        }
        (true, false) => match abandon_certificate(&deps.engine.store, job_id, &error.failure()).await? {
            Some(notices) => Ok(deps.queues.send_notices(job_id.request(), &notices).await?),
            None => next(deps, CertifyMailbox { faults, ..wish }, RETRY_AFTER * faults).await,
        },
    }
}

/// Whether trying again is of no use.
fn is_believed(error: &SyncError, faults: u32) -> bool {
    let needs_person = error.needs_person() && (!error.is_login() || faults >= REFUSALS_BELIEVED);
    faults >= MOST_FAULTS || needs_person
}

/// Puts a certificate into the bucket; another one of the same mailbox is replaced.
async fn keep(deps: &Deps, certificate: &Certificate) -> anyhow::Result<()> {
    let put = deps
        .s3
        .put_object()
        .bucket(&deps.bucket)
        .key(CertificateKey(certificate.job_id()).to_string())
        .content_type("application/json")
        .body(serde_json::to_vec_pretty(certificate)?.into());
    put.send().await.context("the certificate cannot be kept")?;
    Ok(())
}

/// Sends the next message. Dying before it is sent, the message at hand comes again.
async fn next(deps: &Deps, wish: CertifyMailbox, delay: Duration) -> anyhow::Result<()> {
    let certified = progress(&deps.engine.store.findings(wish.job_id).await?);
    let next = CertifyMailbox { certified, ..wish };
    Ok(deps.queues.send_later(Queue::Certify, &next, delay).await?)
}

#[cfg(test)]
mod tests {
    use mailvan::imap::ImapError;

    use super::*;

    #[test]
    fn lasting_fault_is_believed_in_the_end_and_a_refused_login_at_the_second_time() {
        let lost = SyncError::Destination(ImapError::Closed { command: "FETCH" });
        assert!(!is_believed(&lost, MOST_FAULTS - 1) && is_believed(&lost, MOST_FAULTS));
        let refused = SyncError::Source(ImapError::LoginRefused {
            text: "no".to_owned(),
            passing: false,
        });
        assert!(!is_believed(&refused, 1) && is_believed(&refused, 2));
    }
}
