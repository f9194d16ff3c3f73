//! The ceilings: a folder belongs to one connection, and the connections share the bytes evenly.

use std::cmp::Reverse;

use anyhow::{Result, anyhow};

use crate::account::Mailbox;
use crate::append::Stack;
use crate::measure::{Taken, within};
use crate::{append, drain};

/// Reads everything.
pub fn drain(source: &Mailbox, connections: usize) -> Result<Taken> {
    let folders = source.folders()?;
    let lots = lots(&folders, connections, |folder| folder.bytes);
    within(|| {
        at_once(
            lots.iter().map(|lot| || drain::drain(source, lot)),
            Vec::<fn() -> Result<()>>::new(),
        )
    })
}

/// Writes everything, after reading it.
pub fn append(source: &Mailbox, destination: &Mailbox, connections: usize) -> Result<Taken> {
    let stacks = read(source, destination)?;
    let lots = lots(&stacks, connections, bytes);
    within(|| {
        at_once(
            lots.iter().map(|lot| || append::append(destination, lot)),
            Vec::<fn() -> Result<()>>::new(),
        )
    })
}

/// Does both at the same time, with as many connections to each side. What is written was read before: nothing here
/// waits for anything but the servers.
pub fn both(source: &Mailbox, destination: &Mailbox, connections: usize) -> Result<Taken> {
    let folders = source.folders()?;
    let stacks = read(source, destination)?;
    let reading = lots(&folders, connections, |folder| folder.bytes);
    let writing = lots(&stacks, connections, bytes);
    within(|| {
        at_once(
            reading.iter().map(|lot| || drain::drain(source, lot)),
            writing.iter().map(|lot| || append::append(destination, lot)),
        )
    })
}

/// All messages of the source; their folders exist at the destination afterwards.
fn read(source: &Mailbox, destination: &Mailbox) -> Result<Vec<Stack>> {
    let mut client = destination.connect()?;
    let mut stacks = Vec::new();
    for folder in source.folders()?.into_iter().filter(|folder| folder.messages > 0) {
        if let Err(error) = client.command(&format!("CREATE {}", folder.name)) {
            let there = ["ALREADYEXISTS", "INBOX"]
                .iter()
                .any(|words| error.to_string().contains(words));
            if !there {
                return Err(error);
            }
        }
        let messages = source.read(&folder)?;
        stacks.push((folder.name, messages));
    }
    Ok(stacks)
}

fn bytes(stack: &Stack) -> usize {
    stack.1.iter().map(Vec::len).sum()
}

/// Deals things out: each, the largest first, to the lot that has the least.
fn lots<T>(things: &[T], count: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<&T>> {
    let mut lots: Vec<(usize, Vec<&T>)> = (0..count.max(1)).map(|_| (0, Vec::new())).collect();
    let mut sorted: Vec<&T> = things.iter().collect();
    sorted.sort_by_key(|thing| Reverse(size(thing)));
    for thing in sorted {
        if let Some((sum, lot)) = lots.iter_mut().min_by_key(|(sum, _)| *sum) {
            *sum += size(thing);
            lot.push(thing);
        }
    }
    lots.into_iter()
        .map(|(_, lot)| lot)
        .filter(|lot| !lot.is_empty())
        .collect()
}

/// Runs all of it, each on a thread of its own.
fn at_once<R, W>(readers: impl IntoIterator<Item = R>, writers: impl IntoIterator<Item = W>) -> Result<()>
where
    R: FnOnce() -> Result<()> + Send,
    W: FnOnce() -> Result<()> + Send,
{
    std::thread::scope(|scope| {
        let mut threads: Vec<_> = readers.into_iter().map(|work| scope.spawn(work)).collect();
        threads.extend(writers.into_iter().map(|work| scope.spawn(work)));
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked")).flatten());
        ended.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_even() {
        let lots = lots(&[9, 1, 4, 5], 2, |size| *size);
        assert_eq!(lots, [vec![&9, &1], vec![&5, &4]]);
    }
}
