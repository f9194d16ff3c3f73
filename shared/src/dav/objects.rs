//! What an upload holds: its components, grouped into the objects that a server stores.
//!
//! A recurring event and its overrides have one UID and are one object (RFC 4791, section 4.1). Components without a
//! UID are objects of their own.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Kind, Problem, print_of};
use crate::dav::charset::decode;

/// How many problems are kept in words; the others are counted.
pub const MAX_PROBLEMS: usize = 500;

/// How many time zones an upload may name.
const MAX_NAMES: u32 = 10_000;

/// How many definitions of time zones are kept.
const MAX_ZONES: usize = 400_000;

/// How many collections an upload may ask for; what lies in others goes where entries without a calendar's name go.
const MAX_COLLECTIONS: usize = 100;

/// Stands for a file of the upload where any will do.
const ANY_PART: u32 = u32::MAX;

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// A contact.
    Card,
    /// A contact as a row of a table.
    Row,
    /// `VEVENT`.
    Event,
    /// `VTODO`.
    Task,
    /// `VJOURNAL`.
    Journal,
}

/// A component: where it lies, and what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub component: Component,
    /// Which file of the upload it lies in.
    pub part: u32,
    /// The `VCALENDAR` around it.
    pub container: Option<u32>,
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last.
    pub end: u64,
    /// Its first line.
    pub line: u64,
    /// A print of its UID.
    pub uid: Option<[u8; 16]>,
    /// Whether it has a RECURRENCE-ID.
    pub is_override: bool,
    /// The time zones it refers to, by their numbers.
    pub zones: Vec<u32>,
}

/// What a `VCALENDAR` says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    part: u32,
    /// The calendar's name.
    pub name: Option<String>,
    /// Its colour.
    pub colour: Option<String>,
    /// Who wrote it.
    pub prodid: Option<String>,
    /// Its calendar system.
    pub calscale: Option<String>,
    /// Its version: 1.0 is an older form.
    pub version: Option<String>,
}

/// Components that are stored as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The collection it goes into, by its number.
    pub collection: usize,
    /// Its pieces, in the order of the file.
    pub pieces: Vec<u32>,
}

/// A collection that the upload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it holds.
    pub kind: Kind,
    /// Its name; none for the one that is there anyway.
    pub name: Option<String>,
    /// Its colour.
    pub colour: Option<String>,
    /// What lies in it.
    pub components: BTreeSet<Component>,
}

/// What an upload makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouped {
    /// The objects, in the order of their first pieces.
    pub groups: Vec<Group>,
    /// The collections they ask for.
    pub wanted: Vec<Wanted>,
    /// Whether more collections were asked for than an upload may have.
    pub too_many_names: bool,
}

/// The time zones that an object refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// Where their definitions lie.
    pub ranges: Vec<(u64, u64)>,
    /// Those that are defined nowhere, by their names; those that are beyond all counting have none.
    pub undefined: Vec<Option<String>>,
}

/// All that is in an upload.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The files of an archive by their names; one without a name for a plain upload.
    pub parts: Vec<Option<String>>,
    /// The `VCALENDAR`s.
    pub containers: Vec<Container>,
    /// The components.
    pub pieces: Vec<Piece>,
    /// What could not be read, as far as it is kept.
    pub problems: Vec<Problem>,
    /// How many objects were lost to that.
    pub broken: u64,
    /// How many problems there were.
    pub problems_found: u64,
    /// How many of them only tell of files that nobody expects to be imported, such as an archive's index.
    pub left_out: u64,
    zones: HashMap<(u32, Option<u32>, u32), (u64, u64)>,
    zone_names: Names,
    /// The headings of tables, by the number of the file.
    pub headings: HashMap<u32, Vec<String>>,
}

impl Component {
    /// The component of this name in upper case.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "VCARD" => Some(Self::Card),
            "VEVENT" => Some(Self::Event),
            "VTODO" => Some(Self::Task),
            "VJOURNAL" => Some(Self::Journal),
            _ => None,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Card | Self::Row => "VCARD",
            Self::Event => "VEVENT",
            Self::Task => "VTODO",
            Self::Journal => "VJOURNAL",
        }
    }

    /// Where it belongs.
    pub fn kind(self) -> Kind {
        match self {
            Self::Card | Self::Row => Kind::Contacts,
            Self::Event | Self::Task | Self::Journal => Kind::Calendar,
        }
    }
}

impl Container {
    pub(super) fn new(part: u32) -> Self {
        Self {
            part,
            ..Self::default()
        }
    }

    /// Takes a property of the calendar as a whole.
    pub(super) fn tell(&mut self, name: &[u8], value: &[u8]) {
        let place = match name {
            b"X-WR-CALNAME" | b"NAME" => &mut self.name,
            b"X-APPLE-CALENDAR-COLOR" | b"COLOR" => &mut self.colour,
            b"PRODID" => &mut self.prodid,
            b"CALSCALE" => &mut self.calscale,
            b"VERSION" => &mut self.version,
            _ => return,
        };
        let text: String = decode(value, None)
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        if !text.is_empty() && place.is_none() {
            *place = Some(text);
        }
    }
}

impl Index {
    pub(super) fn last_container(&self) -> Option<u32> {
        u32::try_from(self.containers.len()).ok()?.checked_sub(1)
    }

    pub(super) fn container_mut(&mut self, number: Option<u32>) -> Option<&mut Container> {
        self.containers.get_mut(number? as usize)
    }

    /// The `VCALENDAR` around a piece.
    pub fn container(&self, piece: &Piece) -> Option<&Container> {
        self.containers.get(piece.container? as usize)
    }

    pub(super) fn zone_name(&mut self, name: &[u8]) -> u32 {
        self.zone_names.number(name)
    }

    pub(super) fn add_zone(&mut self, part: u32, container: Option<u32>, zone: u32, range: (u64, u64)) {
        // What is beyond is nothing that a calendar program wrote.
        if zone != u32::MAX && self.zones.len() < MAX_ZONES {
            self.zones.entry((part, container, zone)).or_insert(range);
            self.zones.entry((part, None, zone)).or_insert(range);
            self.zones.entry((ANY_PART, None, zone)).or_insert(range);
        }
    }

    /// Where the definition of a time zone lies that a piece refers to: in its own calendar, or else in its file, or
    /// else in another one of the upload.
    pub fn zone(&self, piece: &Piece, zone: u32) -> Option<(u64, u64)> {
        let places = [(piece.part, piece.container), (piece.part, None), (ANY_PART, None)];
        let found = places
            .into_iter()
            .find_map(|(part, container)| self.zones.get(&(part, container, zone)));
        found.copied()
    }

    /// Notes what is wrong in a file of the upload.
    pub fn note(&mut self, part: u32, line: u64, reason: &str, costs_an_object: bool) {
        self.broken += u64::from(costs_an_object);
        self.problems_found += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(self.problem(part, line, reason));
        }
    }

    /// A problem in a file of the upload.
    pub fn problem(&self, part: u32, line: u64, reason: &str) -> Problem {
        Problem {
            file: self.parts.get(part as usize).cloned().flatten(),
            ..Problem::new(line, reason)
        }
    }

    /// The objects, with the collections they ask for.
    pub fn objects(&self) -> Grouped {
        let mut collections: Vec<Wanted> = Vec::new();
        let mut too_many_names = false;
        let mut places: HashMap<(Kind, Option<&str>), usize> = HashMap::new();
        let mut known: HashMap<(usize, Component, [u8; 16]), usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (number, piece) in (0..).zip(&self.pieces) {
            let kind = piece.component.kind();
            let container = self.container(piece);
            let name = container.and_then(|container| container.name.as_deref());
            // Two places are kept for what has no name.
            let is_beyond = collections.len() >= MAX_COLLECTIONS - 2 && !places.contains_key(&(kind, name));
            too_many_names |= is_beyond && name.is_some();
            let name = name.filter(|_| !is_beyond);
            let collection = *places.entry((kind, name)).or_insert_with(|| {
                collections.push(Wanted {
                    kind,
                    name: name.map(str::to_owned),
                    colour: container.and_then(|container| container.colour.clone()),
                    components: BTreeSet::new(),
                });
                collections.len() - 1
            });
            if let Some(wanted) = collections.get_mut(collection) {
                wanted.components.insert(piece.component);
            }
            let group = piece.uid.map(|uid| known.entry((collection, piece.component, uid)));
            let place = match group {
                Some(place) => *place.or_insert(groups.len()),
                None => groups.len(),
            };
            match groups.get_mut(place) {
                Some(group) => group.pieces.push(number),
                None => groups.push(Group {
                    collection,
                    pieces: vec![number],
                }),
            }
        }
        Grouped {
            groups,
            wanted: collections,
            too_many_names,
        }
    }

    /// The time zones that pieces of a group refer to, each once.
    pub fn zones_of<'a>(&self, pieces: impl IntoIterator<Item = &'a Piece>) -> Zones {
        let mut seen = HashSet::new();
        let mut zones = Zones::default();
        for piece in pieces {
            for zone in piece.zones.iter().filter(|zone| seen.insert(**zone)) {
                match self.zone(piece, *zone) {
                    Some(range) => zones.ranges.push(range),
                    None => zones.undefined.push(self.zone_names.name(*zone)),
                }
            }
        }
        zones
    }

    /// The pieces of a group.
    pub fn pieces_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Piece> + Clone {
        let pieces = group.pieces.iter();
        pieces.filter_map(|piece| self.pieces.get(*piece as usize))
    }

    /// How many bytes of the upload an object is made of, its time zones included.
    pub fn bytes_of<'a>(&self, pieces: impl Iterator<Item = &'a Piece> + Clone) -> u64 {
        let zones = self.zones_of(pieces.clone()).ranges.into_iter();
        let ranges = pieces.map(|piece| (piece.start, piece.end)).chain(zones);
        ranges.map(|(start, end)| end - start).sum()
    }
}

/// Numbers for names.
#[derive(Clone, Debug, Default)]
struct Names {
    numbers: HashMap<Vec<u8>, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of a name; beyond what any export has, one that stands for nothing.
    fn number(&mut self, name: &[u8]) -> u32 {
        let name = name.trim_ascii();
        let name = name.get(..name.len().min(200)).unwrap_or_default();
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        if next >= MAX_NAMES {
            return u32::MAX;
        }
        self.numbers.insert(name.to_vec(), next);
        self.names.push(decode(name, None).into_owned());
        next
    }

    fn name(&self, number: u32) -> Option<String> {
        self.names.get(number as usize).cloned()
    }
}

/// A print of a UID; none where it is empty.
pub(super) fn print(uid: &[u8]) -> Option<[u8; 16]> {
    let uid = uid.trim_ascii();
    (!uid.is_empty()).then(|| print_of(&[uid]))
}
