//! `template.yaml`, deployed onto the emulator by the AWS CLI just as it is deployed to AWS.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use crate::inbox::{self, Mail};
use crate::ministack::{Emulator, client_environment};
use crate::venv::{Venv, run, run_with_input};
use crate::workspace_root;

const ARTIFACTS: &str = "mailvan-artifacts";

/// The template's parameters that a local stack sets; the rest keep their defaults.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Whether a time frame may start at once.
    pub lead_times_waived: bool,
    /// How long one run of sync lasts.
    pub sync_timeout_seconds: u32,
    /// How long the message of a killed run of sync stays hidden.
    pub sync_visibility_seconds: u32,
    /// How many runs of sync work at once, at least 2.
    pub sync_concurrency: u32,
    /// How long one run of plan lasts.
    pub plan_timeout_seconds: u32,
    /// How long the message of a killed run of plan stays hidden.
    pub plan_visibility_seconds: u32,
    /// How many runs of plan work at once, at least 2.
    pub plan_concurrency: u32,
    /// How long one run of certify lasts.
    pub certify_timeout_seconds: u32,
    /// How long the message of a killed run of certify stays hidden.
    pub certify_visibility_seconds: u32,
    /// How many runs of certify work at once, at least 2.
    pub certify_concurrency: u32,
    /// How long one run of import lasts.
    pub import_timeout_seconds: u32,
    /// How long the message of a killed run of import stays hidden.
    pub import_visibility_seconds: u32,
    /// How many runs of check work at once, at least 2.
    pub check_concurrency: u32,
    /// The DNS resolver, on whose port all other DNS servers listen; the real DNS where it is not given.
    pub dns_server: Option<SocketAddr>,
    /// How often the DNS is looked at, in the scheduler's form.
    pub watch_rate: &'static str,
    /// How long a failed message of any other queue stays hidden, at least 60.
    pub queue_visibility_seconds: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            lead_times_waived: false,
            sync_timeout_seconds: 120,
            sync_visibility_seconds: 150,
            sync_concurrency: 8,
            plan_timeout_seconds: 120,
            plan_visibility_seconds: 150,
            plan_concurrency: 4,
            certify_timeout_seconds: 120,
            certify_visibility_seconds: 150,
            certify_concurrency: 4,
            import_timeout_seconds: 120,
            import_visibility_seconds: 150,
            check_concurrency: 4,
            dns_server: None,
            watch_rate: "rate(5 minutes)",
            queue_visibility_seconds: 60,
        }
    }
}

impl Parameters {
    /// `Name=value` for each, with the relaxations that every local stack has: sources on private addresses, and IMAP
    /// without TLS.
    fn overrides(&self) -> Vec<String> {
        let lead_times = if self.lead_times_waived { "waived" } else { "kept" };
        vec![
            "Stage=local".to_owned(),
            "PrivateSources=allowed".to_owned(),
            "PlaintextImap=allowed".to_owned(),
            format!("LeadTimes={lead_times}"),
            format!(
                "DnsServer={}",
                self.dns_server.map_or_else(String::new, |server| server.to_string())
            ),
            format!("WatchRate={}", self.watch_rate),
            format!("SyncTimeoutSeconds={}", self.sync_timeout_seconds),
            format!("SyncVisibilitySeconds={}", self.sync_visibility_seconds),
            format!("SyncConcurrency={}", self.sync_concurrency),
            format!("PlanTimeoutSeconds={}", self.plan_timeout_seconds),
            format!("PlanVisibilitySeconds={}", self.plan_visibility_seconds),
            format!("PlanConcurrency={}", self.plan_concurrency),
            format!("CertifyTimeoutSeconds={}", self.certify_timeout_seconds),
            format!("CertifyVisibilitySeconds={}", self.certify_visibility_seconds),
            format!("CertifyConcurrency={}", self.certify_concurrency),
            format!("ImportTimeoutSeconds={}", self.import_timeout_seconds),
            format!("ImportVisibilitySeconds={}", self.import_visibility_seconds),
            format!("CheckConcurrency={}", self.check_concurrency),
            format!("QueueVisibilitySeconds={}", self.queue_visibility_seconds),
        ]
    }
}

/// The queues of the template, by the function that reads them (`Start` is read by trigger).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the template's")]
pub enum Queue {
    Ingest,
    Check,
    Start,
    Plan,
    Sync,
    Certify,
    Watch,
    Clock,
    Cutover,
    Notify,
    Owner,
    Import,
    Ticket,
    Bounce,
}

/// A deployed stack. It holds no process: it lives as long as its emulator does.
#[derive(Clone, Debug)]
pub struct Stack {
    name: String,
    endpoint: String,
    outputs: BTreeMap<String, String>,
    aws: PathBuf,
}

impl Stack {
    /// Deploys the template under the stack name `name` (lower case) with the functions' zip at `zip`. A second
    /// deployment under the same name updates the stack.
    ///
    /// # Errors
    ///
    /// Fails when the template is refused or a resource cannot be made; the message carries the CLI's own output.
    pub async fn deploy(
        emulator: &Emulator,
        venv: &Venv,
        name: &str,
        zip: &Path,
        parameters: &Parameters,
    ) -> Result<Self> {
        let mut stack = Self {
            name: name.to_owned(),
            endpoint: emulator.endpoint(),
            outputs: BTreeMap::new(),
            aws: venv.program("aws"),
        };
        // The template names its zip `target/lambda.zip`, beside itself.
        let dir = emulator.dir().join("deploy").join(name);
        fs::create_dir_all(dir.join("target")).with_context(|| format!("cannot make {}", dir.display()))?;
        fs::copy(workspace_root().join("template.yaml"), dir.join("template.yaml"))
            .context("cannot copy the template")?;
        fs::copy(zip, dir.join("target/lambda.zip")).with_context(|| format!("cannot copy {}", zip.display()))?;
        stack
            .deploy_from(&dir, parameters)
            .await
            .with_context(|| format!("cannot deploy the stack {name}"))?;
        stack.outputs = stack.read_outputs().await?;
        Ok(stack)
    }

    /// The base of the HTTP API on this machine, without a slash at its end.
    ///
    /// # Errors
    ///
    /// Fails when the stack has no API.
    pub fn api_url(&self) -> Result<String> {
        // The output `ApiUrl` is AWS's address of it, which the emulator answers at a path of its own.
        Ok(format!(
            "{}/_aws/execute-api/{}/$default",
            self.endpoint,
            self.output("ApiId")?
        ))
    }

    /// The customers' page, as a browser on this machine opens it.
    ///
    /// # Errors
    ///
    /// Fails when the stack has no API.
    pub fn page_url(&self) -> Result<String> {
        let api = self.api_url()?;
        Ok(format!("{}/", api.replacen(&self.endpoint, &self.page_origin(), 1)))
    }

    /// The emulator's base URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The name it was deployed under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The template's output with this name.
    ///
    /// # Errors
    ///
    /// Fails when the template has none of this name.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| anyhow!("the template has no output {name}"))
    }

    /// The URL of a queue.
    ///
    /// # Errors
    ///
    /// Fails when the template has no such output.
    pub fn queue_url(&self, queue: Queue) -> Result<&str> {
        self.output(&format!("{queue}QueueUrl"))
    }

    /// The URL of a queue's dead-letter queue.
    ///
    /// # Errors
    ///
    /// Fails when the template has no such output.
    pub fn dead_letter_queue_url(&self, queue: Queue) -> Result<&str> {
        self.output(&format!("{queue}DeadLetterQueueUrl"))
    }

    /// Runs `aws` with these arguments against the stack's emulator and returns its JSON; null where it prints none.
    ///
    /// # Errors
    ///
    /// Fails when the command does; the message carries its output.
    pub async fn aws(&self, arguments: &[&str]) -> Result<Value> {
        let output = run(self.command().args(arguments)).await?;
        if output.stdout.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).context("the AWS CLI printed something else than JSON")
    }

    /// Puts an item, as DynamoDB's JSON has it, into the stack's table.
    ///
    /// # Errors
    ///
    /// Fails when the emulator refuses it.
    pub async fn put_item(&self, item: &Value) -> Result<()> {
        let (table, item) = (self.output("TableName")?, item.to_string());
        let put = ["dynamodb", "put-item", "--table-name", table, "--item", &item];
        self.aws(&put).await.map(drop)
    }

    /// Stores a secret in Secrets Manager under `name`, in place of what was there. It goes to the CLI by a pipe: on a
    /// command line other users of the machine could read it.
    ///
    /// # Errors
    ///
    /// Fails when the emulator refuses it.
    pub async fn put_secret(&self, name: &str, value: &str) -> Result<()> {
        let value_from = ["--secret-string", "file:///dev/stdin"];
        let create = [&["secretsmanager", "create-secret", "--name", name], &value_from[..]].concat();
        if run_with_input(self.command().args(create), value).await.is_ok() {
            return Ok(());
        }
        let put = [
            &["secretsmanager", "put-secret-value", "--secret-id", name],
            &value_from[..],
        ]
        .concat();
        let done = run_with_input(self.command().args(put), value).await;
        done.with_context(|| format!("cannot store the secret {name}"))
    }

    /// Lets the local SES send mail from this address, as a verified identity.
    ///
    /// # Errors
    ///
    /// Fails when the emulator refuses it.
    pub async fn verify_sender(&self, address: &str) -> Result<()> {
        let create = ["sesv2", "create-email-identity", "--email-identity", address];
        let Err(refused) = self.aws(&create).await else {
            return Ok(());
        };
        let known = self
            .aws(&["sesv2", "get-email-identity", "--email-identity", address])
            .await;
        known
            .map_err(|_| refused)
            .map(drop)
            .with_context(|| format!("cannot verify the sender {address}"))
    }

    /// All mails that were sent through the emulator, the oldest first.
    ///
    /// # Errors
    ///
    /// Fails when the emulator does not answer.
    pub async fn inbox(&self) -> Result<Vec<Mail>> {
        inbox::read(&self.endpoint).await
    }

    fn page_origin(&self) -> String {
        self.endpoint.replacen("127.0.0.1", "localhost", 1)
    }

    async fn deploy_from(&self, dir: &Path, parameters: &Parameters) -> Result<()> {
        // Making a bucket that is there already is no error for its owner, in this region.
        self.run_in(dir, &["s3", "mb", &format!("s3://{ARTIFACTS}")]).await.ok();
        let package = [
            "cloudformation",
            "package",
            "--template-file",
            "template.yaml",
            "--s3-bucket",
            ARTIFACTS,
        ];
        self.run_in(
            dir,
            &[&package[..], &["--output-template-file", "packaged.yaml"]].concat(),
        )
        .await?;
        let mut overrides = parameters.overrides();
        // Seen at another name of this machine, the page is cross-origin for the buckets, as it is at AWS.
        overrides.push(format!("PageOrigin={}", self.page_origin()));
        let mut deploy = vec!["cloudformation", "deploy", "--template-file", "packaged.yaml"];
        deploy.extend([
            "--stack-name",
            &self.name,
            "--s3-bucket",
            ARTIFACTS,
            "--no-fail-on-empty-changeset",
        ]);
        deploy.extend(["--capabilities", "CAPABILITY_IAM", "--parameter-overrides"]);
        deploy.extend(overrides.iter().map(String::as_str));
        self.run_in(dir, &deploy).await
    }

    async fn run_in(&self, dir: &Path, arguments: &[&str]) -> Result<()> {
        run(self.command().current_dir(dir).args(arguments)).await.map(drop)
    }

    async fn read_outputs(&self) -> Result<BTreeMap<String, String>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Output {
            output_key: String,
            output_value: String,
        }
        let describe = ["cloudformation", "describe-stacks", "--stack-name", &self.name];
        let described = self
            .aws(&[&describe[..], &["--query", "Stacks[0].Outputs"]].concat())
            .await?;
        let outputs: Vec<Output> = serde_json::from_value(described).context("the stack has no outputs")?;
        Ok(outputs
            .into_iter()
            .map(|output| (output.output_key, output.output_value))
            .collect())
    }

    /// Without the developer's own AWS settings. The endpoint is an argument too, because version 1 of the CLI does
    /// not take it from the environment for SQS.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.aws);
        command.args(["--endpoint-url", &self.endpoint, "--output", "json"]);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("AWS_PAGER", "");
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command.envs(client_environment(&self.endpoint));
        command
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}
