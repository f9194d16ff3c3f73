//! What the service has to tell in the end: states, exceptions, certificates.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::stage::Stage;
use super::wanted::Wanted;
use crate::customer::Mailbox;

/// What a certificate says on the whole.
#[derive(Debug, Deserialize)]
struct Certificate {
    agrees: bool,
    totals: Totals,
}

#[derive(Debug, Deserialize)]
struct Totals {
    exceptions: u64,
    unverified: u64,
    late_copies_removed: u64,
}

/// What is told in the end.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What is wrong with it.
    pub(super) complaints: Vec<String>,
    /// Second copies that came late and were removed.
    pub(super) late_copies: u64,
}

/// Judges what is told in the end.
pub(super) async fn judge(stage: &Stage<'_>, wanted: &[Wanted]) -> Verdict {
    let mut verdict = Verdict::default();
    let complaints = &mut verdict.complaints;
    let all = end_with(wanted.iter().map(|wanted| wanted.refused).sum());
    if stage.state() != all {
        complaints.push(format!(
            "it ended as {}, not as {all}: {:?}",
            stage.state(),
            stage.status
        ));
    }
    for mailbox in stage.status.iter().flat_map(|status| &status.mailboxes) {
        let its = wanted.iter().find(|wanted| wanted.user == mailbox.email);
        let (refused, gone) = its.map_or((0, 0), |wanted| (wanted.refused, wanted.gone));
        if mailbox.state != end_with(refused) || mailbox.exceptions != refused {
            complaints.push(format!("{refused} exceptions are expected in {mailbox:?}"));
        }
        match certificate(stage, mailbox).await {
            // What was refused stands in it as an exception, and the rest agrees; but what was found after a crash and
            // has gone from the source since, nobody can compare any more.
            Ok(Certificate { agrees: true, totals }) if totals.exceptions == refused && totals.unverified <= gone => {
                verdict.late_copies += totals.late_copies_removed;
            }
            Ok(certificate) => complaints.push(format!("of {}: {certificate:?}", mailbox.email)),
            Err(error) => complaints.push(format!("{}: {error:#}", mailbox.email)),
        }
    }
    verdict
}

/// How a mailbox ends of which so many messages were refused.
fn end_with(refused: u64) -> &'static str {
    if refused == 0 {
        "completed"
    } else {
        "completed_with_exceptions"
    }
}

async fn certificate(stage: &Stage<'_>, mailbox: &Mailbox) -> Result<Certificate> {
    let order = stage.order.as_ref().context("nothing was ordered")?;
    let certificate = stage.world.customer.certificate(order, mailbox).await?;
    Ok(serde_json::from_value(certificate)?)
}
