//! Faults of the emulator and of the functions it runs; `infra/local/emulator_faults.py` makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Emulator;

/// A kill that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Kill {
    id: u64,
}

/// How calls of AWS are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// As too many.
    Throttled,
    /// As those of a service that is ill.
    Failing,
    /// They are done, and said to have failed.
    LosingAnswers,
}

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// The kills that have happened.
    pub kills: BTreeSet<Kill>,
    /// How many calls were refused.
    pub refused: u64,
    /// How many invocations and messages are under way.
    pub busy: u64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::Failing => "failing",
            Self::LosingAnswers => "losing answers",
        })
    }
}

impl Emulator {
    /// Kills (signal 9) one process of the function with this handler name while it is at work: so long after now
    /// where one is, else after its next invocation began. It may never come to that; see [`Self::happened`].
    ///
    /// # Errors
    /// If the emulator does not answer.
    pub async fn kill_at_work(&self, function: &str, after: Duration) -> Result<Kill> {
        let asked = json!({ "function": function, "after_ms": milliseconds(after) });
        self.ask("kill", &asked).await
    }

    /// Delivers a message once more that the function of this queue (`sync`, say) has had before: the newest at an age
    /// of 0 percent, the oldest at 100. Whether there was one.
    ///
    /// # Errors
    /// If the emulator does not answer.
    pub async fn deliver_again(&self, queue: &str, age_percent: u8) -> Result<bool> {
        #[derive(Deserialize)]
        struct Answer {
            made: bool,
        }
        let asked = json!({ "queue": queue, "age_percent": age_percent });
        Ok(self.ask::<Answer>("deliver_again", &asked).await?.made)
    }

    /// Refuses so many of a hundred of the functions' calls of AWS from now on, for so long.
    ///
    /// # Errors
    /// If the emulator does not answer.
    pub async fn refuse(&self, how: Refusal, percent: u8, length: Duration) -> Result<()> {
        let asked = json!({ "how": how, "percent": percent, "for_ms": milliseconds(length) });
        self.ask::<Value>("refuse", &asked).await.map(drop)
    }

    /// What has happened of what was asked for.
    ///
    /// # Errors
    /// If the emulator does not answer.
    pub async fn happened(&self) -> Result<Happened> {
        #[derive(Deserialize)]
        struct Answer {
            killed: Vec<u64>,
            refused: BTreeMap<String, u64>,
            busy: u64,
        }
        let answer: Answer = self.ask("state", &json!({})).await?;
        Ok(Happened {
            kills: answer.killed.into_iter().map(|id| Kill { id }).collect(),
            refused: answer.refused.values().sum(),
            busy: answer.busy,
        })
    }

    async fn ask<A: DeserializeOwned>(&self, what: &str, asked: &Value) -> Result<A> {
        let url = format!("{}/_local/faults/{what}", self.endpoint());
        let answer = self.http.post(url).json(asked).send().await;
        let answer = answer.with_context(|| format!("the emulator does not answer to {what}"))?;
        ensure!(answer.status().is_success(), "{what}: {}", answer.text().await?);
        Ok(answer.json().await?)
    }
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
