//! `page`: the customers' page, at `/` and `/assets/`.
//!
//! Its files are in the program (`assets/`, put there by `build.rs`), so a deployment is one zip and
//! page and API are of one version. They stand below a digest of their own and may be cached for
//! ever; `settings.json` and `brand.css` are made from the provider's profile and may not.
//! The function reads no table and opens nothing: what the customer sees of a request comes from
//! `intake`, called by the page itself. Reading order: [`handle`], `assets`, `answer`, `settings`.

mod answer;
mod assets;
mod origins;
mod settings;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailvan::clock;
use mailvan::config::Config;
use mailvan::domain::LeadTimes;
use mailvan::profile::Profile;

/// What the function works with.
pub struct Deps {
    profile: Profile,
    lead_times: LeadTimes,
    /// Where the page may send and get files, beside its own origin.
    origins: Vec<String>,
}

impl Deps {
    /// Reads what the page has to know of the provider.
    ///
    /// # Errors
    /// Where the addresses of the buckets cannot be made.
    pub async fn new(config: &Config) -> anyhow::Result<Self> {
        let buckets = [config.bucket.as_str(), config.certificate_bucket.as_str()];
        Ok(Self {
            profile: config.profile.clone(),
            lead_times: config.rules.lead_times,
            origins: origins::of_buckets(&config.aws, &buckets, clock::now()).await?,
        })
    }
}

/// Serves calls until the platform ends the process.
///
/// # Errors
/// Where the configuration is wrong or the runtime cannot go on.
pub async fn run() -> Result<(), Error> {
    let deps = Deps::new(&Config::load().await?).await?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        Ok::<_, Error>(handle(&deps, &event.payload, clock::now()))
    }))
    .await
}

/// Serves one call. The gateway may put the name of its stage before the path, so everything up to
/// `/assets/` is left out of account.
pub fn handle(deps: &Deps, event: &ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
    let path = event.raw_path.as_deref().unwrap_or_default();
    match path.split_once("/assets/").map(|(_, name)| name) {
        None => answer::page(&assets::index(&deps.profile), &deps.origins),
        Some("settings.json") => answer::fresh("application/json", settings::document(deps, now).to_string()),
        Some("brand.css") => answer::fresh("text/css; charset=utf-8", settings::brand(&deps.profile)),
        Some(name) => assets::find(name).map_or_else(answer::missing, |(kind, text)| answer::lasting(kind, text)),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
