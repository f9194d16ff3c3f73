//! What was read of a file, in short; for the tests beside the code and those of the corpus.

use super::{Fault, Intake, MailboxOrder, Secret};

/// What a customer would be shown, without the messages: `row:column:code`.
pub fn faults(intake: &Intake) -> Vec<String> {
    let shown = |fault: &Fault| {
        format!(
            "{}:{}:{}",
            fault.row,
            fault.column.as_deref().unwrap_or("-"),
            fault.code
        )
    };
    intake.faults.iter().map(shown).collect()
}

/// The rows, one line each.
pub fn rows(intake: &Intake) -> Vec<String> {
    let shown = |(row, order): &(u32, MailboxOrder)| {
        let source = if order.seeks_source {
            "sought".to_owned()
        } else {
            order.source.to_string()
        };
        let destination_password = order.destination_password.as_ref().map_or("-", Secret::expose);
        format!(
            "{row} {} {} {:?} {} {} {destination_password}",
            order.address,
            order.source_user,
            order.password.expose(),
            source,
            order.destination
        )
    };
    intake.rows.iter().map(shown).collect()
}
