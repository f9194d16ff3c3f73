//! Reading an upload in steps: who reads, and how far it has come.

use jiff::Timestamp;
use serde::Deserialize;

use super::expression::Change;
use super::request::keys;
use super::{Store, StoreError};
use crate::domain::RequestId;

/// How far an upload has been read into the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ReadingMark {
    /// Which file of which generation; another one is read from its beginning.
    #[serde(rename = "reading_file", default)]
    pub file: Option<String>,
    /// How many of its accepted rows are in the table, with all its faults.
    #[serde(rename = "reading_rows", default)]
    pub rows: u32,
}

impl Store {
    /// Takes the right to read the uploads of a generation until `until`, so that two deliveries
    /// cannot mix their rows. Give it back with [`Store::release_reading`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another worker reads, or another upload has taken over.
    pub async fn lease_reading(
        &self,
        id: RequestId,
        generation: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("generation", i64::from(generation))
            .if_at_most("reading_until", now.as_second())
            .set("reading_until", until.as_second());
        let (pk, sk) = keys(id);
        self.change(change, pk, sk).await
    }

    /// Gives back the right to read that lasts until `until`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has been lost.
    pub async fn release_reading(&self, id: RequestId, until: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("reading_until", until.as_second())
            .remove("reading_until");
        let (pk, sk) = keys(id);
        self.change(change, pk, sk).await
    }

    /// How far reading has come; of nothing where it has not begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn reading_mark(&self, id: RequestId) -> Result<ReadingMark, StoreError> {
        let (pk, sk) = keys(id);
        Ok(self.get(pk, sk).await?.unwrap_or_default())
    }

    /// Notes how far reading has come. Durable on return.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the right to read that lasts until `until` has been lost.
    pub async fn mark_reading(&self, id: RequestId, until: Timestamp, file: &str, rows: u32) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("reading_until", until.as_second())
            .set("reading_file", file)
            .set("reading_rows", i64::from(rows));
        let (pk, sk) = keys(id);
        self.change(change, pk, sk).await
    }

    /// Forgets how far reading has come: it is whole, and the same file sent again is read anew.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the right to read that lasts until `until` has been lost.
    pub async fn end_reading(&self, id: RequestId, until: Timestamp) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("reading_until", until.as_second())
            .remove("reading_file")
            .remove("reading_rows");
        let (pk, sk) = keys(id);
        self.change(change, pk, sk).await
    }
}
