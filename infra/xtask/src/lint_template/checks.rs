//! The house's own rules for the template: queues come with a dead-letter queue and alarms, functions with a log
//! group, a role of their own and alarms, APIs with an alarm and a throttle on every route, alarms with whom they tell and what silence means to them,
//! and no policy allows everything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// Policies that may name every action or resource, as (resource, statement id, why).
const BROAD: &[(&str, &str, &str)] = &[
    (
        "Key",
        "Account",
        "a key's policy speaks of that key alone, and the account's IAM policies decide",
    ),
    ("Key", "TableEncryption", "a key's policy speaks of that key alone"),
    (
        "NotifyRole",
        "Quota",
        "the quota is the account's, and its one action takes no resource",
    ),
    ("BucketPolicy", "TlsOnly", "it denies"),
    ("CertificateBucketPolicy", "TlsOnly", "it denies"),
];
const QUEUE_METRICS: &[&str] = &["ApproximateAgeOfOldestMessage"];
const DEAD_LETTER_METRICS: &[&str] = &["ApproximateNumberOfMessagesVisible"];
const FUNCTION_METRICS: &[&str] = &["Errors", "Throttles"];
const THROTTLES: &[&str] = &["ThrottlingBurstLimit", "ThrottlingRateLimit"];
const API_METRICS: &[&str] = &["5xx"];

/// Returns what breaks a rule in a template in plain CloudFormation JSON, one line each.
pub fn faults(template: &Value) -> Vec<String> {
    let empty = Map::new();
    let resources = template.get("Resources").and_then(Value::as_object).unwrap_or(&empty);
    let mut faults = Vec::new();
    check_queues(resources, &mut faults);
    check_functions(resources, &mut faults);
    check_alarms(resources, &mut faults);
    check_throttles(resources, &mut faults);
    check_policies(resources, &mut faults);
    faults
}

fn check_queues(resources: &Map<String, Value>, faults: &mut Vec<String>) {
    let alarms = alarms(resources, "AWS/SQS");
    let targets: BTreeMap<&str, &str> = of_type(resources, "AWS::SQS::Queue")
        .filter_map(|(name, queue)| {
            Some((
                name,
                referent(queue.pointer("/Properties/RedrivePolicy/deadLetterTargetArn")?)?,
            ))
        })
        .collect();
    let dead_letter_queues: BTreeSet<&str> = targets.values().copied().collect();
    if dead_letter_queues.len() != targets.len() {
        faults.push("two queues share a dead-letter queue".to_owned());
    }
    for (name, _) in of_type(resources, "AWS::SQS::Queue") {
        let metrics = if dead_letter_queues.contains(name) {
            DEAD_LETTER_METRICS
        } else if targets.contains_key(name) {
            QUEUE_METRICS
        } else {
            faults.push(format!("queue {name} has no dead-letter queue"));
            QUEUE_METRICS
        };
        require_alarms("queue", name, metrics, &alarms, faults);
    }
}

fn check_functions(resources: &Map<String, Value>, faults: &mut Vec<String>) {
    let alarms = alarms(resources, "AWS/Lambda");
    let mut roles = BTreeMap::new();
    for (name, function) in of_type(resources, "AWS::Lambda::Function") {
        let role = function.pointer("/Properties/Role").and_then(referent);
        match role.filter(|role| resources.contains_key(*role)) {
            None => faults.push(format!("function {name} has no role in this template")),
            Some(role) => {
                if let Some(other) = roles.insert(role, name) {
                    faults.push(format!("functions {other} and {name} share the role {role}"));
                }
            }
        }
        let log_group = function
            .pointer("/Properties/LoggingConfig/LogGroup")
            .and_then(referent);
        let keeps = log_group.and_then(|group| resources.get(group)?.pointer("/Properties/RetentionInDays"));
        if keeps.is_none() {
            faults.push(format!("function {name} has no log group with retention"));
        }
        require_alarms("function", name, FUNCTION_METRICS, &alarms, faults);
    }
    for (name, mapping) in of_type(resources, "AWS::Lambda::EventSourceMapping") {
        let reports = mapping
            .pointer("/Properties/FunctionResponseTypes")
            .and_then(Value::as_array);
        if !reports.is_some_and(|types| types.iter().any(|one| one == "ReportBatchItemFailures")) {
            faults.push(format!(
                "event source {name} does not report failures message by message"
            ));
        }
    }
}

fn check_alarms(resources: &Map<String, Value>, faults: &mut Vec<String>) {
    let of_apis = alarms(resources, "AWS/ApiGateway");
    for (name, _) in of_type(resources, "AWS::ApiGatewayV2::Api") {
        require_alarms("API", name, API_METRICS, &of_apis, faults);
    }
    for (name, alarm) in of_type(resources, "AWS::CloudWatch::Alarm") {
        let settings = ["AlarmActions", "AlarmDescription", "TreatMissingData"];
        let missing = settings
            .iter()
            .filter(|setting| alarm.pointer(&format!("/Properties/{setting}")).is_none());
        faults.extend(missing.map(|setting| format!("alarm {name} has no {setting}")));
    }
}

/// The throttle is the only thing before a call that needs no token.
fn check_throttles(resources: &Map<String, Value>, faults: &mut Vec<String>) {
    let routes: BTreeSet<&str> = of_type(resources, "AWS::ApiGatewayV2::Route")
        .filter_map(|(_, route)| route.pointer("/Properties/RouteKey")?.as_str())
        .collect();
    for (name, stage) in of_type(resources, "AWS::ApiGatewayV2::Stage") {
        let default = stage.pointer("/Properties/DefaultRouteSettings");
        require_throttles(&format!("stage {name}"), default, faults);
        let own = stage.pointer("/Properties/RouteSettings").and_then(Value::as_object);
        for (route, settings) in own.into_iter().flatten() {
            require_throttles(&format!("route {route}"), Some(settings), faults);
            if !routes.contains(route.as_str()) {
                faults.push(format!("stage {name} has settings for {route}, which is no route"));
            }
        }
    }
}

fn require_throttles(what: &str, settings: Option<&Value>, faults: &mut Vec<String>) {
    let is_set = |limit: &str| {
        let limit = settings.and_then(|settings| settings.get(limit)?.as_f64());
        limit.is_some_and(|limit| limit > 0.0)
    };
    let missing = THROTTLES.iter().filter(|limit| !is_set(limit));
    faults.extend(missing.map(|limit| format!("{what} has no {limit}")));
}

fn check_policies(resources: &Map<String, Value>, faults: &mut Vec<String>) {
    for (name, resource) in resources {
        let mut statements = Vec::new();
        collect_statements(resource, &mut statements);
        for statement in statements {
            let id = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
            if BROAD.iter().any(|(resource, sid, _)| resource == name && *sid == id) {
                continue;
            }
            let actions = strings(statement.get("Action"));
            if actions.iter().any(|action| action.ends_with('*')) || statement.contains_key("NotAction") {
                faults.push(format!(
                    "{name}: statement `{id}` names no exact action: {}",
                    actions.join(", ")
                ));
            }
            if strings(statement.get("Resource")).contains(&"*") || statement.contains_key("NotResource") {
                faults.push(format!("{name}: statement `{id}` is for every resource"));
            }
        }
        if name.ends_with("Role") && resource.pointer("/Properties/ManagedPolicyArns").is_some() {
            faults.push(format!("{name} uses managed policies, which name no exact resources"));
        }
    }
}

/// Every policy statement inside a value, at whatever depth.
fn collect_statements<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("Effect") && (map.contains_key("Action") || map.contains_key("NotAction")) {
                found.push(map);
            }
            map.values().for_each(|inner| collect_statements(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| collect_statements(inner, found)),
        _ => {}
    }
}

/// The pairs (resource, metric) that an alarm of this namespace watches.
fn alarms<'a>(resources: &'a Map<String, Value>, namespace: &str) -> BTreeSet<(&'a str, &'a str)> {
    let alarms = of_type(resources, "AWS::CloudWatch::Alarm");
    let watched = alarms.filter_map(|(_, alarm)| {
        let properties = alarm.get("Properties").filter(|properties| {
            properties.get("Namespace").is_some_and(|its| its == namespace) && properties.get("AlarmActions").is_some()
        })?;
        let resource = referent(properties.pointer("/Dimensions/0/Value")?)?;
        Some((resource, properties.get("MetricName")?.as_str()?))
    });
    watched.collect()
}

fn require_alarms(kind: &str, name: &str, metrics: &[&str], alarms: &BTreeSet<(&str, &str)>, faults: &mut Vec<String>) {
    let missing = metrics.iter().filter(|metric| !alarms.contains(&(name, **metric)));
    faults.extend(missing.map(|metric| format!("{kind} {name} has no alarm on {metric}")));
}

fn of_type<'a>(resources: &'a Map<String, Value>, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let all = resources
        .iter()
        .filter(move |(_, resource)| resource.get("Type").is_some_and(|its| its == kind));
    all.map(|(name, resource)| (name.as_str(), resource))
}

/// The resource that a `Ref` or an `Fn::GetAtt` means.
fn referent(value: &Value) -> Option<&str> {
    let attribute = || value.get("Fn::GetAtt")?.get(0)?.as_str();
    value.get("Ref").and_then(Value::as_str).or_else(attribute)
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alarm(namespace: &str, metric: &str, on: &Value) -> Value {
        json!({"Type": "AWS::CloudWatch::Alarm", "Properties": {
            "Namespace": namespace, "MetricName": metric, "Dimensions": [{"Name": "x", "Value": on}],
            "AlarmActions": [], "AlarmDescription": "x", "TreatMissingData": "notBreaching"}})
    }

    fn queue_name(queue: &str) -> Value {
        json!({"Fn::GetAtt": [queue, "QueueName"]})
    }

    #[test]
    fn a_queue_with_its_dead_letter_queue_and_alarms_is_good() {
        let template = json!({"Resources": {
            "Work": {"Type": "AWS::SQS::Queue", "Properties": {
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}}},
            "Dead": {"Type": "AWS::SQS::Queue"},
            "A": alarm("AWS/SQS", "ApproximateAgeOfOldestMessage", &queue_name("Work")),
            "B": alarm("AWS/SQS", "ApproximateNumberOfMessagesVisible", &queue_name("Dead"))}});
        assert_eq!(faults(&template), Vec::<String>::new());
    }

    #[test]
    fn a_queue_alone_lacks_a_dead_letter_queue_and_an_alarm() {
        let template = json!({"Resources": {"Work": {"Type": "AWS::SQS::Queue"}}});
        let expected = [
            "queue Work has no dead-letter queue",
            "queue Work has no alarm on ApproximateAgeOfOldestMessage",
        ];
        assert_eq!(faults(&template), expected);
    }

    #[test]
    fn functions_that_share_a_role_are_found() {
        let function = json!({"Type": "AWS::Lambda::Function", "Properties": {
            "Role": {"Fn::GetAtt": ["Role", "Arn"]}, "LoggingConfig": {"LogGroup": {"Ref": "Logs"}}}});
        let template = json!({"Resources": {
            "Role": {"Type": "AWS::IAM::Role"},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
            "One": function, "Two": function}});
        let found = faults(&template);
        assert!(
            found.contains(&"functions One and Two share the role Role".to_owned()),
            "{found:?}"
        );
        assert!(
            found.contains(&"function One has no alarm on Errors".to_owned()),
            "{found:?}"
        );
        assert!(!found.iter().any(|fault| fault.contains("log group")), "{found:?}");
    }

    #[test]
    fn an_api_without_an_alarm_and_an_alarm_that_tells_nobody_are_found() {
        let mut mute = alarm("AWS/ApiGateway", "5xx", &json!({"Ref": "Api"}));
        let watched = json!({"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api"}, "A": mute}});
        assert_eq!(faults(&watched), Vec::<String>::new());
        for setting in ["AlarmActions", "TreatMissingData"] {
            mute["Properties"].as_object_mut().unwrap().remove(setting);
        }
        let template = json!({"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api"}, "A": mute}});
        let expected = [
            "API Api has no alarm on 5xx",
            "alarm A has no AlarmActions",
            "alarm A has no TreatMissingData",
        ];
        assert_eq!(faults(&template), expected);
    }

    #[test]
    fn a_stage_or_route_without_a_throttle_is_found() {
        let stage = |default: Value, own: Value| {
            json!({"Resources": {
                "Route": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"RouteKey": "GET /"}},
                "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {
                    "DefaultRouteSettings": default, "RouteSettings": {"GET /": own}}}}})
        };
        let limits = json!({"ThrottlingBurstLimit": 50, "ThrottlingRateLimit": 25});
        assert_eq!(faults(&stage(limits.clone(), limits.clone())), Vec::<String>::new());
        let expected = [
            "stage Stage has no ThrottlingBurstLimit",
            "route GET / has no ThrottlingRateLimit",
        ];
        let found = faults(&stage(
            json!({"ThrottlingRateLimit": 25}),
            json!({"ThrottlingBurstLimit": 50, "ThrottlingRateLimit": 0}),
        ));
        assert_eq!(found, expected);
        let mut strange = stage(limits.clone(), limits);
        strange["Resources"]["Route"]["Properties"]["RouteKey"] = json!("GET /v1");
        assert_eq!(
            faults(&strange),
            ["stage Stage has settings for GET /, which is no route"]
        );
    }

    #[test]
    fn a_policy_for_everything_is_found() {
        let statement = json!({"Sid": "All", "Effect": "Allow", "Action": ["sqs:*"], "Resource": "*"});
        let template = json!({"Resources": {"SyncRole": {"Type": "AWS::IAM::Role", "Properties": {
            "Policies": [{"PolicyDocument": {"Statement": [statement]}}]}}}});
        let expected = [
            "SyncRole: statement `All` names no exact action: sqs:*",
            "SyncRole: statement `All` is for every resource",
        ];
        assert_eq!(faults(&template), expected);
    }
}
