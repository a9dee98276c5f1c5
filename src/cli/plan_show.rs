//! x
use crate::plan::Plan;
/// x
pub fn render_text(_: &Plan, _: usize, _: &dyn Fn(&str) -> String) -> String { String::new() }
/// x
pub fn to_json(_: &Plan) -> serde_json::Value { serde_json::Value::Null }
