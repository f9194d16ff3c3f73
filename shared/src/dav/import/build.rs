//! From a group of components to the object that is stored.

use std::io;

use super::{Import, Journal};
use crate::dav::calendar;
use crate::dav::contact::{self, Fault};
use crate::dav::meaning::meaning;
use crate::dav::objects::{Component, Piece};
use crate::dav::scan::MAX_OBJECT_BYTES;
use crate::dav::spool::Spool;
use crate::dav::{Built, Problem, table, time_zone};

/// An object, or why there is none.
pub(super) struct Outcome {
    /// The object.
    pub built: Option<Built>,
    /// The line it begins on, and its file.
    pub place: Problem,
    /// What is to be told of it.
    pub problems: Vec<Problem>,
    /// How many of its pieces are not in the object.
    pub lost: u64,
}

/// What became of pieces.
#[derive(Default)]
struct Made {
    built: Option<Built>,
    /// Why some are not in it.
    lost: Vec<Fault>,
    /// What else is to be told.
    notes: Vec<Fault>,
}

impl<J: Journal> Import<'_, J> {
    /// Builds the object of a group.
    pub(super) fn build(&mut self, number: usize) -> io::Result<Outcome> {
        let group = self.groups.get(number);
        let pieces = group.map_or_else(Vec::new, |group| self.spool.index.pieces_of(group).cloned().collect());
        build(&mut self.spool, &pieces)
    }
}

/// Builds the object of these pieces, which have one UID.
pub(super) fn build(spool: &mut Spool, pieces: &[Piece]) -> io::Result<Outcome> {
    let (part, line) = pieces.first().map_or((0, 0), |piece| (piece.part, piece.line));
    let made = match pieces.first().map(|piece| piece.component) {
        Some(Component::Card | Component::Row) => contact_of(spool, pieces)?,
        _ => entry_of(spool, pieces)?,
    };
    let place = spool.index.problem(part, line, "");
    let lost = made.lost.len() as u64;
    let problems = made.lost.into_iter().chain(made.notes);
    let problems = problems.map(|(line, reason)| spool.index.problem(part, line, &reason));
    Ok(Outcome {
        built: made.built,
        place,
        problems: problems.collect(),
        lost,
    })
}

fn contact_of(spool: &mut Spool, pieces: &[Piece]) -> io::Result<Made> {
    let mut made = Made::default();
    let mut first: Option<(u64, [u8; 16])> = None;
    for piece in pieces {
        let bytes = spool.read((piece.start, piece.end))?;
        let built = if piece.component == Component::Row {
            let headings = spool
                .index
                .headings
                .get(&piece.part)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let card = table::card(headings, &bytes).map(contact::Card::finish_as_object);
            card.ok_or_else(|| (piece.line, "the row is empty".to_owned()))
        } else {
            contact::build(&bytes, piece.line)
        };
        match (built, first) {
            (Ok(built), None) => {
                first = Some((piece.line, meaning(&built.text)));
                made.built = Some(built);
            }
            (Ok(built), Some((line, said))) if meaning(&built.text) != said => {
                let why = format!("the contact on line {line} has the same UID; that one was taken");
                made.lost.push((piece.line, why));
            }
            (Ok(_), Some(_)) => {}
            (Err(fault), _) => made.lost.push(fault),
        }
    }
    Ok(made)
}

fn entry_of(spool: &mut Spool, pieces: &[Piece]) -> io::Result<Made> {
    let mut made = Made::default();
    if spool.index.bytes_of(pieces.iter()) > MAX_OBJECT_BYTES {
        let why = "with its time zones and all entries of its UID it is larger than 10 MiB";
        made.lost = pieces.iter().map(|piece| (piece.line, why.to_owned())).collect();
        return Ok(made);
    }
    let container = pieces.first().and_then(|piece| spool.index.container(piece)).cloned();
    let mut entries = Vec::new();
    for piece in pieces {
        let bytes = spool.read((piece.start, piece.end))?;
        let version = spool.index.container(piece).and_then(|own| own.version.as_deref());
        match calendar::read(piece.component, &bytes, piece.line, version == Some("1.0")) {
            Ok(mut entry) => {
                made.notes.append(&mut entry.left_out);
                entries.push((entry, piece));
            }
            Err(fault) => made.lost.push(fault),
        }
    }
    if entries.is_empty() {
        return Ok(made);
    }
    let (chosen, not_chosen) = calendar::chosen(entries);
    made.lost.extend(not_chosen);
    let (entries, chosen): (Vec<_>, Vec<&Piece>) = chosen.into_iter().unzip();
    let line = chosen.first().map_or(0, |piece| piece.line);
    let zones = spool.index.zones_of(chosen);
    let mut definitions = Vec::new();
    for range in zones.ranges {
        definitions.push(spool.read(range)?);
    }
    for name in zones.undefined {
        let name = name.unwrap_or_default();
        if let Some(definition) = time_zone::definition(&name) {
            definitions.push(definition.into_bytes());
        } else {
            let why = format!("the file does not say what its time zone {name} is: look whether its hours are right");
            made.notes.push((line, why));
        }
    }
    match calendar::build(entries, &definitions, container.as_ref()) {
        Ok(built) => made.built = Some(built),
        Err(fault) => made.lost.push(fault),
    }
    Ok(made)
}

/// All objects of an upload with what is to be told of them, as an import makes them.
///
/// # Errors
/// Those of the disk.
#[cfg(test)]
pub fn objects_of(spool: &mut Spool) -> io::Result<(Vec<Built>, Vec<Problem>)> {
    let grouped = spool.index.objects();
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for group in grouped.groups {
        let pieces: Vec<Piece> = spool.index.pieces_of(&group).cloned().collect();
        let outcome = build(spool, &pieces)?;
        objects.extend(outcome.built);
        problems.extend(outcome.problems);
    }
    Ok((objects, problems))
}
