//! The checks of one row, whichever way it came in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use super::damage::{self, is_invisible, tidied};
use super::header::Column;
use super::template::EXAMPLE_HOST;
use super::{Intake, MAX_CELL_BYTES, Policy};
use crate::domain::{EmailAddress, Endpoint, Fault, FaultCode, Host, MailboxOrder, Secret, Security};

/// The texts of one row; an empty one was left out.
pub(super) struct RawRow<'a> {
    pub(super) row: u32,
    pub(super) email: &'a str,
    pub(super) password: &'a str,
    pub(super) source_host: &'a str,
    pub(super) port: &'a str,
    pub(super) security: &'a str,
    pub(super) source_user: &'a str,
    pub(super) destination_email: &'a str,
    pub(super) destination_password: &'a str,
    /// The columns whose value a spreadsheet changed, and how.
    pub(super) damaged: &'a [(Column, FaultCode)],
}

/// Checks row after row, and remembers what stood in the earlier ones.
pub(super) struct Checker<'a> {
    policy: Policy<'a>,
    /// The row a mailbox stood in first, and what stood there.
    mailboxes: HashMap<(String, Option<Host>), (u32, u64)>,
    destinations: HashMap<String, u32>,
    /// Keyed anew in each run, so that nothing can be learnt of a row from what is kept of it.
    contents: RandomState,
    intake: Intake,
}

/// The faults of one row.
struct Faults<'a> {
    row: u32,
    damaged: &'a [(Column, FaultCode)],
    found: Vec<Fault>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(policy: Policy<'a>) -> Self {
        Self {
            policy,
            mailboxes: HashMap::new(),
            destinations: HashMap::new(),
            contents: RandomState::new(),
            intake: Intake::default(),
        }
    }

    pub(super) fn refuse(&mut self, fault: Fault) {
        self.intake.faults.push(fault);
    }

    pub(super) fn finish(self) -> Intake {
        self.intake
    }

    /// Accepts the row or adds all its faults.
    pub(super) fn check(&mut self, raw: &RawRow<'_>) {
        if raw.source_host.trim().eq_ignore_ascii_case(EXAMPLE_HOST) {
            let message =
                "this is the example of the template: overwrite it with a mailbox of yours, or delete the row.";
            return self.refuse(Fault::of_row(raw.row, FaultCode::ExampleRow, message));
        }
        let mut faults = Faults {
            row: raw.row,
            damaged: raw.damaged,
            found: Vec::new(),
        };
        let address = faults.required(
            Column::Email,
            raw.email,
            "write the address of the mailbox at the previous provider.",
        );
        let address = address.and_then(|text| faults.address(Column::Email, text));
        let password = faults.password(Column::Password, raw.password);
        if raw.password.is_empty() && !faults.is_damaged(Column::Password) {
            faults.add(
                Column::Password,
                FaultCode::EmptyValue,
                "this is missing: write the password of the mailbox at the previous provider.",
            );
        }
        let host = faults.optional(Column::SourceHost, raw.source_host);
        let host = host.and_then(|text| faults.host(text));
        let port = faults.port(raw.port);
        let security = faults.security(raw.security, self.policy);
        faults.contradiction(port, security);
        let source_user = faults.plain(Column::SourceUser, raw.source_user).map(str::to_owned);
        let destination = faults.optional(Column::DestinationEmail, raw.destination_email);
        let destination = destination.and_then(|text| faults.address(Column::DestinationEmail, text));
        let destination_password = faults.password(Column::DestinationPassword, raw.destination_password);

        // An unreadable destination is a fault already; the address must not stand in for it.
        let is_elsewhere = !tidied(raw.destination_email).is_empty() || faults.is_damaged(Column::DestinationEmail);
        let destination = if is_elsewhere { destination } else { address.clone() };
        if let (Some(grants), Some(destination)) = (self.policy.grants, &destination)
            && !grants.allow(destination)
        {
            let column = if is_elsewhere {
                Column::DestinationEmail
            } else {
                Column::Email
            };
            let message = format!(
                "your permit is for mailboxes of {grants}: write the mailbox there that mail is to be moved into \
                 (column destination_email), or ask the new provider for a permit that has this one too."
            );
            faults.add(column, FaultCode::NotPermitted, message);
        }
        let values = (
            port,
            security,
            &source_user,
            destination.as_ref().map(EmailAddress::key),
        );
        let content = self.contents.hash_one((raw.password, raw.destination_password, values));
        self.refuse_duplicates(
            &mut faults,
            content,
            address.as_ref(),
            host.as_ref(),
            destination.as_ref(),
        );
        if !faults.found.is_empty() {
            return self.intake.faults.append(&mut faults.found);
        }
        if let (Some(address), Some(password), Some(destination)) = (address, password, destination) {
            let seeks_source = host.is_none();
            let source = match host {
                Some(host) => Endpoint::with_defaults(host, port, security),
                // Port and protection are those of the server that is found.
                None => Endpoint::with_defaults(address.host().clone(), None, None),
            };
            let order = MailboxOrder {
                source_user: source_user.unwrap_or_else(|| address.as_str().to_owned()),
                address,
                password,
                source,
                seeks_source,
                destination,
                destination_password,
            };
            self.intake.rows.push((raw.row, order));
        }
    }

    /// The later row is told the earlier; a mailbox that is there twice is not also told that its
    /// destination is.
    fn refuse_duplicates(
        &mut self,
        faults: &mut Faults<'_>,
        content: u64,
        address: Option<&EmailAddress>,
        host: Option<&Host>,
        destination: Option<&EmailAddress>,
    ) {
        if let Some(address) = address
            && let Some((earlier, before)) = remember(
                &mut self.mailboxes,
                (address.key(), host.cloned()),
                (faults.row, content),
            )
        {
            let (code, message) = if before == content {
                let message = format!("row {earlier} is the same: delete one of the two.");
                (FaultCode::DuplicateMailbox, message)
            } else {
                let message = format!(
                    "row {earlier} has the same mailbox on the same server with other values: find out which of the two is right and delete the other."
                );
                (FaultCode::ContradictoryRows, message)
            };
            return faults.add(Column::Email, code, message);
        }
        if let Some(destination) = destination
            && let Some(earlier) = remember(&mut self.destinations, destination.key(), faults.row)
        {
            let message = format!(
                "row {earlier} already goes to the same mailbox here: give each row a destination of its own, or delete one of the two."
            );
            faults.add(Column::DestinationEmail, FaultCode::DuplicateDestination, message);
        }
    }
}

/// What had the key before, or none and the key is taken now.
fn remember<K: std::hash::Hash + Eq, V: Copy>(seen: &mut HashMap<K, V>, key: K, value: V) -> Option<V> {
    match seen.entry(key) {
        Entry::Occupied(before) => Some(*before.get()),
        Entry::Vacant(free) => {
            free.insert(value);
            None
        }
    }
}

impl Faults<'_> {
    fn add(&mut self, column: Column, code: FaultCode, message: impl Into<String>) {
        self.found.push(Fault::at(self.row, column.name(), code, message));
    }

    fn is_damaged(&self, column: Column) -> bool {
        self.damaged.iter().any(|(damaged, _)| *damaged == column)
    }

    /// The cell, or none after the fault was added.
    fn short<'a>(&mut self, column: Column, cell: &'a str) -> Option<&'a str> {
        if let Some((_, code)) = self.damaged.iter().find(|(damaged, _)| *damaged == column) {
            self.add(column, *code, damage::advice(*code));
            return None;
        }
        if cell.len() <= MAX_CELL_BYTES {
            return Some(cell);
        }
        let message = format!(
            "this is longer than {MAX_CELL_BYTES} characters: look for a quotation mark too many in this row, and shorten it."
        );
        self.add(column, FaultCode::TooLong, message);
        None
    }

    /// The trimmed cell, or none when it is empty.
    fn optional<'a>(&mut self, column: Column, cell: &'a str) -> Option<&'a str> {
        self.short(column, tidied(cell)).filter(|cell| !cell.is_empty())
    }

    fn required<'a>(&mut self, column: Column, cell: &'a str, advice: &str) -> Option<&'a str> {
        if tidied(cell).is_empty() && !self.is_damaged(column) {
            self.add(column, FaultCode::EmptyValue, format!("this is missing: {advice}"));
        }
        self.optional(column, cell)
    }

    /// An optional cell without control characters.
    fn plain<'a>(&mut self, column: Column, cell: &'a str) -> Option<&'a str> {
        let cell = self.optional(column, cell)?;
        self.without_controls(column, cell)
    }

    fn without_controls<'a>(&mut self, column: Column, cell: &'a str) -> Option<&'a str> {
        if cell.contains(|c: char| c.is_control() || is_invisible(c)) {
            self.add(
                column,
                FaultCode::BadCharacter,
                "this has a line break, a tab or another invisible character in it: type it in again.",
            );
            return None;
        }
        Some(cell)
    }

    /// A password is taken as it is, spaces included.
    fn password(&mut self, column: Column, cell: &str) -> Option<Secret> {
        let cell = self.short(column, cell).filter(|cell| !cell.is_empty())?;
        self.without_controls(column, cell).map(Secret::from)
    }

    fn address(&mut self, column: Column, text: &str) -> Option<EmailAddress> {
        let parsed = text.parse();
        if let Err(error) = &parsed {
            self.add(
                column,
                FaultCode::BadAddress,
                format!("{error}. Write one complete address, such as anna@example.com."),
            );
        }
        parsed.ok()
    }

    fn host(&mut self, text: &str) -> Option<Host> {
        let parsed = text.parse();
        if let Err(error) = &parsed {
            self.add(
                Column::SourceHost,
                FaultCode::BadHost,
                format!("{error}. The previous provider's help pages name its IMAP server."),
            );
        }
        parsed.ok()
    }

    fn port(&mut self, cell: &str) -> Option<u16> {
        let text = self.optional(Column::Port, cell)?;
        let text = text
            .strip_suffix(".0")
            .or_else(|| text.strip_suffix(",0"))
            .unwrap_or(text);
        let port = text.parse().ok().filter(|port| *port > 0);
        if port.is_none() {
            self.add(
                Column::Port,
                FaultCode::BadPort,
                "this is not a port: write a number from 1 to 65535, or leave it empty for the usual 993.",
            );
        }
        port
    }

    /// The two usual ports speak one way each; what says otherwise would only fail later.
    fn contradiction(&mut self, port: Option<u16>, security: Option<Security>) {
        let advice = match (port, security) {
            (Some(993), Some(Security::StartTls | Security::None)) => {
                "port 993 is for tls: write tls here, or the port of the other way, which is usually 143."
            }
            (Some(143), Some(Security::Tls)) => {
                "port 143 is for starttls: write starttls here, or the port of tls, which is usually 993."
            }
            _ => return,
        };
        self.add(Column::Security, FaultCode::ContradictoryPort, advice);
    }

    fn security(&mut self, cell: &str, policy: Policy<'_>) -> Option<Security> {
        let text = self.optional(Column::Security, cell)?;
        match text.parse() {
            Ok(Security::None) if !policy.plaintext_imap => {
                let message = "the password would cross the network in the clear, which is not allowed: write tls or starttls, or leave it empty for tls.";
                self.add(Column::Security, FaultCode::PlaintextRefused, message);
                None
            }
            Ok(security) => Some(security),
            Err(_) => {
                self.add(
                    Column::Security,
                    FaultCode::BadSecurity,
                    "this is not known: write tls or starttls, or leave it empty for tls.",
                );
                None
            }
        }
    }
}
