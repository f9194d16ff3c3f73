//! One folder being compared: its chunks one after the other, then what is beyond them.

use std::collections::BTreeSet;

use super::code::{self, discrepancy};
use super::compare::{Comparer, Halt};
use super::judge::{Evidence, Judgement, judge};
use super::side::Side;
use crate::domain::reading::Readings;
use crate::domain::tally::Tally;
use crate::domain::uid::{UidRuns, UidSet};
use crate::imap::digest::Listed;
use crate::imap::{ImapError, Selected, digest, remove};
use crate::store::finding::Findings;
use crate::store::{ChunkRecord, Finding, FolderRecord, SourceState};
use crate::sync::{SecondCopies, SyncError, beyond_chunks};

/// A folder, opened on both sides as far as it can be.
pub(super) struct OpenFolder<'a> {
    folder: &'a FolderRecord,
    here: Here,
    there: SourceState,
}

/// How a folder is at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    /// Open, with its UIDNEXT.
    Open { uid_next: u32 },
    /// Not there any more: the user has removed it.
    Gone,
    /// There under another UIDVALIDITY.
    Replaced,
    /// Listed, and not opened.
    Unreadable,
    /// Never made.
    NeverMade,
}

/// What came of opening a folder with a known UIDVALIDITY.
enum Opened {
    AsKnown(Selected),
    Another,
    Gone,
    Refused,
}

impl<'a> OpenFolder<'a> {
    /// Opens a folder on both sides, without changing anything.
    pub(super) async fn open<L: Findings>(
        comparer: &mut Comparer<'_, L>,
        folder: &'a FolderRecord,
    ) -> Result<Self, Halt> {
        let (here, there) = (&mut comparer.here, &mut comparer.there);
        let (here, there) = tokio::try_join!(open_here(here, folder), open_there(there.as_mut(), folder))?;
        Ok(Self { folder, here, there })
    }

    /// Compares a chunk and writes down what was found. What was read is written down too where the
    /// run's time ends before.
    pub(super) async fn compare<L: Findings>(
        &self,
        comparer: &mut Comparer<'_, L>,
        chunk: &ChunkRecord,
        mut finding: Finding,
    ) -> Result<(), Halt> {
        let known = finding.read_here.len() + finding.read_there.len();
        let read = self.read_and_judge(comparer, chunk, &mut finding).await;
        if read.is_ok() {
            finding.done = true;
            finding.read_here = Readings::default();
            finding.read_there = Readings::default();
        }
        if finding.done || finding.read_here.len() + finding.read_there.len() > known {
            comparer.put(&finding).await?;
        }
        read
    }

    async fn read_and_judge<L: Findings>(
        &self,
        comparer: &mut Comparer<'_, L>,
        chunk: &ChunkRecord,
        finding: &mut Finding,
    ) -> Result<(), Halt> {
        let mut destinations: Vec<u32> = chunk.map.iter().map(|pair| pair.1).collect();
        destinations.sort_unstable();
        let uid_next = match self.here {
            Here::Open { uid_next } => uid_next,
            Here::Gone => {
                finding.gone_since = UidSet::from_sorted(chunk.map.iter().map(|pair| pair.0));
                return Ok(());
            }
            Here::Replaced | Here::Unreadable | Here::NeverMade => {
                finding.source = chunk.tally;
                return Ok(());
            }
        };
        let there_repaired = chunk.exceptions.iter().filter(|exception| exception.is_there());
        let repaired: UidRuns = there_repaired.map(|exception| exception.uid).collect();
        let unread = finding.read_here.unasked(destinations.into_iter());
        read(&mut comparer.here, &unread, &mut finding.read_here).await?;
        loop {
            let evidence = Evidence {
                map: &chunk.map,
                tally: chunk.tally,
                untallied: &chunk.untallied,
                repaired: &repaired,
                uid_next,
                was_certified: comparer.was_certified(chunk),
                here: &finding.read_here,
                there: &finding.read_there,
                source: self.there,
            };
            match (judge(&evidence), &mut comparer.there) {
                (Judgement::Read(uids), Some(there)) => read(there, &uids, &mut finding.read_there).await?,
                // Only a folder that is open at the source is asked for more.
                (Judgement::Read(_), None) => return Ok(()),
                (Judgement::Found(found), _) => {
                    finding.source = found.source;
                    finding.destination = found.destination;
                    finding.discrepancies = found.discrepancies;
                    finding.gone_since = found.gone_since;
                    finding.unverified = found.unverified;
                    return Ok(());
                }
            }
        }
    }

    /// Looks at what is beyond the chunks: mail that no chunk speaks of, on both sides. `beside` are those of other
    /// folders that go to the same one.
    pub(super) async fn compare_whole<L: Findings>(
        &self,
        comparer: &mut Comparer<'_, L>,
        own: &[ChunkRecord],
        beside: &[ChunkRecord],
        whole: &mut Finding,
    ) -> Result<(), Halt> {
        whole.source_state = Some(self.there);
        whole.discrepancies.clear();
        whole.source = Tally::default();
        whole.destination = Tally::default();
        let unlocated = UidSet::from_sorted(own.iter().flat_map(|chunk| chunk.unlocated.iter()));
        if !unlocated.is_empty() {
            whole.discrepancies.push(discrepancy(code::UNLOCATED, &unlocated));
        }
        match self.here {
            Here::Open { .. } => self.beyond_chunks_here(comparer, own, beside, whole).await?,
            Here::Replaced => whole
                .discrepancies
                .push(discrepancy(code::FOLDER_REPLACED, &UidSet::default())),
            Here::Unreadable => {
                whole
                    .discrepancies
                    .push(discrepancy(code::FOLDER_UNREADABLE, &UidSet::default()));
            }
            Here::Gone | Here::NeverMade => {}
        }
        if let (SourceState::There, Some(there)) = (self.there, &mut comparer.there) {
            let listed = there.run(async |session| digest::uids(session).await).await?;
            let mut gone: UidRuns = UidRuns::default();
            gone.extend(own.iter().flat_map(|chunk| chunk.map.sources()));
            listed.ranges().for_each(|uids| gone.remove_range(uids));
            whole.gone_at_source = gone.len();
            let arrived = listed.iter().filter(|uid| *uid > self.folder.last_uid);
            whole.arrived_since = arrived.count() as u64;
            let missing = self.missing(own, listed);
            // One that has no date is of no day, and was to be copied.
            let dates = comparer.mailbox.options.dates;
            let is_wanted = |message: &Listed| message.date.is_none_or(|date| dates.contains(date));
            let mut missing = there.run(async |session| digest::list(session, &missing).await).await?;
            missing.retain(is_wanted);
            for message in &missing {
                whole.source.messages += 1;
                whole.source.bytes += message.size_bytes;
            }
            if !missing.is_empty() {
                let uids = UidSet::from_sorted(missing.iter().map(|message| message.uid));
                whole.discrepancies.push(discrepancy(code::MISSING, &uids));
            }
        }
        Ok(())
    }

    /// Messages at the source that were to be copied, and of which nothing is known.
    fn missing(&self, chunks: &[ChunkRecord], listed: UidRuns) -> UidSet {
        let mut missing = listed;
        if let Some(beyond) = self.folder.last_uid.checked_add(1) {
            missing.remove_range(beyond..=u32::MAX);
        }
        for chunk in chunks {
            chunk.known().ranges().for_each(|uids| missing.remove_range(uids));
        }
        missing.to_set()
    }

    /// Counts mail at the destination that is not from here, and removes second copies that came late.
    async fn beyond_chunks_here<L: Findings>(
        &self,
        comparer: &mut Comparer<'_, L>,
        own: &[ChunkRecord],
        beside: &[ChunkRecord],
        whole: &mut Finding,
    ) -> Result<(), Halt> {
        // What was certified before has been in its user's hands since.
        let is_fresh = |chunk: &&ChunkRecord| chunk.late.is_some() && !comparer.was_certified(chunk);
        let fresh: Vec<ChunkRecord> = own.iter().filter(is_fresh).cloned().collect();
        let found = comparer.here.run(async |session| {
            let others = beyond_chunks(session, own, beside).await?;
            let copies = SecondCopies::find(session, &fresh, &others.to_set()).await?;
            Ok((others, copies, remove::can_remove(session)))
        });
        let (mut others, copies, can_remove) = found.await?;
        if !copies.uids.is_empty() {
            let is_removed = can_remove && self.remove(comparer, &copies, whole).await?;
            if is_removed {
                for (uid, _) in copies.uids.iter() {
                    others.remove(uid);
                }
            } else {
                whole.destination.merge(&copies.tally);
                let doubled: BTreeSet<u32> = copies.uids.iter().map(|pair| pair.1).collect();
                let doubled = UidSet::from_sorted(doubled);
                whole.discrepancies.push(discrepancy(code::DOUBLED, &doubled));
            }
        }
        whole.others = others.len();
        Ok(())
    }

    /// Removes second copies of the folder; false where the destination refuses.
    async fn remove<L: Findings>(
        &self,
        comparer: &mut Comparer<'_, L>,
        copies: &SecondCopies,
        whole: &mut Finding,
    ) -> Result<bool, Halt> {
        let before = whole.late_copies.clone();
        whole.note_late_copies(&copies.uids);
        // Written down before it is done: afterwards nobody could tell that it was.
        comparer.put(whole).await?;
        let uids = UidSet::from_sorted(copies.uids.iter().map(|pair| pair.0));
        tracing::warn!(job.id = %self.folder.job_id, folder = self.folder.folder, copies = %uids, "second copies that came late are removed");
        let name = &self.folder.destination_name;
        let removed = comparer.here.run(async |session| {
            session.select(name).await?;
            remove::remove(session, &uids).await
        });
        match removed.await {
            Ok(()) => Ok(true),
            Err(Halt::Fault(SyncError::Destination(ImapError::Refused { .. }))) => {
                whole.late_copies = before;
                Ok(false)
            }
            Err(halt) => Err(halt),
        }
    }
}

async fn open_here(side: &mut Side<'_>, folder: &FolderRecord) -> Result<Here, Halt> {
    let uid_validity = folder.destination_uid_validity;
    if uid_validity == 0 {
        return Ok(Here::NeverMade);
    }
    Ok(match open(side, &folder.destination_name, uid_validity).await? {
        // Without UIDNEXT nothing can be told from it.
        Opened::AsKnown(selected) => Here::Open {
            uid_next: selected.uid_next.unwrap_or(u32::MAX),
        },
        Opened::Another => Here::Replaced,
        Opened::Gone => Here::Gone,
        Opened::Refused => Here::Unreadable,
    })
}

async fn open_there(side: Option<&mut Side<'_>>, folder: &FolderRecord) -> Result<SourceState, Halt> {
    let Some(side) = side else {
        return Ok(SourceState::Unreachable);
    };
    Ok(
        match open(side, &folder.source_name, folder.source_uid_validity).await? {
            Opened::AsKnown(_) => SourceState::There,
            Opened::Another => SourceState::Replaced,
            Opened::Gone => SourceState::Gone,
            Opened::Refused => SourceState::Unreachable,
        },
    )
}

/// Opens a folder for reading; with another UIDVALIDITY than expected it is another folder.
async fn open(side: &mut Side<'_>, wire_name: &str, uid_validity: u32) -> Result<Opened, Halt> {
    let examined = side.run(async |session| session.examine(wire_name).await).await;
    let opened = match examined {
        Ok(opened) if opened.uid_validity == uid_validity => return Ok(Opened::AsKnown(opened)),
        // Courier gives a passing UIDVALIDITY to EXAMINE.
        Ok(_) => side.run(async |session| session.select(wire_name).await).await,
        refused => refused,
    };
    match opened {
        Ok(opened) if opened.uid_validity == uid_validity => Ok(Opened::AsKnown(opened)),
        Ok(_) => Ok(Opened::Another),
        Err(Halt::Fault(error)) if error.is_about_one_folder() => Ok(if side.lists(wire_name).await? {
            Opened::Refused
        } else {
            Opened::Gone
        }),
        Err(halt) => Err(halt),
    }
}

/// Reads messages of the open folder into what is known of them.
async fn read(side: &mut Side<'_>, uids: &UidSet, readings: &mut Readings) -> Result<(), Halt> {
    if uids.is_empty() {
        return Ok(());
    }
    side.run(async |session| digest::read(session, uids, |uid, reading| readings.note(uid, reading)).await)
        .await
}
