//! One batch: look what is there, write down what will be made, make it, read it back, write down what was made.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::put::put;
use super::{Batch, Counts, Import, ImportError, Journal, Made, Place, Progress};
use crate::dav::meaning::meaning;
use crate::dav::server::{Collection, DavError, DavSession, Looked, name_of};
use crate::dav::{Built, Problem, hex};

/// An object of the batch.
pub(super) struct Item {
    pub built: Built,
    pub collection: Collection,
    pub href: String,
    pub meaning: [u8; 16],
    pub place: Problem,
    /// Whether it is the first of its name in the batch.
    pub is_first: bool,
    pub end: Option<End>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Imported,
    Existing,
    Updated,
    Kept,
    /// Something has its UID that was not found to be compared: in another collection, or of another kind.
    KeptElsewhere,
    Failed(String),
    /// Whether it is there shows when it is read back.
    InDoubt(String),
}

impl<J: Journal> Import<'_, J> {
    /// Imports the batch that begins with the group `from`.
    pub(super) async fn batch(&mut self, from: usize, progress: &mut Progress) -> Result<(), ImportError<J::Error>> {
        let until = self.extent(from);
        let mut items = self.items(from..until, progress).await?;
        let number = progress.batches;
        let begun = self
            .journal
            .batch(number)
            .await
            .map_err(ImportError::Journal)?
            .unwrap_or_default();
        let ours: HashSet<&str> = begun.objects.iter().map(|made| made.href.as_str()).collect();

        let Looked { found, unknown } = self.fetch(&items).await?;
        for item in items.iter_mut().filter(|item| item.end.is_none()) {
            let is_ours = ours.contains(item.href.as_str());
            item.end = match found.get(&item.href) {
                // Whatever the server made of it: it was not there when it was about to be made.
                Some(_) if is_ours => Some(End::Imported),
                Some(there) if meaning(&there.text) == item.meaning => Some(End::Existing),
                None if unknown.contains(&item.href) => {
                    let why = "the server does not tell whether it is there".to_owned();
                    Some(if is_ours { End::InDoubt(why) } else { End::Failed(why) })
                }
                _ => None,
            };
        }
        let mut batch = Batch {
            number,
            objects: Vec::new(),
            done: false,
        };
        for item in &items {
            let is_new = item.end.is_none() && !found.contains_key(&item.href);
            if is_new || item.is_first && ours.contains(item.href.as_str()) {
                batch.objects.push(item.made(None));
            }
        }
        if begun.objects != batch.objects {
            self.journal.begin(&batch).await.map_err(ImportError::Journal)?;
        }

        let (session, choices) = (self.session.clone(), self.choices);
        let (session, found) = (&session, &found);
        let puts = items.iter_mut().filter(|item| item.end.is_none());
        let put = stream::iter(puts).map(|item| {
            let there = found.get(&item.href);
            put(session, item, there, choices.update)
        });
        put.buffer_unordered(choices.in_flight.max(1))
            .try_collect::<Vec<()>>()
            .await?;

        self.read_back(&mut items, progress, &mut batch).await?;
        for item in &items {
            progress.count(item);
        }
        progress.next = until as u64;
        progress.batches = number + 1;
        batch.done = true;
        self.journal
            .finish(&batch, progress)
            .await
            .map_err(ImportError::Journal)
    }

    /// The objects of these groups, each with the place it goes to. Of two with the same place the first counts.
    async fn items(
        &mut self,
        groups: std::ops::Range<usize>,
        progress: &mut Progress,
    ) -> Result<Vec<Item>, ImportError<J::Error>> {
        let mut items: Vec<Item> = Vec::new();
        let mut taken: HashMap<String, usize> = HashMap::new();
        for number in groups {
            let outcome = self.build(number)?;
            for problem in outcome.problems {
                progress.tell(problem);
            }
            let Some(built) = outcome.built else {
                progress.lose(outcome.lost.saturating_sub(1));
                progress.counts.failed += 1;
                continue;
            };
            progress.lose(outcome.lost);
            let wanted = self.groups.get(number).map_or(0, |group| group.collection);
            let collection = match self.place(wanted, built.component, progress).await? {
                Place::Collection(collection) => collection,
                Place::Nowhere(reason) => {
                    progress.counts.failed += 1;
                    progress.tell(Problem {
                        reason,
                        ..outcome.place
                    });
                    continue;
                }
            };
            let href = name_of(&collection, &built);
            let twin_at = taken.get(&href).copied();
            let twin = twin_at.and_then(|at| items.get(at));
            let too_large = collection.max_bytes.filter(|max| built.text.len() as u64 > *max);
            let said = meaning(&built.text);
            let end = match (twin, too_large) {
                (Some(twin), _) if twin.meaning == said => Some(End::Existing),
                (Some(_), _) => Some(End::Failed(
                    "another one of the upload has the same UID; that one was taken".to_owned(),
                )),
                (None, Some(max)) => Some(End::Failed(format!(
                    "it is larger than the {max} bytes that the server takes"
                ))),
                (None, None) => None,
            };
            taken.entry(href.clone()).or_insert(items.len());
            items.push(Item {
                meaning: said,
                built,
                collection,
                href,
                place: outcome.place,
                is_first: twin_at.is_none(),
                end,
            });
        }
        Ok(items)
    }

    /// What is there under the names of the items that have no end yet.
    async fn fetch(&self, items: &[Item]) -> Result<Looked, DavError> {
        let open = items.iter().filter(|item| item.end.is_none());
        fetch_all(&self.session, open).await
    }

    /// Compares what was made with what the server gives back. What may be there without being given back stays written
    /// down: taking the import back looks for it.
    async fn read_back(&self, items: &mut [Item], progress: &mut Progress, batch: &mut Batch) -> Result<(), DavError> {
        let made = |item: &&Item| matches!(item.end, Some(End::Imported | End::Updated | End::InDoubt(_)));
        let Looked { found, .. } = fetch_all(&self.session, items.iter().filter(made)).await?;
        batch.objects.clear();
        for item in items.iter_mut() {
            if !made(&&*item) {
                continue;
            }
            let is_update = item.end == Some(End::Updated);
            let Some(there) = found.get(&item.href) else {
                if !is_update {
                    batch.objects.push(item.made(None));
                }
                let why = match item.end.take() {
                    Some(End::InDoubt(why)) => why,
                    _ => "the server took it, and does not give it back".to_owned(),
                };
                item.end = Some(End::Failed(why));
                continue;
            };
            let said = meaning(&there.text);
            if said != item.meaning {
                progress.tell(item.problem("the server stored it, but not quite as it was; look at it there"));
            }
            if !is_update {
                item.end = Some(End::Imported);
                let made = item.made(Some(there.etag.clone()));
                batch.objects.push(Made {
                    meaning: hex(&said),
                    ..made
                });
            }
        }
        Ok(())
    }
}

async fn fetch_all<'a>(session: &DavSession, items: impl Iterator<Item = &'a Item>) -> Result<Looked, DavError> {
    let mut by_collection: BTreeMap<&str, (&Collection, Vec<String>)> = BTreeMap::new();
    for item in items {
        let (_, hrefs) = by_collection
            .entry(&item.collection.href)
            .or_insert((&item.collection, Vec::new()));
        hrefs.push(item.href.clone());
    }
    let mut all = Looked::default();
    for (collection, hrefs) in by_collection.into_values() {
        let Looked { found, unknown } = session.fetch(collection, &hrefs).await?;
        all.found.extend(found);
        all.unknown.extend(unknown);
    }
    Ok(all)
}

impl Item {
    fn made(&self, etag: Option<String>) -> Made {
        Made {
            href: self.href.clone(),
            meaning: hex(&self.meaning),
            etag,
        }
    }

    fn problem(&self, reason: &str) -> Problem {
        Problem {
            reason: reason.to_owned(),
            ..self.place.clone()
        }
    }
}

impl Progress {
    /// Counts what became of an item, and tells what is to be told.
    fn count(&mut self, item: &Item) {
        let add = |counts: &mut Counts| match &item.end {
            Some(End::Imported) => counts.imported += 1,
            Some(End::Existing) => counts.existing += 1,
            Some(End::Updated) => counts.updated += 1,
            Some(End::Kept | End::KeptElsewhere) => counts.kept += 1,
            Some(End::Failed(_) | End::InDoubt(_)) | None => counts.failed += 1,
        };
        add(&mut self.counts);
        if let Some(collection) = self.of_collection(&item.collection, false) {
            add(&mut collection.counts);
        }
        match &item.end {
            Some(End::Failed(why)) => self.tell(item.problem(why)),
            Some(End::Kept) => self.tell(item.problem("another version of it is there already, and was kept")),
            Some(End::KeptElsewhere) => self.tell(item.problem(
                "something with its UID is there already, in another collection or of another kind, and was kept",
            )),
            _ => {}
        }
    }
}
