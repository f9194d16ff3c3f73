//! From a group of components to the object that is stored.

use std::io;

use super::{Import, Journal};
use crate::dav::calendar;
use crate::dav::contact::{self, Fault};
use crate::dav::meaning::meaning;
use crate::dav::objects::{Component, Piece};
use crate::dav::spool::Spool;
use crate::dav::table;
use crate::dav::{Built, Problem};

/// An object, or why there is none.
pub(super) struct Outcome {
    /// The object.
    pub built: Option<Built>,
    /// The line it begins on, and its file.
    pub place: Problem,
    /// What is to be told of it.
    pub problems: Vec<Problem>,
}

impl<J: Journal> Import<'_, J> {
    /// Builds the object of a group.
    pub(super) fn build(&mut self, number: usize) -> io::Result<Outcome> {
        let pieces: Vec<Piece> = self.groups.get(number).map_or_else(Vec::new, |group| {
            let pieces = group.pieces.iter();
            pieces
                .filter_map(|piece| self.spool.index.pieces.get(*piece as usize).cloned())
                .collect()
        });
        build(&mut self.spool, &pieces)
    }
}

/// Builds the object of these pieces, which have one UID.
pub(super) fn build(spool: &mut Spool, pieces: &[Piece]) -> io::Result<Outcome> {
    let (part, line) = pieces.first().map_or((0, 0), |piece| (piece.part, piece.line));
    let (built, faults) = match pieces.first().map(|piece| piece.component) {
        Some(Component::Card | Component::Row) => contact_of(spool, pieces)?,
        _ => entry_of(spool, pieces)?,
    };
    let place = spool.index.problem(part, line, "");
    let problems = faults
        .into_iter()
        .map(|(line, reason)| spool.index.problem(part, line, &reason))
        .collect();
    Ok(Outcome { built, place, problems })
}

fn contact_of(spool: &mut Spool, pieces: &[Piece]) -> io::Result<(Option<Built>, Vec<Fault>)> {
    let mut faults = Vec::new();
    let mut first: Option<(Built, u64)> = None;
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
        match (built, &first) {
            (Ok(built), None) => first = Some((built, piece.line)),
            (Ok(built), Some((first, line))) if meaning(&built.text) != meaning(&first.text) => {
                let why = format!("the contact on line {line} has the same UID; that one was taken");
                faults.push((piece.line, why));
            }
            (Ok(_), Some(_)) => {}
            (Err(fault), _) => faults.push(fault),
        }
    }
    Ok((first.map(|(built, _)| built), faults))
}

fn entry_of(spool: &mut Spool, pieces: &[Piece]) -> io::Result<(Option<Built>, Vec<Fault>)> {
    let mut faults = Vec::new();
    let mut entries = Vec::new();
    let mut read = Vec::new();
    for piece in pieces {
        let bytes = spool.read((piece.start, piece.end))?;
        match calendar::read(piece.component, &bytes, piece.line) {
            Ok(entry) => {
                entries.push(entry);
                read.push(piece);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if entries.is_empty() {
        return Ok((None, faults));
    }
    let mut zones = Vec::new();
    for range in spool.index.zones_of(read) {
        zones.push(spool.read(range)?);
    }
    let container = pieces.first().and_then(|piece| spool.index.container(piece));
    match calendar::build(entries, &zones, container) {
        Ok((built, others)) => {
            faults.extend(others);
            Ok((Some(built), faults))
        }
        Err(fault) => {
            faults.push(fault);
            Ok((None, faults))
        }
    }
}

/// All objects of an upload with what is to be told of them, as an import makes them.
///
/// # Errors
/// Those of the disk.
#[cfg(test)]
pub fn objects_of(spool: &mut Spool) -> io::Result<(Vec<Built>, Vec<Problem>)> {
    let (groups, _) = spool.index.objects();
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    for group in groups {
        let pieces = group.pieces.iter();
        let pieces: Vec<Piece> = pieces
            .filter_map(|piece| spool.index.pieces.get(*piece as usize).cloned())
            .collect();
        let outcome = build(spool, &pieces)?;
        objects.extend(outcome.built);
        problems.extend(outcome.problems);
    }
    Ok((objects, problems))
}
