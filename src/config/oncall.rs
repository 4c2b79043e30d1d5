//! `[schedule.…]` and `[policy.…]`: who is on call when, whom to page in which order. Never decides who it is now.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use jiff::{SignedDuration, civil};
use toml::de::DeValue;

use crate::domain::{
    config::Policy,
    id::{PersonId, PolicyId, ScheduleId, TeamId},
    page::{PageTarget, StepPlan},
    person::Team,
    schedule::{Handoff, Layer, Restriction, Schedule},
};

use super::{
    people,
    section::{Node, Reader, Text},
    source::Place,
    whole::{Kind, Names, Whole},
    words,
};

/// All schedules.
pub(super) fn schedules(reader: &Reader<'_>, whole: &Whole<'_>) -> BTreeMap<ScheduleId, Schedule> {
    let mut schedules = BTreeMap::new();
    for (name, node) in whole.all(Kind::Schedule) {
        let Some(mut section) = node.section() else { continue };
        let team = section.text("team", "\"ops\"").and_then(|text| {
            let known = whole.names.check(reader, Kind::Team, &text.value, text.at);
            known.then(|| TeamId::new(text.value))
        });
        let zone = people::zone(reader, &mut section);
        let layers = section.node("layer");
        let layers = layers.as_ref().and_then(Node::items).unwrap_or_else(|| {
            if layers.is_none() {
                let what = format!("schedule `{}` has no layer, so nobody is ever on call", name.value);
                let remedy = format!("add [[schedule.{}.layer]] with people, start and handoff", name.value);
                reader.mistake(name.at, what, None, remedy);
            }
            Vec::new()
        });
        section.finish();
        let layers = layers.iter().filter_map(|node| layer(reader, &whole.names, node)).collect();
        let id = ScheduleId::new(name.value.as_str());
        schedules.insert(id.clone(), Schedule { id, team, zone, layers });
    }
    schedules
}

fn layer(reader: &Reader<'_>, names: &Names, node: &Node<'_>) -> Option<Layer> {
    let mut section = node.section()?;
    let listed = section.need("people", "people = [\"ana\", \"ben\"]");
    let start = section.need("start", "start = 2026-01-05").and_then(|node| date(&node));
    let handoff = section.need("handoff", "handoff = \"weekly Mon 09:00\"").and_then(|node| {
        let text = node.filled("\"weekly Mon 09:00\"")?;
        said(reader, &text, Handoff::parse(&text.value), HANDOFFS)
    });
    let only = section.texts("only", "[\"Mon-Fri 09:00-17:00\"]");
    section.finish();
    let only: Vec<Restriction> = only
        .iter()
        .filter_map(|text| said(reader, text, Restriction::parse(&text.value), RESTRICTIONS))
        .collect();
    let listed = listed?;
    let texts = listed.texts("[\"ana\", \"ben\"]");
    if matches!(listed.value.get_ref(), DeValue::Array(array) if array.is_empty()) {
        reader.mistake(listed.at(), "this layer has no people", None, "name at least one person");
    }
    let people = people::known_people(reader, names, &texts);
    Some(Layer { people, start: start?, handoff: handoff?, only })
}

const HANDOFFS: &str =
    "hand-offs are \"daily 09:00\", \"weekly Mon 09:00\", \"monthly 1 09:00\" or \"every 12h\"";
pub(super) const RESTRICTIONS: &str =
    "restrictions are days and hours: \"Mon-Fri 09:00-17:00\" or \"Sat 00:00-24:00\"";

pub(super) fn said<T, E: Display>(
    reader: &Reader<'_>,
    text: &Text,
    read: Result<T, E>,
    remedy: &str,
) -> Option<T> {
    read.map_err(|why| {
        let (what, remedy) = words::part(&why.to_string(), remedy);
        reader.mistake(text.at, what, None, remedy);
    })
    .ok()
}

pub(super) fn date(node: &Node<'_>) -> Option<civil::Date> {
    let read = match node.value.get_ref() {
        DeValue::Datetime(datetime) if datetime.time.is_none() && datetime.offset.is_none() => {
            datetime.date.and_then(|date| {
                let year = i16::try_from(date.year).ok()?;
                let (month, day) = (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
                civil::Date::new(year, month, day).ok()
            })
        }
        DeValue::String(text) => text.parse().ok(),
        _ => None,
    };
    let read = read.filter(|date| (1970..=9000).contains(&date.year()));
    if read.is_none() {
        let what = format!("`{}` is not a day", node.path);
        node.reader.mistake(node.at(), what, None, "write year-month-day without a time, such as 2026-01-05");
    }
    read
}

/// A step of a policy, as people say it: whom it pages, and where that stands.
pub(super) struct Aim {
    pub policy: PolicyId,
    pub step: usize,
    pub target: PageTarget,
    pub at: Place,
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);
/// The wait of a step that names none.
const WAIT: SignedDuration = SignedDuration::from_mins(5);

/// All policies, and everything that their steps aim at.
pub(super) fn policies(reader: &Reader<'_>, whole: &Whole<'_>) -> (BTreeMap<PolicyId, Policy>, Vec<Aim>) {
    let (mut policies, mut aims) = (BTreeMap::new(), Vec::new());
    for (name, node) in whole.all(Kind::Policy) {
        let Some(mut section) = node.section() else { continue };
        let id = PolicyId::new(name.value.as_str());
        let repeat = section.node("repeat");
        let rounds = repeat.as_ref().and_then(|node| node.count(1..=100)).unwrap_or(1);
        let steps_node = section.need("steps", "steps = [{ page = [\"schedule:primary\"] }]");
        section.finish();
        let Some(steps_node) = steps_node else { continue };
        let Some(nodes) = steps_node.items() else { continue };
        if nodes.is_empty() {
            let remedy = "add a step, such as { page = [\"schedule:primary\"], wait = \"5m\" }";
            reader.mistake(steps_node.at(), format!("policy `{id}` has no steps"), None, remedy);
            continue;
        }
        let mut steps = Vec::new();
        let mut complete = true;
        for (index, node) in nodes.iter().enumerate() {
            let (step, whole_step) = step(reader, &whole.names, node, &id, index + 1, &mut aims);
            complete &= whole_step;
            steps.extend(step);
        }
        let pages_somebody =
            steps.iter().flat_map(|step| &step.page).any(|target| !matches!(target, PageTarget::Channel(_)));
        if complete && !pages_somebody {
            let remedy = "add schedule:…, team:… or person:… to one of its steps";
            let what = format!("policy `{id}` only tells channels and pages nobody");
            reader.mistake(steps_node.key, what, None, remedy);
        }
        if complete && steps.last().is_some_and(|step| step.wait == SignedDuration::ZERO) {
            let what = format!("the last step of policy `{id}` would end before anybody can answer");
            let remedy = "give it a wait, such as 5m: how long it has until the page counts as unanswered";
            reader.mistake(steps_node.key, what, None, remedy);
        } else if let Some(repeat) = repeat.filter(|_| complete && rounds > 1) {
            let round: i64 = steps.iter().map(|step| step.wait.as_secs()).sum();
            if SignedDuration::from_secs(round) < MINUTE {
                let what = format!("policy `{id}` would begin again after less than a minute");
                reader.mistake(repeat.at(), what, None, "give its steps waits of one minute or more in sum");
            }
        }
        policies.insert(id.clone(), Policy { id, rounds, steps });
    }
    (policies, aims)
}

/// A step, and whether everything that it says was understood.
fn step(
    reader: &Reader<'_>,
    names: &Names,
    node: &Node<'_>,
    policy: &PolicyId,
    number: usize,
    aims: &mut Vec<Aim>,
) -> (Option<StepPlan>, bool) {
    let Some(mut section) = node.section() else { return (None, false) };
    let page = section.node("page");
    let wait = section.node("wait");
    section.finish();
    let wait_read = wait.as_ref().map(|node| node.duration(SignedDuration::ZERO..=WEEK));
    let complete = wait_read != Some(None);
    let wait = wait_read.flatten().unwrap_or(WAIT);
    let listed = page.as_ref().map(Node::one_or_more).unwrap_or_default();
    if listed.is_empty() {
        let at = page.map_or_else(|| node.at(), |page| page.at());
        let what = format!("step {number} of policy `{policy}` is empty");
        reader.mistake(at, what, None, "say whom it pages, such as page = [\"schedule:primary\"]");
        return (None, false);
    }
    let targets: Vec<(PageTarget, Place)> = listed
        .iter()
        .filter_map(|node| {
            let text = node.filled("\"schedule:primary\"")?;
            Some((target(reader, names, &text)?, text.at))
        })
        .collect();
    let complete = complete && targets.len() == listed.len();
    aims.extend(targets.iter().map(|(target, at)| Aim {
        policy: policy.clone(),
        step: number,
        target: target.clone(),
        at: *at,
    }));
    let page: Vec<PageTarget> = targets.into_iter().map(|(target, _)| target).collect();
    ((!page.is_empty()).then_some(StepPlan { page, wait }), complete)
}

/// Reads `schedule:primary`, `team:ops`, `person:ana`, `channel:#ops`.
fn target(reader: &Reader<'_>, names: &Names, text: &Text) -> Option<PageTarget> {
    const WORDS: [&str; 4] = ["schedule", "team", "person", "channel"];
    let remedy = "write schedule:NAME, team:NAME, person:NAME or channel:#NAME";
    let kinds = [Kind::Schedule, Kind::Team, Kind::Person];
    let Some((word, name)) = text.value.split_once(':') else {
        let word = kinds.iter().find(|kind| names.has(**kind, &text.value)).map(|kind| kind.word());
        let word = word.or_else(|| text.value.starts_with('#').then_some("channel"));
        let near = word.map(|word| format!("{word}:{}", text.value));
        let what = format!("`{}` does not say what it is", text.value);
        reader.mistake(text.at, what, near.as_deref(), remedy);
        return None;
    };
    let place = text.part(reader, name);
    let known = |kind| names.check(reader, kind, name, place);
    match word {
        "schedule" => known(Kind::Schedule).then(|| PageTarget::Schedule(name.into())),
        "team" => known(Kind::Team).then(|| PageTarget::Team(name.into())),
        "person" => known(Kind::Person).then(|| PageTarget::Person(name.into())),
        "channel" => people::channel_in(reader, names, name, place).map(PageTarget::Channel),
        _ => {
            let near = words::nearest(word, WORDS).map(|near| format!("{near}:{name}"));
            reader.mistake(text.at, format!("a step cannot page a `{word}`"), near.as_deref(), remedy);
            None
        }
    }
}

/// Everybody that the policies may page, and by which step first. Reports targets that are nobody.
pub(super) fn paged(
    reader: &Reader<'_>,
    aims: &[Aim],
    teams: &BTreeMap<TeamId, Team>,
    schedules: &BTreeMap<ScheduleId, Schedule>,
) -> BTreeMap<PersonId, String> {
    let mut paged = BTreeMap::new();
    for aim in aims {
        let people: BTreeSet<&PersonId> = match &aim.target {
            PageTarget::Person(person) => [person].into(),
            PageTarget::Team(id) => {
                let Some(team) = teams.get(id) else { continue };
                if team.members.is_empty() && reader.sound {
                    let what = format!(
                        "step {} of policy `{}` pages nobody: team `{id}` has no members",
                        aim.step, aim.policy
                    );
                    reader.mistake(aim.at, what, None, format!("add members to [team.{id}]"));
                }
                team.members.iter().collect()
            }
            PageTarget::Schedule(id) => schedules
                .get(id)
                .into_iter()
                .flat_map(|s| &s.layers)
                .flat_map(|layer| &layer.people)
                .collect(),
            PageTarget::Channel(_) => continue,
        };
        for person in people {
            let by = || format!("step {} of policy `{}`", aim.step, aim.policy);
            paged.entry(person.clone()).or_insert_with(by);
        }
    }
    paged
}
