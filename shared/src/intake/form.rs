//! The mailboxes that stand in the request itself.

use serde::Deserialize;

use super::row::{Checker, RawRow};
use super::{Intake, MAX_ROWS, Policy};
use crate::domain::{Fault, FaultCode, Secret};

/// One mailbox as the API takes it: the columns of the file as fields of JSON.
///
/// Only the JSON is checked when it is decoded; the values are checked by [`orders_from_form`], so
/// that all faults come at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormMailbox {
    /// The address at the previous provider.
    pub email: String,
    /// The password there.
    pub password: Secret,
    /// The IMAP server there; it is looked for where it is left out.
    #[serde(default)]
    pub source_host: Option<String>,
    /// Its port; by `security` when left out.
    #[serde(default)]
    pub port: Option<i64>,
    /// `tls`, `starttls` or `none`; by `port` when left out.
    #[serde(default)]
    pub security: Option<String>,
    /// What to log in with there, when it is not the address.
    #[serde(default)]
    pub source_user: Option<String>,
    /// The address here, when it is another.
    #[serde(default)]
    pub destination_email: Option<String>,
    /// The password here, when it is another.
    #[serde(default)]
    pub destination_password: Option<Secret>,
}

/// Checks the mailboxes of a form as the rows of a file are; they are numbered from 1.
pub fn orders_from_form(mailboxes: &[FormMailbox], policy: Policy<'_>) -> Intake {
    let mut checker = Checker::new(policy);
    if mailboxes.is_empty() {
        checker.refuse(Fault::of_file(
            FaultCode::NoRows,
            "there is no mailbox in the request: give one at least.",
        ));
    }
    for (row, mailbox) in (1_u32..).zip(mailboxes.iter().take(MAX_ROWS)) {
        let port = mailbox.port.map(|port| port.to_string());
        checker.check(&RawRow {
            row,
            email: &mailbox.email,
            password: mailbox.password.expose(),
            source_host: mailbox.source_host.as_deref().unwrap_or_default(),
            port: port.as_deref().unwrap_or_default(),
            security: mailbox.security.as_deref().unwrap_or_default(),
            source_user: mailbox.source_user.as_deref().unwrap_or_default(),
            destination_email: mailbox.destination_email.as_deref().unwrap_or_default(),
            destination_password: mailbox
                .destination_password
                .as_ref()
                .map(Secret::expose)
                .unwrap_or_default(),
            damaged: &[],
        });
    }
    if mailboxes.len() > MAX_ROWS {
        let message = format!(
            "a request can have {MAX_ROWS} mailboxes at most; those after were not read. Put them into a second request."
        );
        checker.refuse(Fault::of_file(FaultCode::TooManyRows, message));
    }
    checker.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailboxes(json: &str) -> Vec<FormMailbox> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_form_is_checked_like_a_file() {
        let form = mailboxes(
            r#"[{"email": " Anna@Example.com", "password": " hunter2 ", "source_host": "IMAP.example.com", "port": 143, "security": null},
                {"email": "anna", "password": "", "source_host": "", "port": 70000, "security": "none"},
                {"email": "bert@example.com", "password": "x", "source_host": "imap.example.com", "source_user": "b1", "destination_email": "bert@example.net", "destination_password": "y"}]"#,
        );
        let intake = orders_from_form(&form, Policy::STRICT);
        let rows: Vec<_> = intake
            .rows
            .iter()
            .map(|(row, order)| {
                (
                    *row,
                    order.address.as_str(),
                    order.source.to_string(),
                    order.password.expose(),
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                (
                    1,
                    "Anna@example.com",
                    "imap.example.com:143 (starttls)".to_owned(),
                    " hunter2 "
                ),
                (3, "bert@example.com", "imap.example.com:993 (tls)".to_owned(), "x"),
            ]
        );
        let (_, bert) = &intake.rows[1];
        assert_eq!(
            (bert.source_user.as_str(), bert.destination.as_str()),
            ("b1", "bert@example.net")
        );
        assert_eq!(bert.destination_password.as_ref().map(Secret::expose), Some("y"));
        let faults: Vec<_> = intake
            .faults
            .iter()
            .map(|fault| (fault.row, fault.column.as_deref().unwrap(), fault.code))
            .collect();
        assert_eq!(
            faults,
            [
                (2, "email", FaultCode::BadAddress),
                (2, "password", FaultCode::EmptyValue),
                (2, "port", FaultCode::BadPort),
                (2, "security", FaultCode::PlaintextRefused),
            ]
        );
    }

    #[test]
    fn unknown_fields_are_refused_and_debug_shows_no_password() {
        assert!(
            serde_json::from_str::<FormMailbox>(r#"{"email": "a", "password": "b", "source_host": "c", "prot": 1}"#)
                .is_err()
        );
        let form = mailboxes(
            r#"[{"email": "a", "password": "hunter2", "source_host": "c", "destination_password": "hunter3"}]"#,
        );
        assert!(!format!("{form:?}").contains("hunter"));
    }

    #[test]
    fn too_many_and_none_are_faults() {
        let one = mailboxes(r#"[{"email": "a@example.com", "password": "b", "source_host": "c"}]"#);
        let many: Vec<_> = std::iter::repeat_n(one, MAX_ROWS + 1).flatten().collect();
        let intake = orders_from_form(&many, Policy::STRICT);
        assert_eq!(
            intake.faults.last().map(|fault| fault.code),
            Some(FaultCode::TooManyRows)
        );
        assert_eq!(
            orders_from_form(&[], Policy::STRICT)
                .faults
                .first()
                .map(|fault| fault.code),
            Some(FaultCode::NoRows)
        );
    }
}
