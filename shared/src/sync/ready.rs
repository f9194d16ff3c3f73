//! Making the destination's folders ready: made, subscribed to, and their numbers known, in one or two
//! round trips for all of them.

use super::SyncError;
use super::folder_plan::FolderPlan;
use super::mapping::FolderMapping;
use crate::imap::folder::{self, FolderStatus, Wanted, subscribe_all};
use crate::imap::{ImapError, Session};

/// A destination folder that is ready, or why it is not.
#[derive(Debug)]
pub(super) struct Ready {
    /// The mapping whose name the server took.
    pub(super) mapping: FolderMapping,
    /// Its numbers.
    pub(super) status: Result<FolderStatus, ImapError>,
}

/// Makes folders and subscriptions where they are missing; what came of it stands where its plan does.
///
/// # Errors
/// [`SyncError::Destination`]; the session is lost.
pub(super) async fn make_ready<'p>(
    destination: &mut Session,
    plans: &'p [FolderPlan],
) -> Result<Vec<Ready>, SyncError> {
    let mut made: Vec<Option<Ready>> = plans.iter().map(as_listed).collect();
    // What the server said of the name as it was meant tells more than what it said of another one.
    let mut refusals: Vec<Option<ImapError>> = plans.iter().map(|_| None).collect();
    let mut tried: Vec<(usize, &'p FolderMapping)> = plans
        .iter()
        .enumerate()
        .filter(|(at, _)| made.get(*at).is_some_and(Option::is_none))
        .map(|(at, plan)| (at, &plan.mapping))
        .collect();
    while !tried.is_empty() {
        let wanted = |(at, mapping): &(usize, &'p FolderMapping)| Wanted {
            wire_name: mapping.destination_name.as_str(),
            create: plans.get(*at).is_some_and(FolderPlan::is_to_be_made),
        };
        let wanted: Vec<Wanted<'_>> = tried.iter().map(wanted).collect();
        let created = folder::ready(destination, &wanted)
            .await
            .map_err(SyncError::Destination)?;
        let mut otherwise = Vec::new();
        for ((at, mapping), created) in tried.into_iter().zip(created) {
            let Some(first_refusal) = refusals.get_mut(at) else {
                continue;
            };
            let status = match (created, &mapping.otherwise) {
                (Err(error @ ImapError::Refused { .. }), Some(other)) => {
                    first_refusal.get_or_insert(error);
                    otherwise.push((at, &**other));
                    continue;
                }
                (Err(error), _) => Err(first_refusal.take().unwrap_or(error)),
                (Ok(status), _) => Ok(status),
            };
            let mapping = mapping.clone();
            if let Some(place) = made.get_mut(at) {
                *place = Some(Ready { mapping, status });
            }
        }
        tried = otherwise;
    }
    let made: Vec<Ready> = made.into_iter().flatten().collect();
    let fresh = plans
        .iter()
        .zip(&made)
        .filter(|(plan, made)| plan.is_to_be_subscribed() && made.status.is_ok());
    let names: Vec<&str> = fresh.map(|(_, made)| made.mapping.destination_name.as_str()).collect();
    subscribe_all(destination, &names)
        .await
        .map_err(SyncError::Destination)?;
    Ok(made)
}

/// A folder whose numbers are known from the list.
fn as_listed(plan: &FolderPlan) -> Option<Ready> {
    let status = plan.here.as_ref().and_then(|here| here.status)?;
    Some(Ready {
        mapping: plan.mapping.clone(),
        status: Ok(status),
    })
}
