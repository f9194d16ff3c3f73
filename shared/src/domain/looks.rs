//! Later looks: passes after the final one, for mail that arrived at the previous provider nevertheless.
//!
//! Caches keep an old MX longer than they should, and senders have queues. So the passwords are kept for a
//! while after a request's end, and its mailboxes are looked at once more at the times that the profile
//! names, and whenever the customer asks. With the last look the passwords go.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Pass, RequestState, is_zero};

/// How long after its time the last look may take: then the passwords are deleted whatever it does.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// How long after one that ran into trouble another look is made, where none is to come: the first time, and then.
const RETRIES: [SignedDuration; 2] = [SignedDuration::from_hours(1), SignedDuration::from_hours(6)];

/// The most passes after the final one.
const MOST_PASSES: u32 = 50;

/// What is planned of a request's later looks, and what has been done of it. Times are in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterLooks {
    /// How many seconds after the end of the final pass each look is, in order.
    after: Vec<i64>,
    /// How many later passes have begun.
    #[serde(default)]
    passes: u32,
    /// When the looks are that have not begun yet; none before the final pass is over.
    #[serde(default)]
    due: Vec<i64>,
    /// Until when the passwords are kept at the latest; absent before the final pass is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
    /// How many looks were added because of trouble, one after the other.
    #[serde(default, skip_serializing_if = "is_zero")]
    retries: u32,
    /// Whether the clock had the passwords deleted, and not their owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ran_out: bool,
}

/// What is to be done about a request's later looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookStep {
    /// This pass is to be started.
    Start(Pass),
    /// Nothing for now.
    Wait,
    /// The time is over: the passwords are to be deleted.
    End,
}

impl LaterLooks {
    /// The looks that a profile asks for; `None` where it asks for none.
    pub fn planned(after: &[SignedDuration]) -> Option<Self> {
        let after: Vec<i64> = after.iter().map(SignedDuration::as_secs).collect();
        (!after.is_empty()).then(|| Self {
            after,
            ..Self::default()
        })
    }

    /// The same when a pass is over: after the final one the times count from now.
    #[must_use]
    pub fn after_pass(&self, pass: Pass, now: Timestamp) -> Self {
        if pass != Pass::Final {
            return self.clone();
        }
        let due: Vec<i64> = self
            .after
            .iter()
            .map(|after| now.as_second().saturating_add(*after))
            .collect();
        Self {
            until: due.last().map(|last| last.saturating_add(GRACE.as_secs())),
            due,
            ..self.clone()
        }
    }

    /// The same after a look that ran into trouble that may pass: where none is to come, there is another one, unless
    /// the time is over by then.
    #[must_use]
    pub fn after_trouble(&self, now: Timestamp) -> Self {
        let [first, then] = RETRIES;
        let pause = if self.retries == 0 { first } else { then };
        let next = now.as_second().saturating_add(pause.as_secs());
        let mut after = self.clone();
        if !self.has_more() && self.until.is_some_and(|until| next < until) && self.next_pass().is_some() {
            after.due.push(next);
            after.retries = self.retries.saturating_add(1);
        }
        after
    }

    /// The same after a look without such trouble.
    #[must_use]
    pub fn after_success(&self) -> Self {
        Self {
            retries: 0,
            ..self.clone()
        }
    }

    /// The same when the next pass begins, which serves for all looks whose time has come.
    #[must_use]
    pub fn begun(&self, now: Timestamp) -> Self {
        let mut begun = self.clone();
        begun.passes = self.passes.saturating_add(1);
        begun.due.retain(|due| *due > now.as_second());
        begun
    }

    /// The same without any look that is still to come: because the time is over, or their owner wants it.
    #[must_use]
    pub fn ended(&self, by_clock: bool) -> Self {
        Self {
            due: Vec::new(),
            until: None,
            ran_out: by_clock,
            ..self.clone()
        }
    }

    /// Whether another look may be made after a pass that ends now, be it because of trouble that may pass.
    pub fn may_go_on(&self, pass: Pass, in_trouble: bool, now: Timestamp) -> bool {
        let after = self.after_pass(pass, now);
        after.has_more() || in_trouble && after.after_trouble(now).has_more()
    }

    /// Whether looks are still to come.
    pub fn has_more(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether the time was over before the passwords were needed no more.
    pub fn ran_out(&self) -> bool {
        self.ran_out
    }

    /// How many later passes have begun.
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// The pass that began last.
    pub fn running(&self) -> Pass {
        Pass::Later(self.passes)
    }

    /// The pass that would begin next; `None` after too many.
    pub fn next_pass(&self) -> Option<Pass> {
        (self.passes < MOST_PASSES).then_some(Pass::Later(self.passes + 1))
    }

    /// When the next look is.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.first().and_then(|due| Timestamp::from_second(*due).ok())
    }

    /// When the last look is, while it is to come.
    pub fn last(&self) -> Option<Timestamp> {
        self.due.last().and_then(|due| Timestamp::from_second(*due).ok())
    }

    /// Until when the passwords are kept at the latest.
    pub fn until(&self) -> Option<Timestamp> {
        self.until.and_then(|until| Timestamp::from_second(until).ok())
    }

    /// What is to be done now, for a request in this state that still has its passwords.
    pub fn step(&self, state: RequestState, now: Timestamp) -> LookStep {
        if !state.has_been_completed() {
            return LookStep::Wait;
        }
        if self.until().is_none_or(|until| now >= until) {
            return LookStep::End;
        }
        let is_due = self.next().is_some_and(|next| now >= next);
        match (state, self.next_pass()) {
            (RequestState::LaterPass, _) => LookStep::Wait,
            (_, Some(pass)) if is_due => LookStep::Start(pass),
            // One that has ended with no look to come would have lost its passwords with that end.
            _ if is_due || !self.has_more() => LookStep::End,
            _ => LookStep::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn looks(hours: &[i64]) -> LaterLooks {
        let after: Vec<_> = hours.iter().map(|hours| SignedDuration::from_hours(*hours)).collect();
        LaterLooks::planned(&after).unwrap().after_pass(Pass::Final, at(0))
    }

    const HOUR: i64 = 3_600;

    #[test]
    fn each_look_starts_at_its_time_and_the_passwords_go_with_the_last() {
        let looks = looks(&[24, 72]);
        let step = |looks: &LaterLooks, state, hour| looks.step(state, at(hour * HOUR));
        let ended = RequestState::Completed;
        assert_eq!(step(&looks, ended, 23), LookStep::Wait);
        assert_eq!(step(&looks, ended, 24), LookStep::Start(Pass::Later(1)));
        let first = looks.begun(at(24 * HOUR));
        assert!(first.has_more());
        assert_eq!(step(&first, RequestState::LaterPass, 24), LookStep::Wait);
        let first = first.after_pass(Pass::Later(1), at(25 * HOUR));
        assert_eq!(step(&first, ended, 25), LookStep::Wait);
        assert_eq!(step(&first, ended, 72), LookStep::Start(Pass::Later(2)));
        let last = first.begun(at(72 * HOUR));
        assert!(!last.has_more());
        assert_eq!(step(&last, RequestState::LaterPass, 95), LookStep::Wait);
    }

    /// A write holds the looks against those in the table: a field that is written where it was not before would let
    /// no request of before move on.
    #[test]
    fn looks_of_before_are_written_as_they_were_read() {
        for stored in [
            r#"{"after":[86400],"passes":0,"due":[]}"#,
            r#"{"after":[86400],"passes":2,"due":[86400],"until":172800,"retries":1,"ran_out":true}"#,
        ] {
            let looks: LaterLooks = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&looks).unwrap(), stored);
        }
    }

    #[test]
    fn the_time_ends_whatever_a_look_does() {
        let looks = looks(&[24]);
        for state in [
            RequestState::LaterPass,
            RequestState::Completed,
            RequestState::CompletedWithExceptions,
        ] {
            assert_ne!(looks.step(state, at(48 * HOUR - 1)), LookStep::End, "{state}");
            assert_eq!(looks.step(state, at(48 * HOUR)), LookStep::End, "{state}");
        }
        assert_eq!(looks.ended(true).step(RequestState::Completed, at(0)), LookStep::End);
        assert_eq!(looks.step(RequestState::FinalPass, at(48 * HOUR)), LookStep::Wait);
    }

    #[test]
    fn a_pass_that_was_asked_for_serves_for_the_looks_that_are_due_and_no_others() {
        let looks = looks(&[24, 72]);
        assert_eq!(looks.begun(at(HOUR)).next(), Some(at(24 * HOUR)));
        assert_eq!(looks.begun(at(100 * HOUR)).next(), None);
        assert_eq!(looks.begun(at(HOUR)).begun(at(HOUR)).running(), Pass::Later(2));
    }

    #[test]
    fn trouble_is_tried_again_while_there_is_time() {
        let mut looks = looks(&[24]).begun(at(24 * HOUR));
        let mut hours = Vec::new();
        let mut now = 24 * HOUR;
        loop {
            looks = looks.after_trouble(at(now));
            let Some(next) = looks.next() else { break };
            now = next.as_second();
            hours.push(now / HOUR);
            assert_eq!(
                looks.step(RequestState::Completed, next),
                LookStep::Start(looks.next_pass().unwrap())
            );
            looks = looks.begun(next);
        }
        assert_eq!(hours, [25, 31, 37, 43]);
        assert_eq!(looks.after_success().retries, 0);
        // One is to come anyway.
        let two = self::looks(&[24, 72]).begun(at(24 * HOUR));
        assert_eq!(two.after_trouble(at(24 * HOUR)), two);
    }

    #[test]
    fn passes_come_to_an_end() {
        let mut looks = looks(&[24]);
        while let Some(pass) = looks.next_pass() {
            looks = looks.begun(at(0));
            assert_eq!(looks.running(), pass);
        }
        assert_eq!(looks.passes(), MOST_PASSES);
        assert_eq!(looks.step(RequestState::Completed, at(24 * HOUR)), LookStep::End);
    }

    #[test]
    fn none_are_planned_where_the_profile_names_none() {
        assert_eq!(LaterLooks::planned(&[]), None);
    }
}
