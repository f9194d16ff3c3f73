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
use mailvan::clock::{Deadline, now};
use mailvan::config::Config;
use mailvan::domain::JobId;
use mailvan::domain::patience::Faults;
use mailvan::queue::{CertifyMailbox, Queue, Queues, causes, decode, serve, times_received};
use mailvan::store::Ledger as _;
use mailvan::sync::{Engine, SyncError};

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
    let cut_off = times_received(&message) - 1;
    let faults = wish.faults.and_cut_off(cut_off, now());
    if cut_off > 0
        && faults.outlast(deps.engine.profile.limits.patience(), now())
        && compared(deps, job_id).await? == wish.certified
    {
        return after_fault(deps, wish, faults, &SyncError::CutOff(faults.cut_off())).await;
    }
    let notices = match certify_mailbox(&deps.engine, job_id, !wish.without_source, deadline).await {
        Ok(CertifyEnd::Continue) => {
            return next(
                deps,
                CertifyMailbox {
                    faults: Faults::NONE,
                    ..wish
                },
                Duration::ZERO,
            )
            .await;
        }
        Ok(CertifyEnd::Wait(delay)) => {
            let faults = faults.waited(delay);
            return next(deps, CertifyMailbox { faults, ..wish }, delay).await;
        }
        Ok(CertifyEnd::Done(notices)) => notices,
        Ok(CertifyEnd::Made(certificate)) => {
            keep(deps, &certificate).await?;
            conclude(&deps.engine.store, &certificate).await?
        }
        Err(failure) => {
            let faults = faults.and_end_of_run(failure.progressed, now());
            tracing::warn!(job.id = %job_id, faults = faults.count(), error = causes(&failure.error), "certifying broke off");
            deps.engine.store.note_trouble(job_id, &failure.error.failure()).await?;
            return after_fault(deps, wish, faults, &failure.error).await;
        }
    };
    deps.queues.send_notices(job_id.request(), &notices).await?;
    Ok(deps.queues.tell_owner(&deps.engine.store.job(job_id).await?).await?)
}

/// Tries again; or goes on without the source; or ends the mailbox without a certificate.
async fn after_fault(deps: &Deps, wish: CertifyMailbox, faults: Faults, error: &SyncError) -> anyhow::Result<()> {
    let job_id = wish.job_id;
    let is_source = matches!(error, SyncError::Source(_));
    let patience = deps.engine.profile.limits.patience();
    match (faults.are_final(error.prospect(), patience, now()), is_source) {
        (false, _) => next(deps, CertifyMailbox { faults, ..wish }, error.pause_after(faults)).await,
        (true, true) => {
            tracing::warn!(job.id = %job_id, "the source is given up; what was read while copying counts");
            let without_source = CertifyMailbox {
                faults: Faults::NONE,
                without_source: true,
                ..wish
            };
            next(deps, without_source, Duration::ZERO).await
        }
        (true, false) => match abandon_certificate(&deps.engine.store, job_id, &error.failure()).await? {
            Some(notices) => Ok(deps.queues.send_notices(job_id.request(), &notices).await?),
            None => next(deps, CertifyMailbox { faults, ..wish }, faults.pause()).await,
        },
    }
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

/// How much of a mailbox has been compared after its last pass.
async fn compared(deps: &Deps, job_id: JobId) -> anyhow::Result<i64> {
    let store = &deps.engine.store;
    let job = store.job(job_id).await?;
    Ok(progress(store, &job).await?)
}

/// Sends the next message. Dying before it is sent, the message at hand comes again.
async fn next(deps: &Deps, wish: CertifyMailbox, delay: Duration) -> anyhow::Result<()> {
    let certified = compared(deps, wish.job_id).await?;
    let next = CertifyMailbox { certified, ..wish };
    Ok(deps.queues.send_later(Queue::Certify, &next, delay).await?)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use mailvan::imap::ImapError;

    use super::*;

    fn is_believed_after(error: &SyncError, faults: u32, minutes: i64) -> bool {
        let begun = Timestamp::UNIX_EPOCH;
        let met = (0..faults).fold(Faults::NONE, |faults, _| faults.and_one(begun));
        let at = begun + SignedDuration::from_mins(minutes);
        met.are_final(error.prospect(), Duration::from_mins(30), at)
    }

    #[test]
    fn lasting_fault_is_believed_in_the_end_and_a_refused_login_at_the_second_time() {
        let lost = SyncError::Destination(ImapError::Closed { command: "FETCH" });
        assert!(!is_believed_after(&lost, 9, 29) && is_believed_after(&lost, 9, 30));
        let refused = SyncError::Source(ImapError::LoginRefused {
            text: "no".to_owned(),
            passing: false,
        });
        assert!(!is_believed_after(&refused, 1, 0) && is_believed_after(&refused, 2, 0));
    }
}
