//! A run of planning that time ran short in: what it has listed of a folder is written down, and the next run goes on
//! from there.

use super::SyncError;
use super::folder_plan::FolderPlan;
use super::item::Item;
use super::look::{Course, Find};
use super::planner::{Looked, Planner, skip_or_fail};
use super::ready::Ready;
use crate::clock::now;
use crate::domain::patience::Faults;
use crate::store::Ledger;

/// How a run of planning ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planning {
    /// All is planned.
    Whole,
    /// Time ran short.
    OutOfTime {
        /// Whether anything was written down that the next run goes on from.
        progressed: bool,
    },
}

impl<L: Ledger> Planner<'_, L> {
    /// A folder that time ran short in, or before. One that does not get any further run after run is skipped in the end.
    pub(super) fn not_ended(&self, mut plan: FolderPlan, ready: Ready, find: Find) -> Result<Looked, SyncError> {
        let (job_id, pass, limits) = (self.mailbox.job_id, self.pass, self.mailbox.limits);
        // Of a folder that is listed from its beginning again, what is known is still needed when all has been listed: what the
        // user has taken away must not come back.
        let is_known_anew = find.course == Course::Anew && plan.known().is_some();
        if !find.is_as_planned(&plan) || is_known_anew {
            return Ok(Looked::NotReached);
        }
        plan.mapping = ready.mapping;
        let target = match ready.status {
            Ok(target) => target,
            Err(error) => return skip_or_fail(&plan, SyncError::Destination(error), job_id, pass),
        };
        // Of what was moved to a folder for deleted mail, a later pass fetches nothing: that shows when all has been listed.
        let is_of_use = find.is_part() && !(pass.is_later() && plan.is_bin);
        if is_of_use {
            let part = Item::new(plan, find, target).part(job_id, pass, &limits, Faults::NONE);
            return Ok(Looked::Part(Box::new(part)));
        }
        let before = plan.listing(pass).map_or(Faults::NONE, |listing| listing.faults);
        let faults = before.and_one(now());
        if faults.outlast(limits.patience(), now()) {
            let error = SyncError::NotListed(faults.count());
            return Ok(Looked::Decided(Box::new(plan.skipped(job_id, pass, &error))));
        }
        let mut nothing = find.afresh(&plan);
        nothing.opened = find.opened;
        let part = Item::new(plan, nothing, target).part(job_id, pass, &limits, faults);
        Ok(Looked::Part(Box::new(part)))
    }
}
