//! Previous providers' servers: how many connections each takes, and who holds them.
//!
//! A connection is a numbered slot that is leased like a folder. A server's own limit is learnt when
//! it turns a login away: for an hour it then gets fewer connections than it had.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::expression::Change;
use super::{Store, StoreError};
use crate::domain::{Host, JobId};

/// How long a learnt limit is believed.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);

/// How long the table keeps what it knows of a server.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The right to connect to a server once, until the lease ends.
#[derive(Clone, Debug)]
pub struct ConnectionSlot {
    host: String,
    number: u32,
    holder: String,
}

/// What was learnt of a server.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Learnt {
    connections: u32,
    learnt_until: i64,
}

/// A slot, as it is in the table.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Slot {
    number: u32,
    lease_until: i64,
}

pub(super) fn partition(host: &str) -> String {
    format!("HOST#{host}")
}

fn slot_key(number: u32) -> String {
    format!("SLOT#{number:03}")
}

impl Store {
    /// Takes the right to connect to a server until `until`; `None` where as many connections as
    /// `most`, or as the server was found to take, are held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_connection(
        &self,
        host: &Host,
        job: JobId,
        most: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ConnectionSlot>, StoreError> {
        let host = host.as_str().to_owned();
        let learnt: Option<Learnt> = self.get(partition(&host), "LEARNT".to_owned()).await?;
        let learnt = learnt.filter(|learnt| learnt.learnt_until > now.as_second());
        let most = learnt.map_or(most, |learnt| most.min(learnt.connections));
        let held = self.held_slots(&host, now).await?;
        for number in (0..most).filter(|number| !held.contains(number)) {
            let holder = format!("{job} {until}");
            let change = Change::default()
                .if_at_most("lease_until", now.as_second())
                .set("lease_until", until.as_second())
                .set("number", i64::from(number))
                .set("holder", holder.clone())
                .set("expires_at", kept_until(now));
            match self.change(change, partition(&host), slot_key(number)).await {
                Ok(()) => return Ok(Some(ConnectionSlot { host, number, holder })),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Gives a connection back; where the server turned its holder away for having too many, that is learnt. One
    /// that somebody else has taken since stays theirs.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been given back nevertheless.
    pub async fn give_connection_back(
        &self,
        slot: &ConnectionSlot,
        was_crowded: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let learnt = if was_crowded {
            self.learn_limit(slot, now).await
        } else {
            Ok(())
        };
        self.release_slot(slot).await?;
        learnt
    }

    async fn release_slot(&self, slot: &ConnectionSlot) -> Result<(), StoreError> {
        let change = Change::default()
            .if_equal("holder", slot.holder.clone())
            .set("lease_until", 0_i64);
        self.change_if(change, partition(&slot.host), slot_key(slot.number))
            .await
            .map(drop)
    }

    /// Notes that a server turned the holder of this connection away because it had too many: for an
    /// hour it gets one fewer than are held now.
    async fn learn_limit(&self, slot: &ConnectionSlot, now: Timestamp) -> Result<(), StoreError> {
        let held = self.held_slots(&slot.host, now).await?.len();
        // One connection alone that is turned away says nothing about how many there may be.
        if held < 2 {
            return Ok(());
        }
        let connections = i64::try_from(held - 1).unwrap_or(i64::MAX);
        let until = now.checked_add(BELIEVED).unwrap_or(Timestamp::MAX);
        let change = Change::default()
            .set("connections", connections)
            .set("learnt_until", until.as_second())
            .set("expires_at", kept_until(now));
        self.change(change, partition(&slot.host), "LEARNT".to_owned()).await
    }

    /// The numbers of the slots whose lease has not ended.
    async fn held_slots(&self, host: &str, now: Timestamp) -> Result<Vec<u32>, StoreError> {
        let slots: Vec<Slot> = self.query(&partition(host), "SLOT#").await?;
        let held = slots.iter().filter(|slot| slot.lease_until > now.as_second());
        Ok(held.map(|slot| slot.number).collect())
    }
}

fn kept_until(now: Timestamp) -> i64 {
    now.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second()
}
