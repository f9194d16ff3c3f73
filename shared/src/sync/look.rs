//! What is looked for in a source folder, and what was found: what is new in it, what changed, what
//! has gone. It is worked on as the server tells it.

use super::asks::asks;
use super::chunks::Chunks;
use super::cut::Cutter;
use super::folder_plan::FolderPlan;
use crate::domain::flags::FlagTable;
use crate::domain::uid::UidRuns;
use crate::domain::{DateRange, Pass};
use crate::imap::fetch::Metadata;
use crate::imap::survey::{Ask, Question, Told};
use crate::imap::{Capabilities, ImapError, Selected};
use crate::profile::Limits;
use crate::store::Listing;

/// In the final pass, so many new messages are asked for all that tells them from others, because they
/// are held: they may have been moved.
const MOST_IDENTITIES: u32 = 20_000;

/// Where nothing has gone from the source nothing has moved, and only few new messages of a folder are
/// asked for so much: they may be copied at once.
const FEW_IDENTITIES: u32 = 200;

/// How a folder is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// From its first message.
    Anew,
    /// From where the last pass ended.
    Onward,
}

/// What is looked for, in all folders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    pub(super) pass: Pass,
    pub(super) limits: Limits,
    pub(super) dates: DateRange,
    /// Whether the server tells what changed since a MODSEQ (RFC 7162).
    pub(super) tells_changes: bool,
    /// Whether it tells which messages there are in few words (RFC 4731).
    pub(super) tells_presence: bool,
    /// How many new messages of one folder are asked for all that tells them from others.
    pub(super) most_identities: u32,
    /// Whether messages are asked for their sizes.
    pub(super) asks_sizes: bool,
}

/// How many new messages may still be asked for all that tells them from others.
#[derive(Debug)]
pub(super) struct Budget(pub(super) u32);

impl Default for Budget {
    fn default() -> Self {
        Self(MOST_IDENTITIES)
    }
}

impl Aim {
    pub(super) fn new(pass: Pass, limits: Limits, dates: DateRange, source: &Capabilities) -> Self {
        Self {
            pass,
            limits,
            dates,
            tells_changes: source.has("CONDSTORE"),
            tells_presence: source.has("ESEARCH"),
            most_identities: if pass == Pass::First { 0 } else { FEW_IDENTITIES },
            asks_sizes: true,
        }
    }

    /// The same, where messages have gone from the source that may be new elsewhere.
    pub(super) fn looking_for_moves(self) -> Self {
        Self {
            most_identities: if self.pass == Pass::First { 0 } else { MOST_IDENTITIES },
            ..self
        }
    }

    /// What the source's server can do, as if it could not do much.
    fn plain(self) -> Self {
        Self {
            tells_changes: false,
            tells_presence: false,
            ..self
        }
    }

    /// The same, asking for no more than which messages there are.
    fn without_sizes(self) -> Self {
        Self {
            most_identities: 0,
            asks_sizes: false,
            ..self
        }
    }
}

/// What was found in a folder.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) course: Course,
    aim: Aim,
    asks: Vec<Ask>,
    /// How far earlier runs listed what is new in it; they have it written down in chunks.
    pub(super) resumed: Option<Listing>,
    /// The folder as it was opened.
    pub(super) opened: Option<Selected>,
    /// Why it could not be looked at.
    pub(super) fault: Option<ImapError>,
    /// New messages, in chunks.
    pub(super) cutter: Cutter,
    /// New messages, where they are few.
    pub(super) identities: Option<Vec<Metadata>>,
    /// New messages in the server's order, where that is not ascending.
    collected: Option<Vec<(u32, u64, bool)>>,
    /// Flags of earlier messages that are not as they were last carried over.
    pub(super) changed: FlagTable,
    /// Which earlier messages there still are, as far as that was asked.
    present: Option<UidRuns>,
    /// Whether each earlier message is told by its flags.
    is_told_by_flags: bool,
    /// What is looked for instead, where the server refused to tell.
    instead: Option<Aim>,
    pub(super) has_ended: bool,
}

impl Find {
    pub(super) fn new(plan: &FolderPlan, course: Course, aim: Aim, budget: &mut Budget) -> Self {
        Self::resuming(plan, course, aim, plan.listing(aim.pass), budget)
    }

    fn resuming(plan: &FolderPlan, course: Course, aim: Aim, resumed: Option<Listing>, budget: &mut Budget) -> Self {
        Self {
            course,
            aim,
            asks: asks(plan, course, aim, resumed, budget),
            resumed,
            opened: None,
            fault: None,
            cutter: Cutter::new(aim.limits),
            identities: None,
            collected: None,
            changed: FlagTable::default(),
            present: None,
            is_told_by_flags: false,
            instead: None,
            has_ended: false,
        }
        .expecting()
    }

    /// What is to be asked of its folder.
    pub(super) fn question(&self, plan: &FolderPlan) -> Question {
        Question {
            wire_name: plan.mapping.source_name.clone(),
            selects: true,
            asks: self.asks.clone(),
        }
    }

    /// The same, with nothing heard yet.
    pub(super) fn afresh(&self, plan: &FolderPlan) -> Self {
        let afresh = Self {
            asks: self.asks.clone(),
            resumed: self.resumed,
            collected: self.collected.as_ref().map(|_| Vec::new()),
            ..Self::nothing(plan, self.aim)
        };
        Self {
            course: self.course,
            has_ended: false,
            ..afresh.expecting()
        }
    }

    /// What is found where nothing is asked.
    pub(super) fn nothing(plan: &FolderPlan, aim: Aim) -> Self {
        let asked = Self::resuming(plan, Course::Onward, aim, None, &mut Budget(0));
        Self {
            asks: Vec::new(),
            has_ended: true,
            ..asked
        }
    }

    /// Prepares for what was asked.
    fn expecting(mut self) -> Self {
        let is_asked = |is_it: fn(&Ask) -> bool| self.asks.iter().any(is_it);
        let by_search = is_asked(|ask| matches!(ask, Ask::Present { .. }));
        let by_flags = !by_search && is_asked(|ask| matches!(ask, Ask::Changes { since: None, .. }));
        let identities = is_asked(|ask| matches!(ask, Ask::IdentitiesFrom(_)));
        self.present = (by_search || by_flags).then(UidRuns::default);
        self.is_told_by_flags = by_flags;
        self.identities = identities.then(Vec::new);
        self
    }

    /// The source folder's UIDVALIDITY.
    pub(super) fn uid_validity(&self) -> u32 {
        self.opened.as_ref().map_or(0, |opened| opened.uid_validity)
    }

    /// Notes what the server tells.
    pub(super) fn hear(&mut self, told: Told, plan: &FolderPlan) {
        match told {
            Told::Opened(selected) => self.opened = Some(selected),
            Told::Message(message) => self.add(message),
            Told::Flags(uid, flags) => {
                if let Some(present) = self.present.as_mut().filter(|_| self.is_told_by_flags) {
                    present.insert(uid);
                }
                if Chunks(&plan.chunks).base(uid).is_some_and(|base| *base != flags) {
                    self.changed.insert(uid, &flags);
                }
            }
            Told::Present(uids) => {
                if let Some(present) = &mut self.present {
                    present.extend(uids.iter());
                }
            }
            Told::Body(..) => {}
            Told::Refused(Ask::Changes { since: Some(_), .. } | Ask::Present { .. }, _) => {
                self.instead = Some(self.instead.unwrap_or(self.aim).plain());
            }
            // It may be one message whose size or headers cannot be told.
            Told::Refused(Ask::Sizes { .. } | Ask::IdentitiesFrom(_), error)
                if self.aim.asks_sizes && error.may_be_of_a_message() =>
            {
                self.instead = Some(self.instead.unwrap_or(self.aim).without_sizes());
            }
            Told::Closed(error) | Told::Refused(_, error) => self.fault = Some(error),
            Told::End => self.has_ended = true,
        }
    }

    fn add(&mut self, message: Metadata) {
        let date = message.date.as_ref();
        let is_wanted = date.is_none_or(|date| self.aim.dates.contains(date.instant()));
        match &mut self.collected {
            Some(collected) => collected.push((message.uid, message.size_bytes, is_wanted)),
            None => self.cutter.add(message.uid, message.size_bytes, is_wanted),
        }
        if let Some(identities) = self.identities.as_mut().filter(|_| is_wanted) {
            identities.push(message);
        }
    }

    /// Brings what did not come in order into order.
    pub(super) fn sort(&mut self) {
        for (uid, size_bytes, is_wanted) in sorted(self.collected.take()) {
            self.cutter.add(uid, size_bytes, is_wanted);
        }
        if let Some(identities) = &mut self.identities {
            identities.sort_by_key(|message| message.uid);
            identities.dedup_by_key(|message| message.uid);
        }
    }

    /// How many messages the server counts and does not list. Messages may go between the two
    /// answers; what is kept back is kept back again.
    pub(super) fn unlisted(&self) -> Option<u64> {
        let earlier = match (self.course, &self.present) {
            (Course::Anew, _) => 0,
            (Course::Onward, Some(present)) => present.len(),
            (Course::Onward, None) => return None,
        };
        let exists = self.opened.as_ref().map_or(0, |opened| u64::from(opened.exists));
        Some(exists.saturating_sub(earlier + self.new_listed())).filter(|unlisted| *unlisted > 0)
    }

    /// How many new messages were listed, those of earlier runs included.
    pub(super) fn new_listed(&self) -> u64 {
        let now = self.collected.as_ref().map(|all| all.len() as u64);
        let before = self.resumed.map_or(0, |listing| listing.listed);
        before + now.unwrap_or(self.cutter.listed())
    }

    /// The highest UID of them.
    pub(super) fn last_listed(&self) -> u32 {
        let before = self.resumed.map_or(0, |listing| listing.last_uid);
        before.max(self.cutter.last_uid())
    }

    /// How many of them are to be copied.
    pub(super) fn wanted(&self) -> u64 {
        self.resumed.map_or(0, |listing| listing.wanted) + self.cutter.wanted()
    }

    /// Whether time ran short in the folder, and what came until then is worth having: from there on it can be asked for
    /// in the next run.
    pub(super) fn is_part(&self) -> bool {
        let is_in_order = self.collected.is_none() && !self.cutter.is_disordered();
        !self.has_ended && is_in_order && self.cutter.listed() > 0
    }

    /// Whether the folder that was opened is the one that was asked for.
    pub(super) fn is_as_planned(&self, plan: &FolderPlan) -> bool {
        let known = plan.known().filter(|_| self.course == Course::Onward);
        let expected = known.map(|known| known.source_uid_validity);
        let resumed = self.resumed.map(|listing| listing.source_uid_validity);
        let is_it = |expected: &u32| *expected == self.uid_validity();
        self.opened.is_some() && expected.iter().chain(&resumed).all(is_it)
    }

    /// Which earlier messages there still are, where the server has listed as many as it counts.
    pub(super) fn present(&self) -> Option<&UidRuns> {
        let exists = self.opened.as_ref().map_or(0, |opened| u64::from(opened.exists));
        let present = self.present.as_ref().filter(|_| self.course == Course::Onward)?;
        (present.len() + self.new_listed() == exists).then_some(present)
    }

    /// Another look, where this one has shown that it must be another one.
    pub(super) fn another(&self, plan: &FolderPlan, budget: &mut Budget) -> Option<Self> {
        if !self.has_ended || self.fault.is_some() {
            return None;
        }
        let same = plan
            .known()
            .is_some_and(|known| known.source_uid_validity == self.uid_validity());
        let course = if same { Course::Onward } else { Course::Anew };
        let aim = self.instead.unwrap_or(self.aim);
        let resumed = self
            .resumed
            .filter(|listing| listing.source_uid_validity == self.uid_validity());
        // A message has come or gone between the answers.
        let is_torn = self.course == Course::Onward && self.present.is_some() && self.present().is_none();
        let is_another = course != self.course || resumed != self.resumed;
        if is_another || self.instead.is_some() || self.unlisted().is_some() || is_torn {
            return Some(Self::resuming(plan, course, aim, resumed, budget));
        }
        self.cutter.is_disordered().then(|| Self {
            collected: Some(Vec::new()),
            ..Self::resuming(plan, course, aim, resumed, budget)
        })
    }
}

fn sorted(collected: Option<Vec<(u32, u64, bool)>>) -> Vec<(u32, u64, bool)> {
    let mut collected = collected.unwrap_or_default();
    collected.sort_unstable();
    collected
}
