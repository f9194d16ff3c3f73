//! Planning the folders of a mailbox: all of them are looked at on both sides in a few round trips,
//! and what is to be done is written down together.

use std::collections::BTreeMap;
use std::time::Duration;

use super::asks::may_have_lost;
use super::folder_plan::{FolderPlan, Outcome};
use super::item::Item;
use super::look::{Aim, Find};
use super::looking::look;
use super::mapping::{FolderMapping, is_bin, map_folders};
use super::ready::{Ready, make_ready};
use super::{Mailbox, Planning, SyncError, delta, small};
use crate::clock::Deadline;
use crate::domain::{JobId, Pass};
use crate::imap::Session;
use crate::imap::folder::{FolderStatus, ListedFolder, list_with_status};
use crate::store::planning::PlanLease;
use crate::store::{ChunkRecord, FolderRecord, Ledger, Planned};

/// A folder is not begun with less time left than this: a large one takes a while to list.
const FOLDER_MARGIN: Duration = Duration::from_secs(4);

/// How many folders are planned together.
const FOLDERS_AT_ONCE: usize = 250;

/// And how many messages they have at most, as far as it is known; a larger folder still goes alone. In
/// the first pass each of them is listed. In the final pass moves are seen among folders that are
/// planned together.
const MESSAGES_AT_ONCE: [u64; 2] = [200_000, 3_000_000];

/// Plans one group of folders after the other.
pub(super) struct Planner<'a, L> {
    pub(super) mailbox: &'a Mailbox<L>,
    pub(super) pass: Pass,
    pub(super) lease: PlanLease,
    pub(super) deadline: Deadline,
    pub(super) source: Session,
    pub(super) destination: Session,
    /// Whether anything has been written down.
    progressed: bool,
}

/// What is known of a folder after it has been looked at on both sides.
pub(super) enum Looked {
    /// It can be planned.
    Item(Box<Item>),
    /// It is decided already what becomes of it.
    Decided(Box<Outcome>),
    /// Time ran short in it: how far it was listed is written down.
    Part(Box<Outcome>),
    /// Time ran short before it.
    NotReached,
}

impl<L: Ledger> Mailbox<L> {
    /// Plans the folders that are not planned yet, in the final pass with all that changed between the
    /// passes.
    ///
    /// # Errors
    /// [`SyncError`]; what has been planned so far stays.
    pub async fn plan(&self, pass: Pass, lease: PlanLease, deadline: Deadline) -> Result<Planning, SyncError> {
        let records = async {
            let folders = self.ledger.folders(self.job_id).await?;
            let chunks = match pass {
                Pass::First => Vec::new(),
                Pass::Final | Pass::Later(_) => self.ledger.mailbox_chunks(self.job_id).await?,
            };
            Ok::<_, SyncError>((folders, chunks))
        };
        let ((mut source, mut destination), (folders, chunks)) = tokio::try_join!(self.open_both(), records)?;
        let ((_, there), (namespace, here)) = tokio::try_join!(
            async { list_with_status(&mut source).await.map_err(SyncError::Source) },
            async { list_with_status(&mut destination).await.map_err(SyncError::Destination) },
        )?;
        let route = self.route();
        // Planned before its row was mended: nothing of it holds. Its number is not used again, by which whoever still copies
        // from there is kept off; so it is forgotten last, when the folders after it are written down.
        let next_number = folders.iter().map(|folder| folder.folder + 1).max().unwrap_or(0);
        let (folders, elsewhere): (Vec<_>, Vec<_>) = folders.into_iter().partition(|folder| folder.is_on(&route));
        let names = folders
            .iter()
            .map(|folder| (folder.source_name.clone(), folder.destination_name.clone()))
            .collect();
        let mapped = map_folders(&there, &here, &namespace, &names, &self.options);
        let mut known = Known::new(folders, chunks, next_number, route);
        let plans = mapped.into_iter().map(|mapping| known.plan(mapping, &there, &here));
        let mut plans: Vec<FolderPlan> = plans.collect();
        plans.retain(|plan| !plan.is_planned(pass) && !plan.is_unchanged(pass));
        let left = known.left(&there, &here);
        let mut planner = Planner {
            mailbox: self,
            pass,
            lease,
            deadline,
            source,
            destination,
            progressed: false,
        };
        let mut left = if pass == Pass::First { Vec::new() } else { left };
        let groups = groups(plans, pass);
        let is_in_one_go = groups.len() == 1;
        for group in groups {
            let left = std::mem::take(&mut left);
            if !planner.may_go_on() || !planner.plan(group, left, is_in_one_go).await? {
                let progressed = planner.progressed;
                return Ok(Planning::OutOfTime { progressed });
            }
        }
        for folder in elsewhere {
            self.ledger.delete_folder(self.job_id, folder.folder).await?;
        }
        tokio::join!(planner.source.logout(), planner.destination.logout());
        Ok(Planning::Whole)
    }
}

/// What was written down before.
struct Known {
    folders: BTreeMap<String, FolderRecord>,
    chunks: BTreeMap<u32, Vec<ChunkRecord>>,
    next_number: u32,
    route: String,
}

impl Known {
    fn new(folders: Vec<FolderRecord>, all: Vec<ChunkRecord>, next_number: u32, route: String) -> Self {
        let mut chunks: BTreeMap<u32, Vec<ChunkRecord>> = BTreeMap::new();
        for chunk in all {
            chunks.entry(chunk.folder).or_default().push(chunk);
        }
        Self {
            folders: folders
                .into_iter()
                .map(|folder| (folder.source_name.clone(), folder))
                .collect(),
            chunks,
            next_number,
            route,
        }
    }

    /// The plan of a folder, with what is known of it.
    fn plan(&mut self, mapping: FolderMapping, there: &[ListedFolder], here: &[ListedFolder]) -> FolderPlan {
        let before = self.folders.remove(&mapping.source_name);
        let number = before.as_ref().map_or(self.next_number, |before| before.folder);
        self.next_number = self.next_number.max(number + 1);
        let listed = there.iter().find(|folder| folder.wire_name == mapping.source_name);
        let target = before
            .as_ref()
            .map_or(&mapping.destination_name, |before| &before.destination_name);
        FolderPlan {
            is_bin: listed.is_some_and(is_bin),
            there: listed.and_then(|folder| folder.status),
            here: find(here, target),
            chunks: before.as_ref().map(|before| self.chunks_of(before)).unwrap_or_default(),
            before,
            number,
            route: Some(self.route.clone()),
            mapping,
        }
    }

    fn chunks_of(&mut self, folder: &FolderRecord) -> Vec<ChunkRecord> {
        let mut chunks = self.chunks.remove(&folder.folder).unwrap_or_default();
        chunks.retain(|chunk| folder.counts(chunk));
        chunks.sort_by_key(|chunk| chunk.first_uid);
        chunks
    }

    /// Folders that are gone from the source and have copies at the destination: their messages may
    /// have moved to where they are new.
    fn left(mut self, there: &[ListedFolder], here: &[ListedFolder]) -> Vec<FolderPlan> {
        let folders = std::mem::take(&mut self.folders);
        let gone = folders
            .into_values()
            .filter(|folder| !there.iter().any(|other| other.wire_name == folder.source_name));
        let gone: Vec<FolderRecord> = gone.collect();
        let mut plans = Vec::new();
        for before in gone {
            plans.push(FolderPlan {
                chunks: self.chunks_of(&before),
                here: find(here, &before.destination_name),
                ..FolderPlan::gone(before)
            });
        }
        plans
    }
}

fn find(folders: &[ListedFolder], wire_name: &str) -> Option<ListedFolder> {
    let found = folders
        .iter()
        .find(|folder| folder.wire_name == wire_name && folder.selectable);
    found.cloned()
}

/// Folders in groups that are planned together.
fn groups(plans: Vec<FolderPlan>, pass: Pass) -> Vec<Vec<FolderPlan>> {
    let [in_first, in_final] = MESSAGES_AT_ONCE;
    let most_messages = if pass == Pass::First { in_first } else { in_final };
    let mut groups: Vec<Vec<FolderPlan>> = Vec::new();
    let mut messages = 0;
    for plan in plans {
        let own = plan.there.map_or(0, |there| u64::from(there.messages));
        messages += own;
        let fits = |group: &Vec<FolderPlan>| group.len() < FOLDERS_AT_ONCE && messages <= most_messages;
        if !groups.last().is_some_and(fits) {
            messages = own;
            groups.push(Vec::new());
        }
        if let Some(group) = groups.last_mut() {
            group.push(plan);
        }
    }
    groups
}

impl<L: Ledger> Planner<'_, L> {
    fn may_go_on(&self) -> bool {
        self.deadline.remaining() >= FOLDER_MARGIN
    }

    /// Plans folders; `left` are those that are gone from the source, and `is_in_one_go` says whether these are all. False
    /// when time ran short.
    async fn plan(
        &mut self,
        plans: Vec<FolderPlan>,
        left: Vec<FolderPlan>,
        is_in_one_go: bool,
    ) -> Result<bool, SyncError> {
        let capabilities = self.source.capabilities();
        let aim = Aim::new(self.pass, self.mailbox.limits, self.mailbox.options.dates, capabilities);
        let aim = if !left.is_empty() || plans.iter().any(may_have_lost) {
            aim.looking_for_moves()
        } else {
            aim
        };
        let time = self.deadline.remaining();
        let time = match self.pass {
            Pass::First => time.saturating_sub(FOLDER_MARGIN),
            // What is found is then carried over.
            Pass::Final | Pass::Later(_) => time / 2,
        };
        let access = &self.mailbox.source;
        let (ready, finds) = tokio::try_join!(
            make_ready(&mut self.destination, &plans),
            look(access, &mut self.source, &plans, aim, time),
        )?;
        let mut is_whole = true;
        let mut outcomes = Vec::new();
        let mut items = Vec::new();
        for ((plan, ready), find) in plans.into_iter().zip(ready).zip(finds) {
            match self.looked(plan, ready, find)? {
                Looked::Item(item) => items.push(*item),
                Looked::Decided(outcome) => outcomes.push(*outcome),
                Looked::Part(outcome) => {
                    outcomes.push(*outcome);
                    is_whole = false;
                }
                Looked::NotReached => is_whole = false,
            }
        }
        if self.pass != Pass::First {
            items.extend(left.into_iter().filter_map(|plan| gone(plan, aim)));
            delta::carry_over(self, &mut items).await?;
            items.retain(|item| {
                if item.is_gone {
                    !item.touched.is_empty()
                } else {
                    // The next run need not look at it again, but where messages have gone from it: where they went
                    // shows when the other folder has been looked at too.
                    let is_kept = (is_whole && is_in_one_go) || may_have_lost(&item.plan);
                    !(is_kept && item.is_idle(self.pass))
                }
            });
        }
        let copies = self.write(items, outcomes).await?;
        small::copy(self, copies).await?;
        Ok(is_whole)
    }

    /// What is known of a folder.
    fn looked(&self, mut plan: FolderPlan, ready: Ready, mut find: Find) -> Result<Looked, SyncError> {
        if !find.has_ended && find.fault.is_none() {
            return self.not_ended(plan, ready, find);
        }
        let (job_id, pass) = (self.mailbox.job_id, self.pass);
        if let Some(error) = find.fault.take() {
            return skip_or_fail(&plan, SyncError::Source(error), job_id, pass);
        }
        plan.mapping = ready.mapping;
        let brings_nothing = plan.known().is_some() && find.wanted() == 0;
        // Whoever lives in the mailbox by now has made the folder anew.
        let is_own_now = |target: &FolderStatus| {
            let is_open = plan.chunks.iter().any(|chunk| chunk.is_open(pass));
            pass.is_later() && brings_nothing && !is_open && !plan.same_target(target)
        };
        let as_it_is = match &ready.status {
            // Gone at the destination, and nothing new at the source: it stays gone.
            Err(error) => error.is_about_one_folder() && brings_nothing,
            Ok(target) => is_own_now(target),
        };
        let target = match ready.status {
            _ if as_it_is => {
                let folder = FolderRecord {
                    planned_pass: pass,
                    done_pass: Some(pass),
                    ..plan.record(job_id, pass)
                };
                let chunks = Vec::new();
                let outcome = Outcome::plain(Planned { folder, chunks });
                return Ok(Looked::Decided(Box::new(outcome)));
            }
            Ok(target) => target,
            Err(error) => return skip_or_fail(&plan, SyncError::Destination(error), job_id, pass),
        };
        Ok(Looked::Item(Box::new(Item::new(plan, find, target))))
    }

    /// Writes down what was planned; gives what is to be copied at once.
    async fn write(&mut self, items: Vec<Item>, mut outcomes: Vec<Outcome>) -> Result<Vec<small::Copy>, SyncError> {
        let (job_id, pass, limits) = (self.mailbox.job_id, self.pass, self.mailbox.limits);
        let mut copies = Vec::new();
        for mut item in items {
            let bodies = std::mem::take(&mut item.bodies);
            let selected = item.selected.clone();
            let target = item.target;
            let mut outcome = item.outcome(job_id, pass, &limits);
            copies.extend(small::Copy::begin(
                &mut outcome.planned,
                bodies,
                selected,
                target,
                self.deadline,
            ));
            outcomes.push(outcome);
        }
        let ledger = &self.mailbox.ledger;
        for outcome in outcomes.iter().filter(|outcome| outcome.forgets) {
            ledger.delete_chunks(job_id, outcome.planned.folder.folder).await?;
        }
        let failures: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.failure.clone()).collect();
        let planned: Vec<Planned> = outcomes.into_iter().map(|outcome| outcome.planned).collect();
        if !planned.is_empty() {
            ledger.put_folders(self.lease, &planned).await?;
            self.progressed = true;
        }
        for failure in failures {
            ledger.note_trouble(job_id, &failure).await?;
        }
        Ok(copies)
    }
}

/// A folder that is gone from the source, where its copies are.
fn gone(plan: FolderPlan, aim: Aim) -> Option<Item> {
    let target = plan.here.as_ref().and_then(|here| here.status)?;
    let find = Find::nothing(&plan, aim);
    let item = Item {
        is_gone: true,
        ..Item::new(plan, find, target)
    };
    item.goes_on().then_some(item)
}

/// A fault of one folder leaves the others alone.
pub(super) fn skip_or_fail(
    plan: &FolderPlan,
    error: SyncError,
    job_id: JobId,
    pass: Pass,
) -> Result<Looked, SyncError> {
    if error.is_about_one_folder() {
        Ok(Looked::Decided(Box::new(plan.skipped(job_id, pass, &error))))
    } else {
        Err(error)
    }
}
