//! Who did what, the newest first. Never what machines did: that is on the timelines.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;

use super::{
    House, Who,
    list::{Page, fresh},
    problem::Problem,
    query::Query,
};
use crate::{
    command,
    domain::{
        audit::What,
        id::{PersonId, Seq},
        person::Role,
    },
    observe,
    text::{audit, when::Times},
    views::Act,
};

const PATH: &str = "/api/v1/audit";

/// `GET /api/v1/audit?by=&what=&since=&cursor=&limit=`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    who: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["by", "what", "since", "cursor", "limit"])?;
    let limit = query.limit()?;
    let words = What::WORDS.map(|(word, _)| word);
    let what = query.one_of("what", &words)?;
    let what = what.and_then(|word| What::WORDS.iter().find(|(known, _)| *known == word));
    let since = query.parsed::<Timestamp>("since", "Write an instant such as 2026-03-29T02:30:00Z")?;
    let wanted = Act {
        by: query.get("by").map(PersonId::from),
        what: what.map(|(_, what)| *what),
        since,
        before: query.before()?.map(Seq),
    };
    let (asked, seq) = house.look(move |look| may(&who, look.config)).await?;
    let (caller, allowed) = asked?;
    if let Err(no) = allowed {
        command::note_refusal(&house.engine, &caller, PATH.to_owned(), observe::trace()).await?;
        return Err(no);
    }
    let mut records = house.views_at(seq).await?.acts(wanted, limit + 1).await?;
    let tokens = audit::tokens(&records);
    let acts = records.drain(..).filter_map(|record| audit::entry(&record, &tokens, Times::Exact)).collect();
    Ok(fresh(Page::cut(acts, limit, |act: &audit::Act| act.seq.to_string())))
}

/// Who asks, and whether they may: it names everybody, so only those who look after the house see it.
fn may(
    who: &Who,
    config: &crate::domain::config::Config,
) -> Result<(command::Caller, Result<(), Problem>), Problem> {
    let caller = who.caller(config, "as")?;
    let allowed = caller.may(PATH, Role::Admin, config).map_err(|card| Problem::forbidden(card.title));
    Ok((caller, allowed))
}
