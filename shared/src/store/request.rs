//! Requests in the table.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::job::Failure;
use super::{Advance, MailFates, Reckoning, Store, StoreError, attribute, item_of, later, stamp};
use crate::domain::request::transition;
use crate::domain::speed::Seconds;
use crate::domain::{
    CopyOptions, EmailAddress, Grants, Language, LaterLooks, RequestEvent, RequestId, RequestState, Window,
};

mod change;
mod kept;
mod looks;

pub use change::{AnnouncedFile, RequestChange};

/// One customer's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Its id.
    pub request_id: RequestId,
    /// Where it is on its way.
    pub state: RequestState,
    /// Since when.
    pub state_since: String,
    /// When it was made.
    pub created_at: String,
    /// The day it was made on, UTC.
    pub created_day: String,
    /// Whom to tell.
    pub contact_email: EmailAddress,
    /// The language to tell them in.
    #[serde(default)]
    pub language: Language,
    /// The provider's ticket, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Whether the provider's permit names that ticket; whoever orders can name any.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ticket_is_proven: bool,
    /// The wanted time frame; none means as soon as possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// How often the customer has wanted another one.
    #[serde(default)]
    pub reschedules: u32,
    /// What is to be copied, and how.
    #[serde(default, skip_serializing_if = "CopyOptions::is_default")]
    pub options: CopyOptions,
    /// The mailboxes that mail may be moved into, by its permit; `None` where the provider asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Grants>,
    /// SHA-256 of the token, base64.
    pub token_hash: String,
    /// The sealed data key, base64; gone when the request has ended and its last later look is over, and with it
    /// every password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_key: Option<String>,
    /// Which upload counts; 0 for a form.
    pub generation: u32,
    /// The exact length of the upload in bytes, where the customer told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csv_bytes: Option<u64>,
    /// SHA-256 of the upload in base64, where the customer told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csv_sha256: Option<String>,
    /// How many mailboxes the running check or pass still waits for.
    pub open_jobs: u32,
    /// Since when it was being checked when the checks of its mailboxes began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks_begun: Option<String>,
    /// When the clock, or who woke it for the night, looked after it last, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_after: Option<i64>,
    /// How long the first pass would take, as it was told when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated: Option<Seconds>,
    /// When the running first pass will be done, as was reckoned last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reckoned: Option<Reckoning>,
    /// How many files with contacts and calendars it waits for before it ends.
    #[serde(default)]
    pub open_attachments: i64,
    /// When it was completed; later passes do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// The passes after the final one; absent where none are planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<LaterLooks>,
    /// Why it failed, or what went wrong last: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The same in words for a customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What became of the mails to the customer. Boxed: requests lie in the futures of most functions.
    #[serde(flatten)]
    pub fates: Box<MailFates>,
    /// When a preview was asked for last, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_asked: Option<i64>,
    /// When the table forgets it, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl RequestRecord {
    /// A request that is made now, of which nothing but this is known.
    pub fn made(
        request_id: RequestId,
        state: RequestState,
        contact_email: EmailAddress,
        token_hash: String,
        now: Timestamp,
    ) -> Self {
        Self {
            request_id,
            state,
            state_since: stamp(now),
            created_at: stamp(now),
            created_day: now.strftime("%Y-%m-%d").to_string(),
            contact_email,
            language: Language::default(),
            ticket: None,
            ticket_is_proven: false,
            window: None,
            reschedules: 0,
            options: CopyOptions::default(),
            grants: None,
            token_hash,
            data_key: None,
            generation: 0,
            csv_bytes: None,
            csv_sha256: None,
            open_jobs: 0,
            checks_begun: None,
            looked_after: None,
            estimated: None,
            reckoned: None,
            open_attachments: 0,
            completed_at: None,
            looks: None,
            error_code: None,
            error_message: None,
            fates: Box::default(),
            preview_asked: None,
            expires_at: None,
        }
    }

    /// Whether its mailboxes came in a form; else in a file.
    pub fn is_by_form(&self) -> bool {
        self.generation == 0
    }

    /// Whether its rows are read, all of them, and its mailboxes are being looked at or have been.
    pub fn checks_have_begun(&self) -> bool {
        self.checks_begun.as_ref() == Some(&self.state_since)
    }
}

pub(super) fn keys(id: RequestId) -> (String, String) {
    (partition(id), "REQUEST".to_owned())
}

/// The partition of a request and everything that belongs to it.
pub(super) fn partition(id: RequestId) -> String {
    format!("REQ#{id}")
}

impl Store {
    /// Puts a new request. Durable on return; a second one with the same id is a conflict.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_request(&self, record: &RequestRecord) -> Result<(), StoreError> {
        let (pk, sk) = keys(record.request_id);
        let mut item = item_of(pk, sk, record)?;
        item.insert("entity_state".to_owned(), AttributeValue::S(entity_state(record.state)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.condition_expression("attribute_not_exists(PK)").send().await?;
        Ok(())
    }

    /// A request, as it is now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_request(&self, id: RequestId) -> Result<Option<RequestRecord>, StoreError> {
        let (pk, sk) = keys(id);
        self.get(pk, sk).await
    }

    /// A request that must be there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where it is not.
    pub async fn request(&self, id: RequestId) -> Result<RequestRecord, StoreError> {
        self.find_request(id)
            .await?
            .ok_or_else(|| StoreError::Missing(format!("request {id}")))
    }

    /// Moves a request on. State and notice are durable together on return; an end without later looks to come
    /// destroys the data key in the same write, and whoever leaves the time frames gives their room back in it.
    /// Idempotency key: the request and the event.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] where the event does not fit and has not been made before; [`StoreError::Conflict`] where another
    /// upload has taken over, the state is not the wanted one any more, or something is still open that must not be.
    pub async fn advance_request(
        &self,
        id: RequestId,
        event: RequestEvent,
        now: Timestamp,
        change: RequestChange,
    ) -> Result<Advance<RequestRecord>, StoreError> {
        loop {
            let record = self.request(id).await?;
            if change
                .if_generation
                .is_some_and(|generation| generation != record.generation)
            {
                return Err(StoreError::Conflict);
            }
            let next = match transition(record.state, event) {
                Ok(next) => next,
                Err(illegal) if illegal.already_there() => return Ok(Advance::AlreadyThere(record)),
                Err(illegal) => return Err(StoreError::Illegal(illegal.to_string())),
            };
            if !change.is_as_read(&record) {
                return Err(StoreError::Conflict);
            }
            if change.waits_for_attachments(next) && record.open_attachments > 0 {
                return Err(StoreError::Conflict);
            }
            match self.write_advance(&record, next, now, &change).await {
                Ok(record) => return Ok(Advance::Changed(record)),
                // Someone else moved it between the read and the write: look again.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn write_advance(
        &self,
        record: &RequestRecord,
        next: RequestState,
        now: Timestamp,
        change: &RequestChange,
    ) -> Result<RequestRecord, StoreError> {
        let mut after = RequestRecord {
            state: next,
            state_since: stamp(now),
            ..record.clone()
        };
        after.open_jobs = change.open_jobs.unwrap_or(record.open_jobs);
        after.error_code = change.failure.as_ref().map(|failure| failure.code.clone());
        after.error_message = change.failure.as_ref().map(|failure| failure.message.clone());
        after.expires_at = self.kept_until(record, next, now);
        after.estimated = change.estimated.or(record.estimated);
        after.looks = change.looks.clone().or_else(|| record.looks.clone());
        let has_more = after.looks.as_ref().is_some_and(LaterLooks::has_more);
        let keeps_key = next.has_been_completed() && has_more && record.data_key.is_some();
        if next.is_terminal() && !keeps_key {
            after.data_key = None;
        }
        if next.has_been_completed() && after.completed_at.is_none() {
            after.completed_at = Some(stamp(now));
        }
        let update = later::unchanged(Change::default(), record)?
            .if_equal("state", record.state.as_str())
            .if_equal("state_since", record.state_since.clone())
            .if_equal("generation", i64::from(record.generation))
            .if_equal("open_jobs", i64::from(record.open_jobs))
            .if_at_most("reschedules", i64::from(record.reschedules))
            .set("state", next.as_str())
            .set("entity_state", entity_state(next))
            .set("state_since", after.state_since.clone())
            .set("open_jobs", i64::from(after.open_jobs))
            .set_or_remove("error_code", after.error_code.clone())
            .set_or_remove("error_message", after.error_message.clone())
            .set_or_remove("data_key", after.data_key.clone())
            .set_or_remove("looks", attribute(after.looks.as_ref())?)
            .set_or_remove("completed_at", after.completed_at.clone())
            .set_or_remove("expires_at", after.expires_at);
        let update = match change.estimated {
            Some(estimated) => update.set(
                "estimated",
                serde_dynamo::to_attribute_value::<_, AttributeValue>(estimated)?,
            ),
            None => update,
        };
        let update = match change.if_expires_at {
            Some(at) => update.if_equal("expires_at", at),
            None => update,
        };
        let update = if change.waits_for_attachments(next) {
            update.if_at_most("open_attachments", 0)
        } else {
            update
        };
        let (pk, sk) = keys(record.request_id);
        let mut items = vec![
            TransactWriteItem::builder()
                .update(update.update(&self.table, pk.clone(), sk)?)
                .build(),
        ];
        items.extend(self.queued_notice(record.request_id, change.notice, now).await?);
        if next.is_terminal()
            && let (true, Some(looks)) = (keeps_key, &after.looks)
        {
            items.extend(self.due_look(record.request_id, looks)?);
        }
        items.extend(self.freed(record.request_id, record.state, next, now)?);
        self.transact(items).await?;
        Ok(after)
    }

    /// Notes what went wrong last, while the request stays in `state`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has moved on.
    pub async fn note_request_trouble(
        &self,
        id: RequestId,
        state: RequestState,
        failure: &Failure,
    ) -> Result<(), StoreError> {
        let (pk, sk) = keys(id);
        self.change(failure.change().if_equal("state", state.as_str()), pk, sk)
            .await
    }

    /// Keeps the sealed data key of a request, unless it has one: the first one counts, because passwords may be sealed with
    /// it already. Gives the one that counts. Rows are sealed while it is being checked: one that has ended gets no key back.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has moved on without a key.
    pub async fn keep_data_key(&self, id: RequestId, sealed: String) -> Result<String, StoreError> {
        let change = Change::default()
            .if_equal("state", RequestState::Checking.as_str())
            .if_absent("data_key")
            .set("data_key", sealed.clone());
        let (pk, sk) = keys(id);
        match self.change(change, pk, sk).await {
            Ok(()) => Ok(sealed),
            Err(StoreError::Conflict) => self.request(id).await?.data_key.ok_or(StoreError::Conflict),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn entity_state(state: RequestState) -> String {
    format!("request#{state}")
}
