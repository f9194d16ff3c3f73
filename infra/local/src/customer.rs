//! A customer: what people do with the HTTP API, and nothing that only we can do.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stack::Stack;

/// How long the customer waits between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Someone who talks to the API of a stack.
#[derive(Clone, Debug)]
pub struct Customer {
    http: Client,
    api: String,
    permit: String,
}

/// A request that has been made, with what proves that it is the customer's.
#[derive(Clone, Deserialize)]
pub struct Order {
    /// The request's id.
    pub id: String,
    /// The token.
    pub token: String,
    /// Its first state.
    pub state: String,
    /// Where the CSV goes, unless the mailboxes stood in the request.
    pub upload: Option<Upload>,
}

/// Where and how to upload.
#[derive(Clone, Deserialize)]
pub struct Upload {
    /// The presigned URL.
    pub url: String,
    /// `PUT`.
    pub method: String,
    /// Headers that have to be sent.
    pub headers: serde_json::Map<String, Value>,
}

/// How a request stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Its state.
    pub state: String,
    /// Its mailboxes.
    pub mailboxes: Vec<Mailbox>,
    /// What has to be mended.
    pub rows_refused: Vec<Value>,
}

/// How a mailbox stands.
#[derive(Clone, Debug, Deserialize)]
pub struct Mailbox {
    /// Its row.
    pub row: u32,
    /// What was found before the copying.
    pub check: Value,
    /// Its address.
    pub email: String,
    /// Its state.
    pub state: String,
    /// Messages at the source.
    pub messages_total: u64,
    /// Messages copied.
    pub messages_copied: u64,
    /// Where the certificate is, and what it says on the whole.
    pub certificate: Option<Value>,
    /// What became of the mail to its owner.
    pub owner_mail: Option<Value>,
    /// What was refused or could not be opened.
    #[serde(default)]
    pub exceptions: u64,
    /// Why it failed.
    pub error: Option<Value>,
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Customer {
    /// A customer of this stack, with the provider's permit.
    ///
    /// # Errors
    /// If the stack has no API.
    pub fn of(stack: &Stack, permit: String) -> Result<Self> {
        Ok(Self {
            http: Client::new(),
            api: stack.api_url()?,
            permit,
        })
    }

    /// Makes a request with this body.
    ///
    /// # Errors
    /// If it is refused; the error holds the API's own words.
    pub async fn order(&self, body: &Value) -> Result<Order> {
        let (status, answer) = self.order_by_permit(&self.permit, body).await?;
        if status != StatusCode::CREATED {
            bail!("the request was refused with {status}: {answer}");
        }
        serde_json::from_value(answer).context("the answer to the request is not what was agreed")
    }

    /// Makes a request under this permit; gives the API's answer, whatever it is.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn order_by_permit(&self, permit: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let call = self.http.post(format!("{}/v1/requests", self.api)).bearer_auth(permit);
        let answer = call.json(body).send().await.context("no answer")?;
        let status = answer.status();
        Ok((status, answer.json().await?))
    }

    /// Makes a request under an `Idempotency-Key`; gives the API's answer, whatever it is.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn order_by_key(&self, key: &str, body: &Value) -> Result<(StatusCode, Value)> {
        let call = self
            .http
            .post(format!("{}/v1/requests", self.api))
            .bearer_auth(&self.permit);
        let answer = call
            .json(body)
            .header("idempotency-key", key)
            .send()
            .await
            .context("no answer")?;
        let status = answer.status();
        Ok((status, answer.json().await?))
    }

    /// Makes a request for a CSV, and uploads it.
    ///
    /// # Errors
    /// If either is refused.
    pub async fn order_by_csv(&self, csv: &str) -> Result<Order> {
        self.order_by_csv_with(csv, &json!({})).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// If either is refused.
    pub async fn order_by_csv_with(&self, csv: &str, options: &Value) -> Result<Order> {
        let body = json!({
            "contact_email": "customer@example.org", "ticket": "4711", "csv_bytes": csv.len(), "options": options,
        });
        let order = self.order(&body).await?;
        let upload = order
            .upload
            .as_ref()
            .ok_or_else(|| anyhow!("the answer has no upload"))?;
        self.upload(upload, csv).await?;
        Ok(order)
    }

    /// Uploads a CSV.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn upload(&self, upload: &Upload, csv: &str) -> Result<()> {
        self.upload_bytes(upload, csv.as_bytes()).await
    }

    /// Uploads a file of any kind.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn upload_bytes(&self, upload: &Upload, bytes: &[u8]) -> Result<()> {
        let mut put = self
            .http
            .request(upload.method.parse()?, &upload.url)
            .body(bytes.to_vec());
        // The client writes the length itself.
        for (name, value) in upload
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        {
            put = put.header(name, value.as_str().unwrap_or_default());
        }
        let answer = put.send().await.context("the upload broke off")?;
        if !answer.status().is_success() {
            bail!(
                "the upload was refused with {}: {}",
                answer.status(),
                answer.text().await.unwrap_or_default()
            );
        }
        Ok(())
    }

    /// How a request stands.
    ///
    /// # Errors
    /// If the API does not say.
    pub async fn status(&self, order: &Order) -> Result<Status> {
        let (status, answer) = self
            .call(Method::GET, &format!("/v1/requests/{}", order.id), Some(order), None)
            .await?;
        if status != StatusCode::OK {
            bail!("the status was refused with {status}: {answer}");
        }
        serde_json::from_value(answer).context("the status is not what was agreed")
    }

    /// The certificate of a mailbox.
    ///
    /// # Errors
    /// If there is none, or the API does not give it out.
    pub async fn certificate(&self, order: &Order, mailbox: &Mailbox) -> Result<Value> {
        let note = mailbox.certificate.as_ref();
        let url = note.and_then(|note| note.get("url")?.as_str());
        let url = url.with_context(|| format!("{} has no certificate", mailbox.email))?;
        let (status, certificate) = self.call(Method::GET, url, Some(order), None).await?;
        if status != StatusCode::OK {
            bail!("the certificate was refused with {status}: {certificate}");
        }
        Ok(certificate)
    }

    /// Does something with a request: `cutover`, `cancel`, `proceed`.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn act(&self, order: &Order, action: &str) -> Result<()> {
        let path = format!("/v1/requests/{}/{action}", order.id);
        let (status, answer) = self.call(Method::POST, &path, Some(order), None).await?;
        if !status.is_success() {
            bail!("{action} was refused with {status}: {answer}");
        }
        Ok(())
    }

    /// Looks again and again until the request is in one of these states; `look` sees each status.
    ///
    /// # Errors
    /// If that takes longer than `at_most`; the error holds the last status.
    pub async fn wait_for(
        &self,
        order: &Order,
        wanted: &[&str],
        at_most: Duration,
        mut look: impl FnMut(&Status),
    ) -> Result<Status> {
        let begun = Instant::now();
        loop {
            let status = self.status(order).await?;
            look(&status);
            if wanted.contains(&status.state.as_str()) {
                return Ok(status);
            }
            if begun.elapsed() > at_most {
                bail!(
                    "the request is not {} after {at_most:?}: {status:?}",
                    wanted.join(" or ")
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Any call of the API, with its JSON answer.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        order: Option<&Order>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let mut call = self.http.request(method, format!("{}{path}", self.api));
        if let Some(order) = order {
            call = call.bearer_auth(&order.token);
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await.with_context(|| format!("no answer from {path}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}
