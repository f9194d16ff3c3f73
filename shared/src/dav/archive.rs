//! A .zip, opened with bounds on everything: how many files, how many bytes, how much more than was packed.
//!
//! What the archive says of itself is not believed; bytes are counted as they come. No name of it becomes a path.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use zip::ZipArchive;

/// How much may be in an archive.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// How many files it may have.
    files: u64,
    /// How many bytes may come out of it.
    bytes: u64,
    /// How many times as many bytes may come out of a file as are packed in it.
    ratio: u64,
    /// So many bytes may come out of a file whatever its ratio.
    small_bytes: u64,
}

/// Calendars reach a ratio of fifty.
const BOUNDS: Bounds = Bounds {
    files: 20_000,
    bytes: 400 << 20,
    ratio: 250,
    small_bytes: 1 << 20,
};

/// Where the record that ends an archive is looked for: it may have a comment behind it.
const END_BYTES: u64 = (64 << 10) + 22;

/// Why an archive is not opened, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not whole.
    #[error("the archive is damaged; make it anew, or upload the files in it one by one")]
    Damaged,
    /// It is encrypted.
    #[error("the archive is protected by a password; upload it without one")]
    Encrypted,
    /// It has too many files.
    #[error("the archive has more than {} files; upload it in parts", BOUNDS.files)]
    TooManyFiles,
    /// Too much comes out of it.
    #[error("the archive holds more than {} MiB; upload it in parts", BOUNDS.bytes >> 20)]
    TooLarge,
    /// Far more comes out of a file than is packed in it.
    #[error("a file in the archive is packed so tightly that it cannot be a real export")]
    Bomb,
    /// The disk did not take it.
    #[error("the archive cannot be kept on disk")]
    Disk(#[from] io::Error),
}

/// Reads each file of an archive, in its order; folders and empty files are passed over.
///
/// # Errors
/// [`ArchiveError`]; files before it may have been read.
pub fn each_file(upload: File, take: impl FnMut(String, &mut dyn Read) -> io::Result<()>) -> Result<(), ArchiveError> {
    each_file_within(upload, &BOUNDS, take)
}

fn each_file_within(
    mut upload: File,
    bounds: &Bounds,
    mut take: impl FnMut(String, &mut dyn Read) -> io::Result<()>,
) -> Result<(), ArchiveError> {
    if files_told(&mut upload)?.is_none_or(|files| files > bounds.files) {
        return Err(ArchiveError::TooManyFiles);
    }
    let mut archive = ZipArchive::new(upload).map_err(|_| ArchiveError::Damaged)?;
    if archive.len() as u64 > bounds.files {
        return Err(ArchiveError::TooManyFiles);
    }
    let mut left = bounds.bytes;
    for number in 0..archive.len() {
        let entry = archive.by_index(number).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(text) if text.to_lowercase().contains("password") => {
                ArchiveError::Encrypted
            }
            _ => ArchiveError::Damaged,
        })?;
        if !entry.is_file() {
            continue;
        }
        let name: String = entry
            .name()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let by_ratio = bounds
            .small_bytes
            .max(entry.compressed_size().saturating_mul(bounds.ratio));
        let room = left.min(by_ratio);
        let mut counted = Counted {
            entry,
            room,
            ended: None,
        };
        let taken = take(name, &mut counted);
        match counted.ended {
            Some(End::Full) if room == left => return Err(ArchiveError::TooLarge),
            Some(End::Full) => return Err(ArchiveError::Bomb),
            Some(End::Damaged) => return Err(ArchiveError::Damaged),
            None => taken?,
        }
        left -= room - counted.room;
    }
    Ok(())
}

/// How many files the record at the end of an archive tells of, before anything is read for each of them. None for
/// those beyond what it can tell.
fn files_told(upload: &mut File) -> io::Result<Option<u64>> {
    let length = upload.seek(SeekFrom::End(0))?;
    upload.seek(SeekFrom::Start(length.saturating_sub(END_BYTES)))?;
    let mut end = Vec::new();
    upload.read_to_end(&mut end)?;
    upload.seek(SeekFrom::Start(0))?;
    let at = end.windows(4).rposition(|window| window == b"PK\x05\x06");
    let count = at.and_then(|at| end.get(at + 10..at + 12));
    let count = count
        .and_then(|count| <[u8; 2]>::try_from(count).ok())
        .map(u16::from_le_bytes);
    Ok(count.filter(|count| *count != u16::MAX).map(u64::from))
}

enum End {
    Full,
    Damaged,
}

/// A file of an archive that stops where more comes out of it than may.
struct Counted<R> {
    entry: R,
    room: u64,
    ended: Option<End>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self
            .entry
            .read(buffer)
            .inspect_err(|_| self.ended = Some(End::Damaged))?;
        if let Some(room) = self.room.checked_sub(read as u64) {
            self.room = room;
            Ok(read)
        } else {
            self.ended = Some(End::Full);
            Err(io::ErrorKind::FileTooLarge.into())
        }
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
