//! A mail to a ticket system that reads mail: it finds the ticket by the reference in the subject, where that is proven.

use super::Told;
use crate::notify::Mail;
use crate::profile::{Notices, Profile, TicketMailSettings};

/// The customer's mail, made one for the ticket system.
pub fn mail(mut mail: Mail, told: &Told, settings: &TicketMailSettings) -> Mail {
    (mail.subject, mail.text) = if let Some(caveat) = told.caveat() {
        // Without the reference in its subject it is filed in no ticket, where that one's customer could see it.
        (told.subject.clone(), format!("{caveat}\n\n{}", told.plain_text()))
    } else {
        // The reference has neither control characters nor brackets, and the notice's subject is one line.
        let reference = settings.subject.replace("{ticket}", &told.ticket);
        (format!("{reference} {}", told.subject), told.plain_text())
    };
    mail.html = format!("<pre style=\"white-space: pre-wrap\">{}</pre>", escaped(&mail.text));
    mail
}

/// The profile, with these mails' own sender if they have one.
pub fn sent_by(settings: &TicketMailSettings, profile: &Profile) -> Profile {
    let sender = settings
        .sender
        .clone()
        .unwrap_or_else(|| profile.notices.sender.clone());
    Profile {
        notices: Notices {
            sender,
            ..profile.notices.clone()
        },
        ..profile.clone()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::told::tests::{profile, told};
    use super::*;

    #[test]
    fn the_reference_stands_first_in_the_subject_and_words_stay_words() {
        let profile = profile();
        let settings = profile.tickets.as_ref().unwrap().email.clone().unwrap();
        let mut told = told();
        told.text = "Ben <b>&co</b>\n#close".to_owned();
        let empty = Mail {
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            calendar: None,
            apple: None,
        };
        let mail = mail(empty, &told, &settings);
        let expected = format!(
            "[Ticket ID: 4711] Your mailboxes have been moved (request {})",
            told.request
        );
        assert_eq!(mail.subject, expected);
        assert_eq!(mail.text, "Ben <b>&co</b>\n #close");
        assert!(
            mail.html.contains(">Ben &lt;b&gt;&amp;co&lt;/b&gt;\n #close<"),
            "{}",
            mail.html
        );
        told.is_internal = true;
        let internal = super::mail(mail.clone(), &told, &settings);
        assert_eq!(internal.subject, told.subject);
        assert!(
            internal.text.starts_with("Nur für Mitarbeiter, zu Ticket 4711."),
            "{}",
            internal.text
        );
        told.is_proven = false;
        let unproven = super::mail(mail, &told, &settings);
        assert_eq!(unproven.subject, told.subject);
        assert!(unproven.text.starts_with("Nur für Mitarbeiter: "), "{}", unproven.text);
        assert!(unproven.html.contains("\n\nBen &lt;b"), "{}", unproven.html);
        let own = TicketMailSettings {
            sender: Some("van@example.net".parse().unwrap()),
            ..settings
        };
        assert_eq!(sent_by(&own, &profile).notices.sender.as_str(), "van@example.net");
    }
}
