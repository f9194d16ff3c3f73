use proptest::prelude::*;

use super::*;

pub(super) const EXAMPLE: &str = include_str!("../../../infra/profile.example.toml");

pub(super) const SHORTEST: &str = r#"[provider]
name = "Example Hosting"
time_zone = "Europe/Berlin"
[destination.imap]
host = "imap.example.net"
auth = "password"
[notices]
sender = "migration@example.net"
"#;

#[test]
fn the_example_says_what_it_means() {
    let profile = Profile::parse(EXAMPLE).unwrap();
    assert_eq!(profile.provider.name, "Example Hosting");
    assert_eq!(profile.provider.time_zone.name(), "Europe/Berlin");
    assert_eq!(profile.imap.endpoint.to_string(), "imap.example.net:993 (tls)");
    let DestinationAuth::Master { user, password_secret } = &profile.imap.auth else {
        panic!("the example logs in as a master user")
    };
    assert_eq!(
        (user.as_str(), password_secret.as_str()),
        ("migration", "mailvan/destination-master")
    );
    assert_eq!(profile.dav.unwrap().url, "https://dav.example.net/");
    assert_eq!(profile.notices.support.unwrap().as_str(), "support@example.net");
    assert_eq!(
        profile.limits,
        Limits::default(),
        "the limits of the example are the defaults"
    );
}

#[test]
fn the_example_names_every_key() {
    let keys = "name time_zone languages lead_hours weekend_lead_hours keep_waiting_days keep_cutover_days keep_ended_days host port security auth master_user master_password_secret url sender support page files_wait_minutes \
        mx spf_include dmarc webmail autoconfig autodiscover unknown_ttl_seconds language key_secret credentials_secret write admin_user completed_status address subject selector cname service priority \
        weight target \
        lanes host_connections compress_sources patience_minutes batch_messages batch_bytes chunk_messages chunk_bytes";
    for key in keys.split_whitespace() {
        assert!(
            EXAMPLE
                .lines()
                .any(|line| line.split('=').next().unwrap().trim() == key),
            "{key}"
        );
    }
}

#[test]
fn the_page_is_a_whole_address_that_can_stand_in_a_mail() {
    let with = |page: &str| Profile::parse(&format!("{SHORTEST}page = \"{page}\"\n"));
    for page in [
        "https://move.example.net/",
        "http://127.0.0.1:4566/_aws/execute-api/a1/$default/",
    ] {
        assert_eq!(with(page).unwrap().notices.page.as_deref(), Some(page));
    }
    for page in [
        "",
        "move.example.net",
        "https://",
        "https://a@b.example/",
        "https://a.example/#r=1",
        "javascript:x",
    ] {
        let error = with(page).unwrap_err();
        assert_eq!(error.key.as_deref(), Some("notices.page"), "{page}");
        assert_eq!(error.line, Some(9), "{page}");
    }
}

#[test]
fn what_may_be_left_out_has_a_default() {
    let profile = Profile::parse(SHORTEST).unwrap();
    assert_eq!(profile.imap.endpoint.to_string(), "imap.example.net:993 (tls)");
    assert_eq!(profile.imap.auth, DestinationAuth::Password);
    assert_eq!((profile.dav, profile.notices.support), (None, None));
    assert_eq!(
        profile.limits,
        Limits {
            lanes: 3,
            host_connections: 60,
            compress_sources: CompressSources::Auto,
            patience_minutes: 30,
            batch_messages: 200,
            batch_bytes: 8_388_608,
            chunk_messages: 1000,
            chunk_bytes: 33_554_432
        }
    );
    let with_port = SHORTEST.replace("auth", "port = 31143\nsecurity = \"none\"\nauth");
    assert_eq!(
        Profile::parse(&with_port).unwrap().imap.endpoint.to_string(),
        "imap.example.net:31143 (none)"
    );
}

#[test]
fn mail_programs_get_the_destination_where_nothing_else_is_said() {
    let dav = "[destination.dav]\nurl = \"https://dav.example.net/\"\n";
    let clients = Profile::parse(&format!("{SHORTEST}{dav}")).unwrap().clients;
    assert_eq!(clients.imap.to_string(), "imap.example.net:993 (tls)");
    assert_eq!(clients.dav.as_deref(), Some("https://dav.example.net/"));
    assert_eq!((clients.smtp, clients.help), (None, None));
    for (smtp, expected) in [
        ("", "smtp.example.net:465 (tls)"),
        ("port = 587", "smtp.example.net:587 (starttls)"),
        ("port = 2525", "smtp.example.net:2525 (tls)"),
        ("security = \"starttls\"", "smtp.example.net:587 (starttls)"),
    ] {
        let more = format!(
            "[clients.imap]\nhost = \"mail.example.net\"\nport = 143\n[clients.smtp]\nhost = \"smtp.example.net\"\n{smtp}\n"
        );
        let clients = Profile::parse(&format!("{SHORTEST}{more}")).unwrap().clients;
        assert_eq!(clients.imap.to_string(), "mail.example.net:143 (starttls)");
        assert_eq!(clients.smtp.unwrap().to_string(), expected);
    }
}

#[test]
fn mailboxes_may_be_opened_by_an_access_token() {
    let with_token = SHORTEST.replace("\"password\"", "\"token\"\naccess_token_secret = \"mailvan/token\"");
    let token_secret = "mailvan/token".to_owned();
    let auth = Profile::parse(&with_token).unwrap().imap.auth;
    assert_eq!(auth, DestinationAuth::Token { token_secret });
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table with a line for each fault")]
fn every_fault_names_its_line_and_key() {
    for (from, to, line, key, says) in [
        ("Europe/Berlin", "Berlin", 3, "provider.time_zone", "not a time zone"),
        ("Example Hosting", " ", 2, "provider.name", "write the name"),
        (
            "imap.example.net",
            "imap.example.net:993",
            5,
            "destination.imap.host",
            "on its own",
        ),
        ("auth =", "port = 0\nauth =", 6, "destination.imap.port", "1 to 65535"),
        ("auth =", "port = 70000\nauth =", 6, "destination.imap.port", "70000"),
        (
            "auth =",
            "security = \"ssl\"\nauth =",
            6,
            "destination.imap.security",
            "unknown variant",
        ),
        (
            "auth =",
            "master_password = \"x\"\nauth =",
            6,
            "destination.imap.master_password",
            "unknown field",
        ),
        (
            "\"password\"",
            "\"oauth\"",
            6,
            "destination.imap.auth",
            "unknown variant",
        ),
        (
            "\"password\"",
            "\"master\"",
            4,
            "destination.imap.master_user",
            "needed",
        ),
        (
            "\"password\"",
            "\"master\"\nmaster_user = \"m\"",
            4,
            "destination.imap.master_password_secret",
            "needed",
        ),
        (
            "\"password\"",
            "\"password\"\nmaster_user = \"m\"",
            7,
            "destination.imap.master_user",
            "remove it",
        ),
        (
            "\"password\"",
            "\"token\"",
            4,
            "destination.imap.access_token_secret",
            "needed",
        ),
        (
            "\"password\"",
            "\"password\"\naccess_token_secret = \"t\"",
            7,
            "destination.imap.access_token_secret",
            "remove it",
        ),
        ("migration@example.net", "migration", 8, "notices.sender", "no @"),
        (
            "[notices]",
            "[limits]\nlanes = 9\n[notices]",
            8,
            "limits.lanes",
            "from 1 to 8",
        ),
        ("[notices]", "[limits]\nlanes = -1\n[notices]", 8, "limits.lanes", "-1"),
        (
            "[notices]",
            "[limits]\nbatch_messages = 0\n[notices]",
            8,
            "limits.batch_messages",
            "from 1 to 1000",
        ),
        (
            "[notices]",
            "[limits]\nbatch_bytes = 1\n[notices]",
            8,
            "limits.batch_bytes",
            "from 65536",
        ),
        (
            "[notices]",
            "[limits]\nline = 1\n[notices]",
            8,
            "limits.line",
            "unknown field",
        ),
        (
            "[notices]",
            "[destination.dav]\nurl = \"dav.example.net\"\n[notices]",
            8,
            "destination.dav.url",
            "whole address",
        ),
        (
            "[notices]",
            "[destination.dav]\nurl = \"https://a:b@dav.example.net\"\n[notices]",
            8,
            "destination.dav.url",
            "no user",
        ),
        (
            "[notices]",
            "[destination.dav]\nurl = \"https://{mailbox}.dav.example.net\"\n[notices]",
            8,
            "destination.dav.url",
            "in its path only",
        ),
        (
            "[notices]",
            "[destination.dav]\nurl = \"https://dav.example.net\"\nmaster_login = \"anna\"\n[notices]",
            9,
            "destination.dav.master_login",
            "{mailbox}",
        ),
        (
            "[notices]",
            "[destination.dav]\nurl = \"https://dav.example.net\"\nrequests = 17\n[notices]",
            9,
            "destination.dav.requests",
            "from 1 to 16",
        ),
        (
            "[notices]",
            "[clients.smtp]\nhost = \"smtp.example.net\"\nport = 0\n[notices]",
            9,
            "clients.smtp.port",
            "from 1 to 65535",
        ),
        (
            "[notices]",
            "[clients]\nimap = { host = \"imap.example.net\", security = \"none\" }\n[notices]",
            8,
            "clients.imap.security",
            "tls or starttls",
        ),
        (
            "[notices]",
            "[clients]\ndav = \"dav.example.net\"\n[notices]",
            8,
            "clients.dav",
            "whole address",
        ),
        (
            "[notices]",
            "[clients]\nhelp = \"javascript:x\"\n[notices]",
            8,
            "clients.help",
            "whole address",
        ),
        (
            "[notices]\n",
            "[notices]\nlogo = \"logo.png\"\n",
            8,
            "notices.logo",
            "whole address",
        ),
        (
            "[notices]\n",
            "[notices]\nimprint = [\"a\\nb\"]\n",
            8,
            "notices.imprint",
            "lines",
        ),
        (
            "[notices]",
            "[dns]\nmx = [\"mx1.example.net\"]\n[notices]",
            8,
            "dns.mx",
            "preference and server",
        ),
        ("[notices]", "[dns]\nmx = []\n[notices]", 8, "dns.mx", "at least one"),
        (
            "[notices]",
            "[dns]\nmx = [\"1 a.example\"]\n[[dns.srv]]\nservice = \"imaps\"\nport = 1\ntarget = \".\"\n[notices]",
            10,
            "dns.srv.service",
            "imaps: write service",
        ),
        (
            "[notices]",
            "[dns]\nmx = [\"1 a.example\"]\ndkim = [{ selector = \"a.b\", txt = \"x\" }]\n[notices]",
            9,
            "dns.dkim.selector",
            "a.b: write the part",
        ),
        (
            "[notices]",
            "[dns]\nmx = [\"1 a.example\"]\nwebmail = \"https://webmail.example.net\"\n[notices]",
            9,
            "dns.webmail",
            "without the part before",
        ),
        (
            "host = \"imap.example.net\"\n",
            "",
            4,
            "destination.imap",
            "missing field `host`",
        ),
        ("\"Europe/Berlin\"", "Europe/Berlin", 3, "provider.time_zone", ""),
    ] {
        assert!(SHORTEST.contains(from), "{from}");
        let error = Profile::parse(&SHORTEST.replace(from, to)).unwrap_err();
        assert_eq!(
            (error.line, error.key.as_deref()),
            (Some(line), Some(key)),
            "{to}: {error}"
        );
        assert!(error.message.contains(says), "{to}: {error}");
    }
    let error = Profile::parse(&SHORTEST.replace("Europe/Berlin", "Berlin")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("profile, line 3, provider.time_zone: this is not a time zone"),
        "{error}"
    );
    assert!(
        Profile::parse("")
            .unwrap_err()
            .message
            .contains("missing field `provider`")
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text: String, cut in 0..SHORTEST.len(), put in "[\\[\\]=\"\n.a-z]{0,4}") {
        let _ = Profile::parse(&text);
        let (head, tail) = SHORTEST.split_at(cut);
        let _ = Profile::parse(&format!("{head}{put}{tail}"));
    }
}
