//! The passes of a migration, and the quiet between and after them, with the faults of each.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::fault::Fault;
use super::stage::Stage;

/// How long the service may take for what it has to do by itself.
const PATIENCE: Duration = Duration::from_mins(8);
/// How long a fault waits for its moment before the next one is made.
const PAUSE: Duration = Duration::from_millis(700);
/// How long a fault waits for progress since the one before: a mailbox without any is given up after some faults.
const PROGRESS: Duration = Duration::from_secs(3);
/// How long the last faults wait for their moment before the cuts among them happen at once.
const LAST_MOMENT: Duration = Duration::from_secs(5);
/// A killed run's message is hidden for less than this.
const HIDDEN: Duration = Duration::from_secs(65);
/// A mailbox's planning is given up after five faults in a row, so it is not met by so many.
const FAULTS_WHILE_PLANNING: usize = 4;
/// States in which nothing more happens by itself.
const ENDS: [&str; 4] = ["completed", "completed_with_exceptions", "failed", "cancelled"];

/// Mail that a pass has to copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mail {
    /// Messages that were copied before.
    pub(super) before: u64,
    /// Messages that come.
    pub(super) messages: u64,
    /// About their size.
    pub(super) bytes: u64,
}

/// Makes the faults of a pass while it runs, and waits for its end.
pub(super) async fn run_pass(stage: &mut Stage<'_>, faults: &[(usize, Fault)], mail: Mail, end: &str) -> Result<()> {
    stage.hold(Some(mail.bytes / 10));
    let is_over = |stage: &Stage<'_>| stage.state() == end || ENDS.contains(&stage.state());
    let is_working = |stage: &Stage<'_>| stage.any_is("copying") || stage.any_is("planning") || is_over(stage);
    stage.go_on(PATIENCE, is_working).await?;
    let mut while_planning = 0;
    for (done, (number, fault)) in faults.iter().enumerate() {
        let window = mail.bytes / 10;
        if while_planning >= FAULTS_WHILE_PLANNING && stage.any_is("planning") {
            stage.hold(Some(window));
            stage.go_on(PATIENCE, |stage| !stage.any_is("planning")).await?;
        }
        while_planning += usize::from(stage.any_is("planning"));
        // Ahead of the faults no mail comes through: 60 of 100 messages with the last one.
        let level = mail.before + mail.messages * 6 * (done as u64 + 2) / 10 / faults.len() as u64;
        let is_ahead = stage.copied() >= level && !stage.any_is("planning");
        stage.hold(Some(if is_ahead { 0 } else { window }));
        let copied = stage.copied();
        stage
            .go_on(PROGRESS, |stage| is_ahead || stage.copied() > copied)
            .await?;
        if is_over(stage) {
            return Ok(());
        }
        make(stage, *number, fault, true).await?;
    }
    stage.hold(Some(mail.bytes / 50));
    let is_enough = |stage: &Stage<'_>| stage.waiting() == 0 || is_over(stage);
    stage.go_on(LAST_MOMENT, is_enough).await?;
    stage.cut_now();
    catch_up(stage, true, is_over).await?;
    stage.hold(None);
    stage.go_on(PATIENCE, is_over).await
}

/// Makes faults while no pass is under way, and waits until what they woke has come to rest.
pub(super) async fn run_calm(stage: &mut Stage<'_>, faults: &[(usize, Fault)]) -> Result<()> {
    for (number, fault) in faults {
        make(stage, *number, fault, false).await?;
    }
    catch_up(stage, false, |_| false).await?;
    stage.go_on(HIDDEN, |stage| stage.busy == 0).await
}

/// Waits until no fault waits for its moment, and wakes those that are to be killed again and again.
async fn catch_up(stage: &mut Stage<'_>, is_pass: bool, is_over: impl Fn(&Stage<'_>) -> bool) -> Result<()> {
    let until = Instant::now() + HIDDEN;
    while stage.waiting() > 0 && !is_over(stage) && Instant::now() < until {
        stage.wake_victims(is_pass).await?;
        stage.go_on(3 * PAUSE, |stage| stage.waiting() == 0).await?;
    }
    Ok(())
}

/// Says that the DNS is changed, again and again until the service has heard it.
pub(super) async fn cut_over(stage: &mut Stage<'_>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while let Some(order) = &stage.order {
        match stage.world.customer.act(order, "cutover").await {
            Ok(()) => break,
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => stage.go_on(PAUSE, |_| false).await?,
        }
    }
    Ok(())
}

/// Makes a fault and gives it a moment to happen.
async fn make(stage: &mut Stage<'_>, number: usize, fault: &Fault, is_pass: bool) -> Result<()> {
    let before = stage.waiting();
    stage.make(number, fault).await?;
    stage.wake_victims(is_pass).await?;
    stage.go_on(PAUSE, |stage| stage.waiting() <= before).await
}
