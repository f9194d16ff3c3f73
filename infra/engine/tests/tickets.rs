//! What ticket systems are told, by a server that checks it with code of its own.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test as a whole"
)]

use jiff::Timestamp;
use mailvan::domain::{Language, RequestId, RequestState, Secret};
use mailvan::imap::Connector;
use mailvan::imap::guard::AddressPolicy;
use mailvan::profile::{WhmcsEntry, WhmcsSettings};
use mailvan::tickets::signature::SigningKeys;
use mailvan::tickets::whmcs::Credentials;
use mailvan::tickets::{TicketError, Told, Webhook, Whmcs};
use mailvan_local::ticket_system::{CREDENTIALS, KEY, TicketSystem};
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;

async fn start(name: &str) -> TicketSystem {
    let root = workspace_root();
    let venv = Venv::prepare(&root).await.unwrap();
    TicketSystem::start(&venv, &root.join("target/local/tickets").join(name)).unwrap()
}

fn connector() -> Connector {
    Connector::try_new(AddressPolicy::Any, true, None).unwrap()
}

fn webhook(system: &TicketSystem, key: &str) -> Webhook {
    let keys = SigningKeys::parse(&Secret::from(key)).unwrap();
    Webhook::new(connector(), system.webhook_url().parse().unwrap(), keys)
}

fn whmcs_with(system: &TicketSystem, credentials: &str, write: WhmcsEntry, status: &str) -> Whmcs {
    let settings = WhmcsSettings {
        url: system.whmcs_url(),
        credentials_secret: "mailvan/tickets-whmcs".to_owned(),
        write,
        admin_user: (write == WhmcsEntry::Reply).then(|| "van".to_owned()),
        completed_status: Some(status.to_owned()),
    };
    let address = settings.url.parse().unwrap();
    let credentials = Credentials::parse(&Secret::from(credentials)).unwrap();
    Whmcs::new(connector(), address, credentials, settings)
}

fn whmcs(system: &TicketSystem, write: WhmcsEntry) -> Whmcs {
    whmcs_with(system, CREDENTIALS, write, "Closed")
}

/// The end of a request, for a ticket that is its customer's.
fn told(ticket: &str) -> Told {
    let request = RequestId::from_parts(1_795_600_000_000, [7; 10]);
    Told {
        id: format!("{request}-finished-1795428000"),
        about: "finished",
        at: "2026-11-23T10:00:00Z".to_owned(),
        ticket: ticket.to_owned(),
        request,
        state: RequestState::Completed,
        language: Language::English,
        is_proven: true,
        is_internal: false,
        is_whole: true,
        subject: "Your mailboxes have been moved".to_owned(),
        text: "Moved: <b>Ben & Co</b>\n- ün +&=%20\n#close".to_owned(),
    }
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

#[tokio::test]
async fn webhook_is_signed_and_known_again() {
    let system = start("webhook").await;
    let webhook = webhook(&system, KEY);
    let told = told("4711");
    webhook.tell(&told, now() - 5).await.unwrap();
    webhook.tell(&told, now()).await.unwrap();
    let calls = system.calls().await.unwrap();
    assert!(
        calls.iter().all(|call| call.wrong.is_none() && call.status == 204),
        "{calls:?}"
    );
    assert_eq!((calls[0].again, calls[1].again), (false, true), "{calls:?}");
    assert_eq!(calls[0].id.as_deref(), Some(told.id.as_str()));
    assert_eq!(calls[0].body["type"], "notice.finished");
    let data = &calls[0].body["data"];
    assert_eq!((&data["ticket"], &data["state"]), (&"4711".into(), &"completed".into()));
    assert_eq!(data["text"], told.text.as_str());
}

#[tokio::test]
async fn what_is_recorded_cannot_be_replayed_and_an_old_or_foreign_call_is_none() {
    let system = start("replay").await;
    let told = told("4711");
    let told_at = now();
    let ours = webhook(&system, KEY);
    ours.tell(&told, told_at).await.unwrap();
    let foreign = webhook(&system, &format!("whsec_{}", "A".repeat(40)));
    for (webhook, at, status, wrong) in [
        (&ours, told_at, 409, "a call was replayed"),
        (&ours, told_at - 900, 400, "the moment is too far away"),
        (&foreign, told_at, 401, "the signature is not ours"),
    ] {
        let error = webhook.tell(&told, at).await.unwrap_err();
        assert!(matches!(error, TicketError::Status(told) if told == status), "{error}");
        let last = system.calls().await.unwrap().pop().unwrap();
        assert_eq!(last.wrong.as_deref(), Some(wrong));
    }
}

#[tokio::test]
async fn webhook_that_is_not_taken_is_an_error_and_redirects_are_not_followed() {
    let system = start("webhook-fails").await;
    let webhook = webhook(&system, KEY);
    for (how, shown) in [
        ("unavailable", "the ticket system answered with 503 Service Unavailable"),
        ("elsewhere", "the ticket system answered with 307 Temporary Redirect"),
        ("hang", "the ticket system did not answer within 15 seconds"),
    ] {
        system.fail("webhook", None, how, 1).await.unwrap();
        let error = webhook.tell(&told("4711"), now()).await.unwrap_err();
        assert_eq!(error.to_string(), shown);
        assert!(!error.is_final() && !error.may_arrive_yet());
    }
    let calls = system.calls().await.unwrap();
    assert!(calls.iter().all(|call| call.path == "/hook"), "{calls:?}");
    webhook.tell(&told("4711"), now()).await.unwrap();
}

#[tokio::test]
async fn secrets_go_nowhere_without_tls_outside_a_local_stack() {
    let system = start("plain").await;
    let strict = Connector::try_new(AddressPolicy::Any, false, None).unwrap();
    let keys = SigningKeys::parse(&Secret::from(KEY)).unwrap();
    let webhook = Webhook::new(strict, system.webhook_url().parse().unwrap(), keys);
    let error = webhook.tell(&told("4711"), now()).await.unwrap_err();
    assert!(matches!(error, TicketError::Unreachable(_)), "{error}");
    assert!(system.calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn whmcs_gets_a_reply_and_the_status_once() {
    let system = start("whmcs-reply").await;
    let whmcs = whmcs(&system, WhmcsEntry::Reply);
    let told = told("4711");
    whmcs.tell(&told).await.unwrap();
    whmcs.tell(&told).await.unwrap();
    let ticket = system.ticket("4711").await.unwrap();
    assert_eq!((ticket.replies.len(), ticket.notes.len()), (1, 0), "{ticket:?}");
    let reply = &ticket.replies[0];
    assert_eq!((reply.admin.as_str(), reply.noemail.as_str()), ("van", "true"));
    let text = format!(
        "{}\n\nMoved: <b>Ben & Co</b>\n- ün +&=%20\n #close\n\nMailvan {}",
        told.subject, told.id
    );
    assert_eq!(reply.message, text.replace('\n', "\r\n"));
    assert_eq!(ticket.status, "Closed");
    let calls = system.calls().await.unwrap();
    assert!(calls.iter().all(|call| call.wrong.is_none()), "{calls:?}");
    let actions: Vec<_> = calls.iter().filter_map(|call| call.action.as_deref()).collect();
    assert_eq!(actions, ["GetTicket", "AddTicketReply", "UpdateTicket", "GetTicket"]);
}

#[tokio::test]
async fn a_status_is_set_when_everything_has_moved_only() {
    let system = start("whmcs-status").await;
    let whmcs = whmcs(&system, WhmcsEntry::Note);
    let halfway = Told {
        about: "first_pass_done",
        is_whole: false,
        state: RequestState::AwaitingCutover,
        ..told("4711")
    };
    let lossy = Told {
        id: "other".to_owned(),
        state: RequestState::CompletedWithExceptions,
        is_whole: false,
        ..told("4711")
    };
    for told in [halfway, lossy] {
        whmcs.tell(&told).await.unwrap();
        assert_eq!(system.ticket("4711").await.unwrap().status, "Open");
    }
    let ticket = system.ticket("4711").await.unwrap();
    assert_eq!((ticket.replies.len(), ticket.notes.len()), (0, 2), "{ticket:?}");
    let misspelt = whmcs_with(&system, CREDENTIALS, WhmcsEntry::Note, "Clsed");
    let error = misspelt.tell(&told("4711")).await.unwrap_err().to_string();
    assert!(error.contains("Invalid Ticket Status"), "{error}");
}

#[tokio::test]
async fn a_customer_who_names_anothers_ticket_shows_nothing_there_and_closes_nothing() {
    let system = start("whmcs-foreign").await;
    let anybodys = Told {
        is_proven: false,
        ..told("4711")
    };
    let whmcs = whmcs(&system, WhmcsEntry::Reply);
    whmcs.tell(&anybodys).await.unwrap();
    let ticket = system.ticket("4711").await.unwrap();
    assert_eq!((ticket.replies.len(), ticket.notes.len()), (0, 1), "{ticket:?}");
    let note = &ticket.notes[0].message;
    assert!(
        note.starts_with("For staff alone: the order names ticket 4711"),
        "{note}"
    );
    assert_eq!(ticket.status, "Open");
    // A receiver can tell the two apart.
    let webhook = webhook(&system, KEY);
    webhook.tell(&anybodys, now()).await.unwrap();
    webhook
        .tell(
            &Told {
                id: "proven".to_owned(),
                ..told("4711")
            },
            now(),
        )
        .await
        .unwrap();
    let calls = system.calls().await.unwrap();
    let proven = calls.iter().filter_map(|call| call.body["data"]["proven"].as_bool());
    assert_eq!(proven.collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_notice_whose_end_was_unknown_is_found_and_not_written_again() {
    let system = start("whmcs-late").await;
    let whmcs = whmcs(&system, WhmcsEntry::Reply);
    system.fail("whmcs", Some("AddTicketReply"), "late", 1).await.unwrap();
    let error = whmcs.tell(&told("4711")).await.unwrap_err();
    assert!(error.may_arrive_yet() && !error.is_final(), "{error}");
    whmcs.tell(&told("4711")).await.unwrap();
    let ticket = system.ticket("4711").await.unwrap();
    assert_eq!(
        (ticket.replies.len(), ticket.status.as_str()),
        (1, "Closed"),
        "{ticket:?}"
    );
}

#[tokio::test]
async fn a_ticket_that_is_not_there_is_final() {
    let system = start("whmcs-unknown").await;
    let error = whmcs(&system, WhmcsEntry::Note).tell(&told("9999")).await.unwrap_err();
    assert!(error.is_final(), "{error}");
}

#[tokio::test]
async fn whmcs_says_no_in_words_that_repeat_no_secret() {
    let system = start("whmcs-fails").await;
    let ours = whmcs(&system, WhmcsEntry::Note);
    let locked_out = whmcs_with(&system, "wrong\nwrong", WhmcsEntry::Note, "Closed");
    let error = locked_out.tell(&told("4711")).await.unwrap_err();
    assert_eq!(error.to_string(), "the ticket system refused: Invalid IP 127.0.0.1");
    for (action, how, shown) in [
        (
            "GetTicket",
            "unavailable",
            "the ticket system answered with 503 Service Unavailable",
        ),
        (
            "GetTicket",
            "error",
            "the ticket system refused: its words repeat what is secret",
        ),
        (
            "GetTicket",
            "nonsense",
            "the connection to the ticket system failed: its answer is not one of the API",
        ),
        (
            "GetTicket",
            "elsewhere",
            "the ticket system answered with 307 Temporary Redirect",
        ),
        (
            "AddTicketNote",
            "unavailable",
            "the ticket system answered with 503 Service Unavailable; whether it arrived is not known yet",
        ),
    ] {
        system.fail("whmcs", Some(action), how, 1).await.unwrap();
        let error = ours.tell(&told("4711")).await.unwrap_err();
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.may_arrive_yet(), action == "AddTicketNote");
    }
    system.fail("whmcs", Some("AddTicketNote"), "error", 1).await.unwrap();
    let error = ours.tell(&told("4711")).await.unwrap_err().to_string();
    assert!(error.len() < 250 && !error.contains('\r'), "{error}");
    assert!(system.ticket("4711").await.unwrap().notes.is_empty());
    ours.tell(&told("4711")).await.unwrap();
    assert_eq!(system.ticket("4711").await.unwrap().notes.len(), 1);
}
