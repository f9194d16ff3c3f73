//! What a preview shows of a folder.

use serde::{Deserialize, Serialize};

/// A folder as it is at the source, and where the first pass would bring it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderPreview {
    /// Its path at the source as people read it, parts joined by `/`.
    pub source: String,
    /// Its path at the destination; `None` for one that is not copied.
    pub destination: Option<String>,
    /// Paths that are tried, in this order, where the destination refuses that one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
    /// How many messages it has, whatever their dates; `None` where the source does not tell.
    pub messages: Option<u64>,
    /// Their bytes, where the source tells (RFC 8438).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether the folder is at the destination already.
    pub exists: bool,
    /// Why it is named otherwise there, in words for customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether the order's patterns leave it out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
}
