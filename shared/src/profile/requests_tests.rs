use super::*;
use crate::domain::Language;
use crate::profile::Profile;
use crate::profile::tests::{EXAMPLE, SHORTEST};

#[test]
fn what_nothing_is_said_of_stays_as_it_was() {
    for text in [EXAMPLE, SHORTEST] {
        let profile = Profile::parse(text).unwrap();
        assert_eq!(profile.requests.lead_times(), LeadTimes::KEPT);
        assert_eq!(profile.requests.retention(), Retention::default());
        assert_eq!(profile.provider.languages(), [Language::English, Language::German]);
    }
}

#[test]
fn what_is_said_counts() {
    let more = "[requests]\nlead_hours = 72\nweekend_lead_hours = 96\nkeep_waiting_days = 7\nkeep_cutover_days = 30\nkeep_ended_days = 180\n";
    let text = format!("{SHORTEST}{more}").replace("[destination", "languages = [\"de\"]\n[destination");
    let profile = Profile::parse(&text).unwrap();
    let lead = profile.requests.lead_times();
    assert_eq!((lead.ordinary.as_hours(), lead.weekend.as_hours()), (72, 96));
    let retention = Retention {
        waiting_days: 7,
        cutover_days: 30,
        ended_days: 180,
    };
    assert_eq!(profile.requests.retention(), retention);
    assert_eq!(profile.provider.languages(), [Language::German]);
}

#[test]
fn every_fault_names_its_line_and_key() {
    for (languages, says) in [
        ("[\"fr\"]", "unknown variant"),
        ("[]", "at least one"),
        ("[\"de\", \"en\", \"de\"]", "each once"),
    ] {
        let text = SHORTEST.replace("[destination", &format!("languages = {languages}\n[destination"));
        let error = Profile::parse(&text).unwrap_err();
        assert_eq!(
            (error.line, error.key.as_deref()),
            (Some(4), Some("provider.languages"))
        );
        assert!(error.message.contains(says), "{error}");
    }
    for (lines, line, key, says) in [
        ("lead_hours = 0", 10, "lead_hours", "1 to 336"),
        ("lead_hours = 72", 9, "weekend_lead_hours", "72 to 336"),
        ("keep_waiting_days = 2", 10, "keep_waiting_days", "3 to 60"),
        ("\nkeep_cutover_days = 365", 11, "keep_cutover_days", "21 to 180"),
        ("keep_ended_days = 29", 10, "keep_ended_days", "30 to 180"),
        (
            "keep_cutover_days = 180\nkeep_ended_days = 90",
            11,
            "keep_ended_days",
            "260 days",
        ),
        ("keep_days = 9", 10, "keep_days", "unknown field"),
    ] {
        let error = Profile::parse(&format!("{SHORTEST}[requests]\n{lines}\n")).unwrap_err();
        let key = format!("requests.{key}");
        assert_eq!((error.line, error.key), (Some(line), Some(key)), "{lines}");
        assert!(error.message.contains(says), "{}", error.message);
    }
}
