use aws_lambda_events::encodings::Body;
use serde_json::{Value, json};

use super::*;

const PROFILE: &str = r##"
[provider]
name = "Müller & <Söhne>"
time_zone = "Europe/Berlin"
accent = "#7A1F5C"

[destination.imap]
host = "imap.example.net"
auth = "password"

[notices]
sender = "migration@example.net"
support = "help@example.net"
"##;

fn get(path: &str) -> ApiGatewayV2httpResponse {
    get_of(PROFILE, path)
}

fn get_of(profile: &str, path: &str) -> ApiGatewayV2httpResponse {
    let deps = Deps {
        profile: Profile::parse(profile).unwrap(),
        lead_times: LeadTimes::KEPT,
        origins: vec!["https://uploads.example.com".to_owned()],
    };
    let mut event = ApiGatewayV2httpRequest::default();
    event.raw_path = Some(path.to_owned());
    handle(&deps, &event, "2026-11-24T09:00:00Z".parse().unwrap())
}

fn text(answer: ApiGatewayV2httpResponse) -> String {
    match answer.body {
        Some(Body::Text(text)) => text,
        body => panic!("no text: {body:?}"),
    }
}

#[test]
fn the_page_allows_nothing_but_itself_and_the_buckets() {
    let answer = get("/");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
        "{policy}"
    );
    assert!(
        policy.contains("connect-src 'self' https://uploads.example.com;"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
}

#[test]
fn the_page_names_the_provider_and_every_module_and_has_nothing_inline() {
    let page = text(get("/production/"));
    assert!(page.contains("Müller &amp; &lt;Söhne&gt;"), "{page}");
    assert!(!page.contains("{{"), "{page}");
    assert!(!page.contains("style=") && !page.contains("<style"), "{page}");
    assert!(
        page.matches("<script").count() == 1 && page.contains("src=\"assets/"),
        "{page}"
    );
}

#[test]
fn everything_the_page_names_is_there_and_may_be_kept() {
    let page = text(get("/"));
    let named: Vec<&str> = page.split('"').filter(|part| part.starts_with("assets/")).collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named.into_iter().filter(|path| *path != "assets/brand.css") {
        let answer = get(&format!("/{path}"));
        assert_eq!(answer.status_code, 200, "{path}");
        assert!(
            answer.headers["cache-control"].to_str().unwrap().contains("immutable"),
            "{path}"
        );
    }
}

#[test]
fn a_file_of_another_version_is_missing() {
    for path in [
        "/assets/main.js",
        "/assets/0000/main.js",
        "/assets/",
        "/assets/../Cargo.toml",
    ] {
        assert_eq!(get(path).status_code, 404, "{path}");
    }
}

#[test]
fn the_settings_hold_what_is_public() {
    let settings: Value = serde_json::from_str(&text(get("/assets/settings.json"))).unwrap();
    assert_eq!(
        settings["provider"],
        json!({"name": "Müller & <Söhne>", "time_zone": "Europe/Berlin", "support": "help@example.net"})
    );
    assert_eq!(
        settings["imap"],
        json!({"host": "imap.example.net", "port": 993, "security": "tls"})
    );
    assert_eq!(
        (&settings["smtp"], &settings["apple_profiles"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(settings["earliest_start"], "2026-11-25T09:00:00Z");
    assert_eq!(settings["needs_destination_password"], true);
    assert_eq!(settings["needs_permit"], false);
    assert_eq!(settings["contacts_and_calendars"], false);
    assert_eq!(settings["languages"], json!(["en", "de"]));
    assert_eq!(text(get("/assets/brand.css")), ":root { --brand: #7a1f5c; }\n");
}

#[test]
fn the_page_offers_the_provider_s_languages_in_their_order() {
    for languages in [json!(["de"]), json!(["de", "en"])] {
        let profile = PROFILE.replace("accent =", &format!("languages = {languages}\naccent ="));
        let settings: Value = serde_json::from_str(&text(get_of(&profile, "/assets/settings.json"))).unwrap();
        assert_eq!(settings["languages"], languages);
    }
}
