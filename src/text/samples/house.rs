//! The house itself: configurations that came into force or did not, what the doctor and the audit say.

use jiff::{SignedDuration, tz::TimeZone};

use super::after;
use crate::{
    domain::{
        audit::What,
        delivery::Channel,
        event::{Actor, Event, Record, TraceId},
        id::{GroupId, Seq},
        person::Role,
        reload::{Change, Part},
    },
    text::{
        audit::{self, Asked},
        card::Card,
        house::{self, Line},
        refusal, status, when,
    },
};

fn changes() -> Vec<Change> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![
        Change {
            part: Part::Person,
            added: names(&["dev", "Evil\u{202E}\u{1b}[2J"]),
            removed: names(&["ben"]),
            changed: names(&["ana"]),
            more: 0,
        },
        Change {
            part: Part::Route,
            added: Vec::new(),
            removed: Vec::new(),
            changed: names(&["qflow"]),
            more: 0,
        },
        Change {
            part: Part::Runbook,
            added: names(&["/qflow health"]),
            removed: Vec::new(),
            changed: Vec::new(),
            more: 40,
        },
    ]
}

/// A configuration that somebody had read anew.
pub(super) fn events() -> Vec<Event> {
    let (ana, digest) = (Actor::Person("ana".into()), "3fa4b2c1d09e88aa".repeat(4));
    let loaded = |by, changes| Event::ConfigurationLoaded {
        digest: digest.clone(),
        release: "0.2.0".into(),
        instance: None,
        by: Some(by),
        changes,
    };
    vec![
        loaded(ana.clone(), changes()),
        loaded(Actor::Operator, Vec::new()),
        Event::TokenUsed { token: "ci".into(), by: ana },
    ]
}

/// Ways out that are disturbed.
pub(crate) fn troubles() -> Vec<status::Trouble> {
    let trouble = |channel, attempts, minutes, why: &str| status::Trouble {
        channel,
        attempts,
        since: SignedDuration::from_mins(minutes),
        why: why.to_owned(),
    };
    let slack = crate::text::chat::down("Slack", "no network");
    let last = SignedDuration::from_secs(50);
    vec![
        trouble(Channel::Slack, None, 7, &slack),
        trouble(Channel::Mail, Some((4, last)), 12, "no answer\u{202E}: connection refused"),
        trouble(Channel::PagerDuty, Some((1, last)), 1, "answered 500"),
    ]
}

/// Every card of them, by the function that makes it.
pub(crate) fn cards() -> Vec<(&'static str, Card)> {
    let digest = "3fa4b2c1d09e88aa".repeat(4);
    let restart = ["[server] listen".to_owned(), "[slack]".to_owned()];
    let warnings: Vec<String> =
        (1..8).map(|line| format!("config/people.toml:{line}: `ana` is only reached by a console")).collect();
    let line = |what: &str, good: Result<&str, &str>, remedy: Option<&str>| Line {
        what: what.to_owned(),
        good: good.map(str::to_owned).map_err(str::to_owned),
        remedy: remedy.map(str::to_owned),
    };
    let lines = [
        line("engine", Ok(""), None),
        line("journal", Ok("1234 events"), None),
        line("Slack, #ops", Err("not_in_channel"), Some("Invite the bot into #ops.")),
        line("phones.example.com port 443", Err("connection refused; it is where push of ana leads"), None),
    ];
    let mistakes = "config/people.toml:3:9: `ben` is not a person\n    members = [\"ben\"]\n".to_owned();
    let mut cards = vec![
        ("house::reloaded", house::reloaded(&digest, &changes(), &[], &[])),
        ("house::reloaded", house::reloaded(&digest, &[], &restart, &warnings)),
        ("house::mistakes", house::mistakes(mistakes.clone(), "1 mistake")),
        ("house::mistakes", house::mistakes(mistakes.repeat(1_000), "1000 mistakes")),
        (
            "house::impossible",
            house::impossible("[discord] is new, and chat platforms are connected at a start."),
        ),
        ("house::nothing_to_read", house::nothing_to_read()),
        ("house::nobody_looks", house::nobody_looks()),
        ("house::examined", house::examined(&lines, false)),
        ("house::examined", house::examined(&lines, true)),
        ("house::examined", house::examined(&lines[..2], false)),
        ("refusal::token_may_not", refusal::token_may_not("/ack", Role::Responder, Role::Viewer)),
    ];
    let acts = acts();
    let asked = Asked { by: Some("ana".into()), what: Some(What::Config), since: Some(after(-3600)) };
    cards.push(("audit::card", audit::card(&acts, &Asked::default(), true, &TimeZone::UTC)));
    cards.push(("audit::card", audit::card(&[], &asked, false, &TimeZone::UTC)));
    cards
}

fn acts() -> Vec<audit::Act> {
    let taken = Event::GroupAcknowledged { group: GroupId(17), by: Actor::Person("ana".into()) };
    let all = events().into_iter().chain([taken]).zip(1..);
    let records: Vec<Record> = all
        .map(|(event, seq)| Record {
            seq: Seq(seq),
            at: after(i64::try_from(seq).unwrap_or_default()),
            clock: None,
            v: crate::domain::event::FORMAT,
            trace: TraceId(seq / 3),
            last: true,
            event,
        })
        .collect();
    let tokens = audit::tokens(&records);
    records
        .iter()
        .filter_map(|record| audit::entry(record, &tokens, when::Times::In(&TimeZone::UTC)))
        .collect()
}
