//! Cards about silences, maintenance, snoozes and what people declared to be over: what is quiet, until when and by
//! whom. Never shows what came from outside as it came.

pub mod message;
pub mod refusal;
pub mod timeline;
pub mod usage;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Card, Field, Tone},
    plain::{NAME, WORDS, plain},
    scene::{Scene, button, capital, enumerate, field},
    usage::zone_name,
    when,
};
use crate::domain::{
    duration,
    event::{Actor, Event},
    group::Group,
    id::{AlertId, GroupId, SilenceId},
    page::Target,
    quiet::{OVER_FOR, QuietEvent, Silence, SilenceKind},
};

/// How many groups or alerts a card names; the others are counted.
const MOST: usize = 10;

/// When planned maintenance comes next, on one line.
#[must_use]
pub fn coming(name: &str, times: &[(Timestamp, Timestamp)], zone: &TimeZone) -> String {
    let time = |(from, until): &(Timestamp, Timestamp)| {
        let same_day = when::day(*from, zone) == when::day(*until, zone);
        let until = when::in_table(*until, zone);
        let end = until.rsplit(' ').next().filter(|_| same_day).unwrap_or(&until);
        format!("{} until {end}", when::in_table(*from, zone))
    };
    let times: Vec<String> = times.iter().map(time).collect();
    let zone = zone_name(zone);
    format!("maintenance {}: {} ({zone})", plain(name, WORDS), times.join("; "))
}

/// What has just become quiet: the answer to whoever wanted it.
#[must_use]
pub fn added(scene: &Scene<'_>, id: SilenceId) -> Option<Card> {
    let silence = scene.state.silence(id)?;
    let mut card = facts(scene, silence);
    let end = button(end_word(silence.kind), end_command(silence));
    card.tone = Tone::Good;
    card.buttons = vec![end, button("List", list_command(silence.kind))];
    Some(card)
}

/// One of them as it stands.
#[must_use]
pub fn show(scene: &Scene<'_>, silence: &Silence) -> Card {
    let mut card = facts(scene, silence);
    if silence.ended.is_none() {
        card.buttons = vec![button(end_word(silence.kind), end_command(silence))];
    }
    card
}

fn facts(scene: &Scene<'_>, silence: &Silence) -> Card {
    let near = |at| scene.near(scene.civil(at));
    let title = match &silence.ended {
        Some((at, _)) => format!("{} {} is over since {}.", word(silence.kind), silence.id, scene.near(*at)),
        None if silence.starts > scene.now.engine => {
            format!("{} {} begins {}.", word(silence.kind), silence.id, near(silence.starts))
        }
        None => format!("{} {} until {}.", word(silence.kind), silence.id, near(silence.ends)),
    };
    let mut fields = vec![
        field("Matches", matchers(silence)),
        field("Comment", plain(silence.comment.as_str(), WORDS)),
        field("By", who(silence)),
        field("From", near(silence.starts)),
        field("Until", near(silence.ends)),
    ];
    if let Some((_, Some(by))) = &silence.ended {
        fields.push(field("Ended by", plain(&by.to_string(), NAME)));
    }
    if silence.ended.is_none() {
        let alerts = scene.state.alerts_of(silence).count();
        let quiet: Vec<GroupId> = quiet_by(scene, silence.id).map(|group| group.id).collect();
        fields.push(field("Alerts now", format!("{alerts} that fire match")));
        fields.push(field("Groups now", counted(&quiet)));
    }
    Card { title, fields, ..Card::default() }
}

/// The groups that are quiet by a silence, among other things.
fn quiet_by<'a>(scene: &Scene<'a>, id: SilenceId) -> impl Iterator<Item = &'a Group> {
    let groups = scene.state.groups.values().map(AsRef::as_ref);
    groups.filter(move |group: &&Group| {
        group.hush.as_ref().is_some_and(|hush| hush.by.iter().any(|one| one.silence == id))
    })
}

fn counted(groups: &[GroupId]) -> String {
    let named = enumerate(groups.iter().take(MOST));
    match groups.len() {
        0 => "none is quiet by it".to_owned(),
        1 => format!("{named} is quiet"),
        few if few <= MOST => format!("{named} are quiet"),
        many => format!("{many} are quiet, {named} among them"),
    }
}

/// All that are in force or to come.
#[must_use]
pub fn list(scene: &Scene<'_>, kind: SilenceKind) -> Card {
    let all: Vec<&Silence> =
        scene.state.quiet.silences.values().map(AsRef::as_ref).filter(|one| one.kind == kind).collect();
    if all.is_empty() {
        let (title, text) = match kind {
            SilenceKind::Silence => (
                "Nothing is silenced.",
                "To silence alerts: /silence add service=qflow --for 2h --comment why",
            ),
            SilenceKind::Maintenance => (
                "There is no maintenance.",
                "To begin one: /maintenance start service=qflow --for 1h --comment why",
            ),
        };
        return Card { title: title.to_owned(), text: text.to_owned(), ..Card::default() };
    }
    let head =
        ["id", "matches", "from", "until", "by", "quiet groups", "comment"].map(str::to_owned).to_vec();
    let near = |at| scene.near(scene.civil(at));
    let rows = all.iter().map(|one| {
        vec![
            one.id.to_string(),
            plain(&matchers(one), WORDS),
            near(one.starts),
            near(one.ends),
            who(one),
            quiet_by(scene, one.id).count().to_string(),
            plain(one.comment.as_str(), NAME),
        ]
    });
    let title = match kind {
        SilenceKind::Silence => "Silences",
        SilenceKind::Maintenance => "Maintenance",
    };
    let table = std::iter::once(head).chain(rows).collect();
    Card { title: title.to_owned(), table, ..Card::default() }
}

/// One ended before its time.
#[must_use]
pub fn ended(scene: &Scene<'_>, silence: &Silence, events: &[Event]) -> Card {
    let mut heard = Vec::new();
    let mut still = Vec::new();
    for event in events {
        let Event::Quiet(quiet) = event else { continue };
        match &**quiet {
            QuietEvent::Woken { group, .. } => heard.push(*group),
            QuietEvent::Hushed(hushed) => still.push(hushed.group),
            _ => {}
        }
    }
    let mut fields = Vec::new();
    if !heard.is_empty() {
        fields.push(field("Heard again", enumerate(heard.iter().take(MOST))));
    }
    if !still.is_empty() {
        fields.push(field("Still quiet", enumerate(still.iter().take(MOST))));
    }
    let text = if heard.is_empty() { "Nothing that fires was quiet by it alone." } else { "" };
    let never = silence.starts > scene.now.engine;
    let over = if never { "will not begin" } else { "is over" };
    Card {
        title: format!("{} {} {over}.", word(silence.kind), silence.id),
        tone: Tone::Good,
        text: text.to_owned(),
        fields,
        ..Card::default()
    }
}

/// Somebody took a group for a while.
#[must_use]
pub fn snoozed(scene: &Scene<'_>, id: GroupId, events: &[Event]) -> Option<Card> {
    let group = scene.state.groups.get(&id)?;
    let snooze = group.snooze.as_ref()?;
    let until = scene.near(scene.civil(snooze.until));
    let mut fields = vec![field(&id.to_string(), plain(&group.title, NAME))];
    fields.extend(super::paging::fields(scene, events));
    let then = if group.page.is_some() { "it pages anew" } else { "its channel is told again" };
    Some(Card {
        title: format!("{id} is snoozed until {until}."),
        tone: Tone::Good,
        text: format!("If it still fires then, {then}. Whoever takes it before has it for good."),
        fields,
        buttons: vec![button("Acknowledge", format!("/ack {id}"))],
        ..Card::default()
    })
}

/// Somebody said that it is over.
#[must_use]
pub fn resolved(scene: &Scene<'_>, target: Target, by: &Actor, events: &[Event]) -> Card {
    let mut alerts: Vec<AlertId> = Vec::new();
    let mut groups: Vec<GroupId> = Vec::new();
    for event in events {
        match event {
            Event::AlertResolved { alert, .. } => alerts.push(*alert),
            Event::GroupClosed { group } => groups.push(*group),
            _ => {}
        }
    }
    let mut fields = vec![field("Ended", enumerate(alerts.iter().take(MOST)))];
    let more = alerts.len().saturating_sub(MOST);
    if more > 0 {
        fields.push(field("…", format!("{more} more")));
    }
    if !groups.is_empty() {
        fields.push(field("Closed", enumerate(groups.iter().take(MOST))));
    }
    fields.extend(super::paging::fields(scene, events));
    let text = format!(
        "As long as its source only repeats that it fires, nobody hears of it for {}. A later start counts at once.",
        duration::brief(OVER_FOR)
    );
    Card { title: format!("{by} resolved {target}."), tone: Tone::Good, text, fields, ..Card::default() }
}

/// How quiet a group is, in a few words; none: it is heard, and nobody snoozed it.
#[must_use]
pub fn standing(scene: &Scene<'_>, group: &Group) -> Option<String> {
    let near = |at| scene.near(scene.civil(at));
    let hush = group.hush.as_ref().map(|hush| {
        let by = enumerate(hush.by.iter().map(|one| format!("{} {}", one.kind.as_str(), one.silence)));
        format!("quiet until {} by {by}", near(hush.until))
    });
    let snooze = group.snooze.as_ref().map(|one| format!("snoozed by {} until {}", one.by, near(one.until)));
    match (hush, snooze) {
        (Some(hush), Some(snooze)) => Some(format!("{hush}; {snooze}")),
        (hush, snooze) => hush.or(snooze),
    }
}

/// What keeps an alert quiet, for its card.
#[must_use]
pub fn of_alert(scene: &Scene<'_>, labels: &crate::domain::labels::Labels) -> Vec<Field> {
    let silences = scene.state.quieted_by(labels, scene.now.engine);
    let one = |silence: &&Silence| {
        let until = scene.near(scene.civil(silence.ends));
        let comment = plain(silence.comment.as_str(), NAME);
        field(
            "Quiet",
            format!(
                "until {until} by {} {} of {}: {comment}",
                silence.kind.as_str(),
                silence.id,
                who(silence)
            ),
        )
    };
    silences.iter().take(MOST).map(one).collect()
}

fn matchers(silence: &Silence) -> String {
    let all: Vec<String> = silence.matchers.iter().map(|one| plain(&one.to_string(), WORDS)).collect();
    all.join(", ")
}

fn who(silence: &Silence) -> String {
    match &silence.planned {
        Some(_) => "the configuration".to_owned(),
        None => plain(&silence.by.to_string(), NAME),
    }
}

/// `Silence`, `Maintenance`.
fn word(kind: SilenceKind) -> String {
    capital(kind.as_str())
}

fn end_word(kind: SilenceKind) -> &'static str {
    match kind {
        SilenceKind::Silence => "Expire",
        SilenceKind::Maintenance => "End",
    }
}

fn end_command(silence: &Silence) -> String {
    match silence.kind {
        SilenceKind::Silence => format!("/silence expire {}", silence.id),
        SilenceKind::Maintenance => format!("/maintenance end {}", silence.id),
    }
}

fn list_command(kind: SilenceKind) -> &'static str {
    match kind {
        SilenceKind::Silence => "/silence list",
        SilenceKind::Maintenance => "/maintenance list",
    }
}
