//! A provider's own templates.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::notify::view::samples::KINDS;

fn own(files: &[(&str, &str)]) -> Result<OwnTemplates, OwnTemplateError> {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    OwnTemplates::try_new(files.collect(), &profile())
}

fn fault(name: &str, text: &str) -> String {
    own(&[(name, text)]).unwrap_err().to_string()
}

#[test]
fn files_beside_the_profile_take_the_place_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.toml");
    fs::write(&file, include_str!("../../../../infra/profile.example.toml")).unwrap();
    fs::create_dir_all(dir.path().join("notices/en")).unwrap();
    fs::write(
        dir.path().join("notices/en/ask.txt"),
        "Call us about {{ request }}: +41 00 000 00 00\n",
    )
    .unwrap();
    let changed = include_str!("../templates/layout.html").replace("max-width:600px", "max-width:720px");
    fs::write(dir.path().join("notices/layout.html"), changed).unwrap();

    let profile = Profile::load(&file).unwrap();
    let finished = |language| {
        let request = RequestRecord {
            language,
            ..request(RequestState::Completed)
        };
        compose(NoticeKind::Finished, &request, &Facts::default(), &profile).unwrap()
    };
    let english = finished(Language::English);
    assert!(
        english
            .text
            .contains("Call us about 01m891k9000w3ge1r70w3ge1r7: +41 00 000 00 00")
    );
    assert!(english.html.contains("max-width:720px") && english.html.contains("Whom to ask"));
    let german = finished(Language::German);
    assert!(german.text.contains("Wen Sie fragen") && german.html.contains("max-width:720px"));

    fs::write(dir.path().join("notices/en/ask.md"), "x").unwrap();
    let error = Profile::load(&file).unwrap_err().to_string();
    assert!(
        error.starts_with("notices/en/ask.md: there is no such template"),
        "{error}"
    );
}

#[test]
fn faults_name_file_and_line() {
    for (name, text, says) in [
        (
            "en/finished.txt",
            "{% extends \"layout.txt\" %}\n{% block body %}\n{{ totals.message }}\n{% endblock %}",
            "notices/en/finished.txt, line 3: undefined value",
        ),
        (
            "de/ask.txt",
            "Frage\n{{ support",
            "notices/de/ask.txt, line 2: syntax error",
        ),
        (
            "layout.html",
            "\n{% include \"footer.html\" %}",
            "notices/layout.html, line 2: template not found",
        ),
        (
            "en/ask.txt",
            "{{ request | upperr }}",
            "notices/en/ask.txt, line 1: unknown filter",
        ),
        // Only a request that has no mailbox shows it.
        (
            "en/failed.txt",
            "{{ mailboxes.shown[0].address }}",
            "notices/en/failed.txt, line 1: undefined value",
        ),
        ("en/finish.txt", "x", "notices/en/finish.txt: there is no such template"),
        ("fr/ask.txt", "x", "notices/fr/ask.txt: there is no such template"),
        ("../secret", "x", "notices/../secret: there is no such template"),
        (
            "en/titles.txt",
            "{% if kind == \"failed\" %}Failed{% endif %}",
            "notices/en/titles.txt: the title is empty (in the notice received)",
        ),
        ("en/accepted.txt", " \n", "notices/en/accepted.txt: the text is empty"),
    ] {
        let error = fault(name, text);
        assert!(error.starts_with(says), "{name}: {error}");
    }
}

#[test]
fn escaping_cannot_be_taken_off_a_customers_text() {
    for (name, text) in [
        ("en/ask.html", "{{ ticket | safe }}"),
        (
            "de/rows.html",
            "{% autoescape false %}{{ rows.shown[0].faults.shown[0].message if rows.shown }}{% endautoescape %}",
        ),
        ("layout.html", "{{ provider | safe }}{% block body %}{% endblock %}"),
    ] {
        let error = fault(name, text);
        assert!(
            error.starts_with(&format!("notices/{name}: a customer's text is written as HTML")),
            "{error}"
        );
    }
}

#[test]
fn titles_stay_in_their_line_whatever_a_template_writes() {
    let mut profile = profile();
    profile.templates = own(&[("en/titles.txt", "{{ provider }}\r\nBcc: eve@example.org\r\n\r\nx")]).unwrap();
    let mail = compose(
        NoticeKind::Accepted,
        &request(RequestState::Scheduled),
        &Facts::default(),
        &profile,
    )
    .unwrap();
    assert!(!mail.subject.contains(char::is_control));
    assert!(mail.subject.contains("Example Hosting Bcc: eve@example.org x"));
}

#[test]
fn our_own_templates_pass_the_same_trial() {
    let copies: BTreeMap<String, String> = Language::ALL
        .into_iter()
        .flat_map(|language| {
            let files = templates::files(language);
            files
                .iter()
                .map(move |(name, text)| (format!("{}/{name}", language.tag()), (*text).to_owned()))
        })
        .collect();
    OwnTemplates::try_new(copies, &profile()).unwrap();
}

#[test]
fn every_kind_of_notice_is_tried() {
    for kind in EVERY_KIND {
        let words = kind.to_string();
        assert!(
            KINDS.iter().any(|known| words.starts_with(known)),
            "{words} has no sample"
        );
    }
    assert!(KINDS.contains(&crate::notify::owner::OWNER));
    assert_eq!(KINDS.len(), EVERY_KIND.len() + 1);
}
