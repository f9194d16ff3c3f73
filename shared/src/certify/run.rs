//! Certifying the mailbox of a job: when it is compared, and what follows.

use std::time::Duration;

use super::certificate::{Certificate, Subject};
use super::compare::{Basis, CertifyFailure, Compared};
use crate::clock::{Deadline, now, time_until};
use crate::domain::{JobId, JobState};
use crate::store::finding::{CertifyLease, Findings as _};
use crate::store::job::{Failure, Verdict};
use crate::store::{JobRecord, Ledger as _, NoticeKind, Store, StoreError, stamp};
use crate::sync::{Engine, NO_CONNECTION, settle_request, stop_mailbox};
use crate::telemetry::{Unit, measure};

/// What is to be done after a run.
#[derive(Clone, Debug)]
pub enum CertifyEnd {
    /// Time ran short: send the next message at once.
    Continue,
    /// Another worker is at it, or others hold all connections to the source: send the next message after this long.
    Wait(Duration),
    /// The certificate is made: keep it, then [`conclude`].
    Made(Box<Certificate>),
    /// Nothing is left to do; these notices wait to be sent.
    Done(Vec<NoticeKind>),
}

/// Compares a mailbox whose last pass is over, and makes its certificate when that is done.
/// Idempotency key: the job; what has been compared is passed over, and of two workers one waits.
///
/// # Errors
/// [`CertifyFailure`]; what was compared until then is written down.
pub async fn certify_mailbox(
    engine: &Engine,
    id: JobId,
    with_source: bool,
    deadline: Deadline,
) -> Result<CertifyEnd, CertifyFailure> {
    let store = &engine.store;
    if store.is_stopped(id).await? {
        return Ok(CertifyEnd::Done(stop_mailbox(store, id, now()).await?));
    }
    let job = store.job(id).await?;
    let (JobState::Certifying, Some(pass)) = (job.status.state(), job.status.pass()) else {
        return Ok(CertifyEnd::Done(settle_request(store, job.request_id, now()).await?));
    };
    let lease = match store.lease_certificate(id, pass, now(), deadline.lease_end()).await? {
        Ok(lease) => lease,
        Err(until) => {
            let left = time_until(until, now());
            return Ok(CertifyEnd::Wait(left.unwrap_or(Duration::from_secs(1))));
        }
    };
    let end = Box::pin(connected(engine, &job, lease, with_source, deadline)).await;
    store.release_certificate(lease).await?;
    end
}

/// Compares with the right to connect to the source once, where that is asked.
async fn connected(
    engine: &Engine,
    job: &JobRecord,
    lease: CertifyLease,
    with_source: bool,
    deadline: Deadline,
) -> Result<CertifyEnd, CertifyFailure> {
    if !with_source {
        return compare(engine, job, lease, with_source, deadline).await;
    }
    let Some(connection) = engine.take_connection(job, deadline).await? else {
        return Ok(CertifyEnd::Wait(NO_CONNECTION));
    };
    let end = compare(engine, job, lease, with_source, deadline).await;
    let was_crowded = end.as_ref().is_err_and(|failure| failure.error.is_crowded_source());
    engine
        .store
        .give_connection_back(&connection, was_crowded, now())
        .await?;
    end
}

async fn compare(
    engine: &Engine,
    job: &JobRecord,
    lease: CertifyLease,
    with_source: bool,
    deadline: Deadline,
) -> Result<CertifyEnd, CertifyFailure> {
    let mailbox = engine.mailbox(job).await?;
    let basis = Basis {
        with_source,
        was_certified: lease.pass().is_later() && job.certificate.is_some(),
    };
    match Box::pin(mailbox.compare(lease, basis, deadline)).await? {
        Compared::OutOfTime => Ok(CertifyEnd::Continue),
        Compared::Stopped => {
            let notices = stop_mailbox(&engine.store, job.job_id, now()).await?;
            Ok(CertifyEnd::Done(notices))
        }
        Compared::Whole => {
            let subject = Subject {
                job_id: job.job_id,
                pass: lease.pass(),
                mailbox: job.address.clone(),
                destination: job.destination.to_string(),
            };
            let certificate = Certificate::draw_up(&engine.store, subject, stamp(now())).await?;
            Ok(CertifyEnd::Made(Box::new(certificate)))
        }
    }
}

/// Ends a mailbox whose certificate is kept, and settles its request. Idempotency key: the job.
///
/// # Errors
/// [`StoreError`].
pub async fn conclude(store: &Store, certificate: &Certificate) -> Result<Vec<NoticeKind>, StoreError> {
    let verdict = Verdict {
        pass: certificate.pass(),
        exceptions: i64::try_from(certificate.exceptions()).unwrap_or(i64::MAX),
        certificate: Some(certificate.note()),
        failure: certificate.failure(),
    };
    let id = certificate.job_id();
    store.certify_job(id, verdict, now()).await?;
    settle_request(store, id.request(), now()).await
}

/// Ends a mailbox of which no certificate can be made, as one with exceptions, and settles its request.
/// `None` while somebody may be at it.
///
/// # Errors
/// [`StoreError`].
pub async fn abandon_certificate(
    store: &Store,
    id: JobId,
    why: &Failure,
) -> Result<Option<Vec<NoticeKind>>, StoreError> {
    let job = store.job(id).await?;
    let Some(pass) = job.status.pass() else { return Ok(None) };
    let Ok(lease) = store.lease_certificate(id, pass, now(), now()).await? else {
        return Ok(None);
    };
    tracing::warn!(job.id = %id, error.code = why.code, "no certificate: {}", why.message);
    let verdict = Verdict {
        pass,
        exceptions: job.exceptions.saturating_add(1),
        certificate: None,
        failure: Some(Failure {
            code: "not_certified".to_owned(),
            message: format!(
                "the mailbox was copied, but what the new provider holds could not be compared: {}",
                why.message
            ),
        }),
    };
    store.certify_job(id, verdict, now()).await?;
    let job = id.to_string();
    measure(
        store.table(),
        &[("MailboxesNotCertified", Unit::Count, 1)],
        &[("job.id", &job)],
        now(),
    );
    store.release_certificate(lease).await?;
    settle_request(store, id.request(), now()).await.map(Some)
}

/// How much of a mailbox has been compared after its last pass: what a message says that was sent meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn progress(store: &Store, job: &JobRecord) -> Result<i64, StoreError> {
    let Some(pass) = job.status.pass() else { return Ok(0) };
    let findings = store.findings(job.job_id, pass).await?;
    Ok(i64::try_from(findings.iter().filter(|finding| finding.done).count()).unwrap_or(i64::MAX))
}
