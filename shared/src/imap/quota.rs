//! How much room a mailbox has (RFC 9208, and RFC 2087 before it).

use super::error::ImapError;
use super::response::Data;
use super::session::Session;
use super::value::Value;

const GETQUOTAROOT: &str = "GETQUOTAROOT";

/// The servers count in units of this many bytes.
const UNIT_BYTES: u64 = 1024;

/// A limit of a mailbox's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What is used of it.
    pub used_bytes: u64,
    /// The limit.
    pub limit_bytes: u64,
}

impl Quota {
    /// What is left.
    pub fn free_bytes(self) -> u64 {
        self.limit_bytes.saturating_sub(self.used_bytes)
    }
}

/// The limit that leaves the least room in the mailbox; `None` where there is none, or the server does
/// not tell.
///
/// # Errors
/// [`ImapError`] where the session is lost.
pub async fn quota(session: &mut Session) -> Result<Option<Quota>, ImapError> {
    if !session.capabilities().has("QUOTA") {
        return Ok(None);
    }
    match session.run(GETQUOTAROOT, "GETQUOTAROOT INBOX").await {
        Ok(data) => Ok(tightest(&data)),
        Err(ImapError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn tightest(data: &[Data]) -> Option<Quota> {
    let quotas = data.iter().filter(|data| data.name == "QUOTA");
    quotas.filter_map(storage).min_by_key(|quota| quota.free_bytes())
}

/// The storage of a QUOTA answer: `"User quota" (STORAGE 3 1024 MESSAGE 7 100)`.
fn storage(answer: &Data) -> Option<Quota> {
    let resources = answer.values.iter().rev().find_map(|value| match value {
        Value::List(resources) => Some(resources),
        _ => None,
    })?;
    let [_, used, limit] = resources.chunks_exact(3).find(|resource| {
        resource
            .first()
            .and_then(Value::text)
            .is_some_and(|name| name.eq_ignore_ascii_case("STORAGE"))
    })?
    else {
        return None;
    };
    Some(Quota {
        used_bytes: used.number::<u64>()?.saturating_mul(UNIT_BYTES),
        limit_bytes: limit.number::<u64>()?.saturating_mul(UNIT_BYTES),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::imap::response::{Response, parse_response};

    fn quota_of(lines: &[&str]) -> Option<Quota> {
        let data = lines.iter().map(|line| {
            let Response::Data(data) = parse_response(&Bytes::from((*line).to_owned())) else {
                panic!("{line}");
            };
            data
        });
        tightest(&data.collect::<Vec<_>>())
    }

    #[test]
    fn tightest_limit_counts() {
        let quota = quota_of(&[
            "* QUOTAROOT INBOX \"User quota\" \"Domain\"",
            "* QUOTA \"User quota\" (MESSAGE 7 100 STORAGE 10 1024)",
            "* QUOTA Domain (STORAGE 1000 1020)",
        ]);
        let expected = Quota {
            used_bytes: 1000 * 1024,
            limit_bytes: 1020 * 1024,
        };
        assert_eq!(quota, Some(expected));
    }

    #[test]
    fn mailbox_without_a_limit_has_none() {
        assert_eq!(quota_of(&["* QUOTAROOT INBOX", "* QUOTA \"\" ()"]), None);
        assert_eq!(quota_of(&["* QUOTA x (MESSAGE 1 2)"]), None);
        assert_eq!(quota_of(&["* QUOTA x (STORAGE 1)"]), None);
    }
}
