//! Builds DynamoDB's update expressions, with every name and value passed by reference.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, Update};
use serde::de::DeserializeOwned;

/// Changes of one item and the conditions under which they are made.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    names: Vec<String>,
    values: Vec<AttributeValue>,
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    conditions: Vec<String>,
}

impl Change {
    /// Sets an attribute.
    pub(super) fn set(mut self, name: &str, value: impl IntoAttribute) -> Self {
        let term = format!("{} = {}", self.name(name), self.value(value.into_attribute()));
        self.set.push(term);
        self
    }

    /// Sets an attribute, or removes it where there is no value.
    pub(super) fn set_or_remove(self, name: &str, value: Option<impl IntoAttribute>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// Removes an attribute.
    pub(super) fn remove(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.remove.push(name);
        self
    }

    /// Adds to a number, which may be negative.
    pub(super) fn add(mut self, name: &str, amount: i64) -> Self {
        let term = format!("{} {}", self.name(name), self.value(amount.into_attribute()));
        self.add.push(term);
        self
    }

    /// Only if the item is there.
    pub(super) fn if_there(mut self) -> Self {
        self.conditions.push("attribute_exists(PK)".to_owned());
        self
    }

    /// Only if an attribute is there.
    pub(super) fn if_present(mut self, name: &str) -> Self {
        let term = format!("attribute_exists({})", self.name(name));
        self.conditions.push(term);
        self
    }

    /// Only if an attribute is absent.
    pub(super) fn if_absent(mut self, name: &str) -> Self {
        let term = format!("attribute_not_exists({})", self.name(name));
        self.conditions.push(term);
        self
    }

    /// Only if an attribute equals a value.
    pub(super) fn if_equal(self, name: &str, value: impl IntoAttribute) -> Self {
        self.if_compared(name, "=", value.into_attribute())
    }

    /// Only if an attribute is at least a value.
    pub(super) fn if_at_least(self, name: &str, value: i64) -> Self {
        self.if_compared(name, ">=", value.into_attribute())
    }

    /// Only if an attribute is absent or another value.
    pub(super) fn if_not(self, name: &str, value: impl IntoAttribute) -> Self {
        self.if_absent_or(name, "<>", value.into_attribute())
    }

    /// Only if a moment is absent, or before another; both as the mail service writes them.
    pub(super) fn if_absent_or_before(self, name: &str, moment: &str) -> Self {
        self.if_absent_or(name, "<", moment.into_attribute())
    }

    /// Only if an attribute is absent or at most a value.
    pub(super) fn if_at_most(self, name: &str, value: i64) -> Self {
        self.if_absent_or(name, "<=", value.into_attribute())
    }

    /// Only if an attribute is absent or another value, or if a moment beside it is before another.
    pub(super) fn if_not_or_before(mut self, name: &str, value: &str, beside: &str, moment: &str) -> Self {
        let (name, beside) = (self.name(name), self.name(beside));
        let (value, moment) = (self.value(value.into_attribute()), self.value(moment.into_attribute()));
        let term = format!("(attribute_not_exists({name}) OR {name} <> {value} OR {beside} < {moment})");
        self.conditions.push(term);
        self
    }

    fn if_compared(mut self, name: &str, operator: &str, value: AttributeValue) -> Self {
        let term = format!("{} {operator} {}", self.name(name), self.value(value));
        self.conditions.push(term);
        self
    }

    fn if_absent_or(mut self, name: &str, operator: &str, value: AttributeValue) -> Self {
        let name = self.name(name);
        let term = format!(
            "(attribute_not_exists({name}) OR {name} {operator} {})",
            self.value(value)
        );
        self.conditions.push(term);
        self
    }

    fn name(&mut self, name: &str) -> String {
        self.names.push(name.to_owned());
        format!("#n{}", self.names.len() - 1)
    }

    fn value(&mut self, value: AttributeValue) -> String {
        self.values.push(value);
        format!(":v{}", self.values.len() - 1)
    }

    /// The update of the item with these keys.
    pub(super) fn update(self, table: &str, pk: String, sk: String) -> Result<Update, BuildError> {
        let part = |verb: &str, terms: &[String]| (!terms.is_empty()).then(|| format!("{verb} {}", terms.join(", ")));
        let parts = [
            part("SET", &self.set),
            part("REMOVE", &self.remove),
            part("ADD", &self.add),
        ];
        let mut update = Update::builder()
            .table_name(table)
            .key("PK", AttributeValue::S(pk))
            .key("SK", AttributeValue::S(sk))
            .update_expression(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
            .set_condition_expression((!self.conditions.is_empty()).then(|| self.conditions.join(" AND ")));
        for (n, name) in self.names.into_iter().enumerate() {
            update = update.expression_attribute_names(format!("#n{n}"), name);
        }
        for (n, value) in self.values.into_iter().enumerate() {
            update = update.expression_attribute_values(format!(":v{n}"), value);
        }
        update.build()
    }
}

impl super::Store {
    /// Makes one change; [`super::StoreError::Conflict`] where its conditions do not hold.
    pub(super) async fn change(&self, change: Change, pk: String, sk: String) -> Result<(), super::StoreError> {
        self.send(change, pk, sk, ReturnValue::None).await.map(drop)
    }

    /// Makes one change where its conditions hold; says whether they did.
    pub(super) async fn change_if(&self, change: Change, pk: String, sk: String) -> Result<bool, super::StoreError> {
        match self.change(change, pk, sk).await {
            Ok(()) => Ok(true),
            Err(super::StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes one change of an item, and gives the item as it is then;
    /// [`super::StoreError::Conflict`] where its conditions do not hold.
    pub(super) async fn change_and_get<R: DeserializeOwned>(
        &self,
        change: Change,
        pk: String,
        sk: String,
    ) -> Result<R, super::StoreError> {
        let item = self.send(change, pk, sk, ReturnValue::AllNew).await?;
        Ok(serde_dynamo::from_item(item.unwrap_or_default())?)
    }

    async fn send(
        &self,
        change: Change,
        pk: String,
        sk: String,
        returned: ReturnValue,
    ) -> Result<Option<super::Item>, super::StoreError> {
        let update = change.update(&self.table, pk, sk)?;
        self.unless_busy(|| async {
            let sent = self
                .client
                .update_item()
                .table_name(&update.table_name)
                .set_key(Some(update.key.clone()))
                .update_expression(&update.update_expression)
                .set_condition_expression(update.condition_expression.clone())
                .set_expression_attribute_names(update.expression_attribute_names.clone())
                .set_expression_attribute_values(update.expression_attribute_values.clone())
                .return_values(returned.clone());
            Ok(sent.send().await?.attributes)
        })
        .await
    }
}

/// What can stand in an attribute.
pub(super) trait IntoAttribute {
    fn into_attribute(self) -> AttributeValue;
}

impl IntoAttribute for AttributeValue {
    fn into_attribute(self) -> AttributeValue {
        self
    }
}

impl IntoAttribute for String {
    fn into_attribute(self) -> AttributeValue {
        AttributeValue::S(self)
    }
}

impl IntoAttribute for &str {
    fn into_attribute(self) -> AttributeValue {
        AttributeValue::S(self.to_owned())
    }
}

impl IntoAttribute for crate::domain::Pass {
    fn into_attribute(self) -> AttributeValue {
        AttributeValue::S(self.to_string())
    }
}

impl IntoAttribute for i64 {
    fn into_attribute(self) -> AttributeValue {
        AttributeValue::N(self.to_string())
    }
}
