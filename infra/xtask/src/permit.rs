//! `cargo xtask permit`: a permit by hand, for staff and for trying.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use mailvan_local::permit;

/// The longest reference of a ticket that orders take, in characters.
const LONGEST_TICKET: usize = 64;

#[derive(Args)]
pub struct Arguments {
    /// A domain or an address of the new provider that mail may be moved into
    #[arg(long = "for", value_name = "DOMAIN|ADDRESS", required = true)]
    mailboxes: Vec<String>,
    /// The customer's ticket, which is told of the orders
    #[arg(long, value_name = "REFERENCE", value_parser = read_ticket)]
    ticket: Option<String>,
    /// The file with the secret that is in Secrets Manager
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// For how many days orders can be made with it
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=365))]
    days: u16,
}

/// Prints a permit.
///
/// # Errors
///
/// Fails when the secret cannot be read or is too short to be one.
pub fn run(arguments: &Arguments) -> Result<()> {
    let path = &arguments.secret;
    let secret = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let secret = secret.trim_end_matches(['\r', '\n']);
    ensure!(
        secret.len() >= 32,
        "the secret has {} bytes; 32 are the least",
        secret.len()
    );
    let until = Timestamp::now() + SignedDuration::from_hours(i64::from(arguments.days) * 24);
    println!(
        "{}",
        permit::make(secret, &arguments.mailboxes, until, arguments.ticket.as_deref())
    );
    Ok(())
}

fn read_ticket(text: &str) -> Result<String> {
    let ticket = text.trim();
    // A permit with another one would be refused whole, as not ours.
    let is_shown = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let is_fit = ticket.chars().count() <= LONGEST_TICKET
        && ticket.chars().all(is_shown)
        && ticket.contains(|c: char| !matches!(c, '[' | ']' | '#' | ' '));
    ensure!(
        is_fit,
        "a reference has 1 to {LONGEST_TICKET} characters, all of them visible, and more than brackets and #"
    );
    Ok(ticket.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_what_orders_take() {
        assert_eq!(read_ticket(" #4711 ").unwrap(), "#4711");
        for text in ["", " ", "[#]", "47\u{200b}11", "47\n11", &"x".repeat(65)] {
            assert!(read_ticket(text).is_err(), "{text:?}");
        }
    }
}
