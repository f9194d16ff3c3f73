//! The words of the notices: minijinja over the files in `templates/`, a folder for each language beside the frame
//! that all of them share. A provider can put files of its own in their place ([`OwnTemplates`]).
//!
//! Values are escaped in every template whose name ends in `.html`. A value that a template names
//! and the view does not have is an error, so that a slip of the pen is no gap in a mail. To add a
//! notice: a name in the view, a title in `titles.txt`, a `.txt` and a `.html` with its body, each in
//! every language, and snapshots.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, UndefinedBehavior};

use super::own::OwnTemplates;
use super::view::View;
use super::wording;
use crate::domain::Language;

/// The files of a folder, by the names templates know them by.
macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("templates/", $folder, $name)))),*]
    };
}

/// A file's name, and its text.
pub(super) type File = (&'static str, &'static str);

/// The files of a language; all of them have the same.
macro_rules! every_file {
    ($language:literal) => {
        files!($language:
            "titles.txt" "ask.txt" "ask.html" "meanwhile.txt" "meanwhile.html" "failed_mailboxes.html"
            "received.txt" "received.html" "started.txt" "started.html" "dns_seen.txt" "dns_seen.html"
            "needs_staff.txt" "needs_staff.html" "accepted.txt" "accepted.html" "refused.txt" "refused.html" "scheduled.txt" "scheduled.html"
            "found_again.txt" "found_again.html"
            "first_pass_done.txt" "first_pass_done.html" "finished.txt" "finished.html"
            "looked_again.txt" "looked_again.html" "forgotten_soon.txt" "forgotten_soon.html" "failed.txt" "failed.html" "cancelled.txt" "cancelled.html" "imported.txt" "imported.html"
            "files.txt" "files.html" "dns.txt" "dns.html" "ttl.txt" "ttl.html" "rows.txt" "rows.html" "page.txt" "page.html" "calendar.txt"
            "settings.txt" "settings.html" "owner.txt" "owner.html")
    };
}

pub(super) const FRAME: &[File] = files!("": "layout.txt" "layout.html" "lists.html");
const ENGLISH: &[File] = every_file!("en/");
const GERMAN: &[File] = every_file!("de/");

pub(super) fn files(language: Language) -> &'static [File] {
    match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
    }
}

/// The three texts of a notice.
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A language's templates, and what they can use.
pub(super) struct Templates<'a> {
    environment: Environment<'a>,
}

impl<'a> Templates<'a> {
    /// Our own, and in their place the provider's.
    pub(super) fn of(language: Language, own: &'a OwnTemplates) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_filter("number", move |count| wording::number(count, language));
        environment.add_filter("counted", move |count, one: String, many: String| {
            wording::counted(count, &one, &many, language)
        });
        environment.add_filter("size", move |bytes| wording::size(bytes, language));
        for (name, source) in FRAME {
            environment.add_template(name, own.get(name).unwrap_or(source))?;
        }
        for (name, source) in files(language) {
            let own = own.get(&path(language, name));
            environment.add_template(name, own.unwrap_or(source))?;
        }
        Ok(Self { environment })
    }

    /// Fills the templates of a notice.
    pub(super) fn render(&mut self, view: &View) -> Result<Rendered, Error> {
        let title = wording::one_line(&self.fill("titles.txt", view)?);
        self.environment.add_global("title", title.clone());
        Ok(Rendered {
            text: self.fill(&format!("{}.txt", view.kind), view)?,
            html: self.fill(&format!("{}.html", view.kind), view)?,
            title,
        })
    }

    /// The words of a calendar's entry.
    pub(super) fn calendar(&self, view: &View) -> Result<String, Error> {
        self.fill("calendar.txt", view)
    }

    fn fill(&self, name: &str, view: &View) -> Result<String, Error> {
        self.environment.get_template(name)?.render(Serde(view))
    }
}

/// Where a file of a language stands, seen from the folder of all.
pub(super) fn path(language: Language, name: &str) -> String {
    format!("{}/{name}", language.tag())
}
