//! The mails that the functions sent, as the emulator keeps them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A mail that SES accepted.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Mail {
    /// SES's own id of it.
    #[serde(rename = "MessageId")]
    pub id: String,
    /// The sender's address.
    #[serde(rename = "Source")]
    pub from: String,
    /// The addresses in `To`.
    #[serde(rename = "To")]
    pub to: Vec<String>,
    /// The subject, decoded.
    #[serde(rename = "Subject")]
    pub subject: String,
    /// The plain text body, its lines as `\n`; empty where there is none.
    #[serde(rename = "BodyText", default)]
    pub text: String,
    /// The HTML body, where there is one.
    #[serde(rename = "BodyHtml", default)]
    pub html: Option<String>,
    /// When it was sent, in seconds since 1970.
    #[serde(rename = "Timestamp")]
    pub sent_at_seconds: f64,
}

#[derive(Deserialize)]
struct Inbox {
    messages: BTreeMap<String, Vec<Mail>>,
}

/// Returns all mails that were sent through the emulator at `endpoint`, the oldest first.
///
/// # Errors
///
/// Fails when the emulator does not answer, or answers in another shape than is known here.
pub async fn read(endpoint: &str) -> Result<Vec<Mail>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("{endpoint}/_ministack/ses/messages")).send().await;
    let body = answer
        .and_then(reqwest::Response::error_for_status)
        .context("cannot read the sent mails")?
        .bytes()
        .await?;
    parse(&body)
}

fn parse(body: &[u8]) -> Result<Vec<Mail>> {
    let inbox: Inbox = serde_json::from_slice(body).context("the emulator's inbox has an unknown shape")?;
    let mut mails: Vec<Mail> = inbox.messages.into_values().flatten().collect();
    for mail in &mut mails {
        mail.text = mail.text.replace("\r\n", "\n");
    }
    mails.sort_by(|one, other| one.sent_at_seconds.total_cmp(&other.sent_at_seconds));
    Ok(mails)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_come_in_the_order_of_their_sending_with_plain_line_ends() {
        let mail = |id: &str, at: f64| {
            serde_json::json!({
                "MessageId": id, "Source": "migration@example.net", "To": ["a@example.org"], "CC": [], "BCC": [],
                "Subject": "s", "BodyText": "b\r\nc", "BodyHtml": "", "Timestamp": at, "Type": "v2.SendEmail"
            })
        };
        let body = serde_json::json!({"messages": {"000000000000": [mail("second", 2.5), mail("first", 1.0)]}});
        let mails = parse(body.to_string().as_bytes()).unwrap();
        let ids: Vec<_> = mails.iter().map(|mail| mail.id.as_str()).collect();
        assert_eq!(ids, ["first", "second"]);
        assert_eq!(mails[0].text, "b\nc");
    }

    #[test]
    fn an_inbox_without_mails_is_empty() {
        assert_eq!(parse(br#"{"messages": {}}"#).unwrap(), []);
    }
}
