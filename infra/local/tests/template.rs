//! The template on the local stack, with a stand-in for the functions: what is fed to whom.
//!
//! Each test starts an emulator of its own, so they need neither order nor locks.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests wait for other processes, and end at the first surprise, in their helpers too"
)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mailvan_local::ministack::Emulator;
use mailvan_local::setup::Setup;
use mailvan_local::stack::{Queue, Stack};
use mailvan_local::venv::Venv;
use mailvan_local::workspace_root;
use serde_json::{Value, json};

struct Local {
    emulator: Emulator,
    stack: Stack,
}

/// Starts a stack with the stand-in; `adjust` changes its settings first.
async fn start(name: &str, adjust: impl FnOnce(&mut Setup)) -> Local {
    let venv = Venv::prepare(&workspace_root()).await.unwrap();
    let bootstrap = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/echo_bootstrap.py");
    let profile = workspace_root().join("target/local").join(format!("{name}.toml"));
    fs::create_dir_all(profile.parent().unwrap()).unwrap();
    fs::write(&profile, "[notices]\nsender = \"migration@example.net\"\n").unwrap();
    let mut setup = Setup::new(name, bootstrap, profile);
    adjust(&mut setup);
    let (emulator, stack) = setup.start(&venv, |_| {}).await.unwrap();
    Local { emulator, stack }
}

impl Local {
    /// Waits until the functions with this handler name were fed at least `count` events, and returns those.
    async fn events(&self, handler: &str, count: usize) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(self.emulator.dir().join("tmp/events.jsonl")).unwrap_or_default();
            let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let events: Vec<Value> = all
                .filter(|line| line["handler"] == handler)
                .map(|line| line["event"].clone())
                .collect();
            if events.len() >= count {
                return events;
            }
            assert!(
                started.elapsed() < Duration::from_secs(90),
                "{handler}: {events:?}\n{}",
                self.emulator.log_tail(20)
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn send(&self, url: &str, body: &str) {
        self.stack
            .aws(&["sqs", "send-message", "--queue-url", url, "--message-body", body])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn each_function_is_fed_from_its_source() {
    let local = start("template-feeds", |_| {}).await;
    let api = local.stack.api_url().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path, route) in [
        ("POST", "/v1/requests", "POST /v1/requests"),
        ("GET", "/v1/requests/r1", "GET /v1/requests/{id}"),
        ("POST", "/v1/requests/r1/upload", "POST /v1/requests/{id}/upload"),
        ("POST", "/v1/requests/r1/proceed", "POST /v1/requests/{id}/proceed"),
        ("POST", "/v1/requests/r1/cutover", "POST /v1/requests/{id}/cutover"),
        ("GET", "/v1/earliest-start", "GET /v1/earliest-start"),
        ("POST", "/v1/requests/r1/window", "POST /v1/requests/{id}/window"),
        ("POST", "/v1/requests/r1/cancel", "POST /v1/requests/{id}/cancel"),
        ("GET", "/v1/requests/r1/report.csv", "GET /v1/requests/{id}/report.csv"),
        (
            "GET",
            "/v1/requests/r1/mailboxes/2/certificate",
            "GET /v1/requests/{id}/mailboxes/{row}/certificate",
        ),
        (
            "PATCH",
            "/v1/requests/r1/mailboxes/2",
            "PATCH /v1/requests/{id}/mailboxes/{row}",
        ),
        ("POST", "/v1/requests/r1/preview", "POST /v1/requests/{id}/preview"),
        ("GET", "/v1/requests/r1/preview", "GET /v1/requests/{id}/preview"),
        ("GET", "/v1/requests/r1/dns", "GET /v1/requests/{id}/dns"),
        ("GET", "/v1/template.csv", "GET /v1/template.csv"),
        ("GET", "/", "GET /"),
        ("GET", "/assets/0123/lang/de.js", "GET /assets/{file+}"),
    ] {
        let method = method.parse().unwrap();
        let answer = client.request(method, format!("{api}{path}")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), route);
    }
    let unknown = client.get(format!("{api}/v1/other")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);

    for (queue, handler, count) in [
        (Queue::Check, "check", 1),
        (Queue::Start, "trigger", 1),
        (Queue::Plan, "plan", 1),
        (Queue::Sync, "sync", 1),
        (Queue::Certify, "certify", 1),
        (Queue::Watch, "watch", 1),
        (Queue::Clock, "watch", 2),
        (Queue::Cutover, "cutover", 1),
        (Queue::Notify, "notify", 1),
        (Queue::Owner, "notify", 2),
        (Queue::Ticket, "ticket", 1),
    ] {
        let body = format!("to {queue}");
        local.send(local.stack.queue_url(queue).unwrap(), &body).await;
        let events = local.events(handler, count).await;
        assert_eq!(events[count - 1]["Records"][0]["body"], body, "{handler}");
        let dead = queue.to_string().to_lowercase();
        local
            .send(local.stack.dead_letter_queue_url(queue).unwrap(), &dead)
            .await;
    }
    local
        .send(local.stack.dead_letter_queue_url(Queue::Ingest).unwrap(), "ingest")
        .await;
    let mut buried: Vec<String> = Vec::new();
    for count in 1..=12 {
        let events = local.events("bury", count).await;
        let records = events.iter().flat_map(|event| event["Records"].as_array().unwrap());
        buried = records
            .map(|record| record["body"].as_str().unwrap().to_owned())
            .collect();
        if buried.len() == 12 {
            break;
        }
    }
    buried.sort();
    assert_eq!(
        buried,
        [
            "certify", "check", "clock", "cutover", "ingest", "notify", "owner", "plan", "start", "sync", "ticket",
            "watch"
        ]
    );
}

#[tokio::test]
async fn an_upload_reaches_ingest_and_a_schedule_reaches_trigger() {
    let local = start("template-arrivals", |_| {}).await;
    let bucket = local.stack.output("BucketName").unwrap();
    let file = local.emulator.dir().join("upload.csv");
    fs::write(&file, "email,password,source_host\n").unwrap();
    for key in ["elsewhere/1.csv", "uploads/r1/1.csv"] {
        let put = [
            "s3api",
            "put-object",
            "--bucket",
            bucket,
            "--key",
            key,
            "--body",
            file.to_str().unwrap(),
        ];
        local.stack.aws(&put).await.unwrap();
    }
    // The first event is the one that S3 sends when the notification is set up.
    let events = local.events("ingest", 2).await;
    let body = |event: &Value| serde_json::from_str::<Value>(event["Records"][0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(body(&events[0])["Event"], "s3:TestEvent");
    assert_eq!(
        body(&events[1])["Records"][0]["s3"]["object"]["key"],
        "uploads/r1/1.csv"
    );

    let settings = local
        .stack
        .aws(&[
            "lambda",
            "get-function-configuration",
            "--function-name",
            "mailvan-ingest",
        ])
        .await;
    let variables = settings.unwrap()["Environment"]["Variables"].clone();
    let input = json!({"request_id": "r1", "pass": 1}).to_string();
    let target =
        json!({"Arn": variables["START_QUEUE_ARN"], "RoleArn": variables["SCHEDULE_ROLE_ARN"], "Input": input});
    let group = local.stack.output("ScheduleGroupName").unwrap();
    let create = ["scheduler", "create-schedule", "--name", "r1", "--group-name", group];
    let when = [
        "--schedule-expression",
        "at(2026-01-01T00:00:00)",
        "--flexible-time-window",
        "Mode=OFF",
    ];
    let after = ["--action-after-completion", "DELETE", "--target", &target.to_string()];
    local
        .stack
        .aws(&[&create[..], &when[..], &after[..]].concat())
        .await
        .unwrap();
    let events = local.events("trigger", 1).await;
    assert_eq!(events[0]["Records"][0]["body"], input);

    // The clock's ticks do not stand behind the looks that they cause.
    let listed = local
        .stack
        .aws(&["scheduler", "list-schedules", "--group-name", group])
        .await
        .unwrap();
    let schedules = listed["Schedules"].as_array().unwrap();
    assert_eq!(schedules.len(), 1, "{listed}");
    let target = schedules[0]["Target"]["Arn"].as_str().unwrap();
    assert!(target.ends_with(":mailvan-clock"), "{target}");
}

#[tokio::test]
async fn a_killed_functions_message_comes_back_after_its_visibility_timeout() {
    let local = start("template-kill", |setup| {
        setup.parameters.sync_timeout_seconds = 10;
        setup.parameters.sync_visibility_seconds = 12;
    })
    .await;
    local.send(local.stack.queue_url(Queue::Sync).unwrap(), "sleep").await;
    local.events("sync", 1).await;
    let started = Instant::now();
    assert_eq!(local.emulator.kill_function("sync").await.unwrap(), 1);
    let events = local.events("sync", 2).await;
    assert!(
        started.elapsed() > Duration::from_secs(8),
        "came back after {:?}",
        started.elapsed()
    );
    assert_eq!(events[1]["Records"][0]["attributes"]["ApproximateReceiveCount"], "2");
}

#[tokio::test]
async fn secrets_and_mails_are_kept_as_they_were_given() {
    let local = start("template-secrets", |_| {}).await;
    let name = "mailvan/destination-master";
    for value in ["first", "second, with \"quotes\" and ü"] {
        local.stack.put_secret(name, value).await.unwrap();
        let get = ["secretsmanager", "get-secret-value", "--secret-id", name];
        assert_eq!(local.stack.aws(&get).await.unwrap()["SecretString"], value);
    }
    local.stack.verify_sender("migration@example.net").await.unwrap(); // a second time
    assert_eq!(local.stack.inbox().await.unwrap(), []);
    let content = r#"{"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}}}"#;
    let to = ["--destination", "ToAddresses=a@example.org", "--content", content];
    for (sender, accepted) in [("migration@example.net", true), ("other@example.net", false)] {
        let send = ["sesv2", "send-email", "--from-email-address", sender];
        assert_eq!(
            local.stack.aws(&[&send[..], &to[..]].concat()).await.is_ok(),
            accepted,
            "{sender}"
        );
    }
    let mails = local.stack.inbox().await.unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["a@example.org"]);
    assert_eq!((mails[0].subject.as_str(), mails[0].text.as_str()), ("s", "b"));
}

#[tokio::test]
async fn a_relaxation_outside_a_local_stage_is_refused() {
    let local = start("template-rules", |_| {}).await;
    let packaged = local.emulator.dir().join("deploy/mailvan/packaged.yaml");
    let deploy = [
        "cloudformation",
        "deploy",
        "--template-file",
        packaged.to_str().unwrap(),
        "--stack-name",
        "other",
    ];
    let parameters = [
        "--s3-bucket",
        "mailvan-artifacts",
        "--capabilities",
        "CAPABILITY_IAM",
        "--parameter-overrides",
    ];
    for relaxation in [
        "LeadTimes=waived",
        "PrivateSources=allowed",
        "PlaintextImap=allowed",
        "DnsServer=127.0.0.1:53",
    ] {
        let refused = local
            .stack
            .aws(&[&deploy[..], &parameters[..], &[relaxation]].concat())
            .await;
        assert!(
            format!("{:#}", refused.unwrap_err()).contains("RelaxationsAreLocal"),
            "{relaxation}"
        );
    }
}

#[tokio::test]
async fn nothing_of_a_stack_outlives_it() {
    let local = start("template-end", |_| {}).await;
    local.send(local.stack.queue_url(Queue::Sync).unwrap(), "sleep").await;
    local.events("sync", 1).await;
    let id = local.emulator.function_processes("sync").unwrap()[0];
    let stat = PathBuf::from(format!("/proc/{id}/stat"));
    assert!(stat.exists());
    drop(local);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let alive = fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(!alive, "the function's process outlived its stack");
}
