//! What was measured at previous providers' servers.

use jiff::{SignedDuration, Timestamp};

use super::expression::Change;
use super::host::partition;
use super::{Store, StoreError};
use crate::domain::Host;
use crate::domain::speed::{Sample, Speed};

/// How long the table keeps what was measured.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

#[derive(Default, serde::Deserialize)]
struct Measured {
    #[serde(flatten)]
    speed: Speed,
    #[serde(default)]
    measured: i64,
}

fn keys(host: &Host) -> (String, String) {
    (partition(host.as_str()), "SPEED".to_owned())
}

impl Store {
    /// What is known of a server's speed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn speed(&self, host: &Host) -> Result<Speed, StoreError> {
        let (pk, sk) = keys(host);
        let found: Option<Measured> = self.get(pk, sk).await?;
        Ok(found.unwrap_or_default().speed)
    }

    /// Adds a sample; one of two that come at the same moment may be lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_speed(&self, host: &Host, sample: Sample, now: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = keys(host);
        let known: Measured = self.get(pk.clone(), sk.clone()).await?.unwrap_or_default();
        let samples = known.speed.with(sample).samples;
        let change = Change::default()
            .if_at_most("measured", known.measured)
            .set("measured", known.measured + 1)
            .set(
                "samples",
                serde_dynamo::to_attribute_value::<_, aws_sdk_dynamodb::types::AttributeValue>(samples)?,
            )
            .set(
                "expires_at",
                now.checked_add(KEPT).unwrap_or(Timestamp::MAX).as_second(),
            );
        self.change_if(change, pk, sk).await.map(drop)
    }
}
