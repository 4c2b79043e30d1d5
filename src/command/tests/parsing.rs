//! From a text to typed values, or to what is wrong with it.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::desk::{config, start};
use crate::command::{
    Registry,
    parse::{LONGEST, Parsed, Wrong, parse},
    read::Ground,
};
use crate::{
    command::{
        Answer, Call, Execute, Reply,
        complete::complete,
        help::{help, wrong},
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{intent::Now, person::Role, state::State},
    engine::Look,
};

pub(super) fn parsed(registry: &Registry, text: &str) -> Result<Parsed, Wrong> {
    let config = config();
    let (zone, now, me) = (TimeZone::get("Europe/Madrid").unwrap(), start(), "ana".into());
    parse(registry, Ground { config: &config, zone: &zone, now, me: Some(&me), anchor: now }, text)
}

/// The command with its values, or the title of what is said.
fn read(text: &str) -> String {
    let registry = Registry::builtin();
    match parsed(&registry, text) {
        Ok(parsed) => {
            let values: Vec<String> =
                parsed.values.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            format!("{} {}", parsed.spec.name(), values.join(" ")).trim_end().to_owned()
        }
        Err(no) => match &no {
            Wrong::Usage { .. } => wrong(&registry, &no, Role::Admin).text.lines().nth(1).unwrap().to_owned(),
            _ => wrong(&registry, &no, Role::Admin).text.lines().next().unwrap().to_owned(),
        },
    }
}

fn differences(table: &[(&str, &str)]) {
    let wrong: Vec<_> = table
        .iter()
        .map(|(text, expected)| (*text, read(text), *expected))
        .filter(|(_, read, expected)| read != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_people_write_is_understood() {
    differences(&[
        (
            "/incident open P1 database is down",
            "/incident open severity=Severity(\"P1\") title=Text(\"database is down\")",
        ),
        ("incident open p1 x", "/incident open severity=Severity(\"P1\") title=Text(\"x\")"),
        ("/watchbell incident open high x", "/incident open severity=Severity(\"P1\") title=Text(\"x\")"),
        ("@watchbell: incident open P1 x", "/incident open severity=Severity(\"P1\") title=Text(\"x\")"),
        ("@Watchbell /Incident  OPEN   P1   x", "/incident open severity=Severity(\"P1\") title=Text(\"x\")"),
        ("/watchbell /incident list", "/incident list limit=Number(25)"),
        ("/watchbell version", "/watchbell version"),
        (
            "/incident open P1 “it's down”",
            "/incident open severity=Severity(\"P1\") title=Text(\"it's down\")",
        ),
        (
            "/incident open P1 \"a\" and \"b\"",
            "/incident open severity=Severity(\"P1\") title=Text(\"\\\"a\\\" and \\\"b\\\"\")",
        ),
        (
            "/incident open P1 two  blanks\nnext",
            "/incident open severity=Severity(\"P1\") title=Text(\"two  blanks\\nnext\")",
        ),
        ("/ack", "/ack"),
        ("/ack g-17", "/ack target=Target(Group(G-17))"),
        ("/ack 17", "/ack target=Target(Group(G-17))"),
        ("/ack inc-7", "/ack target=Target(Incident(INC-7))"),
        ("/ack PG-3", "/ack target=Target(Page(PG-3))"),
        ("/incident ack 7", "/incident ack incident=Incident(INC-7)"),
        ("/incident assign INC-7 @ana", "/incident assign incident=Incident(INC-7) person=Person(\"ana\")"),
        ("/incident assign me", "/incident assign person=Person(\"ana\")"),
        ("/incident assign \"Ben Okafor\"", "/incident assign person=Person(\"ben\")"),
        (
            "/incident role 7 Scribe none",
            "/incident role incident=Incident(INC-7) person=Nobody role=IncidentRole(Scribe)",
        ),
        (
            "/incident status INC-7 mitigated \"all is well\"",
            "/incident status incident=Incident(INC-7) status=Status(Mitigated) text=Text(\"all is well\")",
        ),
        ("/incident status still looking", "/incident status text=Text(\"still looking\")"),
        ("/incident status \"mitigated it\"", "/incident status text=Text(\"mitigated it\")"),
        ("/incident note \"7 pods are gone\"", "/incident note text=Text(\"7 pods are gone\")"),
        ("/incident note --force was used", "/incident note text=Text(\"--force was used\")"),
        ("/incident list --all --limit=5", "/incident list all=Given limit=Number(5)"),
        ("/incident list —all", "/incident list all=Given limit=Number(25)"),
        ("/incident timeline --limit 5 INC-7", "/incident timeline incident=Incident(INC-7) limit=Number(5)"),
        ("/page ana come", "/page reason=Text(\"come\") whom=Whom(Person(\"ana\"))"),
        ("/page policy:ops come", "/page reason=Text(\"come\") whom=Whom(Policy(\"ops\"))"),
        (
            "/oncall override primary ben tomorrow 09:00 8h",
            "/oncall override from=Time(2026-01-06T08:00:00Z) person=Person(\"ben\") schedule=Schedule(\"primary\") until=Time(2026-01-06T16:00:00Z)",
        ),
        (
            "/oncall override primary ben 22:00 06:00",
            "/oncall override from=Time(2026-01-05T21:00:00Z) person=Person(\"ben\") schedule=Schedule(\"primary\") until=Time(2026-01-06T05:00:00Z)",
        ),
        (
            "/oncall override primary ben 2h",
            "/oncall override person=Person(\"ben\") schedule=Schedule(\"primary\") until=Time(2026-01-05T11:00:00Z)",
        ),
        // The only instant is until when, and counts from now.
        (
            "/oncall override primary ben 18:00",
            "/oncall override person=Person(\"ben\") schedule=Schedule(\"primary\") until=Time(2026-01-05T17:00:00Z)",
        ),
        (
            "/oncall override primary ben tomorrow 09:00",
            "/oncall override person=Person(\"ben\") schedule=Schedule(\"primary\") until=Time(2026-01-06T08:00:00Z)",
        ),
        // A number at the beginning of a text is no incident; with its prefix, alone or before a status it is.
        ("/incident resolve 2 disks replaced", "/incident resolve text=Text(\"2 disks replaced\")"),
        ("/incident reopen 2 disks failed", "/incident reopen text=Text(\"2 disks failed\")"),
        ("/incident note 7 pods are gone", "/incident note text=Text(\"7 pods are gone\")"),
        ("/incident status 3 of 4 work", "/incident status text=Text(\"3 of 4 work\")"),
        ("/incident note 2. disks replaced", "/incident note text=Text(\"2. disks replaced\")"),
        ("/incident note G-17 flaps", "/incident note text=Text(\"G-17 flaps\")"),
        ("/incident resolve p-99 is low", "/incident resolve text=Text(\"p-99 is low\")"),
        ("/incident resolve 100% are back", "/incident resolve text=Text(\"100% are back\")"),
        ("/incident resolve 2", "/incident resolve incident=Incident(INC-2)"),
        (
            "/incident resolve inc-2 disks replaced",
            "/incident resolve incident=Incident(INC-2) text=Text(\"disks replaced\")",
        ),
        (
            "/incident status 7 mitigated",
            "/incident status incident=Incident(INC-7) status=Status(Mitigated)",
        ),
        ("/incident severity 7 P1", "/incident severity incident=Incident(INC-7) severity=Severity(\"P1\")"),
        ("/oncall override remove ov-1", "/oncall override remove override=Override(OV-1)"),
        ("/oncall schedule Primary", "/oncall schedule days=Number(14) schedule=Schedule(\"primary\")"),
        ("/help incident open", "/help command=Text(\"incident open\")"),
    ]);
}

#[test]
fn what_is_wrong_is_said_with_the_nearest_right_word() {
    differences(&[
        ("/incident opne P1 x", "Unknown command /incident opne, did you mean /incident open?"),
        ("/open P1 x", "Unknown command /open, did you mean /incident open?"),
        (
            "/incidentopen P1 x",
            "Unknown command /incidentopen, did you mean /incident open or /incident reopen?",
        ),
        ("/resolve INC-7", "Unknown command /resolve, did you mean /alert resolve or /incident resolve?"),
        ("/akc G-1", "Unknown command /akc, did you mean /ack, /alert ack or /incident ack?"),
        ("/oncal now", "Unknown command /oncal, did you mean /oncall now?"),
        ("/xyzzy", "Unknown command /xyzzy."),
        ("/watchbell relaod", "Unknown command /watchbell relaod, did you mean /watchbell reload?"),
        ("/incident note INC-7", "TEXT is missing: what to write down."),
        ("/incident assign INC-7", "PERSON is missing: who leads from now on."),
        ("/incident", "/incident needs one more word."),
        ("/incident open", "SEVERITY is missing: how bad it is."),
        ("/incident open P1", "TITLE is missing: what is wrong, in a few words."),
        ("/incident open P1 \"\"", "TITLE is missing: what is wrong, in a few words."),
        ("/incident open P9 x", "No severity is called `P9`. There are: P1, P3."),
        ("/incident assign anna", "No person is called `anna`. Did you mean `ana`?"),
        ("/incident assign zzz", "No person is called `zzz`. There are: ana, ben, chi, eve."),
        ("/incident show 7x", "`7x` does not fit INCIDENT: expected an incident, such as INC-42."),
        (
            "/incident resolve INC7",
            "`INC7` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident resolve INC-7: fixed",
            "`INC-7:` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident note inc 7 is back",
            "`inc` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        ("/incident resolve G-17", "`G-17` does not fit INCIDENT: expected an incident, such as INC-42."),
        (
            "/incident resolve G-17 fixed",
            "`G-17` does not fit INCIDENT: expected an incident, such as INC-42.",
        ),
        (
            "/incident reopen t-3: again",
            "`t-3:` does not fit INCIDENT: expected an incident, such as INC-42.",
        ),
        ("/incident reopen A–5", "`A–5` does not fit INCIDENT: expected an incident, such as INC-42."),
        (
            "/incident resolve #7",
            "`#7` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident resolve #7 disks replaced",
            "`#7` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident resolve 7: fixed",
            "`7:` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident resolve INC–7 fixed",
            "`INC–7` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        (
            "/incident resolve inc — 7 fixed",
            "`inc` does not fit INCIDENT: expected an incident, such as INC-42. Did you mean `INC-7`?",
        ),
        ("/incident show INC-7 now", "`now` is too much. Put several words into quotes."),
        (
            "/incident status mitigatd x",
            "`mitigatd` does not fit STATUS: expected one of investigating, identified, mitigated, resolved. Did you mean `mitigated`?",
        ),
        (
            "/incident status 7 mitigatd x",
            "`mitigatd` does not fit STATUS: expected one of investigating, identified, mitigated, resolved. Did you mean `mitigated`?",
        ),
        ("/incident list --al", "There is no flag `--al`. Did you mean `--all`?"),
        ("/incident list --all=yes", "`--all` takes no value."),
        ("/incident list --limit", "`--limit` needs a value: how many at most."),
        ("/incident list --limit x", "`x` does not fit LIMIT: expected a whole number from 1 to 200."),
        ("/incident list --limit 5 --limit 6", "`--limit` is there twice."),
        ("/page ops wake up", "`ops` may be several: write team:ops or policy:ops."),
        ("/page nobody", "No person, team or policy is called `nobody`. There are: ana, ben, chi, eve, ops."),
        ("/oncall override primary ben", "UNTIL|DURATION is missing: until when, or for how long."),
        (
            "/oncall override primary ben soon 2h",
            "`soon` does not fit UNTIL: expected a duration (8h, 2d) or a time: now, 14:00, tomorrow 09:00, mon 09:00, 2026-03-29 02:30 (all in Europe/Madrid), +2h or 2026-03-29T02:30:00Z.",
        ),
    ]);
    assert!(read(&"x".repeat(LONGEST + 1)).starts_with("That is too long: 4001 characters"));
}

#[test]
fn every_command_says_what_it_does_and_its_examples_are_right() {
    let registry = Registry::builtin();
    for spec in registry.specs() {
        assert_eq!(spec.check(), Ok(()));
        assert!(spec.summary.ends_with('.'), "{}: {}", spec.name(), spec.summary);
        assert!(!spec.examples.is_empty(), "{} has no example", spec.name());
        assert!(spec.arguments.iter().all(|argument| !argument.about.is_empty()), "{}", spec.name());
        assert!(help(&registry, Role::Viewer, &spec.name()).is_some(), "{}", spec.name());
        for example in &spec.examples {
            // Names of the examples are those of the example configuration; here some are unknown.
            let understood = match parsed(&registry, example) {
                Ok(parsed) => parsed.spec,
                Err(Wrong::Usage {
                    spec, problem: crate::text::usage::Problem::UnknownName { .. }, ..
                }) => spec,
                Err(no) => panic!("{example}: {no:?}"),
            };
            assert_eq!(&understood, spec, "{example}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_parser_or_the_completion(
        head in "(/|@watchbell |/watchbell |)",
        path in "(incident open|incident status|oncall override|page|ack|incident list|help|)",
        tail in "( (P1|INC-7|7|--all|--limit|--limit=|\"|“|”|'|=|—|@ana|primary|ben|\\+9d|24:61|\\PC{0,6})){0,8}",
        cursor in 0_usize..80,
    ) {
        let text = format!("{head}{path}{tail}");
        let registry = Registry::builtin();
        if let Err(no) = parsed(&registry, &text) {
            prop_assert!(!wrong(&registry, &no, Role::Viewer).text.is_empty());
        }
        let (state, config) = (State::default(), std::sync::Arc::new(config()));
        let now = Now { engine: start(), civil: start() };
        let look = Look { state: &state, config: &config, now };
        let caller = crate::command::Caller::operator(TimeZone::UTC);
        for offer in complete(&registry, &look, &caller, &text, cursor) {
            prop_assert!(offer.start <= offer.end && text.get(offer.start..offer.end).is_some());
        }
    }
}

fn completed(who: &str, text: &str) -> Vec<String> {
    let (state, config) = (State::default(), std::sync::Arc::new(config()));
    let now = Now { engine: start(), civil: start() };
    let caller = crate::command::Caller::person(&who.into(), &config).unwrap();
    let look = Look { state: &state, config: &config, now };
    let offers = complete(&Registry::builtin(), &look, &caller, text, text.len());
    offers.into_iter().map(|offer| format!("{}{}", text.get(..offer.start).unwrap(), offer.text)).collect()
}

#[test]
fn what_may_follow_is_offered() {
    for (who, text, expected) in [
        ("ana", "/al", vec!["/alert"]),
        (
            "ana",
            "/alert ",
            vec![
                "/alert ack",
                "/alert explain",
                "/alert list",
                "/alert resolve",
                "/alert show",
                "/alert snooze",
            ],
        ),
        ("eve", "/alert ", vec!["/alert explain", "/alert list", "/alert show"]),
        ("ana", "/watchbell inc", vec!["/watchbell incident"]),
        ("ana", "/incident open ", vec!["/incident open P1", "/incident open P3"]),
        ("ana", "/incident open P1 ", vec![]),
        ("ana", "/incident assign b", vec!["/incident assign ben"]),
        ("ana", "/incident assign @b", vec!["/incident assign ben"]),
        ("ana", "/incident role 7 scribe ch", vec!["/incident role 7 scribe chi"]),
        ("ana", "/incident role sc", vec!["/incident role scribe"]),
        ("ana", "/incident list --", vec!["/incident list --all", "/incident list --limit"]),
        ("ana", "/incident list --all --", vec!["/incident list --all --limit"]),
        ("ana", "/oncall override pri", vec!["/oncall override primary"]),
        ("eve", "/incident open ", vec![]),
    ] {
        assert_eq!(completed(who, text), expected, "{text}");
    }
}

struct Echo;

impl Execute for Echo {
    fn execute<'a>(
        &'a self,
        call: &'a Call<'a>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            let title: String = call.need("component")?;
            Ok(Reply::done(crate::text::card::Card { title, ..Default::default() }))
        })
    }
}

fn pack() -> CommandSpec {
    let choices = Kind::Choice(vec!["engine".into(), "network".into()]);
    CommandSpec::new("/qflow health", "Health of Qflow.")
        .alias("/qflow status")
        .takes(Argument::optional("component", choices, "which part").or("engine"))
        .flag(Flag::valued("since", Kind::Duration, "how far back").or("24h"))
        .example("/qflow health network --since 2h")
}

#[test]
fn a_pack_brings_commands_while_watchbell_runs() {
    let registry = Registry::builtin().with(pack(), std::sync::Arc::new(Echo)).unwrap();
    for (text, expected) in [
        ("/qflow health", "engine 1d"),
        ("/qflow status NETWORK --since=2h", "network 2h"),
        ("/qflow health --since 90m network", "network 1h30m"),
    ] {
        let parsed = parsed(&registry, text).unwrap();
        let component =
            parsed.values.get("component").and_then(<String as crate::command::call::FromValue>::from_value);
        let since = parsed
            .values
            .get("since")
            .and_then(<jiff::SignedDuration as crate::command::call::FromValue>::from_value);
        let said = format!("{} {}", component.unwrap(), crate::domain::duration::written(since.unwrap()));
        assert_eq!(said, expected, "{text}");
    }
    let taken = registry.with(pack(), std::sync::Arc::new(Echo)).err().unwrap();
    assert_eq!(taken, "/qflow health is a command already: /qflow health [engine|network] [--since SINCE]");
    let stolen = CommandSpec::new("/ack", "Mine.");
    assert!(Registry::builtin().with(stolen, std::sync::Arc::new(Echo)).is_err());
}
