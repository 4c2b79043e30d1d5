//! Every card that the bot can say, as each platform shows it, for people to look at. A card without a sample here
//! fails a test. Never a card that was made for this place: all come from the functions that say them.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::console::paint::Paint;
use crate::{
    chat::{discord, slack},
    command::{self, Registry},
    domain::{
        alert::{AlertStatus, Report, Signal},
        config::Config,
        decide::decide,
        delivery::{Channel, Delivery, DeliveryKind, Notice},
        deployment::{DeploymentStatus, SUSPECT, Told},
        event::{Actor, Event, Reminder, TraceId},
        facts::Dispatch,
        guide::GuideRead,
        id::{AlertId, AnnouncementId, DeploymentId, GroupId, IncidentId, OverrideId, PersonId, ScheduleId},
        intent::{Already, IncidentIntent, Intent, Now, Refusal},
        labels::Labels,
        link::{Code, NoLink},
        offer::Offers,
        oncall::{Lack, LackOf},
        page::{Subject, Target},
        permission::NotAllowed,
        person::Role,
        prose::Prose,
        run::{LinkTo, Part, PlannedLink},
        schedule::Override,
        state::State,
        swap::{SwapRefusal, Swapped},
    },
    text::{self, card::Card, deployment::Wanted, scene::Scene, timeline::Entry, usage},
};

#[path = "gallery_parts.rs"]
mod parts;
#[path = "gallery_response.rs"]
mod response;

type Samples = BTreeMap<&'static str, Vec<Card>>;

/// A small world: two alerts fire, ana takes them, an incident runs to its end.
struct World {
    state: State,
    config: Arc<Config>,
    now: Timestamp,
}

fn ana() -> Actor {
    Actor::Person("ana".into())
}

fn prose(text: &str) -> Prose {
    Prose::new(text, [1; 16])
}

impl World {
    fn new() -> Self {
        let config = crate::config::load(None, &|_| None).expect("the example configuration").config;
        Self { state: State::default(), config, now: "2026-03-02T03:00:00Z".parse().unwrap() }
    }

    fn does(&mut self, intent: Intent) -> Vec<Event> {
        let now = Now { engine: self.now, civil: self.now };
        decide(&mut self.state, &self.config, intent, now, TraceId(1)).expect("it is allowed").events
    }

    fn incident(&mut self, what: IncidentIntent) -> Vec<Event> {
        self.does(Intent::Incident { what, by: ana() })
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        for _ in 0..50 {
            if self.does(Intent::Due).is_empty() {
                return;
            }
        }
    }

    fn fires(&mut self, names: &[&str], status: AlertStatus) {
        let signal = |name: &&str| Signal {
            status,
            fingerprint: (*name).to_owned(),
            labels: [
                ("alertname", "QflowDown"),
                ("service", "qflow"),
                ("instance", *name),
                ("severity", "critical"),
            ]
            .into_iter()
            .collect(),
            annotations: [
                ("summary", "Qflow does not answer on eu-1"),
                ("runbook_url", "https://example.com/runbooks/qflow"),
            ]
            .into_iter()
            .collect::<Labels>(),
            starts_at: self.now,
            ends_at: (status == AlertStatus::Resolved).then_some(self.now),
            graph: Some("https://prometheus.example.com/graph?g0.expr=up".to_owned()),
        };
        let report = Report {
            integration: "prometheus".into(),
            source_group: None,
            status,
            truncated: 0,
            source: Some("https://alertmanager.example.com".into()),
            signals: names.iter().map(signal).collect(),
        };
        self.does(Intent::Report(report));
    }

    fn say<T>(&self, say: impl FnOnce(&Scene<'_>) -> T) -> T {
        let zone = TimeZone::UTC;
        let now = Now { engine: self.now, civil: self.now };
        say(&Scene { state: &self.state, config: &self.config, zone: &zone, now })
    }

    fn message(&self, kind: DeliveryKind, subject: Subject, notice: Option<Notice>) -> Card {
        let known = self.state.deliveries.values().next().expect("something leaves");
        let delivery = Delivery { kind, subject, notice, ..Delivery::clone(known) };
        let facts = self.state.facts(&delivery);
        let offers = Offers::for_card(&self.state, &self.config, subject, self.now);
        text::message::card(&Dispatch {
            delivery,
            facts,
            at: self.now,
            edits: None,
            linked: BTreeMap::new(),
            offers,
        })
    }
}

const GROUP: GroupId = GroupId(1);
const INCIDENT: IncidentId = IncidentId(1);

/// What a channel reads that somebody announces something to.
fn announced(world: &mut World) -> Card {
    let text = prose("We are on it\n@everyone the next update is at 10:00");
    world.does(Intent::Announce { channel: "#qflow-alerts".into(), text, by: ana() });
    let announced = |one: &&std::sync::Arc<Delivery>| one.said.is_some();
    let delivery = world.state.deliveries.values().find(announced).expect("it leaves");
    text::announcement::card(&world.state.facts(delivery))
}

/// Cards of what happens, in its order.
fn course(samples: &mut Samples) {
    let mut world = World::new();
    let mut add = |name: &'static str, card: Card| samples.entry(name).or_default().push(card);
    add("alert::list", world.say(|scene| text::alert::list(scene, 25)));
    add("incident::list", world.say(|scene| text::incident::list(scene, false, 25)));
    add("welcome::card", world.say(|scene| text::welcome::card(scene, &ana())));
    world.fires(&["eu-1", "eu-2"], AlertStatus::Firing);
    world.pass(30);
    add("alert::list", world.say(|scene| text::alert::list(scene, 25)));
    add("alert::card", world.say(|scene| text::alert::card(scene, &scene.state.alerts[&AlertId(1)])));
    let incident = world.state.groups[&GROUP].incident;
    let subject = Subject::Group(GROUP, incident);
    for kind in [DeliveryKind::Card, DeliveryKind::Page] {
        add("message::card", world.message(kind, subject, None));
    }
    if incident.is_none() {
        let (severity, title) = ("P1".into(), prose("Qflow is down"));
        let events = world.incident(IncidentIntent::OpenFor { group: GROUP, severity, title });
        add(
            "incident::opened",
            world.say(|scene| text::incident::opened(scene, &scene.state.incidents[&INCIDENT], &events)),
        );
    }
    add("message::card", world.message(DeliveryKind::Card, Subject::Incident(INCIDENT), None));
    for notice in [Notice::Late(Reminder::Acknowledge), Notice::Late(Reminder::Update), Notice::Status] {
        add("message::card", world.message(DeliveryKind::Notice, Subject::Incident(INCIDENT), Some(notice)));
    }
    add("incident::card", world.say(|scene| text::incident::card(scene, &scene.state.incidents[&INCIDENT])));
    add("paging::choose", world.say(|scene| text::paging::choose(&text::paging::untaken(scene))));
    let target = Target::Group(GROUP);
    add("announcement::card", announced(&mut world));
    let events = world.does(Intent::Acknowledge { target, by: ana() });
    add("paging::taken", world.say(|scene| text::paging::taken(scene, target, &ana(), &events)));
    add("paging::nothing_to_take", text::paging::nothing_to_take());
    world.pass(60);
    let events = world.incident(IncidentIntent::Assign { incident: INCIDENT, to: "ben".into() });
    let changed = |scene: &Scene<'_>| {
        let said = text::incident::assigned(INCIDENT, &"ben".into(), &ana());
        text::incident::changed(scene, &scene.state.incidents[&INCIDENT], &said, &events)
    };
    add("incident::changed", world.say(changed));
    let events = world.incident(IncidentIntent::Open {
        severity: "P2".into(),
        title: prose("@everyone `mail` is <slow> & *late*"),
        channel: None,
    });
    let two = IncidentId(2);
    add(
        "incident::opened",
        world.say(|scene| text::incident::opened(scene, &scene.state.incidents[&two], &events)),
    );
    add("incident::list", world.say(|scene| text::incident::list(scene, false, 25)));
    add("welcome::card", world.say(|scene| text::welcome::card(scene, &ana())));
    add("status::card", world.say(text::status::card));
    let broken = Some(text::status::Views::Broken);
    let broken = world.say(|scene| text::status::with_views(text::status::card(scene), broken));
    add("status::with_views", broken);
    let all = text::samples::house::troubles();
    let lost = world.say(|scene| text::status::with_troubles(text::status::card(scene), scene, &all));
    add("status::with_troubles", lost);
    let both = [(INCIDENT, "Qflow is down".to_owned()), (two, "mail is slow".to_owned())];
    add("incident::choose", text::incident::choose(&both, |id| format!("/incident show {id}")));
    add("message::card", world.message(DeliveryKind::Card, subject, None));
    let text = Some(prose("rolled back"));
    let events = world.incident(IncidentIntent::Resolve { incident: INCIDENT, text });
    add(
        "incident::closed",
        world.say(|scene| text::incident::closed(scene, &scene.state.incidents[&INCIDENT], &events)),
    );
    add("incident::card", world.say(|scene| text::incident::card(scene, &scene.state.incidents[&INCIDENT])));
    add("message::card", world.message(DeliveryKind::Card, Subject::Incident(INCIDENT), None));
    add("message::card", world.message(DeliveryKind::Resolved, Subject::Incident(INCIDENT), None));
    let entries: Vec<Entry> =
        text::samples::records().iter().filter_map(text::timeline::entry).take(60).collect();
    add(
        "incident::timeline",
        world
            .say(|scene| text::incident::timeline(scene, &scene.state.incidents[&INCIDENT], &entries, false)),
    );
    let document = text::postmortem::postmortem(
        &world.state.incidents[&INCIDENT],
        &[],
        &[],
        &text::samples::records(),
        world.now,
    );
    add("incident::postmortem", text::incident::postmortem(&world.state.incidents[&INCIDENT], document));
    let events = world.incident(IncidentIntent::Reopen { incident: INCIDENT, text: None });
    add(
        "incident::reopened",
        world.say(|scene| text::incident::reopened(scene, &scene.state.incidents[&INCIDENT], &events)),
    );
    add("incident::none_meant", text::incident::none_meant(true));
    let whom = crate::domain::intent::Whom::Person("ben".into());
    let events = world.does(Intent::Page { whom, reason: prose("look at the queue"), by: ana() });
    add("paging::asked", world.say(|scene| text::paging::asked(scene, "ben", &events)));
    ended(&world, &mut add);
    guides(&mut world, &mut add);
    oncall(&world, &mut add);
    identity(&world, &mut add);
}

/// An alert that is over.
fn ended(world: &World, add: &mut impl FnMut(&'static str, Card)) {
    let fired = text::samples::records().into_iter().find_map(|record| match record.event {
        Event::AlertFired(fired) => Some(*fired),
        _ => None,
    });
    let fired = fired.expect("an alert among the samples");
    add("alert::ended", world.say(|scene| text::alert::ended(scene, &fired, Some(scene.now.civil), None)));
    add(
        "alert::ended_list",
        world.say(|scene| text::alert::ended_list(scene, &[(fired.clone(), scene.now.civil)])),
    );
}

/// A guide, where people stand in it, and an incident for which they went through it.
fn guides(world: &mut World, add: &mut impl FnMut(&'static str, Card)) {
    let link = |words: &str, to| PlannedLink { words: words.into(), to };
    let command = |words: &str, command: &str| link(words, LinkTo::Command(command.into()));
    let links = [
        command("It is gone", "/shop guide --step it-is-gone"),
        command("It is slow", "/shop guide --step it-is-slow"),
        link("The page", LinkTo::Web("https://example.com/shop".into())),
    ];
    let intro = "Take the step that fits.\n\n- It is gone\n- It is slow";
    add("guide::overview", world.say(|scene| text::guide::overview(scene, "The shop", intro, None, &links)));
    for (anchor, heading) in [("it-is-gone", "It is gone"), ("it-is-slow", "It is slow")] {
        world.does(Intent::ReadGuide(GuideRead {
            incident: INCIDENT,
            runbook: "/shop guide".into(),
            title: "The shop".into(),
            anchor: anchor.into(),
            heading: heading.into(),
            by: ana(),
        }));
    }
    let overview = |scene: &Scene<'_>| {
        let been = scene.state.incidents[&INCIDENT].guides.first().map(|guide| (INCIDENT, guide));
        text::guide::overview(scene, "The shop", intro, been, &links)
    };
    add("guide::overview", world.say(overview));
    add("incident::card", world.say(|scene| text::incident::card(scene, &scene.state.incidents[&INCIDENT])));
    let part = Part {
        guide: "The shop".into(),
        anchor: "it-is-gone".into(),
        heading: "It is gone".into(),
        prose: "Look whether it runs at all:\n\n  systemctl status shop".into(),
    };
    let leads =
        [command("Next: It is slow", "/shop guide --step it-is-slow"), command("Back", "/shop guide")];
    add("guide::step", text::guide::step(&part, Some(INCIDENT), &leads));
    let known = ["it-is-gone", "it-is-slow"];
    add("guide::no_step", text::guide::no_step("/shop guide", "its-gone", Some("it-is-gone"), &known));
}

/// Who somebody is, and how an account becomes theirs.
fn identity(world: &World, add: &mut impl FnMut(&'static str, Card)) {
    let (slack, discord, ana, zone) =
        (Channel::Slack, Channel::Discord, PersonId::from("ana"), &TimeZone::UTC);
    let turns = world.config.schedules.values().map(|one| {
        let now = one.shift_at(world.now, &[]);
        let next = one.shifts(world.now, world.now + SignedDuration::from_hours(24 * 30), &[]).pop();
        text::me::Turns { schedule: one.id.clone(), now: Some(now), next }
    });
    let turns: Vec<_> = turns.collect();
    add(
        "me::card",
        world.say(|scene| text::me::card(scene, &world.config.people[&ana], &turns, (None, None))),
    );
    for may_look in [true, false] {
        let name = Some("Evil\u{202E} *Name*").filter(|_| may_look);
        let (account, has_mail) = ("U0OTHER", may_look);
        let who = text::me::Stranger { channel: slack, account, name, has_mail, is_bot: false };
        add("me::stranger", text::me::stranger(&who, may_look));
    }
    add("me::operator", text::me::operator());
    add("me::gone", text::me::gone(&ana));
    let code = Code::new([7; 16]);
    add("me::code", text::me::code(&code, world.now, &[slack, discord], zone));
    add("me::linked", text::me::linked("Ana Ruiz", Role::Responder, discord, true));
    add("me::unlinked", text::me::unlinked("Ana Ruiz", slack));
    add("me::nobody_links", text::me::nobody_links());
    add("me::no_platform", text::me::no_platform());
    add("me::no_code_here", text::me::no_code_here(slack, "U0OTHER"));
    add("me::wrong_place", text::me::wrong_place());
    add("me::no_code", text::me::no_code());
    add("me::wrong_code", text::me::wrong_code());
    add("me::bot", text::me::bot());
    add("me::not_told", text::me::not_told(slack));
    add("me::not_yours", text::me::not_yours(Role::Responder, &["fay".into()]));
    for why in [
        NoLink::Named { channel: slack, person: "ben".into() },
        NoLink::HasAccount { channel: discord, person: ana.clone() },
        NoLink::Taken { channel: slack, person: "ben".into(), same: false },
        NoLink::None { channel: slack, person: ana },
    ] {
        add("me::no_link", text::me::no_link(&why, zone));
    }
}

fn oncall(world: &World, add: &mut impl FnMut(&'static str, Card)) {
    let (config, zone, now) = (&world.config, &TimeZone::UTC, world.now);
    let schedules = config.schedules.values();
    let shifts: Vec<_> = schedules.map(|one| (one.id.clone(), one.shift_at(now, &[]))).collect();
    add("oncall::now", text::oncall::now(config, &shifts, zone, now));
    let primary = ScheduleId::from("primary");
    let coming = config.schedules[&primary].shifts(now, now + SignedDuration::from_hours(24 * 21), &[]);
    add("oncall::shifts", text::oncall::shifts(config, &primary, &coming, zone));
    let until = now + SignedDuration::from_hours(8);
    let one = Override { id: OverrideId(3), schedule: primary, person: "chi".into(), from: now, until };
    add("oncall::override_added", text::oncall::override_added(&one, &[Some("ana".into()), None], zone));
    add("oncall::override_removed", text::oncall::override_removed(one.id, Some(&one), None));
    add("oncall::overrides", text::oncall::overrides(&[one], zone));
    swaps(now, add);
}

fn swaps(now: Timestamp, add: &mut impl FnMut(&'static str, Card)) {
    let (zone, primary) = (&TimeZone::UTC, ScheduleId::from("primary"));
    let until = now + SignedDuration::from_hours(8);
    let one = |id, person: &str| {
        let (schedule, person) = (primary.clone(), person.into());
        Override { id: OverrideId(id), schedule, person, from: now, until }
    };
    let swapped = Swapped { first: one(4, "ben"), second: one(5, "ana"), told: AnnouncementId(1), by: ana() };
    add("swap::done", text::swap::done(&swapped, zone));
    add("swap::nobody_asks", text::swap::nobody_asks());
    let person = PersonId::from("ben");
    for why in [
        SwapRefusal::Oneself,
        SwapRefusal::NoShift { person: person.clone(), schedule: primary.clone() },
        SwapRefusal::NotTheirs { person: person.clone(), at: now, is: None },
        SwapRefusal::Past { at: now },
        SwapRefusal::Endless { person: person.clone() },
        SwapRefusal::Changed,
    ] {
        add("swap::refused", text::swap::refused(&why, zone));
    }
    let lack = |what| Lack { schedule: primary.clone(), from: now, until, what };
    let lacks = [lack(LackOf::Nobody), lack(LackOf::Unreachable { person })];
    add("swap::gaps", text::swap::gaps(&lacks, None, 30, zone));
    add("swap::gaps", text::swap::gaps(&[], Some(&primary), 30, zone));
}

/// Cards of what is said when nothing happens.
fn sentences(samples: &mut Samples) {
    let mut add = |name: &'static str, card: Card| samples.entry(name).or_default().push(card);
    let zone = TimeZone::UTC;
    let at: Timestamp = "2026-03-02T03:00:00Z".parse().unwrap();
    let registry = Registry::builtin();
    let help = |topic: &str| command::help(&registry, Role::Responder, topic).expect("help");
    add("help::list", help("oncall"));
    add("help::command", help("incident open"));
    let one = text::help::CommandHelp {
        name: "/oncall now".into(),
        usage: "/oncall now [SCHEDULE]".into(),
        summary: "Says who is on call now.".into(),
        role: Role::Viewer,
        parts: Vec::new(),
        examples: Vec::new(),
        aliases: Vec::new(),
    };
    add("help::incomplete", text::help::incomplete("/oncall", &[one]));
    let taken = Refusal::AlreadyAcknowledged { target: Target::Group(GROUP), by: ana(), at };
    add("refusal::card", text::refusal::card(&taken, &zone));
    let same = Refusal::Unchanged { incident: INCIDENT, value: Already::Severity("P1".into()) };
    add("refusal::after", text::refusal::after(&same, Some(&(ana(), at)), &zone));
    add("refusal::no_channel", text::refusal::no_channel("`Ops` is not a channel", Some("#ops")));
    add("announcement::kept", text::announcement::kept(&"#qflow-status".into()));
    for (name, card) in text::samples::upkeep::cards() {
        add(name, card);
    }
    add("refusal::alert_ended", text::refusal::alert_ended(AlertId(5), at, Some(&ana()), &zone));
    add("refusal::unknown", text::refusal::unknown(Target::Incident(INCIDENT)));
    let no = NotAllowed { needed: Role::Responder, held: Role::Viewer, ask: vec!["ana".into()] };
    add("refusal::not_allowed", text::refusal::not_allowed("/incident open", &no));
    add("refusal::views_down", text::refusal::views_down("they are being rebuilt"));
    let missing =
        usage::Problem::Missing { name: "TITLE".into(), about: "what is wrong, in a few words".into() };
    let mut wrong =
        usage::wrong("/incident open SEVERITY TITLE…", &["/incident open P1 database is down"], &missing);
    wrong.buttons.push(usage::fill_in("/incident open --ask P1"));
    add("usage::wrong", wrong);
    add(
        "usage::asked",
        usage::asked("/incident resolve [INCIDENT] [TEXT…]", "Says that an incident is over."),
    );
    let nearest = usage::Suggestion { name: "/incident list".into(), command: "/incident list".into() };
    add("usage::unknown", usage::unknown("/incident lst", &[nearest]));
    add("usage::too_long", usage::too_long(5_000, 4_000));
    add("discord::sentence", text::discord::sentence(text::discord::DONE));
    add("chat::not_taken", text::chat::not_taken(true));
    add("chat::failed", text::chat::failed());
    add("chat::late", text::chat::late("Slack"));
    add("chat::form_missed", text::chat::form_missed());
    add("chat::too_late", text::chat::too_late("Slack", 7));
    add("chat::outdated", text::chat::outdated());
    add("chat::foreign", text::chat::foreign("Slack"));
    for card in text::samples::storm_cards() {
        add("storm::card", card);
    }
    add("reply::kept", text::reply::kept("INC-1 is open.".into()));
    add("reply::version", text::reply::version("0.1.0"));
    for (name, card) in text::samples::house::cards() {
        add(name, card);
    }
    runbooks(&mut add);
}

/// What is said about runbooks; how runs look is shown beside their text.
fn runbooks(add: &mut impl FnMut(&'static str, Card)) {
    use text::runbook::{self, BrokenLine, Line, StepLine};
    let line = |usage: &str, changes| Line {
        usage: usage.into(),
        summary: "Health of Qflow and of what it stands on.".into(),
        role: "viewer".into(),
        changes,
    };
    let broken = BrokenLine {
        command: Some("/qflow flows".into()),
        at: "qflow/flows.md:12:4".into(),
        what: "there is no name `flwo`".into(),
        count: 2,
    };
    let lines = [line("/qflow health", false), line("/qflow restart", true)];
    add("runbook::list", runbook::list(&lines, &[broken], None));
    add("runbook::list", runbook::list(&[], &[], Some("mail")));
    let does = vec!["GET {{ qflow.url }}/health — expects status == 200".to_owned()];
    let steps = [StepLine { title: "It answers".into(), does }];
    let facts = vec![("who".to_owned(), "viewer".to_owned())];
    let summary = "Health of Qflow.";
    let show = runbook::show("/qflow health", summary, facts, "First of all:", &steps, "/qflow health");
    add("runbook::show", show.clone());
    add("runbook::unknown", runbook::unknown("/qflow helth", Some("/qflow health")));
    add("runbook::broken", runbook::broken("qflow/flows.md", "qflow/flows.md:12:4: no such name".into()));
    add("runbook::no_environment", runbook::no_environment("stagign"));
    add("runbook::gone", runbook::gone());
    add("runbook::secret_too_short", runbook::secret_too_short("/qflow auth verify", 6));
    let said = [("It answers".to_owned(), "{\"status\": \"healthy\"}".to_owned())];
    add("runbook::with_output", runbook::with_output(show, &said));
}

/// What was deployed, and what of it came before an incident.
fn deployments(samples: &mut Samples) {
    let mut world = World::new();
    let mut add = |name: &'static str, card: Card| samples.entry(name).or_default().push(card);
    let list = |world: &World, wanted: &Wanted| world.say(|scene| text::deployment::list(scene, wanted, 25));
    let all = Wanted::default();
    add("deployment::list", list(&world, &all));
    let told = |number: u64, service: &str, status, at| Told {
        integration: "github".into(),
        message: None,
        source: format!("octo/{service}#{number}"),
        service: service.into(),
        environment: "production".into(),
        version: "v1.4.2".into(),
        commit: Some("f95f852bd8fca8fcc58a9a2d6c842781e32a215e".into()),
        status,
        by: Some("ada".into()),
        title: Some("Faster flows".into()),
        url: Some("https://github.com/octo/qflow/actions/runs/7".into()),
        at,
    };
    for (number, service, status) in [
        (1, "qflow", DeploymentStatus::Started),
        (1, "qflow", DeploymentStatus::Succeeded),
        (2, "@everyone `mail` <b>", DeploymentStatus::Failed),
        (3, "web", DeploymentStatus::Started),
    ] {
        world.now += SignedDuration::from_mins(6);
        world.does(Intent::Deployed(Box::new(told(number, service, status, world.now))));
    }
    add("deployment::list", list(&world, &all));
    add("deployment::list", list(&world, &Wanted { service: Some("qfow".into()), ..Wanted::default() }));
    world.fires(&["eu-1"], AlertStatus::Firing);
    world.pass(30);
    let (severity, title) = ("P1".into(), prose("Qflow is down"));
    if world.state.incidents.is_empty() {
        world.incident(IncidentIntent::OpenFor { group: GROUP, severity, title });
    }
    for within in [SUSPECT, SignedDuration::from_secs(1)] {
        let say =
            |scene: &Scene<'_>| text::deployment::before(scene, &scene.state.incidents[&INCIDENT], within);
        add("deployment::before", world.say(say));
    }
    add("incident::card", world.say(|scene| text::incident::card(scene, &scene.state.incidents[&INCIDENT])));
    add("message::card", world.message(DeliveryKind::Card, Subject::Incident(INCIDENT), None));
    let incident = &world.state.incidents[&INCIDENT];
    let changes = world.state.changes_before(incident, SUSPECT);
    let document = text::postmortem::postmortem(incident, &[], &changes, &[], world.now);
    add("incident::postmortem", text::incident::postmortem(incident, document));
    for number in 1..=2 {
        let say = |scene: &Scene<'_>| {
            text::deployment::card(scene, &scene.state.deployments.kept[&DeploymentId(number)])
        };
        add("deployment::card", world.say(say));
    }
    add("deployment::unknown", text::deployment::unknown(DeploymentId(9)));
}

fn samples() -> Samples {
    let mut samples = Samples::new();
    course(&mut samples);
    deployments(&mut samples);
    response::course(&mut |name, card| samples.entry(name).or_default().push(card));
    parts::course(&mut |name, card| samples.entry(name).or_default().push(card));
    sentences(&mut samples);
    for cards in samples.values_mut() {
        *cards = std::mem::take(cards).into_iter().map(Card::harmless).collect();
    }
    samples
}

/// The card in every rendering.
fn shown(card: &Card) -> String {
    let mut out = String::new();
    let plain = text::lines::card(card);
    let ansi = Paint::new(true, 100, TimeZone::UTC).card(card, 0, Some("#ops")).replace('\u{1b}', "␛");
    let _ = write!(out, "-- plain\n{plain}\n-- terminal\n{ansi}\n-- slack\n");
    for block in slack::blocks::render(card).blocks {
        let _ = writeln!(out, "{}", serde_json::to_string(&block).unwrap());
    }
    let discord = discord::render::render(card);
    let _ = write!(out, "-- discord\n{}\n", discord.embed);
    for row in discord.components {
        let _ = writeln!(out, "{row}");
    }
    out
}

#[test]
fn every_card_in_every_rendering() {
    let mut folders: BTreeMap<&str, String> = BTreeMap::new();
    for (name, cards) in samples() {
        let (folder, _) = name.split_once("::").expect("a module and a function");
        for card in cards {
            let _ = write!(folders.entry(folder).or_default(), "==== {name}\n{}\n", shown(&card));
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for (folder, text) in folders {
            insta::assert_snapshot!(folder, text);
        }
    });
}

/// Every function of the texts below this folder that makes a card, as the gallery calls it; `of` is the folder's own
/// part of the name.
fn cards_below(folder: &Path, of: &str, found: &mut Vec<String>) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            cards_below(&path, &format!("{of}{stem}::"), found);
            continue;
        }
        let Ok(source) = fs::read_to_string(&path) else { continue };
        // From its name to the brace of its body.
        for function in source.split("\npub fn ").skip(1) {
            let Some((head, _)) = function.split_once('{') else { continue };
            let module = if stem == "mod" { of.to_owned() } else { format!("{of}{stem}::") };
            let makes = head.rsplit_once("-> ").map(|(_, made)| made.trim());
            if matches!(makes, Some("Card" | "Option<Card>" | "Vec<Card>")) {
                found.push(format!("{module}{}", head.split(['(', '<']).next().unwrap_or_default()));
            }
        }
    }
}

#[test]
fn a_card_without_a_sample_is_missed_here() {
    let known = samples();
    let mut cards = Vec::new();
    cards_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text"), "", &mut cards);
    for name in ["alert::card", "quiet::list", "quiet::usage::how_long"] {
        assert!(cards.iter().any(|card| card == name), "{name} is not looked at");
    }
    cards.retain(|card| !known.contains_key(card.as_str()));
    assert_eq!(cards, Vec::<String>::new(), "give each of them a sample in this file");
}
