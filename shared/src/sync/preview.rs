//! What the first pass would do with a mailbox's folders, without doing it.
//!
//! Nothing is made, subscribed or opened at either server: it logs in, lists, and asks for numbers.
//! The names come from the same function as those of the first pass, so they are the same while the
//! folders are. A preview takes no lock and changes no state, so it may run beside anything; its connection to
//! the source counts like any other.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::mapping::{FolderMapping, map_folders};
use super::{Engine, Mailbox, SyncError};
use crate::clock::{Deadline, now};
use crate::domain::{FolderPreview, JobId, JobState};
use crate::imap::folder::{self, ListedFolder};
use crate::imap::{Count, ImapError, Session, count};
use crate::store::{JobRecord, PreviewRecord};

/// Folders are counted until so much time is left.
const MARGIN: Duration = Duration::from_secs(5);

/// Makes the preview of a mailbox that was asked for at `asked` (seconds since 1970), and puts it
/// into the table; on the last try also why there is none. Idempotency key: mailbox and `asked`.
///
/// # Errors
/// [`SyncError`] where another try may help.
pub async fn preview_mailbox(
    engine: &Engine,
    id: JobId,
    asked: i64,
    deadline: Deadline,
    is_last_try: bool,
) -> Result<(), SyncError> {
    let request = engine.store.request(id.request()).await?;
    let job = engine.store.job(id).await?;
    let is_wanted = request.state.allows_preview() && request.preview_asked == Some(asked);
    if !is_wanted || job.status.state() != JobState::Waiting {
        return Ok(());
    }
    let made = connected(engine, &job, deadline).await;
    let record = match made {
        Ok(folders) => PreviewRecord::ready(id, asked, folders, now()),
        Err(error) if is_last_try || error.needs_person() => PreviewRecord::failed(id, asked, &error.failure(), now()),
        Err(error) => return Err(error),
    };
    Ok(engine.store.put_preview(&record).await?)
}

/// Makes the preview with the right to connect to the source once.
async fn connected(engine: &Engine, job: &JobRecord, deadline: Deadline) -> Result<Vec<FolderPreview>, SyncError> {
    let Some(connection) = engine.take_connection(job, deadline).await? else {
        return Err(SyncError::NoConnection);
    };
    let made = match engine.mailbox(job).await {
        Ok(mailbox) => mailbox.preview(deadline).await,
        Err(error) => Err(error.into()),
    };
    let was_crowded = made.as_ref().is_err_and(SyncError::is_crowded_source);
    engine
        .store
        .give_connection_back(&connection, was_crowded, now())
        .await?;
    made
}

impl<L> Mailbox<L> {
    /// The folders as they are, and where the first pass would bring them. Where time runs short the
    /// last folders are not counted.
    ///
    /// # Errors
    /// [`SyncError`] where a side cannot be listed.
    pub async fn preview(&self, deadline: Deadline) -> Result<Vec<FolderPreview>, SyncError> {
        let (mut source, mut destination) = self.open_both().await?;
        let (listed, here) = tokio::try_join!(
            async { folder::list(&mut source).await.map_err(SyncError::Source) },
            async { folder::list(&mut destination).await.map_err(SyncError::Destination) },
        )?;
        let ((_, listed), (namespace, here)) = (listed, here);
        let mapped = map_folders(&listed, &here, &namespace, &BTreeMap::new(), &self.options);
        let counts = counts(&mut source, &listed, deadline)
            .await
            .map_err(SyncError::Source)?;
        tokio::join!(source.logout(), destination.logout());
        let numbers = |name: &str| counts.get(name).copied();
        let excluded = listed
            .iter()
            .filter(|folder| folder.selectable && !self.options.takes(&folder.path))
            .map(|folder| excluded(folder, numbers(&folder.wire_name)));
        let copied = mapped
            .iter()
            .map(|mapping| copied(mapping, numbers(&mapping.source_name), &here));
        Ok(copied.chain(excluded).collect())
    }
}

fn copied(mapping: &FolderMapping, count: Option<Count>, here: &[ListedFolder]) -> FolderPreview {
    let otherwise = std::iter::successors(mapping.otherwise.as_deref(), |mapping| mapping.otherwise.as_deref());
    let is_it = |folder: &ListedFolder| folder.selectable && folder.wire_name == mapping.destination_name;
    FolderPreview {
        source: mapping.title.clone(),
        destination: Some(mapping.destination_title.clone()),
        otherwise: otherwise.map(|mapping| mapping.destination_title.clone()).collect(),
        messages: count.map(|count| count.messages),
        bytes: count.and_then(|count| count.bytes),
        exists: here.iter().any(is_it),
        note: mapping.note.clone(),
        excluded: false,
    }
}

fn excluded(folder: &ListedFolder, count: Option<Count>) -> FolderPreview {
    FolderPreview {
        source: folder.path.join("/"),
        messages: count.map(|count| count.messages),
        bytes: count.and_then(|count| count.bytes),
        excluded: true,
        ..FolderPreview::default()
    }
}

/// What is in each folder, as far as the server tells and the time allows.
async fn counts(
    source: &mut Session,
    folders: &[ListedFolder],
    deadline: Deadline,
) -> Result<HashMap<String, Count>, ImapError> {
    let mut counts = HashMap::new();
    for folder in folders.iter().filter(|folder| folder.selectable) {
        if deadline.remaining() < MARGIN {
            break;
        }
        match count(source, &folder.wire_name).await {
            Ok(count) => {
                counts.insert(folder.wire_name.clone(), count);
            }
            Err(ImapError::Refused { .. } | ImapError::Unreadable { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(counts)
}
