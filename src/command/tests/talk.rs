//! Whole conversations: what is said and what comes back.

use jiff::SignedDuration;

use super::desk::Room;
use crate::domain::alert::AlertStatus;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one conversation, from its beginning to its end")]
async fn an_incident_from_its_opening_to_its_postmortem() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("ben", "/incident open P1 database is down").await, @r"
    done
    INC-1 is open: database is down

      Severity         P1 High: A major function is impaired
      Pages now        ana; at 09:05 UTC chi and #engineering, unless somebody takes it
      Acknowledge by   10:00 UTC
      First update by  10:00 UTC
      Not resolved by  10:00 UTC: pages ops

    [1] Acknowledge: /incident ack INC-1
    [2] Update…: /incident status INC-1 …
    [3] Note…: /incident note INC-1 …
    [4] Resolve…: /incident resolve INC-1 …
    [5] Timeline: /incident timeline INC-1
    ");
    room.pass(SignedDuration::from_mins(2));
    insta::assert_snapshot!(room.said("ana", "/incident show").await, @r"
    done
    INC-1 P1 database is down

      Severity      P1 High
      Status        investigating
      Opened        10:00 CET (2m ago) by ben
      Acknowledged  not yet; due by 11:00 CET
      Commander     nobody yet
      Update due    11:00 CET
      Paged         ana
      Pages next    chi and #engineering at 10:05 CET

    [1] Acknowledge: /incident ack INC-1
    [2] Update…: /incident status INC-1 …
    [3] Note…: /incident note INC-1 …
    [4] Resolve…: /incident resolve INC-1 …
    [5] Timeline: /incident timeline INC-1
    ");
    insta::assert_snapshot!(room.said("chi", "/ack").await, @r"
    done
    chi has INC-1.

      INC-1   P1 database is down
      Spared  nobody else was to be paged

    [1] Update…: /incident status INC-1 …
    [2] Resolve…: /incident resolve INC-1 …
    [3] Show: /incident show INC-1
    ");
    insta::assert_snapshot!(room.said("ana", "/incident ack INC-1").await, @r"
    refused
    chi has INC-1 already, since 2026-01-05 10:02 CET.
    Nobody is paged for it any more; nothing was changed.

    [1] Show: /incident show INC-1
    ");
    insta::assert_snapshot!(room.said("ana", "/ack").await, @r"
    refused
    Nothing waits to be taken.
    Everything that is open has been acknowledged.
    ");
    insta::assert_snapshot!(room.said("chi", "/incident assign ben").await, @r"
    done
    ben leads INC-1 now, and is paged.

      Incident        INC-1 P1 database is down
      Pages now       ben
      Next update by  17:00 +07
    ");
    insta::assert_snapshot!(room.said("chi", "/incident role scribe chi").await, @r"
    done
    chi is scribe of INC-1 now.

      Incident        INC-1 P1 database is down
      Next update by  17:00 +07
    ");
    insta::assert_snapshot!(room.said("ben", "/incident note replica was behind").await, @r"
    done
    Noted on INC-1: replica was behind

      Incident        INC-1 P1 database is down
      Next update by  10:00 UTC
    ");
    room.pass(SignedDuration::from_mins(10));
    insta::assert_snapshot!(room.said("ben", "/incident status mitigated \"reads go to the replica\"").await, @r"
    done
    INC-1 is mitigated now.

      Incident  INC-1 P1 database is down
      Spared    ben
    ");
    insta::assert_snapshot!(room.said("ben", "/incident severity P3").await, @r"
    done
    INC-1 is P3 Low now.

      Incident  INC-1 P3 database is down
    ");
    insta::assert_snapshot!(room.said("ben", "/incident severity P3").await, @r"
    refused
    INC-1 has severity P3 already, since 2026-01-05 09:12 UTC, by ben.
    Nothing was changed, and nobody was told.

    [1] Show: /incident show INC-1
    ");
    insta::assert_snapshot!(room.said("ben", "/incident list").await, @r"
    done
    1 open incident

    id     severity  status     title             opened     commander
    INC-1  P3        mitigated  database is down  09:00 UTC  ben
    ");
    room.pass(SignedDuration::from_mins(20));
    insta::assert_snapshot!(room.said("ben", "/incident resolve disk replaced").await, @r"
    done
    INC-1 is resolved after 32m.

      Incident  INC-1 P3 database is down

    [1] Reopen: /incident reopen INC-1
    [2] Postmortem: /incident postmortem INC-1
    [3] Note…: /incident note INC-1 …
    [4] Timeline: /incident timeline INC-1
    ");
    insta::assert_snapshot!(room.said("ben", "/incident list").await, @r"
    done
    No open incident.
    Earlier ones: /incident list --all
    ");
    insta::assert_snapshot!(room.said("ben", "/incident list --all").await, @r"
    done
    1 incident

    id     severity  status    title             opened     commander
    INC-1  P3        resolved  database is down  09:00 UTC  ben
    ");
    insta::assert_snapshot!(room.said("eve", "/incident show INC-1").await, @r"
    done
    INC-1 P3 database is down

      Severity      P3 Low
      Status        resolved
      Opened        09:00 UTC (32m ago) by ben
      Acknowledged  by chi at 09:02 UTC, after 2m
      Commander     Ben Okafor (ben)
      Scribe        Chi Nguyen (chi)
      Mitigated     09:12 UTC
      Resolved      09:32 UTC, after 32m
      Paged         ana and ben

    [1] Reopen: /incident reopen INC-1
    [2] Postmortem: /incident postmortem INC-1
    [3] Note…: /incident note INC-1 …
    [4] Timeline: /incident timeline INC-1
    ");
    insta::assert_snapshot!(room.said("ben", "/incident reopen INC-1 errors are back").await, @r"
    done
    INC-1 is open again.
    Nobody is paged by that; to page somebody: /page PERSON|TEAM|POLICY reason

      Incident  INC-1 P3 database is down

    [1] Update…: /incident status INC-1 …
    [2] Note…: /incident note INC-1 …
    [3] Resolve…: /incident resolve INC-1 …
    [4] Timeline: /incident timeline INC-1
    ");
}

#[tokio::test]
async fn the_timeline_holds_what_was_just_said() {
    let room = Room::open();
    room.say("ben", "/incident open P1 database is down").await;
    room.say("ben", "/incident note replica was behind").await;
    let timeline = room.said("eve", "/incident timeline").await;
    assert!(
        timeline.starts_with("done\nINC-1 P1 database is down\nTimeline from Mon 2026-01-05, times in UTC.")
    );
    assert!(timeline.lines().last().is_some_and(|last| last.contains("replica was behind")), "{timeline}");
    let short = room.say("eve", "/incident timeline INC-1 --limit 1").await;
    assert_eq!(short.cards.first().map(|card| card.table.len()), Some(2));
    let postmortem = room.say("eve", "/incident postmortem").await;
    let card = postmortem.cards.first().unwrap();
    assert!(
        card.document.starts_with('#') && card.document.contains("replica was behind"),
        "{}",
        card.document
    );
    assert!(!room.say("eve", "/incident timeline INC-9").await.ok);
}

#[tokio::test]
async fn an_alert_is_listed_shown_and_taken() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("eve", "/alert list").await, @r"
    done
    No alert fires.
    Earlier ones: /alert list --ended
    ");
    room.report(AlertStatus::Firing, "QflowDown", "P1").await;
    room.pass(SignedDuration::from_mins(3));
    insta::assert_snapshot!(room.said("eve", "/alert list").await, @r"
    done
    1 alert fires

    alert  name       severity  since      group  summary
    A-1    QflowDown  P1        09:00 UTC  G-1    Qflow does not answer
    ");
    insta::assert_snapshot!(room.said("eve", "/alert show A-1").await, @r"
    done
    A-1 QflowDown
    Qflow does not answer

      Fires since  09:00 UTC (3m ago)
      Source       prometheus
      Group        G-1 QflowDown (nobody has it), INC-1
      Severity     P1 High
      service      qflow
      severity     P1

    Runbook: https://example.com/runbooks/qflow
    Graph: http://prometheus.example.com/graph?g0.expr=up
    Source: http://alertmanager.example.com

    [1] Acknowledge: /alert ack A-1
    [2] INC-1: /incident show INC-1
    ");
    insta::assert_snapshot!(room.said("ben", "/ack G-1").await, @r"
    done
    ben has INC-1 and G-1.

      INC-1   P1 QflowDown
      G-1     QflowDown
      Spared  chi

    [1] Update…: /incident status INC-1 …
    [2] Resolve…: /incident resolve INC-1 …
    [3] Show: /incident show INC-1
    ");
    insta::assert_snapshot!(room.said("ben", "/alert ack A-1").await, @r"
    refused
    ben has G-1 already, since 2026-01-05 09:03 UTC.
    Nobody is paged for it any more; nothing was changed.
    ");
    insta::assert_snapshot!(room.said("ben", "/incident show").await, @r"
    done
    INC-1 P1 QflowDown

      Severity      P1 High
      Status        investigating
      Opened        09:00 UTC (3m ago) by watchbell
      Acknowledged  by ben at 09:03 UTC, after 3m
      Commander     nobody yet
      Update due    10:00 UTC
      Groups        G-1 (1 firing)
      Paged         ana

    alert  name       severity  since      group  summary
    A-1    QflowDown  P1        09:00 UTC  G-1    Qflow does not answer

    Runbook: https://example.com/runbooks/qflow
    Graph: http://prometheus.example.com/graph?g0.expr=up
    Source: http://alertmanager.example.com

    [1] Update…: /incident status INC-1 …
    [2] Note…: /incident note INC-1 …
    [3] Resolve…: /incident resolve INC-1 …
    [4] Timeline: /incident timeline INC-1
    ");
    room.report(AlertStatus::Resolved, "QflowDown", "P1").await;
    insta::assert_snapshot!(room.said("ben", "/ack G-1").await, @r"
    refused
    G-1 closed at 2026-01-05 09:03 UTC: all its alerts are resolved.
    There is nothing to take any more. Should it fire again, a new group opens and pages anew.
    ");
    insta::assert_snapshot!(room.said("eve", "/alert show A-1").await, @r"
    done
    A-1 QflowDown
    Qflow does not answer

      Fired        from 09:00 UTC until 09:30 UTC
      Source       prometheus
      Resolved by  prometheus
      Group        G-1
      Severity     P1 High
      service      qflow
      severity     P1

    Runbook: https://example.com/runbooks/qflow
    Graph: http://prometheus.example.com/graph?g0.expr=up
    Source: http://alertmanager.example.com
    ");
    insta::assert_snapshot!(room.said("eve", "/alert list --ended").await, @r"
    done
    Alerts that ended

    alert  name       severity  from       until
    A-1    QflowDown  P1        09:00 UTC  09:30 UTC
    ");
    insta::assert_snapshot!(room.said("eve", "/alert show A-9").await, @r"
    refused
    There is no alert A-9, or it is long gone.
    Nothing was changed.

    [1] List: /alert list
    ");
}

#[tokio::test]
async fn several_things_wait_and_one_has_to_be_named() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("ben", "/incident ack").await, @r"
    refused
    No incident is open.
    Nothing was changed. Earlier ones: /incident list --all
    ");
    room.say("ben", "/incident open P3 first").await;
    room.say("ben", "/incident open P3 second").await;
    room.say("ben", "/page chi come please").await;
    insta::assert_snapshot!(room.said("ben", "/ack").await, @r"
    refused
    3 things wait to be taken: which one?
    Nothing was acknowledged yet.

    [1] INC-1 P3 first: /ack INC-1
    [2] INC-2 P3 second: /ack INC-2
    [3] PG-1 page by ben: /ack PG-1
    ");
    insta::assert_snapshot!(room.said("ben", "/incident note all is lost").await, @r"
    refused
    Which incident?
    Several may be meant; nothing was changed yet.

    [1] INC-2 second: /incident note INC-2 all is lost
    [2] INC-1 first: /incident note INC-1 all is lost
    ");
}

#[tokio::test]
async fn a_page_by_request() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("ben", "/page ana the database needs you").await, @r"
    done
    PG-1: ana is paged.

      Pages now  ana

    [1] Acknowledge: /ack PG-1
    ");
    insta::assert_snapshot!(room.said("ben", "/page policy:ops customers report errors").await, @r"
    done
    PG-2: policy ops is paged.

      Pages now  ana; at 09:05 UTC chi and #engineering, unless somebody takes it

    [1] Acknowledge: /ack PG-2
    ");
    insta::assert_snapshot!(room.said("ben", "/page eve hello").await, @r"
    refused
    eve cannot be paged: no contact is configured.
    Nobody was paged. Page somebody else, or add contacts to people.toml and run /watchbell reload.
    ");
    insta::assert_snapshot!(room.said("ana", "/ack PG-1").await, @r"
    done
    ana has PG-1.

      Spared  nobody else was to be paged
    ");
    insta::assert_snapshot!(room.said("ana", "/ack PG-1").await, @r"
    refused
    ana has PG-1 already, since 2026-01-05 10:00 CET.
    Nobody is paged for it any more; nothing was changed.
    ");
}

#[tokio::test]
async fn who_is_on_call() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("eve", "/oncall now").await, @r"
    done
    On call now

    schedule  on call           since      until                 because
    hours     Chi Nguyen (chi)  08:00 UTC  16:00 UTC             layer 1
    primary   Ana Ruiz (ana)    08:00 UTC  2026-01-12 08:00 UTC  layer 1
    ");
    insta::assert_snapshot!(room.said("eve", "/oncall schedule hours 2").await, @r"
    done
    Schedule hours, times in UTC
    There are 2 gaps: nobody is on call then.

    from                  until                 who               because
    Mon 2026-01-05 08:00  Mon 2026-01-05 16:00  Chi Nguyen (chi)  layer 1
    Mon 2026-01-05 16:00  Tue 2026-01-06 08:00  NOBODY            gap
    Tue 2026-01-06 08:00  Tue 2026-01-06 16:00  Chi Nguyen (chi)  layer 1
    Tue 2026-01-06 16:00  Wed 2026-01-07 08:00  NOBODY            gap
    Wed 2026-01-07 08:00  Wed 2026-01-07 09:00  Chi Nguyen (chi)  layer 1
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall override primary ben 20:00 4h").await, @r"
    done
    OV-1: ben is on call for primary.

      From        2026-01-05 20:00 CET
      Until       2026-01-06 00:00 CET
      Instead of  ana

    [1] Take back: /oncall override remove OV-1
    [2] Schedule: /oncall schedule primary
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall override list").await, @r"
    done
    Overrides, times in Europe/Madrid

    id    schedule  who  from                  until
    OV-1  primary   ben  Mon 2026-01-05 20:00  Tue 2026-01-06 00:00
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall schedule primary 10").await, @r"
    done
    Schedule primary, times in Europe/Madrid

    from                  until                 who               because
    Mon 2026-01-05 09:00  Mon 2026-01-05 20:00  Ana Ruiz (ana)    layer 1
    Mon 2026-01-05 20:00  Tue 2026-01-06 00:00  Ben Okafor (ben)  override OV-1
    Tue 2026-01-06 00:00  Mon 2026-01-12 09:00  Ana Ruiz (ana)    layer 1
    Mon 2026-01-12 09:00  Thu 2026-01-15 10:00  Ben Okafor (ben)  layer 1
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall override remove OV-1").await, @r"
    done
    OV-1 is taken back.
    ben no longer stands in for primary; the layers count again.
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall override remove OV-1").await, @r"
    refused
    ana took OV-1 back at 2026-01-05 10:00 CET.
    Nothing was changed.

    [1] List overrides: /oncall override list
    ");
    insta::assert_snapshot!(room.said("ana", "/oncall override primary ben 2026-01-01 2026-01-02").await, @r"
    refused
    These times do not fit: it would be over already.
    Nothing was changed. Example: /oncall override primary ben tomorrow 09:00 8h
    ");
}

#[tokio::test]
async fn who_may_not_is_told_whom_to_ask() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("eve", "/incident open P1 x").await, @r"
    refused
    /incident open needs the role responder; you are viewer.
    Ask ben or chi or ana. Nothing was changed.
    ");
    insta::assert_snapshot!(room.said("operator", "/incident open P1").await, @r"
    refused
    Usage: /incident open SEVERITY [--group GROUP] TITLE…
    TITLE is missing: what is wrong, in a few words.
    Example: /incident open P1 database is down
    Nothing was changed.

    [1] Fill in…: /incident open P1 …
    ");
    insta::assert_snapshot!(room.said("operator", "/incident assign me").await, @r"
    refused
    Usage: /incident assign [INCIDENT] PERSON
    `me` is nobody here: you are the local operator. Name a person.
    Example: /incident assign INC-7 ana
    Nothing was changed.
    ");
    insta::assert_snapshot!(room.said("eve", "/watchbell version").await, @r"
    done
    Watchbell 0.1.0
    ");
    insta::assert_snapshot!(room.said("eve", "/incident lst").await, @r"
    refused
    Unknown command /incident lst, did you mean /incident list?
    Nothing was changed. /help lists all commands.

    [1] /incident list: /incident list
    ");
    insta::assert_snapshot!(room.said("eve", "/incident").await);
}
