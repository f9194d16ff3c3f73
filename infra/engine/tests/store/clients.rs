//! What works with the emulator.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use mailvan::imap::Connector;
use mailvan::profile::Profile;
use mailvan::secrets::Secrets;
use mailvan::store::Store;
use mailvan::sync::Engine;
use mailvan_local::stack::Stack;

/// How its services are called.
pub fn aws(stack: &Stack) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(stack.endpoint())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// An engine that opens both sides' servers in the same way.
pub fn engine(store: &Store, stack: &Stack, connector: Connector, profile: &str) -> Engine {
    let aws = aws(stack);
    Engine {
        store: store.clone(),
        secrets: Secrets::new(
            aws_sdk_kms::Client::new(&aws),
            aws_sdk_secretsmanager::Client::new(&aws),
            stack.output("KeyId").unwrap().to_owned(),
            store.clone(),
        ),
        sources: connector.clone(),
        destination: connector,
        profile: Profile::parse(profile).unwrap(),
    }
}
