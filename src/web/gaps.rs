//! When nobody who can be reached is on call, by the configuration in force and the overrides. Never changes anything.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{House, Who, elsewhere, list::fresh, problem::Problem, query::Query};
use crate::domain::{
    id::ScheduleId,
    oncall::{Lack, lacks},
    schedule::Override,
};

/// How many days are looked at when nothing is said, and at most.
const USUAL: i64 = 30;
const MOST: i64 = 90;

#[derive(Serialize)]
struct Gaps {
    from: Timestamp,
    until: Timestamp,
    /// `what` is `nobody`, `unreachable` (with `person`) or `twice` (with `person` and `other`, a schedule).
    items: Vec<Lack>,
}

/// `GET /api/v1/oncall/gaps?schedule=&days=`
pub(super) async fn show(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["schedule", "days"])?;
    let days = query.parsed::<i64>("days", "Write a number of days such as 30")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&days) {
        let problem = Problem::wrong("days", format!("`{days}` is not a number from 1 to {MOST}"));
        return Err(problem.remedy(format!("Write days={USUAL}")));
    }
    let only = query.get("schedule").map(ScheduleId::from);
    let ((config, from, overrides), _) = house
        .look(|look| {
            let overrides: Vec<Override> = look.state.overrides.values().cloned().collect();
            (Arc::clone(look.config), look.now.civil, overrides)
        })
        .await?;
    if let Some(only) = only.as_ref().filter(|only| !config.schedules.contains_key(*only)) {
        let problem = Problem::wrong("schedule", format!("there is no schedule `{only}`"));
        return Err(problem.remedy("See /api/v1/oncall for all of them"));
    }
    let until = from.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(from);
    let items = elsewhere(move || lacks(&config, &overrides, only.as_ref(), from, until)).await?;
    Ok(fresh(Gaps { from, until, items }))
}
