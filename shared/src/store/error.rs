//! What can go wrong with the table.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;

/// A failure of a read or a write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition does not hold: another worker was there first.
    #[error("the item has been changed by another worker")]
    Conflict,
    /// Another transaction touches the item right now.
    #[error("the item is being changed by another worker")]
    Busy,
    /// An item that must be there is not.
    #[error("{0} is not in the table")]
    Missing(String),
    /// The wanted change does not fit the state.
    #[error("{0}")]
    Illegal(String),
    /// An item cannot be read as what it should be.
    #[error("an item of the table cannot be read")]
    Malformed(#[from] serde_dynamo::Error),
    /// A request could not be built.
    #[error("a table request is incomplete")]
    Build(#[from] BuildError),
    /// DynamoDB refused or did not answer, after the SDK's own tries.
    #[error("the table did not answer")]
    Service(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<SdkError<GetItemError>> for StoreError {
    fn from(error: SdkError<GetItemError>) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<SdkError<QueryError>> for StoreError {
    fn from(error: SdkError<QueryError>) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<SdkError<BatchWriteItemError>> for StoreError {
    fn from(error: SdkError<BatchWriteItemError>) -> Self {
        Self::Service(Box::new(error))
    }
}

impl From<SdkError<UpdateItemError>> for StoreError {
    fn from(error: SdkError<UpdateItemError>) -> Self {
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Self::Conflict,
            Some(UpdateItemError::TransactionConflictException(_)) => Self::Busy,
            _ => Self::Service(Box::new(error)),
        }
    }
}

impl From<SdkError<PutItemError>> for StoreError {
    fn from(error: SdkError<PutItemError>) -> Self {
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Self::Conflict,
            _ => Self::Service(Box::new(error)),
        }
    }
}

impl From<SdkError<TransactWriteItemsError>> for StoreError {
    fn from(error: SdkError<TransactWriteItemsError>) -> Self {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Self::Service(Box::new(error));
        };
        let has = |code: &str| {
            cancelled
                .cancellation_reasons()
                .iter()
                .any(|reason| reason.code() == Some(code))
        };
        if has("ConditionalCheckFailed") {
            Self::Conflict
        } else if has("TransactionConflict") {
            Self::Busy
        } else {
            Self::Service(Box::new(error))
        }
    }
}
