//! Runs of consecutive UIDs, each with a value: what sets, maps and flag tables are made of.
//!
//! A million messages that lie in runs take a few bytes, and a UID is found by binary search. The
//! form is canonical: runs are ascending, do not overlap, and none goes on where another one ends.

use std::ops::RangeInclusive;

/// The value of a run, as it is at its first UID.
pub(in crate::domain) trait RunValue: Copy + PartialEq {
    /// The value `steps` UIDs further on; `None` where there is none.
    fn after(self, steps: u32) -> Option<Self>;
}

/// UIDs that are there or not.
impl RunValue for () {
    fn after(self, _steps: u32) -> Option<Self> {
        Some(())
    }
}

/// Consecutive UIDs with the value of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Run<V> {
    pub(in crate::domain) first: u32,
    pub(in crate::domain) last: u32,
    pub(in crate::domain) value: V,
}

impl<V: RunValue> Run<V> {
    /// How many UIDs it has.
    pub(in crate::domain) fn len(&self) -> u64 {
        u64::from(self.last - self.first) + 1
    }

    fn at(&self, uid: u32) -> Option<V> {
        (self.first..=self.last)
            .contains(&uid)
            .then(|| self.value.after(uid - self.first))?
    }

    /// Whether the other one goes on where this one ends.
    fn goes_on_as(&self, other: &Self) -> bool {
        self.last.checked_add(1) == Some(other.first) && self.value.after(other.first - self.first) == Some(other.value)
    }

    /// What of it lies before `uid`.
    fn before(&self, uid: u32) -> Option<Self> {
        (self.first < uid).then(|| Self { last: uid - 1, ..*self })
    }

    /// What of it lies behind `uid`.
    fn behind(&self, uid: u32) -> Option<Self> {
        (uid < self.last).then_some(())?;
        let value = self.value.after(uid + 1 - self.first)?;
        Some(Self {
            first: uid + 1,
            value,
            ..*self
        })
    }
}

/// Runs, in their canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Runs<V>(Vec<Run<V>>);

impl<V> Default for Runs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: RunValue> Runs<V> {
    /// The runs, ascending.
    pub(in crate::domain) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run<V>> {
        self.0.iter()
    }

    /// How many UIDs there are.
    pub(in crate::domain) fn len(&self) -> u64 {
        self.0.iter().map(Run::len).sum()
    }

    pub(in crate::domain) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a UID.
    pub(in crate::domain) fn get(&self, uid: u32) -> Option<V> {
        let at = self.0.partition_point(|run| run.last < uid);
        self.0.get(at)?.at(uid)
    }

    /// Gives UIDs a value, whatever they had before; `value` is the first one's.
    pub(in crate::domain) fn put(&mut self, uids: RangeInclusive<u32>, value: V) {
        let (first, last) = (*uids.start(), *uids.end());
        self.replace(first, last, (first <= last).then_some(Run { first, last, value }));
    }

    /// Takes UIDs out.
    pub(in crate::domain) fn remove(&mut self, uids: RangeInclusive<u32>) {
        self.replace(*uids.start(), *uids.end(), None);
    }

    fn replace(&mut self, first: u32, last: u32, new: Option<Run<V>>) {
        if last < first {
            return;
        }
        // What is put in order goes on where the last run ends.
        if let (Some(new), Some(end)) = (&new, self.0.last_mut())
            && end.goes_on_as(new)
        {
            end.last = new.last;
            return;
        }
        let from = self.0.partition_point(|run| run.last < first);
        let to = self.0.partition_point(|run| run.first <= last);
        let overlapped = self.0.get(from..to).unwrap_or_default();
        let left = overlapped.first().and_then(|run| run.before(first));
        let right = overlapped.last().and_then(|run| run.behind(last));
        // The neighbours too, so that what goes on is joined.
        let previous = from.checked_sub(1).and_then(|at| self.0.get(at)).copied();
        let next = self.0.get(to).copied();
        let range = from - usize::from(previous.is_some())..to + usize::from(next.is_some());
        let mut joined: Vec<Run<V>> = Vec::with_capacity(5);
        for run in [previous, left, new, right, next].into_iter().flatten() {
            match joined.last_mut().filter(|end| end.goes_on_as(&run)) {
                Some(end) => end.last = run.last,
                None => joined.push(run),
            }
        }
        self.0.splice(range, joined);
    }
}
