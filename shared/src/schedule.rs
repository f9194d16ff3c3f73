//! Waking a request at its time: EventBridge Scheduler puts a message into the start queue.
//!
//! The scheduler's target is the queue and not a function, so a pass that is started by the clock
//! and one that starts at once go the same way, with the same retries and dead letters.

use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, Target,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::{Pass, RequestId};
use crate::queue::{LookAgain, StartPass};

/// What the name of a look's schedule begins with; that of a pass's with the pass.
const LOOK: &str = "look";

/// Makes and deletes schedules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Schedules {
    client: aws_sdk_scheduler::Client,
    group: String,
    role_arn: String,
    start_queue_arn: String,
    dead_letter_arn: String,
}

/// The scheduler refused or did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the scheduler did not {what}")]
pub struct ScheduleError {
    what: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Schedules {
    /// Schedules in this group, with this role, to this queue.
    pub fn new(
        client: aws_sdk_scheduler::Client,
        group: String,
        role_arn: String,
        start_queue_arn: String,
        dead_letter_arn: String,
    ) -> Self {
        Self {
            client,
            group,
            role_arn,
            start_queue_arn,
            dead_letter_arn,
        }
    }

    /// Starts a pass of a request at a time, to the second, or has it go on. It deletes itself when it
    /// has fired. Idempotency key: request, pass and time; a second one for the same changes nothing.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub async fn create(&self, request_id: RequestId, pass: Pass, at: Timestamp) -> Result<(), ScheduleError> {
        let name = name(&pass.to_string(), request_id, at);
        self.put(name, &StartPass { request_id, pass }, at).await
    }

    /// Has the mailboxes of a request looked at once more, before this start. Idempotency key: request and
    /// start.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub async fn create_look(
        &self,
        request_id: RequestId,
        start: Timestamp,
        at: Timestamp,
    ) -> Result<(), ScheduleError> {
        let look = LookAgain {
            request_id,
            look_again: start.as_second(),
        };
        self.put(name(LOOK, request_id, start), &look, at).await
    }

    async fn put(&self, name: String, message: &impl Serialize, at: Timestamp) -> Result<(), ScheduleError> {
        let failed = |source| ScheduleError {
            what: "make a schedule",
            source,
        };
        let input = serde_json::to_string(message).map_err(|e| failed(Box::new(e)))?;
        let dead_letters = DeadLetterConfig::builder().arn(&self.dead_letter_arn).build();
        let target = Target::builder()
            .arn(&self.start_queue_arn)
            .role_arn(&self.role_arn)
            .input(input)
            .dead_letter_config(dead_letters);
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()
            .map_err(|e| failed(Box::new(e)))?;
        let created = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(&name)
            .client_token(&name)
            .schedule_expression(format!(
                "at({})",
                TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S")
            ))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target.build().map_err(|e| failed(Box::new(e)))?)
            .send()
            .await;
        match created {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_scheduler::operation::create_schedule::CreateScheduleError::is_conflict_exception,
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(failed(Box::new(error))),
        }
    }

    /// Deletes the schedule of a pass at a time, if there is one.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub async fn delete(&self, request_id: RequestId, pass: Pass, at: Timestamp) -> Result<(), ScheduleError> {
        self.forget(name(&pass.to_string(), request_id, at)).await
    }

    /// Deletes the schedule of the look before a start, if there is one.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub async fn delete_look(&self, request_id: RequestId, start: Timestamp) -> Result<(), ScheduleError> {
        self.forget(name(LOOK, request_id, start)).await
    }

    async fn forget(&self, name: String) -> Result<(), ScheduleError> {
        let deleted = self
            .client
            .delete_schedule()
            .group_name(&self.group)
            .name(name)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(
                    aws_sdk_scheduler::operation::delete_schedule::DeleteScheduleError::is_resource_not_found_exception,
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(ScheduleError {
                what: "delete a schedule",
                source: Box::new(error),
            }),
        }
    }
}

/// With the time in it, so that a new schedule can be made before the old one is deleted.
fn name(what: &str, request_id: RequestId, at: Timestamp) -> String {
    format!("{what}-{request_id}-{}", at.as_second())
}
