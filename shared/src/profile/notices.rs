//! `[notices]`: the e-mail customers get.

use std::time::Duration;

use serde::Deserialize;

use super::{Fault, address, within};
use crate::domain::EmailAddress;

/// `[notices]`: the e-mail customers get.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// Who it is from; SES must be allowed to send as it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub sender: EmailAddress,
    /// Whom a customer writes to for help.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub support: Option<EmailAddress>,
    /// Where the customers' page is. It leads to no request: only the customer has the token.
    pub page: Option<String>,
    /// The address of a picture that stands above each mail, instead of the provider's name.
    pub logo: Option<String>,
    /// Lines below each mail, such as the company's address.
    #[serde(default)]
    pub imprint: Vec<String>,
    /// For how many minutes after an import the next file is waited for, so that one mail tells of several, 0 to 15.
    #[serde(default = "files_wait_minutes")]
    pub files_wait_minutes: u32,
    /// Which of the notices that only say how far it is customers get no mail of: ticket systems alone are told.
    #[serde(default)]
    pub ticket_only: Vec<TicketOnly>,
}

/// A notice that asks for nothing.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketOnly {
    /// A file has arrived, and is being read.
    Received,
    /// The time frame has begun.
    Started,
    /// The changed DNS was seen.
    DnsSeen,
}

/// How long an imprint may be.
const MOST_IMPRINT_LINES: usize = 12;

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
        if let Some(logo) = &self.logo {
            check_page("notices.logo", logo, "https://www.example.net/logo.png")?;
        }
        if self.imprint.len() > MOST_IMPRINT_LINES || self.imprint.iter().any(|line| line.contains(char::is_control)) {
            return Err((
                "notices.imprint",
                format!("write {MOST_IMPRINT_LINES} lines at most, each a text of its own"),
            ));
        }
        self.page.as_deref().map_or(Ok(()), |page| {
            check_page("notices.page", page, "https://move.example.net/")
        })
    }
}

/// The address of a page. It stands in a mail, where nobody can correct it, and the customer's link has a fragment of
/// its own.
pub(super) fn check_page(key: &'static str, page: &str, example: &str) -> Result<(), Fault> {
    let authority = address(page).unwrap_or_default();
    let is_bad = authority.is_empty()
        || authority.contains('@')
        || page.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '#' | '?'));
    if is_bad {
        return Err((key, format!("write the page's whole address, such as {example}")));
    }
    Ok(())
}
