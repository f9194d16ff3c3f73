//! Parts of folder names that a server cannot hold, written so that it can, and read back.
//!
//! What cannot stand in a name becomes a character that looks like it (`a/b` becomes `a∕b`), or, where
//! nothing does, its number (`␦85;`). A look-alike that stood in the name already gets the mark `␦`
//! before it. So every name has one form, no two names have the same, and [`restore`] undoes it.
//!
//! Nothing is escaped that a server may be able to hold: Dovecot (2.3.19, 2026) takes `*`, `%`, spaces
//! at the ends and, unless it keeps Maildir, a dot where `/` is the separator. What a server then
//! refuses is tried once more under [`Names::strict`].

/// The mark before what stands for itself, and before numbers.
const MARK: char = '\u{2426}';

/// The end of a number.
const NUMBER_END: char = ';';

/// A number that tells apart what would have the same name stands between these, at the end.
const TAG_BEGIN: char = '\u{fe59}';
const TAG_END: char = '\u{fe5a}';

/// A character and the one that looks like it. Rare ones, so that the mark is hardly ever seen.
const LOOK_ALIKES: [(char, char); 6] = [
    ('/', '\u{2215}'),
    ('.', '\u{2024}'),
    ('~', '\u{223c}'),
    ('*', '\u{2217}'),
    ('%', '\u{fe6a}'),
    ('\\', '\u{2216}'),
];

/// What else some server or mail program takes for more than a character of a name.
const STRICTLY_NONE: [char; 2] = ['"', '#'];

/// The pictures of control characters begin here; that of the space is the 33rd.
const PICTURES: u32 = 0x2400;
const PICTURE_OF_DELETE: char = '\u{2421}';

/// Which names a server can hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    separator: Option<char>,
    strict: bool,
}

impl Names {
    /// What no server holds, and what Dovecot refuses whatever its store is.
    pub(super) fn usual(separator: Option<char>) -> Self {
        Self {
            separator,
            strict: false,
        }
    }

    /// All that some server refuses or changes.
    pub(super) fn strict(separator: Option<char>) -> Self {
        Self {
            separator,
            strict: true,
        }
    }

    pub(super) fn is_strict(self) -> bool {
        self.strict
    }

    /// A part of a name as the server can hold it; `is_first` where it stands at the top.
    pub(super) fn escape(self, part: &str, is_first: bool) -> String {
        if part.is_empty() {
            return [MARK, NUMBER_END].iter().collect();
        }
        let mut escaped = String::with_capacity(part.len());
        let last = part.chars().count() - 1;
        for (index, c) in part.chars().enumerate() {
            let at_end = index == 0 || index == last;
            let is_dots = part == "." || part == "..";
            let begins = index == 0 && (is_first || self.strict);
            let cannot_stand = match c {
                c if Some(c) == self.separator => true,
                '/' => true,
                '.' => is_dots || self.strict,
                '~' => begins,
                ' ' => at_end && self.strict,
                '*' | '%' | '\\' => self.strict,
                c if STRICTLY_NONE.contains(&c) => self.strict,
                c => c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'),
            };
            if cannot_stand {
                push_in_place_of(&mut escaped, c, self.separator);
            } else {
                if is_reserved(c) {
                    escaped.push(MARK);
                }
                escaped.push(c);
            }
        }
        escaped
    }
}

fn push_in_place_of(escaped: &mut String, c: char, separator: Option<char>) {
    let look_alike = LOOK_ALIKES.iter().find(|(own, _)| *own == c).map(|(_, other)| *other);
    let picture = match c {
        '\u{7f}' => Some(PICTURE_OF_DELETE),
        c if c <= ' ' => char::from_u32(PICTURES + u32::from(c)),
        _ => None,
    };
    match look_alike.or(picture).filter(|other| Some(*other) != separator) {
        Some(other) => escaped.push(other),
        None => escaped.extend([MARK.to_string(), format!("{:x}", u32::from(c)), NUMBER_END.to_string()]),
    }
}

fn is_reserved(c: char) -> bool {
    c == MARK || c == TAG_BEGIN || c == TAG_END || in_place_of(c).is_some()
}

/// What a look-alike stands for.
fn in_place_of(c: char) -> Option<char> {
    if c == PICTURE_OF_DELETE {
        return Some('\u{7f}');
    }
    let picture = u32::from(c).checked_sub(PICTURES).filter(|code| *code <= 0x20);
    let look_alike = LOOK_ALIKES.iter().find(|(_, other)| *other == c);
    look_alike
        .map(|(own, _)| *own)
        .or_else(|| picture.and_then(char::from_u32))
}

/// A name with a tag at its end, which tells it apart from others.
pub(super) fn tagged(escaped: &str, tag: &str) -> String {
    format!("{escaped} {TAG_BEGIN}{tag}{TAG_END}")
}

/// The part that [`map_folders`](super::map_folders) made this one of, whatever the server's
/// separator is. A tag at its end is left out. `None` where it was not made so.
///
/// A name that was shortened ends with `…` and a tag; what was cut off is in the job table alone.
///
/// ```
/// use mailvan::sync::restore_name;
///
/// assert_eq!(restore_name("Angebote∕Rechnungen").as_deref(), Some("Angebote/Rechnungen"));
/// assert_eq!(restore_name("work ﹙2﹚").as_deref(), Some("work"));
/// assert_eq!(restore_name("1␦∕2").as_deref(), Some("1∕2"));
/// ```
pub fn restore_name(part: &str) -> Option<String> {
    let part = untagged(part);
    let mut restored = String::with_capacity(part.len());
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        if c != MARK {
            restored.push(in_place_of(c).unwrap_or(c));
            continue;
        }
        let after = rest.clone().next()?;
        if is_reserved(after) {
            restored.push(after);
            rest.next();
            continue;
        }
        let (number, behind) = rest.as_str().split_once(NUMBER_END)?;
        if !number.is_empty() {
            restored.push(u32::from_str_radix(number, 16).ok().and_then(char::from_u32)?);
        }
        rest = behind.chars();
    }
    Some(restored)
}

fn untagged(part: &str) -> &str {
    let tag = part.strip_suffix(TAG_END).and_then(|part| part.rsplit_once(TAG_BEGIN));
    match tag.and_then(|(name, tag)| Some((name.strip_suffix(' ')?, tag))) {
        Some((name, tag)) if tag.chars().all(|c| c.is_ascii_hexdigit()) => name,
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_a_server_cannot_hold_is_changed() {
        let (slash, dot) = (Names::usual(Some('/')), Names::usual(Some('.')));
        for (part, with_slash, with_dot) in [
            (
                "Größe & Maße 50% *neu*",
                "Größe & Maße 50% *neu*",
                "Größe & Maße 50% *neu*",
            ),
            ("Dr. Müller", "Dr. Müller", "Dr․ Müller"),
            ("a/b", "a∕b", "a∕b"),
            ("..", "․․", "․․"),
            ("a..b", "a..b", "a․․b"),
            ("~peter", "∼peter", "∼peter"),
            ("tab\there\u{7f}", "tab␉here␡", "tab␉here␡"),
            ("nul\0", "nul␀", "nul␀"),
            ("next\u{85}", "next␦85;", "next␦85;"),
            ("", "␦;", "␦;"),
            ("a∕b ␦", "a␦∕b ␦␦", "a␦∕b ␦␦"),
            (" x ", " x ", " x "),
        ] {
            assert_eq!(slash.escape(part, true), with_slash);
            assert_eq!(dot.escape(part, true), with_dot);
        }
        assert_eq!(slash.escape("~peter", false), "~peter");
    }

    #[test]
    fn strict_names_hold_nothing_that_any_server_refuses() {
        let strict = Names::strict(Some('/'));
        assert_eq!(strict.escape(" v1.0 50% * ", false), "␠v1․0 50﹪ ∗␠");
        assert_eq!(strict.escape("#1 \"x\\y\"", false), "␦23;1 ␦22;x∖y␦22;");
    }

    #[test]
    fn odd_separators_are_told_by_number() {
        let none = Names::usual(Some('\u{2215}'));
        assert_eq!(none.escape("a/b∕c", true), "a␦2f;b∕c".replace('∕', "␦2215;").as_str());
        assert_eq!(Names::usual(Some('^')).escape("a^b", true), "a␦5e;b");
    }

    #[test]
    fn what_was_not_made_here_is_not_restored() {
        for part in ["a␦", "a␦zz;", "a␦110000;", "a␦41"] {
            assert_eq!(restore_name(part), None, "{part}");
        }
        assert_eq!(restore_name("x ﹙y﹚").as_deref(), Some("x ﹙y﹚"));
    }

    fn part() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(
            "/.~*%\\\"# ∕․∼∗﹪∖␦﹙﹚␀␠␡;25aİß\0\t\u{7f}\u{85}\u{2028}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop_oneof![
            prop::collection::vec(odd, 0..8).prop_map(String::from_iter),
            any::<String>()
        ]
    }

    proptest! {
        #[test]
        fn every_name_is_restored(part in part(), separator in prop::option::of(prop::sample::select(vec!['/', '.', '^', '\\'])), strict: bool, first: bool) {
            let names = Names { separator, strict };
            let escaped = names.escape(&part, first);
            prop_assert!(!escaped.is_empty());
            prop_assert!(!escaped.contains(|c: char| c.is_control() || c == '/' || Some(c) == separator));
            prop_assert_eq!(restore_name(&escaped), Some(part.clone()));
            prop_assert_eq!(restore_name(&tagged(&escaped, "2")), Some(part));
        }
    }
}
