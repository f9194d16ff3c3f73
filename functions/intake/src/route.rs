//! Which call it is, by method and path.
//!
//! The gateway may put the name of its stage before the path, so everything up to `/v1/` is left
//! out of account.

use crate::problem::{Code, Problem};

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// `POST /v1/requests`; open to everybody.
    Create,
    /// `GET /v1/template.csv`; open to everybody.
    Template,
    /// `GET /v1/earliest-start`; open to everybody.
    EarliestStart,
    /// `GET /v1/template.xlsx`; open to everybody.
    TemplateWorkbook,
    /// Something with the request of this id, for whoever has its token.
    Request(&'a str, Action),
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `GET /v1/requests/{id}`.
    Status,
    /// `POST /v1/requests/{id}/upload`.
    Upload,
    /// `POST /v1/requests/{id}/proceed`.
    Proceed,
    /// `POST /v1/requests/{id}/cutover`.
    CutOver,
    /// `POST /v1/requests/{id}/passes`.
    LookAgain,
    /// `DELETE /v1/requests/{id}/passwords`.
    DeletePasswords,
    /// `POST /v1/requests/{id}/window`.
    Window,
    /// `POST /v1/requests/{id}/cancel`.
    Cancel,
    /// `GET /v1/requests/{id}/report.csv`.
    Report,
    /// `GET /v1/requests/{id}/mailboxes/{row}/certificate`; the row of the mailbox.
    Certificate(u32),
    /// `GET /v1/requests/{id}/mailboxes/{row}/settings.mobileconfig`; the row of the mailbox.
    AppleProfile(u32),
    /// `GET /v1/requests/{id}/dns`.
    Dns,
    /// `PATCH /v1/requests/{id}/mailboxes/{row}`; the row of the mailbox.
    Mend(u32),
    /// `GET /v1/requests/{id}/preview`.
    Preview,
    /// `POST /v1/requests/{id}/preview`.
    AskPreview,
    /// `GET /v1/requests/{id}/attachments`.
    Attachments,
    /// `POST /v1/requests/{id}/attachments`.
    Attach,
    /// `GET /v1/requests/{id}/attachments/{attachment}`; the attachment's number.
    Attachment(u64),
    /// `DELETE /v1/requests/{id}/attachments/{attachment}`; the attachment's number.
    Detach(u64),
}

/// Finds the call.
///
/// # Errors
/// [`Code::NoSuchPath`], or [`Code::MethodNotAllowed`] with the header `Allow`.
pub fn find<'a>(method: &str, path: &'a str) -> Result<Route<'a>, Problem> {
    let (allowed, route) = at(path).ok_or_else(|| {
        let detail = "Look at the path; those of this API begin with /v1/requests and /v1/template.csv.";
        Problem::new(Code::NoSuchPath, detail)
    })?;
    let (other, other_route) = other_at(route).unwrap_or((allowed, route));
    if method == allowed {
        return Ok(route);
    }
    if method == other {
        return Ok(other_route);
    }
    let (words, list) = if other == allowed {
        (format!("Use {allowed}."), allowed.to_owned())
    } else {
        (format!("Use {allowed} or {other}."), format!("{allowed}, {other}"))
    };
    Err(Problem::new(Code::MethodNotAllowed, words).with_header("allow", list))
}

/// The second method of the path of a route, where it has one.
fn other_at(route: Route<'_>) -> Option<(&'static str, Route<'_>)> {
    match route {
        Route::Request(id, Action::Preview) => Some(("POST", Route::Request(id, Action::AskPreview))),
        Route::Request(id, Action::Attachments) => Some(("POST", Route::Request(id, Action::Attach))),
        Route::Request(id, Action::Attachment(number)) => Some(("DELETE", Route::Request(id, Action::Detach(number)))),
        _ => None,
    }
}

/// The first method of a path, and what it does.
fn at(path: &str) -> Option<(&'static str, Route<'_>)> {
    let (_, path) = path.split_once("/v1/")?;
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["template.csv"] => Some(("GET", Route::Template)),
        ["earliest-start"] => Some(("GET", Route::EarliestStart)),
        ["template.xlsx"] => Some(("GET", Route::TemplateWorkbook)),
        ["requests"] => Some(("POST", Route::Create)),
        ["requests", id] => Some(("GET", Route::Request(id, Action::Status))),
        ["requests", id, "upload"] => Some(("POST", Route::Request(id, Action::Upload))),
        ["requests", id, "proceed"] => Some(("POST", Route::Request(id, Action::Proceed))),
        ["requests", id, "cutover"] => Some(("POST", Route::Request(id, Action::CutOver))),
        ["requests", id, "passes"] => Some(("POST", Route::Request(id, Action::LookAgain))),
        ["requests", id, "passwords"] => Some(("DELETE", Route::Request(id, Action::DeletePasswords))),
        ["requests", id, "window"] => Some(("POST", Route::Request(id, Action::Window))),
        ["requests", id, "cancel"] => Some(("POST", Route::Request(id, Action::Cancel))),
        ["requests", id, "report.csv"] => Some(("GET", Route::Request(id, Action::Report))),
        ["requests", id, "mailboxes", row] => Some(("PATCH", Route::Request(id, Action::Mend(row.parse().ok()?)))),
        ["requests", id, "mailboxes", row, "certificate"] => {
            Some(("GET", Route::Request(id, Action::Certificate(row.parse().ok()?))))
        }
        ["requests", id, "mailboxes", row, "settings.mobileconfig"] => {
            Some(("GET", Route::Request(id, Action::AppleProfile(row.parse().ok()?))))
        }
        ["requests", id, "dns"] => Some(("GET", Route::Request(id, Action::Dns))),
        ["requests", id, "preview"] => Some(("GET", Route::Request(id, Action::Preview))),
        ["requests", id, "attachments"] => Some(("GET", Route::Request(id, Action::Attachments))),
        ["requests", id, "attachments", number] if number.len() == 16 => {
            let number = u64::from_str_radix(number, 16).ok()?;
            Some(("GET", Route::Request(id, Action::Attachment(number))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLS: [(&str, &str, Route<'static>); 23] = [
        ("POST", "/v1/requests", Route::Create),
        ("GET", "/v1/template.csv", Route::Template),
        ("GET", "/v1/template.xlsx", Route::TemplateWorkbook),
        ("GET", "/v1/requests/x", Route::Request("x", Action::Status)),
        ("POST", "/v1/requests/x/upload", Route::Request("x", Action::Upload)),
        ("POST", "/v1/requests/x/proceed", Route::Request("x", Action::Proceed)),
        ("POST", "/v1/requests/x/cutover", Route::Request("x", Action::CutOver)),
        ("POST", "/v1/requests/x/passes", Route::Request("x", Action::LookAgain)),
        (
            "DELETE",
            "/v1/requests/x/passwords",
            Route::Request("x", Action::DeletePasswords),
        ),
        ("GET", "/v1/earliest-start", Route::EarliestStart),
        ("POST", "/v1/requests/x/window", Route::Request("x", Action::Window)),
        ("POST", "/v1/requests/x/cancel", Route::Request("x", Action::Cancel)),
        ("GET", "/v1/requests/x/report.csv", Route::Request("x", Action::Report)),
        (
            "GET",
            "/v1/requests/x/mailboxes/7/certificate",
            Route::Request("x", Action::Certificate(7)),
        ),
        (
            "GET",
            "/v1/requests/x/mailboxes/7/settings.mobileconfig",
            Route::Request("x", Action::AppleProfile(7)),
        ),
        ("GET", "/v1/requests/x/dns", Route::Request("x", Action::Dns)),
        (
            "PATCH",
            "/v1/requests/x/mailboxes/7",
            Route::Request("x", Action::Mend(7)),
        ),
        ("GET", "/v1/requests/x/preview", Route::Request("x", Action::Preview)),
        (
            "GET",
            "/v1/requests/x/attachments",
            Route::Request("x", Action::Attachments),
        ),
        (
            "POST",
            "/v1/requests/x/attachments",
            Route::Request("x", Action::Attach),
        ),
        (
            "GET",
            "/v1/requests/x/attachments/00000000000000a7",
            Route::Request("x", Action::Attachment(0xa7)),
        ),
        (
            "DELETE",
            "/v1/requests/x/attachments/00000000000000a7",
            Route::Request("x", Action::Detach(0xa7)),
        ),
        (
            "POST",
            "/v1/requests/x/preview",
            Route::Request("x", Action::AskPreview),
        ),
    ];

    #[test]
    fn every_call_is_found_with_and_without_a_stage() {
        for (method, path, route) in CALLS {
            assert_eq!(find(method, path), Ok(route), "{method} {path}");
            assert_eq!(
                find(method, &format!("/production{path}")),
                Ok(route),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        for (method, path, _) in CALLS {
            let answer = find("PUT", path).unwrap_err().response();
            let allowed = answer.headers["allow"].to_str().unwrap();
            assert_eq!(answer.status_code, 405, "{path}");
            assert!(allowed.split(", ").any(|own| own == method), "{path}: {allowed}");
            let has_two = path.ends_with("preview") || path.contains("/attachments");
            assert_eq!(allowed.contains(", "), has_two, "{path}");
        }
    }

    #[test]
    fn other_paths_are_nothing() {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v2/requests",
            "/v1/requests/x/",
            "/v1/requests/x/delete",
            "/v1/requests/x/upload/y",
            "/v1/requests/x/mailboxes/y/certificate",
            "/v1/template.csv/",
        ] {
            assert_eq!(find("GET", path).unwrap_err().code(), Code::NoSuchPath, "{path}");
        }
    }

    /// The path with its variable parts as they are described.
    fn with_names(path: &str) -> String {
        path.replace("/x", "/{id}")
            .replace("/7", "/{row}")
            .replace("/00000000000000a7", "/{attachment}")
    }

    #[test]
    fn every_call_has_a_route_of_the_gateway() {
        let template = include_str!("../../../template.yaml");
        for (method, path, _) in CALLS {
            let key = format!("RouteKey: \"{method} {}\"", with_names(path));
            assert!(template.contains(&key), "{key}");
        }
    }

    #[test]
    fn every_path_is_in_the_description_of_the_api() {
        let described = include_str!("../../../infra/openapi.yaml");
        for (method, path, _) in CALLS {
            let path = with_names(path);
            let start = described
                .find(&format!("\n  {path}:\n"))
                .unwrap_or_else(|| panic!("{path}"));
            let entry: String = described[start + 1..]
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with("    "))
                .collect();
            assert!(
                entry.contains(&format!("    {}:", method.to_lowercase())),
                "{method} {path}"
            );
        }
    }
}
