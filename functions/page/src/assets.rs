//! The page's files, as they are in the program.

use mailvan::profile::Profile;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file by its path below `/assets/`, which begins with the version: its type and its text. Of
/// another version there is none, so that nobody gets parts of two.
pub fn find(path: &str) -> Option<(&'static str, &'static str)> {
    let (version, name) = path.split_once('/')?;
    let (_, text) = FILES.iter().find(|(known, _)| version == VERSION && *known == name)?;
    Some((kind(name)?, text))
}

/// The languages there is a file for, by their names in BCP 47.
pub fn languages() -> Vec<&'static str> {
    let name = |(path, _): &(&'static str, &str)| path.strip_prefix("lang/")?.strip_suffix(".js");
    FILES.iter().filter_map(name).collect()
}

/// The document itself, with the provider's name and the paths of this version. Everything the
/// browser will want is named at once, so that it does not find one module through another.
pub fn index(profile: &Profile) -> String {
    let page = FILES.iter().find(|(name, _)| *name == "index.html");
    let is_needed = |name: &&str| {
        let is_module = std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "js");
        is_module && !name.starts_with("lang/")
    };
    let preloads = FILES.iter().map(|(name, _)| *name).filter(is_needed);
    let preloads: Vec<String> = preloads
        .map(|name| format!("<link rel=\"modulepreload\" href=\"assets/{VERSION}/{name}\">"))
        .collect();
    page.map_or("", |(_, text)| text)
        .replace("{{preloads}}", &preloads.join("\n"))
        .replace("{{version}}", VERSION)
        .replace("{{provider}}", &escape(&profile.provider.name))
}

fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
