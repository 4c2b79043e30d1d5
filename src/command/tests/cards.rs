//! Help and refusals as people see them.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::desk::start;
use crate::{
    command::{Answer, Call, CommandSpec, Execute, Registry, Reply, help},
    domain::{
        event::Actor,
        id::{DeliveryId, GroupId, IncidentId, OverrideId, PageId},
        intent::{Already, BadTimes, Refusal},
        page::Target,
        permission::NotAllowed,
        person::Role,
    },
    text::{card::Card, lines, refusal},
};

#[test]
fn help_lists_everything_that_the_caller_may_use() {
    let card = help(&Registry::builtin(), Role::Responder, "").unwrap();
    insta::assert_snapshot!(lines::card(&card));
    let card = help(&Registry::builtin(), Role::Viewer, "oncall").unwrap();
    insta::assert_snapshot!(lines::card(&card), @r"
    /oncall …
    More about one: /help COMMAND. Everything works as `/watchbell …` too.
    3 more need a stronger role than yours (viewer).

    command                             what it does
    /oncall gaps [SCHEDULE] [--days N]  Shows when nobody is on call in the coming days, who cannot be reached, and who is on call twice.
    /oncall now [SCHEDULE]              Says who is on call now, and until when.
    /oncall override list               Lists who stands in for whom, now and later.
    /oncall schedule SCHEDULE [DAYS]    Shows the shifts of the coming days in your time zone, gaps marked.
    ");
    let card = help(&Registry::builtin(), Role::Viewer, "/incident timeline").unwrap();
    insta::assert_snapshot!(lines::card(&card), @r"
    /incident timeline [INCIDENT] [--limit N]
    Shows what happened, in order, by whom.

      [INCIDENT]   which incident; not needed when only one can be meant
      [--limit N]  how many entries at most, the newest (50 when absent)
      who          everybody
      example      /incident timeline INC-7
      example      /incident timeline INC-7 --limit 10
    ");
    assert_eq!(help(&Registry::builtin(), Role::Viewer, "nonsense"), None);
}

#[test]
fn each_refusal_says_what_happened_what_is_kept_and_what_to_do() {
    let at = start();
    let by = Actor::Person("ana".into());
    let refusals = [
        Refusal::Unknown(Target::Incident(IncidentId(7))),
        Refusal::UnknownName { what: "person", name: "anna".to_owned(), nearest: Some("ana".to_owned()) },
        Refusal::AlreadyAcknowledged { target: Target::Group(GroupId(17)), by: by.clone(), at },
        Refusal::GroupClosed { group: GroupId(17), at, by: None },
        Refusal::PageOver(PageId(3)),
        Refusal::AlreadyResolved { incident: IncidentId(7), at, by: Some(by.clone()) },
        Refusal::StillOpen(IncidentId(7), Some((by.clone(), at))),
        Refusal::Unchanged { incident: IncidentId(7), value: Already::Severity("P1".into()) },
        Refusal::NoContact("eve".into()),
        Refusal::BadTimes { why: BadTimes::EndsFirst },
        Refusal::UnknownOverride(OverrideId(3)),
        Refusal::TakenBack { id: OverrideId(3), by, at },
        Refusal::NotPermitted(DeliveryId(5)),
    ];
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    let texts: Vec<String> = refusals.iter().map(|no| lines::card(&refusal::card(no, &zone))).collect();
    insta::assert_snapshot!(texts.join("\n--\n"), @r"
    There is no incident INC-7, or it is long gone.
    Nothing was changed.

    [1] List: /incident list --all
    --
    No person is called `anna`.
    Did you mean `ana`? Nothing was changed.
    --
    ana has G-17 already, since 2026-01-05 10:00 CET.
    Nobody is paged for it any more; nothing was changed.
    --
    G-17 closed at 2026-01-05 10:00 CET: all its alerts are resolved.
    There is nothing to take any more. Should it fire again, a new group opens and pages anew.
    --
    PG-3 no longer runs.
    Nobody is paged by it any more. To page somebody again: /page PERSON|TEAM|POLICY reason
    --
    INC-7 is resolved since 2026-01-05 10:00 CET, by ana.
    Nothing was changed. If it is not over, reopen it; notes can still be added.

    [1] Reopen: /incident reopen INC-7
    --
    INC-7 is open: ana reopened it at 2026-01-05 10:00 CET.
    There is nothing to reopen; nothing was changed.

    [1] Show: /incident show INC-7
    --
    INC-7 has severity P1 already.
    Nothing was changed, and nobody was told.

    [1] Show: /incident show INC-7
    --
    eve cannot be paged: no contact is configured.
    Nobody was paged. Page somebody else, or add contacts to people.toml and run /watchbell reload.
    --
    These times do not fit: it would end before it begins.
    Nothing was changed. Example: /oncall override primary ben tomorrow 09:00 8h
    --
    There is no override OV-3, or it is over.
    Nothing was changed.

    [1] List overrides: /oncall override list
    --
    ana took OV-3 back at 2026-01-05 10:00 CET.
    Nothing was changed.

    [1] List overrides: /oncall override list
    --
    D-5 must not leave any more.
    It was cancelled, replaced or stopped.
    ");
    let no = NotAllowed { needed: Role::Operator, held: Role::Viewer, ask: vec!["ana".into(), "ben".into()] };
    insta::assert_snapshot!(lines::card(&refusal::not_allowed("/qflow restart", &no)), @r"
    /qflow restart needs the role operator; you are viewer.
    Ask ana or ben. Nothing was changed.
    ");
}

#[test]
fn many_commands_are_listed_by_their_families() {
    let loaded = crate::config::load(None, &|_| None).unwrap();
    let library = std::sync::Arc::new(crate::runbook::Library::load(None, &loaded));
    let registry = library.register(Registry::builtin(), None);
    let all = lines::card(&help(&registry, Role::Admin, "").unwrap());
    assert!(all.lines().count() < 60, "{all}");
    assert!(all.contains("/qflow …") && all.contains("/ack [TARGET]"), "{all}");
    let one = lines::card(&help(&registry, Role::Admin, "qflow").unwrap());
    assert!(one.contains("/qflow deployment …") && one.contains("2 commands: history, rollback"), "{one}");
    assert!(
        lines::card(&help(&registry, Role::Admin, "qflow deployment").unwrap())
            .contains("/qflow deployment history")
    );
    let more = crate::command::wrong(
        &registry,
        &super::parsing::parsed(&registry, "/qflow").unwrap_err(),
        Role::Admin,
    );
    assert!(more.text.contains("/qflow deployment …") && more.text.lines().count() < 80, "{}", more.text);
}

#[test]
fn whoever_asks_with_a_flag_reads_what_help_says() {
    let registry = Registry::builtin();
    let words = |role, text: &str| match text.strip_suffix(" --help") {
        Some(_) => {
            let wrong = super::parsing::parsed(&registry, text).unwrap_err();
            crate::command::wrong(&registry, &wrong, role).text
        }
        None => Reply::done(help(&registry, role, text).unwrap()).text,
    };
    for (topic, begun) in [("me", "/me link"), ("status", "/status"), ("watchbell reload", "reload")] {
        let said = words(Role::Viewer, topic);
        assert!(said.contains(begun), "{said}");
        assert_eq!(words(Role::Viewer, &format!("/{topic} --help")), said);
    }
}

/// Nobody calls it.
struct Idle;

impl Execute for Idle {
    fn execute<'a>(&'a self, _: &'a Call<'a>) -> std::pin::Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async { Ok(Reply::done(Card::default())) })
    }
}

#[test]
fn what_begins_with_a_command_is_bounded_and_no_more_than_the_role_may() {
    let one = |path: &str, role| CommandSpec::new(path, "Does it.").role(role).example(path.to_owned());
    let mut specs = vec![one("/box", Role::Viewer), one("/box burn", Role::Admin)];
    specs.extend((0..100).map(|number| one(&format!("/box shelf s{number}"), Role::Viewer)));
    let packs = specs.into_iter().map(|spec| (Arc::new(spec), Arc::new(Idle) as Arc<dyn Execute>));
    let (registry, refused) = Registry::builtin().with_all(packs.collect());
    assert!(refused.is_empty(), "{refused:?}");
    let said = lines::card(&help(&registry, Role::Viewer, "box").unwrap());
    assert!(said.lines().count() < 20 && said.contains("/box shelf …"), "{said}");
    assert!(!said.contains("/box burn") && said.contains("1 more needs a stronger role"), "{said}");
    assert!(lines::card(&help(&registry, Role::Admin, "box").unwrap()).contains("/box burn"));
}
