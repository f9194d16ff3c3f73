//! Messages that a server lists and does not give out: a FETCH of several that it refuses is asked
//! again in halves, down to the single message.
//!
//! Gmail (2019) says `NO Some messages could not be FETCHed (Failure)` and gives the others, Dovecot
//! (2.3, 2022) `NO [SERVERBUG] Internal error occurred`, Exchange (2019) `BAD Command Error. 12`, each of
//! one message that it cannot read. What they say of a server that is busy is none of a message.

use super::error::{ImapError, is_busy};
use super::refusal::Refusal;
use super::response::Status;
use super::session::check;
use crate::domain::uid::UidSet;

const FETCH: &str = "FETCH";

/// So many refused messages in a row are no longer about the messages.
const MOST_IN_A_ROW: usize = 50;

/// A message that is not given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its UID.
    pub uid: u32,
    /// The server's words.
    pub refusal: Refusal,
}

/// Which messages of a reading are withheld, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Halving {
    withheld: Vec<Withheld>,
    /// Whether a message was given out.
    any_given: bool,
    /// How many have been refused since the last one that was given out.
    in_a_row: usize,
}

impl Halving {
    /// Notes that a message was given out: the server is able to.
    pub(super) fn note_given(&mut self) {
        self.any_given = true;
        self.in_a_row = 0;
    }

    /// A command about `asked` messages has ended, and these are `left`: what is to be asked now.
    ///
    /// # Errors
    /// [`ImapError::Refused`] where it is not about the messages.
    pub(super) fn note_end(
        &mut self,
        status: Status,
        asked: u64,
        left: impl Iterator<Item = u32>,
    ) -> Result<Vec<UidSet>, ImapError> {
        let Err(error) = check(FETCH, status) else {
            return Ok(Vec::new());
        };
        let left: Vec<u32> = left.collect();
        match left.as_slice() {
            [] => Ok(Vec::new()),
            [uid] if asked == 1 => self.withhold(*uid, error).map(|()| Vec::new()),
            [_] => about_messages(error).map(|_| vec![UidSet::from_sorted(left)]),
            _ => {
                about_messages(error)?;
                let (first, second) = left.split_at(left.len() / 2);
                Ok([first, second]
                    .map(|half| UidSet::from_sorted(half.iter().copied()))
                    .into())
            }
        }
    }

    fn withhold(&mut self, uid: u32, error: ImapError) -> Result<(), ImapError> {
        let refusal = about_messages(error)?;
        if self.withheld.iter().any(|other| other.uid == uid) {
            return Ok(());
        }
        self.in_a_row += 1;
        if self.in_a_row > MOST_IN_A_ROW {
            return Err(refused(refusal));
        }
        self.withheld.push(Withheld { uid, refusal });
        Ok(())
    }

    /// Those that are withheld for sure: the server gave others out. Whatever its words are, where it gives none it may
    /// mean itself.
    pub(super) fn sure(&mut self) -> Vec<Withheld> {
        if self.any_given {
            std::mem::take(&mut self.withheld)
        } else {
            Vec::new()
        }
    }

    /// Where the server may have meant itself, an error; asked after [`Self::sure`].
    ///
    /// # Errors
    /// [`ImapError::Refused`].
    pub(super) fn rest(&mut self) -> Result<(), ImapError> {
        match self.withheld.pop() {
            Some(Withheld { refusal, .. }) => Err(refused(refusal)),
            None => Ok(()),
        }
    }
}

/// What a refusal says of messages; the error itself where it is about the server.
fn about_messages(error: ImapError) -> Result<Refusal, ImapError> {
    match error {
        ImapError::Refused { code, text, .. } if !is_busy(&code, &text) => Ok(Refusal::new(&code, &text)),
        error => Err(error),
    }
}

fn refused(Refusal { code, text }: Refusal) -> ImapError {
    let command = FETCH;
    ImapError::Refused { command, code, text }
}
