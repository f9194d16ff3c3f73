//! An upload on disk: out of its archive, as UTF-8, and indexed. In memory there is the index alone.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use super::archive::{self, ArchiveError};
use super::charset::{transcode, wide};
use super::objects::Index;
use super::scan::{ScanError, scan};
use super::table;

/// How much of a file is looked at to tell what it is.
const START_BYTES: usize = 64 << 10;

/// An upload that can be read object by object.
#[derive(Debug)]
pub struct Spool {
    file: File,
    /// What is in it.
    pub index: Index,
}

/// Why an upload cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It is none of what is known.
    #[error(
        "the file holds neither contacts (.vcf, or Google's .csv) nor a calendar (.ics), nor is it a .zip of such files"
    )]
    Unknown,
    /// It is an archive that is not opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// There is too much in it.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The disk did not take or give it.
    #[error("the file cannot be kept on disk")]
    Disk(#[from] io::Error),
}

/// What the content of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Components,
    Table,
    Unknown,
}

/// A file of the upload within the spool.
struct Part {
    number: u32,
    start: u64,
    end: u64,
}

impl Spool {
    /// Reads an upload from its file, which no name leads to any more when it is closed.
    ///
    /// # Errors
    /// [`SpoolError`] where nothing of it can be read; what is wrong with single objects is in the index.
    pub fn open(mut upload: File) -> Result<Self, SpoolError> {
        let start = start_of(&mut upload)?;
        let mut index = Index::default();
        let (file, parts) = if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            unpack(upload, &mut index)?
        } else {
            index.parts.push(None);
            let file = as_utf8(upload, &start)?;
            let end = file.metadata()?.len();
            let part = Part {
                number: 0,
                start: 0,
                end,
            };
            (file, vec![part])
        };
        let mut spool = Self { file, index };
        let is_archive = spool.index.parts.first().is_some_and(Option::is_some);
        for part in parts {
            let content = spool.read_part(&part)?;
            if content == Content::Unknown && is_archive {
                spool.index.left_out += 1;
                spool.index.note(
                    part.number,
                    0,
                    "it holds neither contacts nor a calendar, and was left out",
                    false,
                );
            } else if content == Content::Unknown {
                return Err(SpoolError::Unknown);
            }
        }
        Ok(spool)
    }

    /// Bytes of the spool.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read(&mut self, (start, end): (u64, u64)) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(end - start).unwrap_or_default());
        self.file.seek(SeekFrom::Start(start))?;
        Read::by_ref(&mut self.file).take(end - start).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_part(&mut self, part: &Part) -> Result<Content, SpoolError> {
        let length = part.end - part.start;
        let start = self.read((part.start, part.end.min(part.start + START_BYTES as u64)))?;
        let content = content_of(&start);
        self.file.seek(SeekFrom::Start(part.start))?;
        let mut reader = BufReader::with_capacity(START_BYTES, Read::by_ref(&mut self.file).take(length));
        match content {
            Content::Components => scan(&mut self.index, part.number, part.start, &mut reader)?,
            Content::Table => table::scan(&mut self.index, part.number, part.start, length, &mut reader)?,
            Content::Unknown => {}
        }
        Ok(content)
    }
}

fn start_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::by_ref(file).take(START_BYTES as u64).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(start)
}

fn as_utf8(mut upload: File, start: &[u8]) -> io::Result<File> {
    let Some(encoding) = wide(start) else { return Ok(upload) };
    let mut file = tempfile::tempfile()?;
    transcode(&mut upload, encoding, &mut file)?;
    Ok(file)
}

/// Puts the files of an archive one behind the other.
fn unpack(upload: File, index: &mut Index) -> Result<(File, Vec<Part>), SpoolError> {
    let mut file = tempfile::tempfile()?;
    let mut parts = Vec::new();
    let mut at = 0;
    archive::each_file(upload, |name, entry| {
        let number = u32::try_from(index.parts.len()).unwrap_or(u32::MAX);
        index.parts.push(Some(name));
        let mut start = Vec::new();
        Read::take(&mut *entry, 4).read_to_end(&mut start)?;
        let encoding = wide(&start);
        let mut whole = io::Cursor::new(start).chain(entry);
        match encoding {
            Some(encoding) => transcode(&mut whole, encoding, &mut file)?,
            None => io::copy(&mut whole, &mut file).map(drop)?,
        }
        let end = file.stream_position()?;
        parts.push(Part { number, start: at, end });
        at = end;
        Ok(())
    })?;
    file.flush()?;
    Ok((file, parts))
}

/// What a file is, by its content: its name says nothing that could be relied on.
fn content_of(start: &[u8]) -> Content {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let begins = |line: &[u8]| {
        let line = line.trim_ascii();
        [
            "BEGIN:VCALENDAR",
            "BEGIN:VCARD",
            "BEGIN:VEVENT",
            "BEGIN:VTODO",
            "BEGIN:VJOURNAL",
        ]
        .iter()
        .any(|begin| {
            line.get(..begin.len())
                .is_some_and(|own| own.eq_ignore_ascii_case(begin.as_bytes()))
        })
    };
    if text.split(|byte| matches!(byte, b'\n' | b'\r')).any(begins) {
        Content::Components
    } else if table::is_table(text) {
        Content::Table
    } else {
        Content::Unknown
    }
}
