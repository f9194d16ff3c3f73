//! A worker's way over a mailbox's folders, one after the other, with one connection to each side.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chunk::{ChunkEnd, OpenFolder, absent_from};
use super::claims::Claims;
use super::copied::Copied;
use super::renew::MOST_RENEWALS;
use super::telling::Teller;
use super::{Mailbox, SyncError, late};
use crate::clock::{Deadline, now};
use crate::domain::Pass;
use crate::domain::uid::UidRuns;
use crate::imap::{ImapError, Session};
use crate::store::{FolderEnd, FolderRecord, Ledger, Step, StoreError};

/// A look at all folders serves so long: others may take some of them meanwhile, which the lease tells.
const LOOK_HOLDS: SignedDuration = SignedDuration::from_secs(1);

/// A folder is not begun with less time left than this.
const FOLDER_MARGIN: Duration = Duration::from_secs(2);

/// How long a worker stays away that was begun before its mailbox's row was mended.
const MENDED: Duration = Duration::from_secs(30);

/// How long after a fault a folder is left alone: what was on the wire has arrived by then.
pub(super) const FAULT_GRACE: Duration = Duration::from_secs(10);

/// Why a lane's run broke off.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct LaneFailure {
    /// The fault.
    #[source]
    pub error: SyncError,
    /// Whether something had been copied in this run: then trying again is sure to end.
    pub progressed: bool,
}

impl<E: Into<SyncError>> From<E> for LaneFailure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            progressed: false,
        }
    }
}

/// How a worker's run over a mailbox's folders ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// No folder is open in this pass.
    NothingOpen {
        /// When a batch was found in it whose end was unknown, the last of them, in seconds since 1970: second copies
        /// of its messages may come for a while.
        broken_at: Option<i64>,
    },
    /// The mailbox shall not be copied any further.
    Stopped,
    /// Time ran short.
    OutOfTime,
    /// As many workers as there may be are at it, for so long at most.
    Held(Duration),
    /// What is open is held by others, for so long at most.
    HeldUntil(Duration),
}

impl<L: Ledger> Mailbox<L> {
    /// Copies folder after folder until none is open or time runs short. Any number of workers may
    /// do so at the same time; each begins at its own part of the folders, by its lane's number.
    ///
    /// # Errors
    /// [`LaneFailure`]; what has been copied so far is saved.
    pub async fn work(&self, pass: Pass, lane: u8, deadline: Deadline) -> Result<Work, LaneFailure> {
        self.work_and_count(pass, lane, deadline, &mut Copied::default()).await
    }

    pub(super) async fn work_and_count(
        &self,
        pass: Pass,
        lane: u8,
        deadline: Deadline,
        copied: &mut Copied,
    ) -> Result<Work, LaneFailure> {
        let mut sessions: Option<(Session, Session)> = None;
        let run_length = deadline.remaining();
        let mut teller = Teller::new(self, pass, Step::Copying, lane);
        let mut look: Option<(Timestamp, VecDeque<FolderRecord>)> = None;
        loop {
            let known = look.as_mut().filter(|(at, _)| now().duration_since(*at) < LOOK_HOLDS);
            let Some(free) = known.and_then(|(_, free)| free.pop_front()) else {
                match self.look(pass, lane).await? {
                    Look::Free(free) => look = Some((now(), free)),
                    Look::Nothing(work) => return Ok(work),
                }
                continue;
            };
            if deadline.remaining() < FOLDER_MARGIN {
                return Ok(Work::OutOfTime);
            }
            let Some(folder) = self
                .ledger
                .lease_folder(&free, pass, now(), deadline.lease_end())
                .await?
            else {
                continue;
            };
            teller.begin(&folder, None);
            let mut end = work_on(
                self,
                pass,
                (deadline, run_length),
                &folder,
                &mut sessions,
                (copied, &mut teller),
            )
            .await;
            if end.as_ref().is_err_and(SyncError::is_of_another_folder)
                && folder.renewals < MOST_RENEWALS
                // A later pass only fetches: what the user has moved since must not come back.
                && !pass.is_later()
                && let Some(sessions) = &mut sessions
            {
                end = Box::pin(self.renew(pass, deadline, &folder, sessions)).await;
                if matches!(end, Ok(Worked::Finished)) {
                    self.ledger.release_folder(&folder, now()).await?;
                    look = None;
                }
            }
            match end {
                Ok(Worked::Finished) => {}
                Ok(Worked::Stopped) => {
                    self.ledger.release_folder(&folder, now()).await?;
                    return Ok(Work::OutOfTime);
                }
                // Whether a reading is refused because of messages, or because the server cannot read at all, is found out
                // message by message.
                Err(error) if error.is_about_one_folder() && !error.may_be_of_a_message() => {
                    skip_folder(&self.ledger, &folder, pass, &error).await?;
                }
                Err(error) => {
                    release_after_fault(&self.ledger, &folder, &error).await;
                    let progressed = copied.any;
                    return Err(LaneFailure { error, progressed });
                }
            }
        }
    }

    /// Looks for folders that nobody works on.
    async fn look(&self, pass: Pass, lane: u8) -> Result<Look, StoreError> {
        let (mut open, is_stopped) =
            tokio::try_join!(self.ledger.folders(self.job_id), self.ledger.is_stopped(self.job_id))?;
        let broken_at = late::broken_at(&open, pass);
        open.retain(|folder| folder.is_open(pass));
        if open.is_empty() {
            return Ok(Look::Nothing(Work::NothingOpen { broken_at }));
        }
        if is_stopped {
            return Ok(Look::Nothing(Work::Stopped));
        }
        // Its row was mended, and it is planned for another server or user than this worker was given.
        let route = self.route();
        if open.iter().any(|folder| !folder.is_on(&route)) {
            return Ok(Look::Nothing(Work::HeldUntil(MENDED)));
        }
        let at = now().as_second();
        let (held, mut free): (VecDeque<_>, VecDeque<_>) = VecDeque::from(open)
            .into_iter()
            .partition(|folder| folder.lease_until > at);
        let soonest = held.iter().map(|folder| folder.lease_until - at).min();
        let delay = Duration::from_secs(soonest.unwrap_or(1).unsigned_abs());
        let lanes = usize::from(self.limits.lanes);
        if held.len() >= lanes {
            return Ok(Look::Nothing(Work::Held(delay)));
        }
        if free.is_empty() {
            return Ok(Look::Nothing(Work::HeldUntil(delay)));
        }
        free.rotate_left(free.len() * (usize::from(lane) % lanes) / lanes);
        Ok(Look::Free(free))
    }
}

/// What a worker found to do.
enum Look {
    /// Folders that nobody held, never none.
    Free(VecDeque<FolderRecord>),
    /// Nothing, so that its run is over.
    Nothing(Work),
}

/// How a run of a folder ended.
pub(super) enum Worked {
    Finished,
    Stopped,
}

async fn work_on<L: Ledger>(
    mailbox: &Mailbox<L>,
    pass: Pass,
    (deadline, run_length): (Deadline, Duration),
    folder: &FolderRecord,
    sessions: &mut Option<(Session, Session)>,
    (copied, teller): (&mut Copied, &mut Teller<L>),
) -> Result<Worked, SyncError> {
    let (source, destination) = match sessions {
        Some(sessions) => sessions,
        None => sessions.insert(mailbox.open_both().await?),
    };
    let (opened, selected, chunks) = tokio::try_join!(
        async { source.examine(&folder.source_name).await.map_err(SyncError::Source) },
        async {
            destination
                .select(&folder.destination_name)
                .await
                .map_err(SyncError::Destination)
        },
        async { Ok(mailbox.planned_chunks(folder).await?) },
    )?;
    let opened = if folder.source_uid_validity == opened.uid_validity {
        opened
    } else {
        // Courier gives a passing UIDVALIDITY to EXAMINE.
        source.select(&folder.source_name).await.map_err(SyncError::Source)?
    };
    same_folder(folder, folder.source_uid_validity, opened.uid_validity).map_err(SyncError::Source)?;
    same_folder(folder, folder.destination_uid_validity, selected.uid_validity).map_err(SyncError::Destination)?;
    let claimed: UidRuns = chunks
        .iter()
        .flat_map(|chunk| chunk.map.iter().map(|pair| pair.1))
        .collect();
    let next_uid = selected.uid_next.unwrap_or(1);
    let (todo, done): (Vec<_>, Vec<_>) = chunks.iter().partition(|chunk| chunk.is_open(pass));
    let mut open = OpenFolder {
        mailbox,
        pass,
        deadline,
        run_length,
        folder,
        source,
        destination,
        selected,
        claims: Claims {
            claimed,
            next_uid,
            ..Claims::default()
        },
        before_us: None,
        teller,
        absent: done.iter().map(|chunk| chunk.absent_messages()).sum(),
        broken_at: done
            .iter()
            .filter_map(|chunk| Some(chunk.late.as_ref()?.found_at))
            .max(),
    };
    for (number, chunk) in todo.iter().enumerate() {
        // Before the first one, the whole mailbox has just been looked at.
        if number > 0 && mailbox.ledger.is_stopped(mailbox.job_id).await? {
            return Ok(Worked::Stopped);
        }
        let mut chunk = mailbox.ledger.take_chunk(chunk, folder).await?;
        open.teller.begin_chunk(&chunk);
        let (before, begun) = ((chunk.map.len(), chunk.bytes_copied), deadline.remaining());
        let end = open.copy(&mut chunk, number + 1 == todo.len()).await;
        open.teller.go_on(&chunk);
        let time = begun.saturating_sub(deadline.remaining());
        copied.add(before, (chunk.map.len(), chunk.bytes_copied), time);
        copied.any |= open.claims.progressed;
        if end? == ChunkEnd::OutOfTime {
            return Ok(Worked::Stopped);
        }
    }
    if todo.is_empty() {
        let error = absent_from(folder, open.absent);
        let end = FolderEnd {
            folder,
            error: error.as_deref(),
            broken_at: open.broken_at,
        };
        mailbox.ledger.finish_folder(end, pass).await?;
    }
    Ok(Worked::Finished)
}

/// The folder that was planned is the one that was opened.
fn same_folder(folder: &FolderRecord, expected: u32, found: u32) -> Result<(), ImapError> {
    if expected == found {
        Ok(())
    } else {
        Err(ImapError::UidValidityChanged {
            folder: folder.title.clone(),
            expected,
            found,
        })
    }
}

/// Ends a folder that cannot be copied, and says so: the others go on.
async fn skip_folder<L: Ledger>(
    ledger: &L,
    folder: &FolderRecord,
    pass: Pass,
    error: &SyncError,
) -> Result<(), StoreError> {
    let failure = error.folder_failure(&folder.title);
    tracing::warn!(job.id = %folder.job_id, folder = folder.folder, code = failure.code, "folder skipped");
    let end = FolderEnd {
        folder,
        error: Some(&failure.message),
        broken_at: folder.broken_at,
    };
    ledger.finish_folder(end, pass).await?;
    ledger.note_trouble(folder.job_id, &failure).await
}

/// Shortens the lease, so that the next try need not wait for this run's end; but not to nothing,
/// because what was on the wire may still arrive. Where the destination fell silent it may take any
/// time, and the lease stays.
pub(super) async fn release_after_fault<L: Ledger>(ledger: &L, folder: &FolderRecord, error: &SyncError) {
    if matches!(
        error,
        SyncError::Destination(ImapError::TimedOut { .. } | ImapError::Io { .. })
    ) {
        return;
    }
    let grace = SignedDuration::try_from(FAULT_GRACE).ok();
    let at = grace
        .and_then(|grace| now().checked_add(grace).ok())
        .unwrap_or(Timestamp::MAX);
    match ledger.release_folder(folder, at).await {
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => tracing::warn!(job.id = %folder.job_id, %error, "a folder's lease could not be shortened"),
    }
}
