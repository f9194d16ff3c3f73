use crate::domain::{Language, TicketSystem};
use crate::profile::{Profile, ProfileError, Tickets, Unproven, WhmcsEntry};

const EXAMPLE: &str = include_str!("../../../infra/profile.example.toml");

const SHORTEST: &str = r#"[provider]
name = "Example Hosting"
time_zone = "Europe/Berlin"
[destination.imap]
host = "imap.example.net"
auth = "password"
[notices]
sender = "migration@example.net"
"#;

fn with(tables: &str) -> Result<Option<Tickets>, ProfileError> {
    Profile::parse(&format!("{SHORTEST}{tables}")).map(|profile| profile.tickets.map(|tickets| *tickets))
}

#[test]
fn the_example_tells_all_three() {
    let tickets = Profile::parse(EXAMPLE).unwrap().tickets.unwrap();
    let all = [TicketSystem::Webhook, TicketSystem::Whmcs, TicketSystem::Email];
    assert!(tickets.systems().eq(all));
    assert_eq!(tickets.language, Some(Language::English));
    assert_eq!(tickets.unproven, Unproven::Note);
    assert_eq!(tickets.whmcs.unwrap().write, WhmcsEntry::Reply);
    assert_eq!(tickets.email.unwrap().subject, "[Ticket ID: {ticket}]");
}

#[test]
fn without_the_table_nobody_is_told() {
    assert_eq!(with("").unwrap(), None);
}

#[test]
fn a_system_has_defaults() {
    let tickets = with("[tickets.email]\naddress = \"help@example.net\"\n")
        .unwrap()
        .unwrap();
    let mail = tickets.email.as_ref().unwrap();
    assert_eq!((mail.subject.as_str(), &mail.sender), ("[Ticket ID: {ticket}]", &None));
    let whmcs = "[tickets.whmcs]\nurl = \"https://billing.example.net/includes/api.php\"\ncredentials_secret = \"mailvan/tickets-whmcs\"\n";
    let whmcs = with(whmcs).unwrap().unwrap().whmcs.unwrap();
    assert_eq!((whmcs.write, whmcs.completed_status), (WhmcsEntry::Note, None));
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    let webhook = |url: &str| format!("[tickets.webhook]\nurl = \"{url}\"\nkey_secret = \"mailvan/tickets\"\n");
    let whmcs = |more: &str| {
        format!(
            "[tickets.whmcs]\nurl = \"https://b.example/api.php\"\ncredentials_secret = \"mailvan/tickets-w\"\n{more}\n"
        )
    };
    let mail = |more: &str| format!("[tickets.email]\naddress = \"help@example.net\"\n{more}\n");
    for (tables, line, key) in [
        ("[tickets]\nlanguage = \"de\"\n".to_owned(), 9, "tickets"),
        (
            "[tickets]\nunproven = \"reply\"\n".to_owned() + &webhook("https://tickets.example.net/"),
            10,
            "tickets.unproven",
        ),
        (webhook("tickets.example.net"), 10, "tickets.webhook.url"),
        (webhook("http://tickets.example.net/"), 10, "tickets.webhook.url"),
        (webhook("http://127.0.0.1.example.net/"), 10, "tickets.webhook.url"),
        (webhook("https://u:p@tickets.example.net/"), 10, "tickets.webhook.url"),
        (webhook("https://tickets.example.net/a b"), 10, "tickets.webhook.url"),
        (webhook("https:///x"), 10, "tickets.webhook.url"),
        (
            webhook("https://tickets.example.net/").replace("mailvan/tickets", "mailvan/destination-master"),
            11,
            "tickets.webhook.key_secret",
        ),
        (whmcs("write = \"reply\""), 9, "tickets.whmcs.admin_user"),
        (whmcs("admin_user = \"van\""), 12, "tickets.whmcs.admin_user"),
        (whmcs("write = \"letter\""), 12, "tickets.whmcs.write"),
        (whmcs("completed_status = \"\""), 12, "tickets.whmcs.completed_status"),
        (whmcs("status = \"Closed\""), 12, "tickets.whmcs.status"),
        (mail("subject = \"[Ticket]\""), 11, "tickets.email.subject"),
        (
            mail("subject = \"{ticket}\\nBcc: x@example.com\""),
            11,
            "tickets.email.subject",
        ),
        (mail("sender = \"nobody\""), 11, "tickets.email.sender"),
    ] {
        let error = with(&tables).unwrap_err();
        assert_eq!(
            (error.line, error.key.as_deref()),
            (Some(line), Some(key)),
            "{tables}: {error}"
        );
    }
    assert!(with(&webhook("http://127.0.0.1:8080/hook")).is_ok());
}

#[test]
fn what_logs_in_may_not_be_given_their_secrets() {
    for name in ["mailvan/tickets-whmcs", "mailvan/order-permits"] {
        let login = format!("\"master\"\nmaster_user = \"m\"\nmaster_password_secret = \"{name}\"");
        let error = Profile::parse(&SHORTEST.replace("\"password\"", &login)).unwrap_err();
        let key = "destination.imap.master_password_secret";
        assert_eq!((error.line, error.key.as_deref()), (Some(8), Some(key)));
    }
}
