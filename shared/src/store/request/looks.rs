//! What a request's record says of its later looks.

use super::RequestRecord;
use crate::domain::{LaterLooks, Pass, RequestState};

impl RequestRecord {
    /// Whether nothing is to be copied for it any more.
    pub fn is_over(&self) -> bool {
        self.state.is_terminal() || self.has_lost_its_passwords()
    }

    /// Whether a later pass runs whose passwords have been deleted meanwhile: nothing more can be fetched.
    pub fn has_lost_its_passwords(&self) -> bool {
        self.state == RequestState::LaterPass && self.data_key.is_none()
    }

    /// The later looks, as long as there are passwords for them.
    pub fn open_looks(&self) -> Option<&LaterLooks> {
        self.looks.as_ref().filter(|_| self.data_key.is_some())
    }

    /// Whether this later pass may begin now, or runs.
    pub fn may_run(&self, pass: Pass) -> bool {
        let Some(looks) = &self.looks else { return false };
        match self.state {
            RequestState::LaterPass => looks.running() == pass,
            RequestState::Completed | RequestState::CompletedWithExceptions => {
                self.data_key.is_some() && looks.next_pass() == Some(pass)
            }
            _ => false,
        }
    }
}
