//! Exports in the manner of common programs, with what is expected of them.

use super::{shown, zipped};

#[test]
fn exports_of_common_programs_become_what_is_expected() {
    for (name, bytes) in [
        ("outlook_vcf", &include_bytes!("../fixtures/outlook.vcf")[..]),
        ("icloud_vcf", include_bytes!("../fixtures/icloud.vcf")),
        ("nextcloud_vcf", include_bytes!("../fixtures/nextcloud.vcf")),
        ("google_ics", include_bytes!("../fixtures/google.ics")),
        ("thunderbird_ics", include_bytes!("../fixtures/thunderbird.ics")),
        ("google_csv", include_bytes!("../fixtures/google.csv")),
        ("outlook_ics", include_bytes!("../fixtures/outlook.ics")),
        ("nextcloud_ics", include_bytes!("../fixtures/nextcloud.ics")),
        ("phone_vcs", include_bytes!("../fixtures/phone.vcs")),
        ("thunderbird_vcf", include_bytes!("../fixtures/thunderbird.vcf")),
    ] {
        insta::assert_snapshot!(name, shown(bytes));
    }
}

#[test]
fn utf_16_says_the_same_as_utf_8() {
    let text = String::from_utf8(include_bytes!("../fixtures/icloud.vcf").to_vec()).unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(shown(&[&[0xff, 0xfe], &*wide].concat()), shown(text.as_bytes()));
}

#[test]
fn archives_of_common_programs_become_what_is_expected() {
    let takeout: [(&str, &[u8]); 4] = [
        ("Takeout/archive_browser.html", b"<html>what is in here</html>"),
        ("Takeout/Kalender/Privat.ics", include_bytes!("../fixtures/google.ics")),
        (
            "Takeout/Kontakte/Alle Kontakte/Alle Kontakte.vcf",
            include_bytes!("../fixtures/google.vcf"),
        ),
        (
            "Takeout/Kontakte/Meine Kontakte/Meine Kontakte.vcf",
            include_bytes!("../fixtures/google.vcf"),
        ),
    ];
    let icloud: [(&str, &[u8]); 3] = [
        (
            "iCloud Contacts/Ana \u{c4}rztin.vcf",
            include_bytes!("../fixtures/icloud.vcf"),
        ),
        ("iCloud Calendars/Familie.ics", include_bytes!("../fixtures/icloud.ics")),
        ("__MACOSX/iCloud Calendars/._Familie.ics", b"\x00\x05\x16\x07Mac OS X"),
    ];
    let outlook: [(&str, &[u8]); 3] = [
        ("J\u{f6}rg M\u{fc}ller.vcf", include_bytes!("../fixtures/outlook.vcf")),
        (
            "Tom Two.vcf",
            b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Two;Tom\r\nEND:VCARD\r\n",
        ),
        ("calendar.ics", include_bytes!("../fixtures/outlook.ics")),
    ];
    insta::assert_snapshot!("takeout_zip", shown(&zipped(&takeout)));
    insta::assert_snapshot!("icloud_zip", shown(&zipped(&icloud)));
    insta::assert_snapshot!("outlook_zip", shown(&zipped(&outlook)));
}

#[test]
fn overrides_of_the_same_hour_in_two_zones_are_both_kept() {
    let text: Vec<String> = ["Europe/Berlin", "Europe/Lisbon"]
        .map(|zone| {
            format!("BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID={zone}:20260101T100000\nX-IN:{zone}\nEND:VEVENT\n")
        })
        .to_vec();
    let shown = shown(text.concat().as_bytes());
    assert!(
        shown.contains("X-IN:Europe/Berlin") && shown.contains("X-IN:Europe/Lisbon") && !shown.contains('!'),
        "{shown}"
    );
}
