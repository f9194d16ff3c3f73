//! Looking at the destination's folders in the final pass: the flags of messages whose flags changed
//! at the source, the copies of messages that have gone there, and mail that may be new mail's copies.

use super::flags::{FlagChanges, ThreeWay};
use crate::domain::flags::FlagSet;
use crate::domain::uid::{UidMap, UidRuns};
use crate::imap::fetch::Metadata;
use crate::imap::survey::{Ask, Pace, Question, Told, survey};
use crate::imap::{ImapError, Selected, Session};
use crate::sync::SyncError;
use crate::sync::chunks::Chunks;
use crate::sync::item::Item;
use crate::sync::look::Course;

/// Where a folder holds more mail than this that may be new mail's copies, whoever copies the chunks
/// looks at it.
const MOST_CANDIDATES: u32 = 20_000;

/// What is found in one folder.
#[derive(Debug, Default)]
pub(super) struct Here {
    asks: Vec<Ask>,
    /// Whether the folder shall be opened, also where nothing is asked of it.
    is_opened: bool,
    /// Messages whose flags changed at the source: destination UID to source UID.
    changed: UidMap,
    /// Copies of messages that have gone from the source: destination UID to source UID.
    pub(super) vanished: UidMap,
    pub(super) selected: Option<Selected>,
    pub(super) fault: Option<ImapError>,
    /// The changes of flags to make.
    pub(super) changes: FlagChanges,
    /// Copies of messages that have gone from the source, as far as they are still there.
    pub(super) copies: Vec<Metadata>,
    /// Whether mail that may be new mail's copies was asked for.
    pub(super) has_candidates: bool,
    /// That mail.
    pub(super) candidates: Vec<Metadata>,
    /// Which messages there are, where that was asked.
    pub(super) present: Option<UidRuns>,
}

impl Here {
    /// What is to be asked of an item's folder. `vanished` are source UIDs of messages that have gone
    /// from the source and whose copies are of interest.
    pub(super) fn of(item: &Item, vanished: &UidRuns, tells_presence: bool) -> Self {
        let mut here = Self {
            is_opened: item.is_small,
            ..Self::default()
        };
        if item.goes_on() {
            for uid in item.find.changed.uids() {
                if let Some(destination) = mapped(item, uid) {
                    here.changed.insert(destination, uid);
                }
            }
            for uid in vanished.iter() {
                if let Some(destination) = mapped(item, uid) {
                    here.vanished.insert(destination, uid);
                }
            }
        }
        let uids = |map: &UidMap| -> UidRuns {
            let mut runs = UidRuns::default();
            runs.extend(map.sources());
            runs
        };
        // A message that has gone has no new flags.
        let asked = [
            Ask::Flags(uids(&here.changed).to_set()),
            Ask::Identities(uids(&here.vanished).to_set()),
        ];
        let is_something = |ask: &Ask| matches!(ask, Ask::Flags(set) | Ask::Identities(set) if !set.is_empty());
        here.asks.extend(asked.into_iter().filter(is_something));
        let has_new = item.find.identities.as_ref().is_some_and(|new| !new.is_empty());
        let matched = item.match_from.filter(|from| {
            let most = item.target.messages.min(item.target.uid_next.saturating_sub(*from));
            has_new && most <= MOST_CANDIDATES
        });
        if let Some(from) = matched {
            here.has_candidates = true;
            here.asks.push(Ask::IdentitiesFrom(from));
        } else if item.find.course == Course::Anew && !item.is_rebuilt && !item.plan.chunks.is_empty() {
            here.present = Some(UidRuns::default());
            here.asks.push(Ask::Present {
                last: item.plan.highest_of_ours().max(1),
                briefly: tells_presence,
            });
        }
        here
    }

    fn hear(&mut self, told: Told, item: &Item) {
        match told {
            Told::Opened(selected) if selected.uid_validity == item.target.uid_validity => {
                self.selected = Some(selected);
            }
            Told::Opened(selected) => {
                self.fault = Some(ImapError::UidValidityChanged {
                    folder: item.plan.mapping.title.clone(),
                    expected: item.target.uid_validity,
                    found: selected.uid_validity,
                });
            }
            Told::Closed(error) | Told::Refused(_, error) => self.fault = Some(error),
            Told::Flags(uid, flags) => self.note_flags(uid, flags, item),
            Told::Message(message) if self.vanished.get(message.uid).is_some() => self.copies.push(message),
            Told::Message(message) => self.candidates.push(message),
            Told::Present(uids) => {
                if let Some(present) = &mut self.present {
                    present.extend(uids.iter());
                }
            }
            Told::Body(..) | Told::End => {}
        }
    }

    fn note_flags(&mut self, destination: u32, flags: FlagSet, item: &Item) {
        let three = || {
            let uid = self.changed.get(destination)?;
            Some(ThreeWay {
                base: Chunks(&item.plan.chunks).base(uid)?.clone(),
                source: item.find.changed.get(uid)?.clone(),
                destination: flags,
            })
        };
        if let (Some(three), Some(selected)) = (three(), &self.selected) {
            self.changes
                .add(destination, &three, selected.permanent_flags.as_deref());
        }
    }
}

fn mapped(item: &Item, uid: u32) -> Option<u32> {
    let chunks = &item.plan.chunks;
    chunks.get(Chunks(chunks).coverer(uid)?)?.map.get(uid)
}

/// Looks at folders; what was found stands where its item does.
///
/// # Errors
/// [`SyncError::Destination`]; the session is lost.
pub(super) async fn look(
    destination: &mut Session,
    items: &[Item],
    mut all: Vec<Here>,
) -> Result<Vec<Here>, SyncError> {
    let mut asked: Vec<(&Item, &mut Here)> = items.iter().zip(&mut all).collect();
    asked.retain(|(_, here)| here.is_opened || !here.asks.is_empty());
    let questions = asked.iter().map(|(item, here)| Question {
        wire_name: item.plan.mapping.destination_name.clone(),
        selects: true,
        asks: here.asks.clone(),
    });
    let questions: Vec<Question> = questions.collect();
    survey(
        destination,
        &questions,
        Pace::Ahead,
        || true,
        |number, told| {
            if let Some((item, here)) = asked.get_mut(number) {
                here.hear(told, item);
            }
        },
    )
    .await
    .map_err(SyncError::Destination)?;
    drop(asked);
    Ok(all)
}
