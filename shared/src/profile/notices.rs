//! `[notices]`: the e-mail customers get.

use std::time::Duration;

use serde::Deserialize;

use super::{Fault, address, within};
use crate::domain::EmailAddress;

/// `[notices]`: the e-mail customers get.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Who it is from; SES must be allowed to send as it.
    pub sender: EmailAddress,
    /// Whom a customer writes to for help.
    pub support: Option<EmailAddress>,
    /// Where the customers' page is. It leads to no request: only the customer has the token.
    pub page: Option<String>,
    /// For how many minutes after an import the next file is waited for, so that one mail tells of several, 0 to 15.
    #[serde(default = "files_wait_minutes")]
    pub files_wait_minutes: u32,
}

fn files_wait_minutes() -> u32 {
    5
}

impl Notices {
    /// How long the mail about an import waits for further files.
    pub fn files_wait(&self) -> Duration {
        Duration::from_mins(self.files_wait_minutes.into())
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        within("notices.files_wait_minutes", self.files_wait_minutes.into(), 0..=15)?;
        self.page.as_deref().map_or(Ok(()), check_page)
    }
}

/// It stands in a mail, where nobody can correct it, and the customer's link has a fragment of its own.
fn check_page(page: &str) -> Result<(), Fault> {
    let authority = address(page).unwrap_or_default();
    let is_bad = authority.is_empty()
        || authority.contains('@')
        || page.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '#' | '?'));
    if is_bad {
        return Err((
            "notices.page",
            "write the page's whole address, such as https://move.example.net/".to_owned(),
        ));
    }
    Ok(())
}
