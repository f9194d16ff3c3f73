//! The profile and what belongs to it, read from the folder they stand in.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Profile, ProfileError};
use crate::notify::{OwnTemplateError, OwnTemplates};

/// The folder of the provider's own templates, beside the profile.
const TEMPLATES: &str = "notices";

/// Why a profile is not used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or a folder cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The profile is not right.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// One of the templates is not right.
    #[error(transparent)]
    Template(#[from] OwnTemplateError),
}

impl Profile {
    /// Reads a profile, and the folder `notices` beside it where there is one.
    ///
    /// # Errors
    /// [`LoadError`] with the first fault.
    pub fn load(file: &Path) -> Result<Self, LoadError> {
        let text = fs::read_to_string(file).map_err(unreadable(file))?;
        let mut profile = Self::parse(&text)?;
        let folder = file.parent().unwrap_or_else(|| Path::new("")).join(TEMPLATES);
        let mut files = BTreeMap::new();
        collect(&folder, "", &mut files)?;
        profile.templates = OwnTemplates::try_new(files, &profile)?;
        Ok(profile)
    }
}

/// All files of a folder and those in it, by their paths below the first. Files of the system, which begin with a dot,
/// are left out.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<(), LoadError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && prefix.is_empty() => return Ok(()),
        entries => entries.map_err(unreadable(folder))?,
    };
    for entry in entries {
        let path = entry.map_err(unreadable(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            files.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(())
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> LoadError {
    let path = path.to_owned();
    move |source| LoadError::Unreadable { path, source }
}
