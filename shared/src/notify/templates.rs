//! The words of the notices: minijinja over the files in `templates/`.
//!
//! Values are escaped in every template whose name ends in `.html`. A value that a template names
//! and the view does not have is an error, so that a slip of the pen is no gap in a mail. To add a
//! notice: a name in the view, a title in `titles.txt`, a `.txt` and a `.html` with its body, a
//! snapshot.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, UndefinedBehavior};

use super::view::View;
use super::wording;

/// Every file, by the name templates know it by.
const FILES: [(&str, &str); 18] = [
    ("titles.txt", include_str!("templates/titles.txt")),
    ("layout.txt", include_str!("templates/layout.txt")),
    ("layout.html", include_str!("templates/layout.html")),
    ("lists.html", include_str!("templates/lists.html")),
    ("accepted.txt", include_str!("templates/accepted.txt")),
    ("accepted.html", include_str!("templates/accepted.html")),
    ("refused.txt", include_str!("templates/refused.txt")),
    ("refused.html", include_str!("templates/refused.html")),
    ("scheduled.txt", include_str!("templates/scheduled.txt")),
    ("scheduled.html", include_str!("templates/scheduled.html")),
    ("first_pass_done.txt", include_str!("templates/first_pass_done.txt")),
    ("first_pass_done.html", include_str!("templates/first_pass_done.html")),
    ("finished.txt", include_str!("templates/finished.txt")),
    ("finished.html", include_str!("templates/finished.html")),
    ("failed.txt", include_str!("templates/failed.txt")),
    ("failed.html", include_str!("templates/failed.html")),
    ("cancelled.txt", include_str!("templates/cancelled.txt")),
    ("cancelled.html", include_str!("templates/cancelled.html")),
];

/// The three texts of a notice.
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Fills the templates of a notice.
pub(super) fn render(view: &View) -> Result<Rendered, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("number", wording::number);
    environment.add_filter("counted", wording::counted);
    environment.add_filter("size", wording::size);
    for (name, source) in FILES {
        environment.add_template(name, source)?;
    }
    let title = environment.get_template("titles.txt")?.render(Serde(view))?;
    let title = wording::one_line(&title);
    environment.add_global("title", title.as_str());
    let file = |ending: &str| {
        environment
            .get_template(&format!("{}.{ending}", view.kind))?
            .render(Serde(view))
    };
    Ok(Rendered {
        text: file("txt")?,
        html: file("html")?,
        title,
    })
}
