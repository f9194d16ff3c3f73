//! `intake`: the HTTP API, by which customers make requests and follow them.
//!
//! `infra/openapi.yaml` describes it. The function checks, writes and sends messages; it connects
//! to no mail server and starts no pass; the DNS it asks. Reading order: here the routes, then `auth`, `body`,
//! `order` with its `faults` and `permit`, and `create`, then `status`, `mailbox`, `next`, `actions`, `later`, `mend`, `preview`, `dns`, `report`,
//! `certificate` and `apple`;
//! `problem` is how everything is refused.

mod actions;
mod apple;
mod attachments;
mod auth;
mod body;
mod certificate;
mod check;
mod create;
mod dns;
mod faults;
mod later;
mod mailbox;
mod mend;
mod moment;
mod next;
mod order;
mod owner_mail;
mod permit;
mod preview;
mod problem;
mod repeated;
mod report;
mod response;
mod route;
#[cfg(test)]
mod samples;
mod status;
mod uploads;
mod window;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use mailvan::clock;
use mailvan::config::{Config, Rules};
use mailvan::dns::Resolver;
use mailvan::intake::{Policy, TEMPLATE_CSV, template_xlsx};
use mailvan::profile::Profile;
use mailvan::queue::Queues;
use mailvan::room::Room;
use mailvan::schedule::Schedules;
use mailvan::secrets::Secrets;
use mailvan::store::Store;

use crate::certificate::Certificates;
use crate::order::Terms;
use crate::problem::Problem;
use crate::route::{Action, Route};
use crate::status::Overview;
use crate::uploads::Uploads;

/// What the function works with.
pub struct Deps {
    store: Store,
    secrets: Secrets,
    queues: Queues,
    schedules: Schedules,
    uploads: Uploads,
    certificates: Certificates,
    resolver: Resolver,
    profile: Profile,
    rules: Rules,
    room: Room,
}

impl Deps {
    /// Makes the clients.
    pub fn new(config: &Config) -> Self {
        Self {
            store: config.store(),
            secrets: config.secrets(),
            queues: config.queues(),
            schedules: config.schedules(),
            uploads: Uploads::new(&config.aws, config.bucket.clone()),
            certificates: Certificates::new(&config.aws, config.certificate_bucket.clone()),
            resolver: config.resolver(),
            profile: config.profile.clone(),
            rules: config.rules,
            room: config.room(),
        }
    }
}

impl Deps {
    /// What an order that is made now is checked against.
    fn terms(&self, now: Timestamp) -> Terms<'_> {
        Terms {
            now,
            workdays: self.profile.provider.workdays(),
            languages: self.profile.provider.languages(),
            lead_times: self.rules.lead_times,
            shortest_frame: self.room.shortest_frame,
            policy: Policy {
                plaintext_imap: self.rules.plaintext_imap,
                grants: None,
            },
            ticket: None,
        }
    }
}

/// Serves calls until the platform ends the process.
///
/// # Errors
/// Where the configuration is wrong or the runtime cannot go on.
pub async fn run() -> Result<(), Error> {
    let deps = Deps::new(&Config::load().await?);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        // Boxed: the futures of the SDK's calls are large.
        Ok::<_, Error>(Box::pin(handle(&deps, event.payload)).await)
    }))
    .await
}

/// Serves one call. There is always an answer; what is not the client's fault is logged here and
/// answered without its details.
pub async fn handle(deps: &Deps, mut event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    let answer = serve(deps, &mut event, clock::now()).await;
    answer.unwrap_or_else(|error| match error.downcast::<Problem>() {
        Ok(problem) => problem.response(),
        Err(error) => {
            let method = event.request_context.http.method.as_str();
            let path = event.raw_path.as_deref().unwrap_or_default();
            // With its causes, which the formatter of the logs would leave out.
            tracing::error!(http.method = method, http.path = path, error = %format_args!("{error:#}"), "call failed");
            Problem::internal().response()
        }
    })
}

async fn serve(
    deps: &Deps,
    event: &mut ApiGatewayV2httpRequest,
    now: Timestamp,
) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let path = event.raw_path.clone().unwrap_or_default();
    let (id, action) = match route::find(event.request_context.http.method.as_str(), &path)? {
        Route::Template => return Ok(response::csv_file("mailvan-template.csv", TEMPLATE_CSV.to_owned())),
        Route::EarliestStart => return window::earliest(deps, event, now),
        Route::TemplateWorkbook => return Ok(response::xlsx_file("mailvan-template.xlsx", template_xlsx()?)),
        Route::Create => {
            let key = repeated::key(event)?;
            let permit = permit::permit(deps, &event.headers, now).await?;
            return create::create(deps, key, permit, &body::take(event)?, now).await;
        }
        Route::Request(id, action) => (id, action),
    };
    let token = auth::bearer(&event.headers)?;
    let request = auth::find(&deps.store, id, &token)
        .await?
        .ok_or_else(Problem::no_such_request)?;
    match action {
        Action::Status => {
            let from_row = preview::from_row(event)?;
            let overview = Overview::load(deps, request).await?.with_forecast(deps).await?;
            let overview = overview.with_doings(deps).await?;
            Ok(overview.response_from(200, from_row)?)
        }
        Action::Upload => actions::upload(deps, request, &body::take(event)?, now).await,
        Action::Proceed => actions::proceed(deps, request).await,
        Action::CutOver => actions::cut_over(deps, request).await,
        Action::LookAgain => later::look_again(deps, request).await,
        Action::DeletePasswords => later::delete_passwords(deps, request).await,
        Action::Window => window::reschedule(deps, request, &body::take(event)?, now).await,
        Action::Cancel => actions::cancel(deps, request, now).await,
        Action::Report => report::report(deps, request).await,
        Action::Certificate(row) => certificate::certificate(deps, request, row, now).await,
        Action::AppleProfile(row) => apple::settings(deps, &request, row).await,
        Action::Dns => dns::show(deps, request, dns::from_domain(event), now).await,
        Action::Preview => preview::show(deps, request, preview::from_row(event)?, now).await,
        Action::Mend(row) => mend::mend(deps, request, row, &body::take(event)?, now).await,
        Action::AskPreview => preview::ask(deps, request, now).await,
        Action::Attachments => attachments::list(deps, request).await,
        Action::Attach => attachments::announce(deps, request, &body::take(event)?, now).await,
        Action::Attachment(number) => attachments::show(deps, request, number).await,
        Action::Detach(number) => attachments::take_back(deps, request, number, now).await,
    }
}
