//! One look at a mailbox.

use std::time::Duration;

use super::{Belief, Finding, destination, source, suggest};
use crate::clock::Deadline;
use crate::domain::{CheckFault, EmailAddress, MailboxSize};
use crate::imap::folder::{self, ListedFolder};
use crate::imap::quota::{Quota, quota};
use crate::imap::{Count, ImapError, Session, count_all, weigh};
use crate::profile::Profile;
use crate::sync::{Access, Mailbox};

/// What is left of a run's time for guessing what was meant, and for writing it down.
const MARGIN: Duration = Duration::from_secs(15);

/// What is left for the rest when counting is given up: less than that is not worth beginning it.
const COUNTING_ENDS: Duration = Duration::from_secs(3);

/// Where a server tells no sizes, folders are weighed until so many messages have been seen; the rest
/// is taken to weigh the same on average.
const WEIGHED_MESSAGES: u64 = 50_000;

/// What a look found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How much there is to copy, where it could be counted.
    pub size: Option<MailboxSize>,
    /// What is wrong, on either side.
    pub findings: Vec<Finding>,
    /// Whether the previous provider's server said that it has too many connections.
    pub is_crowded: bool,
}

impl Looked {
    /// What is found out without a server at the previous provider.
    pub fn without_source(fault: CheckFault) -> Self {
        Self {
            findings: vec![Finding {
                fault,
                belief: Belief::AtOnce,
            }],
            ..Self::default()
        }
    }
}

/// Looks at a mailbox on both sides at the same time.
pub async fn look<L>(
    mailbox: &Mailbox<L>,
    domain: &str,
    to: &EmailAddress,
    profile: &Profile,
    deadline: Deadline,
) -> Looked {
    let limit = deadline.remaining().saturating_sub(MARGIN);
    let (there, here) = tokio::join!(
        within(limit, size(mailbox, limit)),
        within(limit, room(&mailbox.destination))
    );
    let mut looked = Looked::default();
    match there {
        Ok(size) => looked.size = size,
        Err(error) => {
            looked.is_crowded = matches!(error, ImapError::LoginRefused { passing: true, .. });
            let endpoint = &mailbox.source.endpoint;
            let mut finding = source::fault(&error, endpoint);
            let connector = &mailbox.source.connector;
            suggest::complete(&mut finding.fault, &error, endpoint, domain, connector).await;
            looked.findings.push(finding);
        }
    }
    match here {
        Ok(quota) => {
            // With a range of days nobody knows how much of it is copied.
            let size = looked.size.filter(|_| mailbox.options.dates.is_open());
            let fault = size.and_then(|size| destination::room(quota, size, to));
            looked.findings.extend(fault.map(|fault| Finding {
                fault,
                belief: Belief::AtOnce,
            }));
        }
        Err(error) => looked.findings.push(destination::fault(&error, to, profile)),
    }
    looked
}

async fn within<T>(limit: Duration, side: impl Future<Output = Result<T, ImapError>>) -> Result<T, ImapError> {
    let timed = tokio::time::timeout(limit, side).await;
    timed.unwrap_or(Err(ImapError::TimedOut {
        command: "check",
        seconds: limit.as_secs(),
    }))
}

async fn room(access: &Access) -> Result<Option<Quota>, ImapError> {
    let mut session = access.open().await?;
    let quota = quota(&mut session).await?;
    // Whether folders can be listed is found out too, as the planning will do it.
    folder::list(&mut session).await?;
    session.logout().await;
    Ok(quota)
}

/// How much there is to copy; none where the server lets us in and lists its folders, and is too slow to be
/// counted in this time. That is no fault of the customer's.
async fn size<L>(mailbox: &Mailbox<L>, limit: Duration) -> Result<Option<MailboxSize>, ImapError> {
    let deadline = Deadline::after(limit);
    let mut session = mailbox.source.open().await?;
    let (_, listed) = folder::list(&mut session).await?;
    let is_copied = |folder: &&ListedFolder| folder.selectable && mailbox.options.takes(&folder.path);
    let names: Vec<&str> = listed
        .iter()
        .filter(is_copied)
        .map(|folder| folder.wire_name.as_str())
        .collect();
    let left = deadline.remaining().saturating_sub(COUNTING_ENDS);
    let Ok(size) = tokio::time::timeout(left, sized(&mut session, &names, deadline)).await else {
        tracing::info!(folders = names.len(), "the source is too slow to be counted");
        return Ok(None);
    };
    let size = size?;
    session.logout().await;
    Ok(Some(size))
}

async fn sized(session: &mut Session, names: &[&str], deadline: Deadline) -> Result<MailboxSize, ImapError> {
    let counts = count_all(session, names).await?;
    let messages: u64 = counts.iter().flatten().map(|count| count.messages).sum();
    let known: u64 = counts.iter().flatten().filter_map(|count| count.bytes).sum();
    let size = |bytes: u64, is_estimate| MailboxSize {
        folders: u32::try_from(names.len()).unwrap_or(u32::MAX),
        messages: i64::try_from(messages).unwrap_or(i64::MAX),
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        is_estimate,
    };
    let mut unweighed: Vec<(&str, u64)> = names
        .iter()
        .zip(&counts)
        .filter_map(|(name, count)| Some((*name, (*count)?)))
        .filter(|(_, count)| count.bytes.is_none() && count.messages > 0)
        .map(|(name, count)| (name, count.messages))
        .collect();
    if unweighed.is_empty() {
        return Ok(size(known, false));
    }
    // The small ones first: many folders tell more than one.
    unweighed.sort_by_key(|(_, messages)| *messages);
    let mut seen = 0;
    let within: Vec<&str> = unweighed
        .iter()
        .take_while(|(_, messages)| {
            let takes = seen == 0 || seen + messages <= WEIGHED_MESSAGES;
            seen += messages;
            takes
        })
        .map(|(name, _)| *name)
        .collect();
    let weighed = weigh(session, &within, || deadline.remaining() > MARGIN).await?;
    let rest: u64 = unweighed.iter().map(|(_, messages)| messages).sum();
    Ok(size(known + scaled(weighed, rest), weighed.messages < rest))
}

/// The bytes of so many messages, where these are a part of them.
fn scaled(weighed: Count, messages: u64) -> u64 {
    let bytes = u128::from(weighed.bytes.unwrap_or_default());
    let scaled = bytes * u128::from(messages) / u128::from(weighed.messages.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_messages_are_taken_to_weigh_the_same() {
        let weighed = |messages, bytes| Count {
            messages,
            bytes: Some(bytes),
        };
        assert_eq!(scaled(weighed(10, 1000), 10), 1000);
        assert_eq!(scaled(weighed(10, 1000), 25), 2500);
        assert_eq!(scaled(weighed(0, 0), 25), 0);
        assert_eq!(scaled(weighed(1, u64::MAX), u64::MAX), u64::MAX);
    }
}
