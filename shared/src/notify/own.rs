//! A provider's own templates in the place of ours.
//!
//! They are tried when they are loaded: each notice is written in each language for a request that has everything, for
//! one that has nothing and for one whose texts are hostile. So a file that names a value that is not there, or lets a
//! customer's text through as HTML, stops the deployment or the start and no mail.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;

use super::templates::{FRAME, Rendered, Templates, files, path};
use super::view::View;
use super::view::samples::{self, HOSTILE_MARK};
use crate::domain::Language;
use crate::profile::Profile;

/// A provider's own templates, by their paths below the folder of them, such as `en/finished.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTemplates {
    files: Arc<BTreeMap<String, String>>,
}

/// Why a provider's templates are not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("notices/{file}{}: {message}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct OwnTemplateError {
    /// The file, below the folder of the templates.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl OwnTemplates {
    /// Takes the files and tries them with what the profile says.
    ///
    /// # Errors
    /// [`OwnTemplateError`] with the first fault.
    pub fn try_new(files: BTreeMap<String, String>, profile: &Profile) -> Result<Self, OwnTemplateError> {
        if let Some(file) = files.keys().find(|file| !is_known(file)) {
            return Err(OwnTemplateError {
                file: file.clone(),
                line: None,
                message: unknown(),
            });
        }
        let own = Self { files: Arc::new(files) };
        if !own.files.is_empty() {
            for language in Language::ALL {
                own.try_language(language, profile)?;
            }
        }
        Ok(own)
    }

    /// The text in the place of ours.
    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    fn try_language(&self, language: Language, profile: &Profile) -> Result<(), OwnTemplateError> {
        let fault = |error: &minijinja::Error| of_engine(error, language);
        let mut templates = Templates::of(language, self).map_err(|error| fault(&error))?;
        for view in samples::views(language, profile) {
            let rendered = templates.render(&view).map_err(|error| fault(&error))?;
            self.judge(language, &view, &rendered)?;
            templates.calendar(&view).map_err(|error| fault(&error))?;
        }
        Ok(())
    }

    fn judge(&self, language: Language, view: &View, rendered: &Rendered) -> Result<(), OwnTemplateError> {
        let fault = |name: String, message: &str| OwnTemplateError {
            file: path(language, &name),
            line: None,
            message: format!("{message} (in the notice {})", view.kind),
        };
        if rendered.title.is_empty() {
            return Err(fault("titles.txt".to_owned(), "the title is empty"));
        }
        if rendered.text.trim().is_empty() {
            return Err(fault(format!("{}.txt", view.kind), "the text is empty"));
        }
        if rendered.html.contains(HOSTILE_MARK) {
            // Which of the files that make up a page did it is not known; ours do not.
            let own = self.files.keys().find(|file| {
                let is_html = std::path::Path::new(file)
                    .extension()
                    .is_some_and(|ending| ending == "html");
                is_html && (!file.contains('/') || file.starts_with(&path(language, "")))
            });
            let mut error = fault(
                format!("{}.html", view.kind),
                "a customer's text is written as HTML: leave the escaping on, without safe and autoescape",
            );
            if let Some(own) = own {
                error.file.clone_from(own);
            }
            return Err(error);
        }
        Ok(())
    }
}

fn is_known(file: &str) -> bool {
    FRAME.iter().any(|(name, _)| *name == file)
        || Language::ALL
            .into_iter()
            .any(|language| files(language).iter().any(|(name, _)| path(language, name) == *file))
}

fn unknown() -> String {
    let own = Language::ALL
        .map(|language| format!("{}/", language.tag()))
        .join(" or ");
    let names: Vec<&str> = files(Language::English).iter().map(|(name, _)| *name).collect();
    let frame: Vec<&str> = FRAME.iter().map(|(name, _)| *name).collect();
    format!(
        "there is no such template; there are {}, and in {own}: {}",
        frame.join(", "),
        names.join(", ")
    )
}

/// What the engine says, with the file as the provider knows it.
fn of_engine(error: &minijinja::Error, language: Language) -> OwnTemplateError {
    // What is wrong in a file that another one includes is told by the innermost.
    let mut error = error;
    while let Some(inner) = error.source().and_then(|source| source.downcast_ref()) {
        error = inner;
    }
    let name = error.name().unwrap_or("titles.txt");
    let file = if FRAME.iter().any(|(frame, _)| *frame == name) {
        name.to_owned()
    } else {
        path(language, name)
    };
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    OwnTemplateError {
        file,
        line: error.line(),
        message,
    }
}
