//! Who is on call, at any instant, past or future: by the schedules of the configuration in force and the overrides
//! as the journal has them. Never changed here.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{House, Who, list::fresh, problem::Problem, query::Query};
use crate::domain::{
    config::Config,
    event::{Event, Record},
    id::{OverrideId, PersonId, ScheduleId, Seq},
    schedule::{Because, Override},
    timeline::Key,
};

/// Changes of who is on call that are read at once.
const AT_ONCE: usize = 1_000;
/// Changes of who is on call that are read at most: more than a person a minute for a month.
const MOST: usize = 50_000;

#[derive(Serialize)]
struct OnCall {
    at: Timestamp,
    schedules: Vec<Duty>,
}

#[derive(Serialize)]
struct Duty {
    schedule: ScheduleId,
    /// Nobody: a gap.
    people: Vec<PersonId>,
    since: Timestamp,
    until: Timestamp,
    /// `layer 1`, `OV-3`, `gap`.
    because: String,
}

/// `GET /api/v1/oncall?at=`
pub(super) async fn show(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["at"])?;
    let asked = query.parsed::<Timestamp>(
        "at",
        "Write an instant such as 2026-03-29T02:30:00Z or 2026-03-29T02:30:00+01:00 (URL-encode the plus as %2B)",
    )?;
    let ((config, now, overrides), seq) = house
        .look(|look| {
            let overrides: Vec<Override> = look.state.overrides.values().cloned().collect();
            (Arc::clone(look.config), look.now.civil, overrides)
        })
        .await?;
    let at = asked.unwrap_or(now);
    // The engine forgets overrides that ended longer ago than a shift is followed back from now.
    let overrides = if at < now { past_overrides(&house, seq).await? } else { overrides };
    let schedules = tokio::task::spawn_blocking(move || duties(&config, at, &overrides)).await;
    let schedules = schedules.map_err(|_| Problem::inside(crate::observe::trace()))?;
    Ok(fresh(OnCall { at, schedules }))
}

fn duties(config: &Config, at: Timestamp, overrides: &[Override]) -> Vec<Duty> {
    let duty = |id: &ScheduleId, schedule: &crate::domain::schedule::Schedule| {
        let shift = schedule.shift_at(at, overrides);
        Duty {
            schedule: id.clone(),
            people: shift.person.into_iter().collect(),
            since: shift.since,
            until: shift.until,
            because: match shift.because {
                Because::Layer(number) => format!("layer {number}"),
                Because::Override(id) => id.to_string(),
                Because::Gap => "gap".to_owned(),
            },
        }
    };
    config.schedules.iter().map(|(id, schedule)| duty(id, schedule)).collect()
}

async fn past_overrides(house: &House, seq: Seq) -> Result<Vec<Override>, Problem> {
    let views = house.views_at(seq).await?;
    let mut known = BTreeMap::new();
    let (mut after, mut read) = (None, 0);
    while read < MOST {
        let records = views.records(&[Key::OnCall], after, AT_ONCE).await?;
        read += records.len();
        after = records.last().map(|record| record.seq);
        for record in &records {
            replay(&mut known, record);
        }
        if records.len() < AT_ONCE {
            break;
        }
    }
    Ok(known.into_values().collect())
}

/// An override that is taken back ends there, or never was.
fn replay(known: &mut BTreeMap<OverrideId, Override>, record: &Record) {
    match &record.event {
        Event::OverrideAdded { id, schedule, person, from, until, .. } => {
            let (schedule, person) = (schedule.clone(), person.clone());
            known.insert(*id, Override { id: *id, schedule, person, from: *from, until: *until });
        }
        Event::Swapped(swapped) => {
            for one in [&swapped.first, &swapped.second] {
                known.insert(one.id, one.clone());
            }
        }
        Event::OverrideRemoved { id, .. } => {
            if let Some(one) = known.get_mut(id) {
                one.until = one.until.min(record.at);
                if one.until <= one.from {
                    known.remove(id);
                }
            }
        }
        _ => {}
    }
}
