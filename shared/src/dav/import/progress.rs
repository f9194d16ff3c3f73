//! Counting, and what is told; all of it fits into one item of the table.

use super::{CollectionCounts, Counts, Progress};
use crate::dav::Problem;
use crate::dav::objects::MAX_PROBLEMS;
use crate::dav::server::Collection;
use crate::dav::spool::Spool;

/// How many problems are kept in words with an import.
const KEPT_PROBLEMS: usize = 200;

/// How many bytes the words of a problem have, the file's name included.
const PROBLEM_BYTES: usize = 512;

/// How many bytes of a collection's name are kept.
const NAME_BYTES: usize = 400;

impl Counts {
    /// All of them.
    pub fn all(self) -> u64 {
        self.imported + self.existing + self.updated + self.kept + self.failed
    }
}

impl Progress {
    /// Takes over what reading the upload found.
    pub(super) fn read(&mut self, spool: &Spool, groups: u64, too_many_names: bool) {
        self.objects = groups + spool.index.broken;
        self.counts.failed += spool.index.broken;
        self.left_out = spool.index.left_out;
        let in_words = spool.index.problems.len() as u64;
        for problem in spool.index.problems.iter().take(MAX_PROBLEMS) {
            self.tell(problem.clone());
        }
        self.problems_found += spool.index.problems_found - in_words;
        if too_many_names {
            self.tell_once("the file names more than 100 calendars; the entries of those beyond went where entries without a calendar's name go");
        }
    }

    /// Notes what is to be told.
    pub(super) fn tell(&mut self, mut problem: Problem) {
        self.problems_found += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            let file = problem.file.take().map(|file| cut(file, PROBLEM_BYTES / 2));
            let left = PROBLEM_BYTES - file.as_ref().map_or(0, String::len);
            problem.reason = cut(problem.reason, left);
            self.problems.push(Problem { file, ..problem });
        }
    }

    /// Notes what is to be told of the upload as a whole, if it has not been told before.
    pub(super) fn tell_once(&mut self, reason: &str) {
        let problem = Problem::new(0, cut(reason.to_owned(), PROBLEM_BYTES));
        if !self.problems.contains(&problem) {
            self.tell(problem);
        }
    }

    /// Counts pieces that are in no object.
    pub(super) fn lose(&mut self, pieces: u64) {
        self.objects += pieces;
        self.counts.failed += pieces;
    }

    /// The counts of a collection.
    pub(super) fn of_collection(&mut self, collection: &Collection, made: bool) -> Option<&mut CollectionCounts> {
        let known = self
            .collections
            .iter()
            .position(|counts| counts.href == collection.href);
        if known.is_none() {
            self.collections.push(CollectionCounts {
                kind: collection.kind,
                name: collection.name.clone().map(|name| cut(name, NAME_BYTES)),
                href: collection.href.clone(),
                made,
                counts: Counts::default(),
            });
        }
        let place = known.unwrap_or(self.collections.len() - 1);
        self.collections.get_mut(place)
    }
}

fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_fits_into_an_item_whatever_the_files_are_called() {
        let mut progress = Progress::default();
        for n in 0..1_000 {
            progress.tell(Problem {
                file: Some("\u{1f600}".repeat(200)),
                line: n,
                reason: "ä".repeat(1_000),
            });
        }
        for n in 0..100 {
            let collection = Collection {
                href: format!("/{n}/"),
                name: Some("\u{1f600}".repeat(1_000)),
                ..Collection::default()
            };
            progress.of_collection(&collection, true);
        }
        let told: usize = progress.problems.iter().map(|problem| problem.reason.len()).sum();
        assert!(told < 150_000 && progress.problems_found == 1_000);
        assert!(serde_json::to_string(&progress).unwrap().len() < 300_000);
    }
}
