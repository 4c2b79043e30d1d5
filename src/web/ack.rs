//! Links that acknowledge, as messages carry them. GET shows what it is about and a button, and changes nothing, so
//! that whoever scans links does no harm; POST acknowledges. The signature is the only key, and all of it.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{Html, IntoResponse, Response},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{House, problem::Problem};
use crate::{
    domain::{
        config::Config,
        event::{Actor, Event},
        facts::Standing,
        id::{AlertId, GroupId, IncidentId, PageId, PersonId},
        intent::{Intent, Refusal},
        page::{PageReason, Subject, Target},
    },
    engine::{Accepted, Look, Rejected},
    links::{BadLink, Claim},
    metrics::BadInput,
    observe,
    text::{
        ack::{self, About, Words},
        card::Tone,
        plain::plain,
    },
};

const PAGE: &str = include_str!("ack.html");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Characters of a title that are shown.
const TITLE: usize = 200;

/// Who follows a link, and what it is about.
struct Visit {
    claim: Claim,
    about: Option<About>,
    config: Arc<Config>,
}

impl Visit {
    /// The name in which the link acts; none: that person is gone.
    fn name(&self) -> Option<String> {
        match &self.claim.person {
            None => Some("whoever holds this link".to_owned()),
            Some(person) => self.config.people.get(person).map(|person| person.name.clone()),
        }
    }

    fn zone(&self) -> TimeZone {
        let person = self.claim.person.as_ref().and_then(|person| self.config.people.get(person));
        person.map_or(TimeZone::UTC, |person| person.zone.clone())
    }
}

/// How the answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Html,
    Json,
}

impl As {
    fn wanted(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let json = accept.find("application/json");
        match (json, accept.find("text/html")) {
            (Some(json), Some(html)) if json < html => Self::Json,
            (Some(_), None) => Self::Json,
            _ => Self::Html,
        }
    }
}

/// `GET /a/{token}`: changes nothing.
pub(super) async fn show(
    State(house): State<Arc<House>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let wanted = As::wanted(&headers);
    let visit = match enter(&house, &token).await {
        Ok(visit) => visit,
        Err(problem) => return refuse(problem, wanted),
    };
    let zone = visit.zone();
    let (Some(about), name) = (&visit.about, visit.name()) else {
        return answer(
            wanted,
            StatusCode::GONE,
            &visit,
            &ack::forgotten(visit.claim.target),
            Tone::Plain,
            &[],
        );
    };
    match (name, &about.standing) {
        (None, _) => answer(wanted, StatusCode::FORBIDDEN, &visit, &ack::stranger(), Tone::Warning, &[]),
        (Some(name), Standing::Open) => {
            let words = ack::question(about, &name, &zone);
            answer(wanted, StatusCode::OK, &visit, &words, Tone::Critical, &[])
        }
        (Some(_), Standing::Acknowledged(..) | Standing::Resolved(_)) => {
            answer(wanted, StatusCode::OK, &visit, &ack::nothing_to_do(about, &zone), Tone::Good, &[])
        }
    }
}

/// `POST /a/{token}`: acknowledges.
pub(super) async fn take(
    State(house): State<Arc<House>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let wanted = As::wanted(&headers);
    let mut visit = match enter(&house, &token).await {
        Ok(visit) => visit,
        Err(problem) => return refuse(problem, wanted),
    };
    let Some(name) = visit.name() else {
        return answer(wanted, StatusCode::FORBIDDEN, &visit, &ack::stranger(), Tone::Warning, &[]);
    };
    let by = visit.claim.person.clone().map_or(Actor::Operator, Actor::Person);
    let (trace, target) = (observe::trace(), visit.claim.target);
    let result = house.engine.submit(trace, Intent::Acknowledge { target, by: by.clone() }).await;
    let forgotten =
        |visit: &Visit| answer(wanted, StatusCode::GONE, visit, &ack::forgotten(target), Tone::Plain, &[]);
    match result {
        Ok(accepted) => {
            let Some(about) = &mut visit.about else { return forgotten(&visit) };
            about.standing = Standing::Acknowledged(by, accepted.at);
            let about = about.clone();
            let spared = spared(&accepted, &visit.config);
            let words = ack::done(&about, &name, &spared, &visit.zone());
            answer(wanted, StatusCode::OK, &visit, &words, Tone::Good, &spared)
        }
        Err(Rejected::Refused(refusal)) => {
            let standing = standing_after(&refusal, visit.about.as_ref());
            let zone = visit.zone();
            let (Some(about), Some(standing)) = (&mut visit.about, standing) else {
                return forgotten(&visit);
            };
            about.standing = standing;
            let words = ack::nothing_to_do(about, &zone);
            answer(wanted, StatusCode::OK, &visit, &words, Tone::Good, &[])
        }
        Err(rejected) => refuse(rejected.into(), wanted),
    }
}

/// Reads the token and looks up what it is about.
async fn enter(house: &House, token: &str) -> Result<Visit, Problem> {
    let refused = |bad| {
        house.metrics.bad_input(BadInput::Link);
        match bad {
            BadLink::Forged => Problem::forbidden(ack::FORGED),
            BadLink::Expired { .. } => Problem::gone(ack::EXPIRED),
        }
    };
    // Whoever has no signature costs the engine nothing.
    let claim = house.links.verify(token).map_err(refused)?;
    let asked = claim.target;
    let look = house.look(move |look| {
        let target = goes_on(look, asked);
        let about = about(look, target).map(|about| About { asked: Some(asked), ..about });
        (look.now.civil, target, about, Arc::clone(look.config))
    });
    let ((now, target, about, config), _) = look.await?;
    let claim = Claim { target, ..claim.at(now).map_err(refused)? };
    Ok(Visit { claim, about, config })
}

/// Names of those who would have been paged next.
fn spared(accepted: &Accepted, config: &Config) -> Vec<String> {
    let mut people: Vec<&PersonId> = Vec::new();
    for event in &accepted.events {
        if let Event::PageStopped { spared, .. } = event {
            people.extend(spared);
        }
    }
    people.sort();
    people.dedup();
    let name =
        |id: &&PersonId| config.people.get(*id).map_or_else(|| id.to_string(), |person| person.name.clone());
    people.iter().map(name).collect()
}

/// Where something stands by the reason for which it could not be taken.
fn standing_after(refusal: &Refusal, about: Option<&About>) -> Option<Standing> {
    match refusal {
        Refusal::AlreadyAcknowledged { by, at, .. } => Some(Standing::Acknowledged(by.clone(), *at)),
        Refusal::GroupClosed { at, .. } | Refusal::AlreadyResolved { at, .. } => {
            Some(Standing::Resolved(*at))
        }
        _ => about.map(|about| about.standing.clone()).filter(|standing| *standing != Standing::Open),
    }
}

/// What a link is about that leaves before a merge is where the response goes on.
fn goes_on(look: &Look<'_>, target: Target) -> Target {
    match target {
        Target::Incident(id) => Target::Incident(look.state.goes_on_in(id)),
        other => other,
    }
}

/// Whoever has it: when somebody is being paged for it all the same, it is open to whoever takes it.
fn standing(look: &Look<'_>, subject: Subject, holder: Option<&(Actor, Timestamp)>) -> Standing {
    let holder = holder.filter(|_| !look.state.is_paged_for(subject));
    holder.map_or(Standing::Open, |(by, at)| Standing::Acknowledged(by.clone(), *at))
}

fn about(look: &Look<'_>, target: Target) -> Option<About> {
    match target {
        Target::Alert(id) => about_alert(look, id),
        Target::Group(id) => about_group(look, id),
        Target::Incident(id) => about_incident(look, id),
        Target::Page(id) => about_page(look, id),
    }
}

fn about_alert(look: &Look<'_>, id: AlertId) -> Option<About> {
    let alert = look.state.alerts.get(&id)?;
    let groups = || alert.groups.iter().filter_map(|group| about_group(look, *group));
    let open = groups().find(|group| group.standing == Standing::Open);
    let group = open.or_else(|| groups().next())?;
    Some(About { target: Target::Alert(id), title: plain(alert.name(), TITLE), ..group })
}

fn about_group(look: &Look<'_>, id: GroupId) -> Option<About> {
    if let Some(group) = look.state.groups.get(&id) {
        return Some(About {
            target: Target::Group(id),
            title: plain(&group.title, TITLE),
            severity: group.severity.clone(),
            incident: group.incident,
            since: Some(group.opened_at),
            standing: standing(look, Subject::Group(id, None), group.acknowledged.as_ref()),
            holder: group.acknowledged.clone(),
            asked: None,
        });
    }
    let group = look.state.closed_groups.get(&id)?;
    Some(About {
        target: Target::Group(id),
        title: plain(&group.title, TITLE),
        severity: group.severity.clone(),
        incident: group.incident,
        since: Some(group.opened_at),
        standing: Standing::Resolved(group.closed_at),
        holder: None,
        asked: None,
    })
}

fn about_incident(look: &Look<'_>, id: IncidentId) -> Option<About> {
    let incident = look.state.incidents.get(&id)?;
    let open = || standing(look, Subject::Incident(id), incident.acknowledged.as_ref());
    Some(About {
        target: Target::Incident(id),
        title: plain(incident.title.as_str(), TITLE),
        severity: Some(incident.severity.clone()),
        incident: Some(id),
        since: Some(incident.opened_at),
        standing: incident.resolved_at.filter(|_| !incident.is_open()).map_or_else(open, Standing::Resolved),
        holder: incident.acknowledged.clone(),
        asked: None,
    })
}

fn about_page(look: &Look<'_>, id: PageId) -> Option<About> {
    let blank = |title: String, standing| About {
        target: Target::Page(id),
        title,
        severity: None,
        incident: None,
        since: None,
        standing,
        holder: None,
        asked: None,
    };
    if let Some(page) = look.state.pages.get(&id) {
        let title = asked(&page.reason).unwrap_or_else(|| page.subject.to_string());
        let severity = page.severity.clone();
        return Some(About { severity, since: Some(page.started_at), ..blank(title, Standing::Open) });
    }
    let page = look.state.closed_pages.get(&id)?;
    Some(blank(asked(&page.reason).unwrap_or_else(|| id.to_string()), page.standing()))
}

/// What somebody was asked for.
fn asked(reason: &PageReason) -> Option<String> {
    if let PageReason::Asked(reason) = reason { Some(plain(reason.as_str(), TITLE)) } else { None }
}

#[derive(Serialize)]
struct Told<'a> {
    /// Whether it is taken, by whomever, or over.
    ok: bool,
    target: String,
    status: &'static str,
    by: Option<String>,
    at: Option<Timestamp>,
    spared: &'a [String],
    text: String,
}

fn answer(
    wanted: As,
    status: StatusCode,
    visit: &Visit,
    words: &Words,
    tone: Tone,
    spared: &[String],
) -> Response {
    if wanted == As::Html {
        let ask = tone == Tone::Critical;
        return (status, guarded(Html(page(words, tone, ask)))).into_response();
    }
    let (standing, by, at) = match visit.about.as_ref().map(|about| &about.standing) {
        Some(Standing::Open) => ("open", None, None),
        Some(Standing::Acknowledged(by, at)) => ("acknowledged", Some(by.to_string()), Some(*at)),
        Some(Standing::Resolved(at)) => ("resolved", None, Some(*at)),
        None => ("unknown", None, None),
    };
    let told = Told {
        ok: status == StatusCode::OK && standing != "open",
        target: visit.claim.target.to_string(),
        status: standing,
        by,
        at,
        spared,
        text: format!("{}. {}", words.title, words.text),
    };
    (status, guarded(Json(told))).into_response()
}

/// A problem as a page for whoever follows a link, as JSON for programs.
fn refuse(problem: Problem, wanted: As) -> Response {
    if wanted == As::Json {
        return guarded(problem);
    }
    let words = Words {
        title: "This link does nothing".into(),
        text: problem.detail().to_owned(),
        fields: Vec::new(),
    };
    let retry = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
    let words = if retry { Words { title: "Not now, try again".into(), ..words } } else { words };
    (problem.status(), guarded(Html(page(&words, Tone::Warning, false)))).into_response()
}

/// With the headers that keep a page out of caches, frames and other pages' referrers.
fn guarded(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers: [(HeaderName, &'static str); 4] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn page(words: &Words, tone: Tone, ask: bool) -> String {
    let mut body = format!("<p>{}</p>\n", escaped(&words.text));
    if !words.fields.is_empty() {
        body.push_str("<dl>\n");
        for (name, value) in &words.fields {
            // Writing into a string cannot fail.
            let _ = writeln!(body, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
        }
        body.push_str("</dl>\n");
    }
    if ask {
        let _ = writeln!(body, "<form method=\"post\"><button>{}</button></form>", ack::BUTTON);
    }
    let colour = match tone {
        Tone::Critical | Tone::Warning => "act",
        Tone::Good => "good",
        Tone::Plain => "line",
    };
    // The body goes in last: what it says is not searched for places to fill.
    PAGE.replace("{tone}", colour)
        .replace("{title}", &braceless(&escaped(&words.title)))
        .replace("{body}", &body)
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

/// So that a title cannot name a place of the template.
fn braceless(html: &str) -> String {
    html.replace('{', "&#123;").replace('}', "&#125;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_and_machines_wrote_stays_text() {
        let words = Words {
            title: "<script>alert(1)</script> {body}".into(),
            text: "\"a\" & 'b' {title}".into(),
            fields: vec![("What", "<img src=x onerror=alert(1)>".into())],
        };
        let html = page(&words, Tone::Critical, true);
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert_eq!(html.matches("<form").count(), 1);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt; &#123;body&#125;"));
        assert!(html.contains("&quot;a&quot; &amp; &#39;b&#39; {title}"));
    }
}
