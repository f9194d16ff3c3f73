use proptest::prelude::*;

use super::*;

fn texts(bytes: &[u8]) -> Vec<(u64, String)> {
    let lines = unfold(bytes, 1).into_iter();
    lines
        .map(|(number, line)| (number, String::from_utf8_lossy(&line).into_owned()))
        .collect()
}

#[test]
fn parts_are_found_with_quotes_and_groups() {
    let line = ContentLine::parse(r#"item1.TEL;TYPE="a;b:c",d;PREF:+49 1:2"#).unwrap();
    assert_eq!((line.group, line.name, &*line.value), (Some("item1"), "TEL", "+49 1:2"));
    assert_eq!(line.params, [r#"TYPE="a;b:c",d"#, "PREF"]);
    assert!(line.says("TYPE", "pref") && !line.says("TYPE", "home"));
    for bad in ["", "no colon", ":", "A B:c", "X;A=\"b:c"] {
        assert_eq!(ContentLine::parse(bad), None, "{bad}");
    }
}

#[test]
fn soft_breaks_and_base64_without_indentation_go_on() {
    let text = b"NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nEND:VCARD=\r\n b\r\nPHOTO;BASE64:\r\nAAAA\r\nBBBB=\r\n\r\nFN:x\r\n y\rN:z";
    assert_eq!(
        texts(text),
        [
            (1, "NOTE;ENCODING=QUOTED-PRINTABLE:aEND:VCARD b".to_owned()),
            (4, "PHOTO;BASE64:AAAABBBB=".to_owned()),
            (8, "FN:xy".to_owned()),
            (10, "N:z".to_owned()),
        ]
    );
}

#[test]
fn bare_commas_and_semicolons_of_a_text_are_escaped_once() {
    for (text, escaped) in [
        ("a, b; c", "a\\, b\\; c"),
        ("a\\, b\\\\, c\\n", "a\\, b\\\\\\, c\\n"),
        ("a", "a"),
    ] {
        assert_eq!(escaped_text(text), escaped);
        assert_eq!(escaped_text(escaped), escaped);
    }
}

proptest! {
    #[test]
    fn what_is_folded_unfolds_to_the_same(value in "[^\r\n]{0,400}") {
        let line = format!("X-A:{value}");
        let mut text = String::new();
        fold(&line, &mut text);
        prop_assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES));
        prop_assert_eq!(texts(text.as_bytes()), [(1, line)]);
    }

    #[test]
    fn whatever_is_parsed_is_written_as_it_was(line in r#"[A-Za-z.-]{1,9}(;[A-Z]{1,4}(=("[^"\r\n]{0,9}"|[a-z]{0,9}))?){0,3}:[^\r\n]{0,200}"#) {
        if let Some(parsed) = ContentLine::parse(&line) {
            prop_assert_eq!(parsed.unfolded(), line);
        }
    }
}
