//! What the status shows of the mail to a mailbox's owner.

use mailvan::store::OwnerMail;
use serde::Serialize;

/// The mail to a mailbox's owner.
#[derive(Serialize)]
pub struct OwnerMailView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    told_at: Option<&'a str>,
    /// It did not arrive, or was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'static str>,
}

impl<'a> OwnerMailView<'a> {
    /// Nothing until it was sent or given up.
    pub fn of(owner: &'a OwnerMail) -> Option<Self> {
        let trouble = match (owner.fate, &owner.error_code) {
            (Some(fate), _) => Some(fate.as_str()),
            (None, Some(_)) => Some("not_sent"),
            (None, None) => None,
        };
        (owner.told_at.is_some() || trouble.is_some()).then_some(Self {
            told_at: owner.told_at.as_deref(),
            trouble,
        })
    }
}

#[cfg(test)]
mod tests {
    use mailvan::store::MailFate;
    use serde_json::{Value, json};

    use super::*;

    fn shown(told_at: Option<&str>, fate: Option<MailFate>, error_code: Option<&str>) -> Value {
        let owner = OwnerMail {
            told_at: told_at.map(str::to_owned),
            fate,
            error_code: error_code.map(str::to_owned),
        };
        json!(OwnerMailView::of(&owner))
    }

    #[test]
    fn the_status_tells_whether_an_owner_was_told() {
        let then = "2026-11-27T02:00:00Z";
        assert_eq!(shown(None, None, None), Value::Null);
        assert_eq!(shown(Some(then), None, None), json!({ "told_at": then }));
        assert_eq!(
            shown(Some(then), Some(MailFate::Bounced), None),
            json!({ "told_at": then, "trouble": "bounced" })
        );
        assert_eq!(shown(None, None, Some("gave_up")), json!({ "trouble": "not_sent" }));
    }
}
