//! Large messages, put together from their parts.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::commands::{Answer, Command, Taker};
use super::{FETCH, Gone, PART_BYTES, Piece, Sink, Wanted};
use crate::imap::error::ImapError;

/// Puts the parts of large messages in order.
pub(super) struct Parts<'a> {
    /// The messages that are not complete yet.
    messages: &'a [Wanted],
    /// How many bytes of the first of them have been given.
    given: u64,
    /// What came before its turn, by message and offset.
    held: BTreeMap<(u32, u64), Bytes>,
    /// Messages that have gone from the source, or are refused.
    gone: BTreeSet<u32>,
    sink: &'a Sink,
    /// Whether the receiver has gone.
    pub(super) is_abandoned: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn new(messages: &'a [Wanted], sink: &'a Sink) -> Self {
        Self {
            messages,
            given: 0,
            held: BTreeMap::new(),
            gone: BTreeSet::new(),
            sink,
            is_abandoned: false,
        }
    }

    async fn give(&mut self) -> Result<(), Gone> {
        while let Some((message, rest)) = self.messages.split_first() {
            if self.gone.contains(&message.uid) {
                self.messages = rest;
                continue;
            }
            let Some(part) = self.held.remove(&(message.uid, self.given)) else {
                return Ok(());
            };
            let Wanted { uid, size_bytes } = *message;
            if self.given == 0 {
                let first = part.clone();
                self.sink.give(Piece::Begin { uid, size_bytes, first }).await?;
            }
            self.given += part.len() as u64;
            self.sink.give(Piece::Part(part)).await?;
            if self.given == size_bytes {
                self.sink.give(Piece::End).await?;
                self.given = 0;
                self.messages = rest;
            }
        }
        Ok(())
    }
}

impl Taker for Parts<'_> {
    /// Takes an answer and gives what is in order now.
    async fn take(&mut self, answer: Answer<'_>) -> Result<bool, ImapError> {
        match answer {
            Answer::Data {
                to: Command::Part { of, offset },
                bytes,
                ..
            } => {
                if bytes.len() as u64 != PART_BYTES.min(of.size_bytes - offset) {
                    return Err(torn());
                }
                if !self.gone.contains(&of.uid) {
                    self.held.insert((of.uid, *offset), bytes);
                }
            }
            Answer::End {
                of: Command::Part { of, offset },
                any: false,
                refused,
            } => {
                let has_begun = self.given > 0 && self.messages.first() == Some(of);
                let is_later = *offset > 0 && !refused && !self.gone.contains(&of.uid);
                if has_begun || is_later {
                    return Err(torn());
                }
                self.gone.insert(of.uid);
                self.held.retain(|(uid, _), _| *uid != of.uid);
            }
            Answer::Data { .. } | Answer::End { .. } => {}
        }
        self.is_abandoned = self.give().await.is_err();
        Ok(!self.is_abandoned)
    }
}

fn torn() -> ImapError {
    ImapError::Unreadable {
        command: FETCH,
        what: "a large message was not given whole, or has another length than its size says",
    }
}
