//! Cards of silences, of runs and of explanations, for the gallery. Never a card that was made for this place.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};

use super::{GROUP, INCIDENT, World, ana, prose};
use crate::{
    domain::{
        alert::AlertStatus,
        delivery::Delivery,
        event::{Actor, Event},
        explain::{Question, ground, simulate},
        facts::Dispatch,
        id::{RunId, SilenceId},
        intent::{Intent, Now},
        offer::Offers,
        page::{Subject, Target},
        quiet::{QuietIntent, QuietRefusal, SilenceKind},
        run::{RunBecause, RunIntent, RunPlan, RunRefusal, Verdict},
    },
    text::{self, card::Card, samples::runs, scene::Scene},
};

/// Everything below the folders of the texts.
pub(super) fn course(add: &mut impl FnMut(&'static str, Card)) {
    quiet(add);
    runs_of(add);
    explained(add);
}

/// A message as it leaves.
fn leaving() -> Delivery {
    let mut world = World::new();
    world.fires(&["eu-1"], AlertStatus::Firing);
    world.pass(30);
    let leaving = there(world.state.deliveries.values().next());
    Delivery::clone(leaving)
}

/// What was made just above.
fn there<T>(found: Option<T>) -> T {
    // cannot fail: see above
    found.expect("it is there")
}

fn quiets(world: &mut World, what: QuietIntent) -> Vec<Event> {
    world.does(Intent::Quiet(what))
}

/// A silence and a maintenance from their beginning to their end, a snooze, and an end by hand.
fn quiet(add: &mut impl FnMut(&'static str, Card)) {
    use text::quiet;
    let mut world = World::new();
    for kind in [SilenceKind::Silence, SilenceKind::Maintenance] {
        add("quiet::list", world.say(|scene| quiet::list(scene, kind)));
        let until = world.now + SignedDuration::from_hours(2);
        let matchers = vec!["service=qflow".to_owned(), "instance=~\"eu-.*\"".to_owned()];
        let (comment, from) = (prose("@everyone the disk is `replaced`"), None);
        quiets(&mut world, QuietIntent::Add { kind, matchers, comment, from, until, by: ana() });
        add("quiet::list", world.say(|scene| quiet::list(scene, kind)));
    }
    let id = SilenceId(1);
    let known = |scene: &Scene<'_>| there(scene.state.silence(id).cloned());
    add("quiet::added", there(world.say(|scene| quiet::added(scene, id))));
    add("quiet::show", world.say(|scene| quiet::show(scene, &known(scene))));
    world.fires(&["eu-1", "eu-2"], AlertStatus::Firing);
    world.pass(30);
    let told = Delivery { subject: Subject::Silence(id), ..leaving() };
    add("quiet::message::card", quiet::message::card(&world.state.facts(&told)));
    let mut events = Vec::new();
    for (silence, kind) in [(id, SilenceKind::Silence), (SilenceId(2), SilenceKind::Maintenance)] {
        events = quiets(&mut world, QuietIntent::End { silence, kind, by: ana() });
    }
    add("quiet::ended", world.say(|scene| quiet::ended(scene, &known(scene), &events)));
    world.pass(30);
    let wait = SignedDuration::from_mins(30);
    let events = quiets(&mut world, QuietIntent::Snooze { group: GROUP, wait, by: ana() });
    add("quiet::snoozed", there(world.say(|scene| quiet::snoozed(scene, GROUP, &events))));
    let target = Target::Group(GROUP);
    let events = quiets(&mut world, QuietIntent::Resolve { target, by: ana() });
    add("quiet::resolved", world.say(|scene| quiet::resolved(scene, target, &ana(), &events)));
    add("quiet::usage::how_long", quiet::usage::how_long(SilenceKind::Maintenance));
    add("quiet::usage::both", quiet::usage::both(SilenceKind::Silence));
    add("quiet::usage::both_wheres", quiet::usage::both_wheres(SilenceKind::Silence));
    add("quiet::usage::comment", quiet::usage::comment(SilenceKind::Silence));
    add("quiet::usage::no_labels", quiet::usage::no_labels(GROUP, SilenceKind::Silence));
    let (silence, kind, at) = (id, SilenceKind::Silence, world.now);
    for why in [
        QuietRefusal::Matcher { number: 2, why: "`=` is expected".to_owned() },
        QuietRefusal::TooLarge,
        QuietRefusal::Everything,
        QuietRefusal::EndsFirst,
        QuietRefusal::Over,
        QuietRefusal::BeginsInThePast,
        QuietRefusal::TooLong,
        QuietRefusal::TooMany,
        QuietRefusal::Unknown(kind, silence),
        QuietRefusal::Ended { silence, kind, at, by: Some(ana()) },
        QuietRefusal::OtherKind { silence, is: SilenceKind::Maintenance },
        QuietRefusal::SnoozeLength,
        QuietRefusal::NotResolvable(Target::Incident(INCIDENT)),
    ] {
        add("quiet::refusal::card", quiet::refusal::card(&why, &TimeZone::UTC));
    }
}

/// A run that asks, and one that was stopped.
fn runs_of(add: &mut impl FnMut(&'static str, Card)) {
    use text::run;
    let mut world = World::new();
    let id = RunId(1);
    add("run::list", world.say(|scene| run::list(scene, 25)));
    let plan = RunPlan { group: None, incident: None, ..runs::plan(RunBecause::Hand, false) };
    world.does(Intent::Run(RunIntent::Start(Box::new(plan))));
    let what = prose("kubectl rollout restart deployment/qflow");
    world.does(Intent::Run(RunIntent::Permit { run: id, step: 2, what }));
    let asking = there(world.state.run(id).cloned());
    let step = there(asking.step(2));
    add("run::progress", run::progress(&asking));
    add("run::asks", run::asks(&asking, step));
    for card in run::progress_and_question(&asking) {
        add("run::progress_and_question", card);
    }
    world.does(Intent::Run(RunIntent::Stop { run: id, by: ana() }));
    let stopped = world.say(|scene| run::changed(scene, id, &run::stopped(id, &ana())));
    add("run::changed", there(stopped));
    add("run::list", world.say(|scene| run::list(scene, 25)));
    let delivery = Delivery { subject: Subject::Run(id), ..leaving() };
    let dispatch = Dispatch {
        facts: world.state.facts(&delivery),
        delivery,
        at: world.now,
        edits: None,
        linked: BTreeMap::new(),
        offers: Offers::default(),
    };
    let ended = there(world.state.run(id));
    add("run::card", run::card(&dispatch, ended));
    add("run::refusal::refused", run::refused(&RunRefusal::Unknown(id), &TimeZone::UTC));
    let (verdict, at, by) = (Verdict::Stopped, Some(world.now), Some(Actor::Person("ben".into())));
    let over = RunRefusal::Over { run: id, verdict, at, by };
    add("run::refusal::refused", run::refused(&over, &TimeZone::UTC));
    add("run::refusal::no_step", run::no_step(id, "restrat", &["restart".to_owned()]));
}

/// What would become of an alert, asked at an instant.
fn explained(add: &mut impl FnMut(&'static str, Card)) {
    let world = World::new();
    let now = Now { engine: world.now, civil: world.now };
    let labels = [("alertname", "QflowDown"), ("service", "qflow"), ("severity", "critical")];
    let labels = labels.into_iter().collect();
    let question = Question { integration: "prometheus".into(), labels, now, open: true };
    let ground = ground(&world.state, &world.config, &question);
    let told = simulate(ground, &world.config, &question);
    add("explain::card", text::explain::card(&told, &TimeZone::UTC));
    add("explain::alerts_only", text::explain::alerts_only(Target::Incident(INCIDENT)));
}
