//! One look at a mailbox.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Belief, Finding, destination, source, suggest};
use crate::clock::Deadline;
use crate::domain::servers::CAPABILITIES;
use crate::domain::{CheckFault, EmailAddress, MailboxSize, Servers, TooLarge};
use crate::imap::folder::{self, ListedFolder};
use crate::imap::quota::{Quota, quota};
use crate::imap::{ImapError, Session, Weighed, count_all, weigh};
use crate::profile::Profile;
use crate::sync::{Access, Mailbox};

/// What is left of a run's time for guessing what was meant, and for writing it down.
const MARGIN: Duration = Duration::from_secs(15);

/// What is left for the rest when counting is given up: less than that is not worth beginning it.
const COUNTING_ENDS: Duration = Duration::from_secs(3);

/// Where a server tells no sizes, folders are weighed until so many messages have been seen; the rest
/// is taken to weigh the same on average.
const WEIGHED_MESSAGES: u64 = 50_000;

/// How long the source waits to be told how large a message may be at the destination, which is asked at the same time.
const LIMIT_IS_TOLD: Duration = Duration::from_secs(10);

/// What a look found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How much there is to copy, where it could be counted.
    pub size: Option<MailboxSize>,
    /// What was learnt of the servers, where both were opened.
    pub servers: Option<Box<Servers>>,
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
    let (tell, told) = oneshot::channel();
    let (there, here) = tokio::join!(
        within(limit, there(mailbox, limit, told)),
        within(limit, here(&mailbox.destination, tell))
    );
    let mut looked = Looked::default();
    if let (Ok(there), Ok(here)) = (&there, &here) {
        looked.servers = Some(Box::new(Servers {
            source: there.capabilities.clone(),
            destination: here.capabilities.clone(),
            message_limit: here.message_limit,
            too_large: there.too_large.clone(),
        }));
    }
    match there {
        Ok(there) => looked.size = there.size,
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
        Ok(Here { quota, .. }) => {
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

/// What is found at the new provider.
struct Here {
    quota: Option<Quota>,
    capabilities: String,
    message_limit: Option<u64>,
}

/// What is found at the previous provider.
#[derive(Default)]
struct There {
    /// How much there is to copy; none where the server lets us in and lists its folders, and is too slow to be
    /// counted in this time. That is no fault of the customer's.
    size: Option<MailboxSize>,
    capabilities: String,
    too_large: TooLarge,
}

async fn here(access: &Access, tell: oneshot::Sender<Option<u64>>) -> Result<Here, ImapError> {
    let mut session = access.open().await?;
    let message_limit = session.capabilities().append_limit_bytes();
    // Where nobody listens any more, the source could not be opened.
    tell.send(message_limit).ok();
    let capabilities = session.capabilities().among(&CAPABILITIES);
    let quota = quota(&mut session).await?;
    // Whether folders can be listed is found out too, as the planning will do it.
    folder::list(&mut session).await?;
    session.logout().await;
    Ok(Here {
        quota,
        capabilities,
        message_limit,
    })
}

async fn there<L>(
    mailbox: &Mailbox<L>,
    limit: Duration,
    told: oneshot::Receiver<Option<u64>>,
) -> Result<There, ImapError> {
    let deadline = Deadline::after(limit);
    let mut session = mailbox.source.open().await?;
    let capabilities = session.capabilities().among(&CAPABILITIES);
    let (_, listed) = folder::list(&mut session).await?;
    let is_copied = |folder: &&ListedFolder| folder.selectable && mailbox.options.takes(&folder.path);
    let copied: Vec<&ListedFolder> = listed.iter().filter(is_copied).collect();
    let names: Vec<&str> = copied.iter().map(|folder| folder.wire_name.as_str()).collect();
    // With a range of days nobody knows which of the large messages are copied.
    let message_limit = if mailbox.options.dates.is_open() {
        let told = tokio::time::timeout(LIMIT_IS_TOLD, told).await;
        told.ok().and_then(Result::ok).flatten()
    } else {
        None
    };
    let left = deadline.remaining().saturating_sub(COUNTING_ENDS);
    let counting = sized(&mut session, &names, message_limit, deadline);
    let Ok(counted) = tokio::time::timeout(left, counting).await else {
        tracing::info!(folders = names.len(), "the source is too slow to be counted");
        return Ok(There {
            capabilities,
            ..There::default()
        });
    };
    let Counted {
        size,
        mut larger,
        suspects,
    } = counted?;
    // What is told of large messages is not worth the size, nor a fault: it has a time of its own.
    let weighing = weigh_folders(&mut session, &names, &suspects, message_limit, deadline);
    match tokio::time::timeout(deadline.remaining() / 2, weighing).await {
        Ok(Ok((_, found))) => {
            larger.extend(found);
            session.logout().await;
        }
        Ok(Err(error)) => tracing::info!(%error, "large messages could not be looked for"),
        Err(_) => tracing::info!("there are too many messages to look for large ones"),
    }
    let larger = larger.iter().filter_map(|(at, messages)| {
        let folder = copied.get(*at)?;
        Some((folder.path.join("/"), *messages))
    });
    Ok(There {
        size: Some(size),
        capabilities,
        too_large: TooLarge::of(larger),
    })
}

/// What was counted at the source.
struct Counted {
    size: MailboxSize,
    /// How many messages of folders that were weighed are larger than the limit, by their places.
    larger: Vec<(usize, u64)>,
    /// Folders that may have messages that are larger, with how many messages they have.
    suspects: Vec<(usize, u64)>,
}

async fn sized(
    session: &mut Session,
    names: &[&str],
    limit: Option<u64>,
    deadline: Deadline,
) -> Result<Counted, ImapError> {
    let counts = count_all(session, names).await?;
    let messages: u64 = counts.iter().flatten().map(|count| count.messages).sum();
    let known: u64 = counts.iter().flatten().filter_map(|count| count.bytes).sum();
    let size = |bytes: u64, is_estimate| MailboxSize {
        folders: u32::try_from(names.len()).unwrap_or(u32::MAX),
        messages: i64::try_from(messages).unwrap_or(i64::MAX),
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        is_estimate,
    };
    let mut unweighed: Vec<(usize, u64)> = Vec::new();
    let mut suspects: Vec<(usize, u64)> = Vec::new();
    for (at, count) in counts.iter().enumerate() {
        match count {
            Some(count) if count.messages > 0 && count.bytes.is_none() => unweighed.push((at, count.messages)),
            // A folder that is not larger has no message that is.
            Some(count) if limit.is_some() && count.bytes > limit => suspects.push((at, count.messages)),
            _ => {}
        }
    }
    // The small ones first: many folders tell more than one.
    unweighed.sort_by_key(|(_, messages)| *messages);
    suspects.sort_by_key(|(_, messages)| *messages);
    let first = unweighed.iter().take(1).map(|(_, messages)| *messages).sum();
    let within = within_messages(&unweighed, WEIGHED_MESSAGES.max(first));
    let (weighed, larger) = weigh_folders(session, names, within, limit, deadline).await?;
    let rest: u64 = unweighed.iter().map(|(_, messages)| messages).sum();
    let suspects = within_messages(&suspects, WEIGHED_MESSAGES).to_vec();
    Ok(Counted {
        size: size(known + scaled(&weighed, rest), weighed.messages < rest),
        larger,
        suspects,
    })
}

/// As many of these folders as have so many messages together.
fn within_messages(folders: &[(usize, u64)], most: u64) -> &[(usize, u64)] {
    let mut seen = 0;
    let count = folders.iter().take_while(|(_, messages)| {
        seen += messages;
        seen <= most
    });
    folders.get(..count.count()).unwrap_or_default()
}

/// Looks at the messages of folders one by one; also how many of each have more than `limit` bytes.
async fn weigh_folders(
    session: &mut Session,
    names: &[&str],
    folders: &[(usize, u64)],
    limit: Option<u64>,
    deadline: Deadline,
) -> Result<(Weighed, Vec<(usize, u64)>), ImapError> {
    let wire_names: Vec<&str> = folders.iter().filter_map(|(at, _)| names.get(*at).copied()).collect();
    let weighed = weigh(session, &wire_names, limit, || deadline.remaining() > MARGIN).await?;
    let places = folders.iter().map(|(at, _)| *at);
    let larger = places.zip(weighed.larger.iter().copied()).collect();
    Ok((weighed, larger))
}

/// The bytes of so many messages, where these are a part of them.
fn scaled(weighed: &Weighed, messages: u64) -> u64 {
    let bytes = u128::from(weighed.bytes);
    let scaled = bytes * u128::from(messages) / u128::from(weighed.messages.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_messages_are_taken_to_weigh_the_same() {
        let weighed = |messages, bytes| Weighed {
            messages,
            bytes,
            ..Weighed::default()
        };
        assert_eq!(scaled(&weighed(10, 1000), 10), 1000);
        assert_eq!(scaled(&weighed(10, 1000), 25), 2500);
        assert_eq!(scaled(&weighed(0, 0), 25), 0);
        assert_eq!(scaled(&weighed(1, u64::MAX), u64::MAX), u64::MAX);
    }
}
