//! Looking at the source's folders, all of them in one go, within the time there is.

use std::time::Duration;

use tokio::time::Instant;

use super::SyncError;
use super::folder_plan::FolderPlan;
use super::look::{Aim, Budget, Find};
use super::mailbox::Access;
use crate::domain::Pass;
use crate::imap::survey::{Pace, Question, survey};
use crate::imap::{ImapError, Session};

/// Looks at folders; what was found stands where its plan does. A folder that was not reached in time
/// has not ended. The session may be another one afterwards.
///
/// # Errors
/// [`SyncError::Source`].
pub(super) async fn look(
    access: &Access,
    source: &mut Session,
    plans: &[FolderPlan],
    aim: Aim,
    time: Duration,
) -> Result<Vec<Find>, SyncError> {
    let mut budget = Budget::default();
    let finds = plans
        .iter()
        .map(|plan| Find::new(plan, plan.course(), aim, &mut budget));
    let mut looking = Looking {
        access,
        source,
        plans,
        finds: finds.collect(),
        until: Instant::now() + time,
        pass: aim.pass,
        pace: Pace::Ahead,
    };
    looking.ask_all().await.map_err(SyncError::Source)?;
    let mut again = false;
    for (plan, find) in plans.iter().zip(&mut looking.finds) {
        if let Some(other) = find.another(plan, &mut budget) {
            *find = other;
            again = true;
        }
    }
    if again {
        looking.ask_all().await.map_err(SyncError::Source)?;
    }
    looking.finds.iter_mut().for_each(Find::sort);
    Ok(looking.finds)
}

struct Looking<'a> {
    access: &'a Access,
    source: &'a mut Session,
    plans: &'a [FolderPlan],
    finds: Vec<Find>,
    until: Instant,
    pass: Pass,
    pace: Pace,
}

impl Looking<'_> {
    /// Asks until all have ended or time is short. Where the session ends before, they are asked one
    /// by one, as long as each session brings something.
    async fn ask_all(&mut self) -> Result<(), ImapError> {
        loop {
            let before = self.ended();
            let until = self.until;
            let asked = tokio::time::timeout_at(until, self.ask()).await;
            let error = match asked {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                // What came until then can be gone on from. In the first pass nothing else is asked, and there is no time
                // left to log in.
                Err(_) if self.pass == Pass::First => return Ok(()),
                // What has been asked may still be answered.
                Err(_) => {
                    *self.source = self.access.open().await?;
                    return Ok(());
                }
            };
            let may_help = self.pace == Pace::Ahead || self.ended() > before;
            if !(may_help && is_of_the_session(&error)) {
                return Err(error);
            }
            tracing::info!(%error, "the session broke off; what is left is asked one by one");
            *self.source = self.access.open().await?;
            for (plan, find) in self.plans.iter().zip(&mut self.finds) {
                if !find.has_ended {
                    *find = find.afresh(plan);
                }
            }
            self.pace = Pace::OneByOne;
            if Instant::now() >= self.until {
                return Ok(());
            }
        }
    }

    fn ended(&self) -> usize {
        self.finds.iter().filter(|find| find.has_ended).count()
    }

    /// Asks those that have not ended.
    async fn ask(&mut self) -> Result<(), ImapError> {
        let mut asked: Vec<(&FolderPlan, &mut Find)> = self.plans.iter().zip(&mut self.finds).collect();
        asked.retain(|(_, find)| !find.has_ended);
        let questions: Vec<Question> = asked.iter().map(|(plan, find)| find.question(plan)).collect();
        let until = self.until;
        let may_go_on = || Instant::now() < until;
        survey(self.source, &questions, self.pace, may_go_on, |number, told| {
            if let Some((plan, find)) = asked.get_mut(number) {
                find.hear(told, plan);
            }
        })
        .await
    }
}

/// Whether another session may get further: some servers end one after a number of refusals.
fn is_of_the_session(error: &ImapError) -> bool {
    matches!(
        error,
        ImapError::Bye { .. } | ImapError::Closed { .. } | ImapError::Io { .. } | ImapError::Unreadable { .. }
    )
}
