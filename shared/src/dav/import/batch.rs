//! One batch: look what is there, write down what will be made, make it, read it back, write down what was made.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{Batch, Counts, Import, ImportError, Journal, Made, Place, Progress};
use crate::dav::contact::downgraded;
use crate::dav::meaning::meaning;
use crate::dav::server::{Collection, DavError, DavSession, Found, Put, name_of};
use crate::dav::{Built, Problem, hex};

/// An object of the batch.
struct Item {
    built: Built,
    collection: Collection,
    href: String,
    meaning: [u8; 16],
    place: Problem,
    end: Option<End>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Imported,
    Existing,
    Updated,
    Kept,
    Failed(String),
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

        let found = self.fetch(&items).await?;
        let mut batch = Batch {
            number,
            objects: Vec::new(),
            done: false,
        };
        for item in items.iter().filter(|item| item.end.is_none()) {
            if !found.contains_key(&item.href) || ours.contains(item.href.as_str()) {
                batch.objects.push(item.made(None));
            }
        }
        if begun.objects != batch.objects {
            self.journal.begin(&batch).await.map_err(ImportError::Journal)?;
        }

        for item in items.iter_mut().filter(|item| item.end.is_none()) {
            if let Some(there) = found.get(&item.href)
                && meaning(&there.text) == item.meaning
            {
                item.end = Some(if ours.contains(item.href.as_str()) {
                    End::Imported
                } else {
                    End::Existing
                });
            }
        }
        let (session, choices) = (self.session.clone(), self.choices);
        let (session, found) = (&session, &found);
        let puts = items.iter_mut().filter(|item| item.end.is_none());
        let put = stream::iter(puts).map(|item| put(session, item, found, choices.update));
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
                progress.counts.failed += 1;
                continue;
            };
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
            let twin = taken.get(&href).and_then(|at| items.get(*at));
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
                end,
            });
        }
        Ok(items)
    }

    /// Where a component of a wanted collection goes; asked of the server once a run.
    async fn place(
        &mut self,
        wanted: usize,
        component: &'static str,
        progress: &mut Progress,
    ) -> Result<Place, DavError> {
        if let Some(place) = self.places.get(&(wanted, component)) {
            return Ok(place.clone());
        }
        let place = match self.wanted.get(wanted) {
            None => Place::Nowhere("it belongs to no collection".to_owned()),
            Some(wanted) => match self.session.collection_for(wanted, component).await {
                Ok((collection, made)) => {
                    progress.of_collection(&collection, made);
                    Place::Collection(collection)
                }
                Err(error @ (DavError::Refused { .. } | DavError::NoSuchHome("collection"))) => {
                    Place::Nowhere(format!("the new provider has no place for a {component}: {error}"))
                }
                Err(error) => return Err(error),
            },
        };
        self.places.insert((wanted, component), place.clone());
        Ok(place)
    }

    /// What is there under the names of the items that have no end yet.
    async fn fetch(&self, items: &[Item]) -> Result<HashMap<String, Found>, DavError> {
        let open = items.iter().filter(|item| item.end.is_none());
        fetch_all(&self.session, open).await
    }

    /// Compares what was made with what the server gives back.
    async fn read_back(&self, items: &mut [Item], progress: &mut Progress, batch: &mut Batch) -> Result<(), DavError> {
        let made = |item: &&Item| matches!(item.end, Some(End::Imported | End::Updated));
        let found = fetch_all(&self.session, items.iter().filter(made)).await?;
        batch.objects.clear();
        for item in items.iter_mut() {
            if !made(&&*item) {
                continue;
            }
            let Some(there) = found.get(&item.href) else {
                item.end = Some(End::Failed("the server took it, and does not give it back".to_owned()));
                continue;
            };
            let said = meaning(&there.text);
            if said != item.meaning {
                progress.tell(item.problem("the server stored it, but not quite as it was; look at it there"));
            }
            if item.end == Some(End::Imported) {
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

/// Puts an object; in another form where the server refuses the first.
async fn put(
    session: &DavSession,
    item: &mut Item,
    found: &HashMap<String, Found>,
    update: bool,
) -> Result<(), DavError> {
    let there = found.get(&item.href);
    let end = match there {
        Some(there) => differs(session, item, &item.href, there, update).await?,
        None => match put_new(session, item).await? {
            Put::Stored => End::Imported,
            Put::Exists => taken(session, item, Some(item.href.clone()), update).await?,
            Put::UidTaken(href) => taken(session, item, href, update).await?,
            Put::Refused(why) => End::Failed(why),
        },
    };
    item.end = Some(end);
    Ok(())
}

async fn put_new(session: &DavSession, item: &mut Item) -> Result<Put, DavError> {
    let refused = match session.put(&item.href, &item.built, None).await? {
        refused @ Put::Refused(_) => refused,
        put => return Ok(put),
    };
    let Some(text) = downgraded(&item.built.text) else {
        return Ok(refused);
    };
    let older = Built {
        text,
        ..item.built.clone()
    };
    match session.put(&item.href, &older, None).await? {
        Put::Refused(_) => Ok(refused),
        put => {
            item.meaning = meaning(&older.text);
            item.built = older;
            Ok(put)
        }
    }
}

/// Somebody else has the name or the UID.
async fn taken(session: &DavSession, item: &Item, href: Option<String>, update: bool) -> Result<End, DavError> {
    let found = match href {
        Some(href) => session
            .fetch(&item.collection, std::slice::from_ref(&href))
            .await?
            .into_iter()
            .next(),
        None => {
            session
                .with_uid(&item.collection, item.built.component, &item.built.uid)
                .await?
        }
    };
    match found {
        Some((_, there)) if meaning(&there.text) == item.meaning => Ok(End::Existing),
        Some((href, there)) => differs(session, item, &href, &there, update).await,
        None => Ok(End::Kept),
    }
}

/// Something else is there.
async fn differs(session: &DavSession, item: &Item, href: &str, there: &Found, update: bool) -> Result<End, DavError> {
    if !update {
        return Ok(End::Kept);
    }
    Ok(match session.put(href, &item.built, Some(&there.etag)).await? {
        Put::Stored if href == item.href => End::Updated,
        // Under a name of somebody else's: read back by that name it would be.
        Put::Stored => End::Existing,
        Put::Exists | Put::UidTaken(_) => End::Kept,
        Put::Refused(why) => End::Failed(why),
    })
}

async fn fetch_all<'a>(
    session: &DavSession,
    items: impl Iterator<Item = &'a Item>,
) -> Result<HashMap<String, Found>, DavError> {
    let mut by_collection: BTreeMap<&str, (&Collection, Vec<String>)> = BTreeMap::new();
    for item in items {
        let (_, hrefs) = by_collection
            .entry(&item.collection.href)
            .or_insert((&item.collection, Vec::new()));
        hrefs.push(item.href.clone());
    }
    let mut found = HashMap::new();
    for (collection, hrefs) in by_collection.into_values() {
        found.extend(session.fetch(collection, &hrefs).await?);
    }
    Ok(found)
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
            Some(End::Kept) => counts.kept += 1,
            Some(End::Failed(_)) | None => counts.failed += 1,
        };
        add(&mut self.counts);
        if let Some(collection) = self.of_collection(&item.collection, false) {
            add(&mut collection.counts);
        }
        match &item.end {
            Some(End::Failed(why)) => self.tell(item.problem(why)),
            Some(End::Kept) => self.tell(item.problem("another version of it is there already, and was kept")),
            _ => {}
        }
    }
}
