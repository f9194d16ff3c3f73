//! Looking at a mailbox before it is copied: can it be opened on both sides, and does it fit?
//!
//! ```text
//! look        logs in on both sides, lists and counts at the source, asks for the room here
//! source      what a failure at the previous provider means for a customer (login)
//! destination the same at the new provider
//! providers   what large providers ask for
//! find        the server, where none is named
//! suggest     what was meant by a server's name, each guess tried by a connection
//! ```
//!
//! Nothing is made or changed at either server. The module knows no requests and no table: when a
//! mailbox is looked at, how often, and what follows is the function `check`'s business.

mod destination;
mod find;
mod login;
mod look;
mod providers;
mod source;
mod suggest;

pub use find::{Finder, nowhere};
pub use look::{Looked, look};
pub use providers::Provider;

use crate::domain::CheckFault;

/// A fault, and when it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is told.
    pub fault: CheckFault,
    /// When it is believed.
    pub belief: Belief,
}

/// When a fault is believed. Servers refuse for passing reasons and do not always say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belief {
    /// At the first time: looking again cannot change it.
    AtOnce,
    /// At the second time.
    Second,
    /// When it has lasted for minutes.
    Last,
}

impl Belief {
    /// How often it has to be found.
    pub fn times(self) -> u32 {
        match self {
            Self::AtOnce => 1,
            Self::Second => 2,
            Self::Last => 4,
        }
    }
}

impl Looked {
    /// Whether another look is due before what was found is told, after `times` looks that found a
    /// fault, this one included. None is where a fault is sure that only a person can mend: each
    /// further login with a wrong password may lock the mailbox.
    pub fn is_doubtful(&self, times: u32) -> bool {
        let is_sure = |finding: &&Finding| times >= finding.belief.times();
        let mut sure = self.findings.iter().filter(is_sure);
        let is_settled = sure.any(|finding| !finding.fault.code.may_pass());
        !is_settled && !self.findings.iter().all(|finding| is_sure(&finding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CheckCode;

    fn looked(found: &[(Belief, CheckCode)]) -> Looked {
        let finding = |(belief, code): &(Belief, CheckCode)| Finding {
            fault: CheckFault::new(*code, "what", "do"),
            belief: *belief,
        };
        Looked {
            findings: found.iter().map(finding).collect(),
            ..Looked::default()
        }
    }

    #[test]
    fn passing_fault_is_looked_at_again_until_it_has_lasted() {
        let wrong = (Belief::Second, CheckCode::SourceWrongPassword);
        let busy = (Belief::Last, CheckCode::SourceBusy);
        let forbidden = (Belief::AtOnce, CheckCode::SourceForbiddenAddress);
        assert!(!looked(&[]).is_doubtful(1));
        assert!(looked(&[wrong]).is_doubtful(1) && !looked(&[wrong]).is_doubtful(2));
        assert!(looked(&[busy]).is_doubtful(3) && !looked(&[busy]).is_doubtful(4));
        assert!(!looked(&[forbidden, busy]).is_doubtful(1));
        // No third login with a password that is surely wrong.
        assert!(!looked(&[wrong, busy]).is_doubtful(2));
    }
}
