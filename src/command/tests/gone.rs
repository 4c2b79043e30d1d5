//! Commands on what is gone, closed, merged, over or done by somebody else already: each answer says what it is, who did
//! it and when, as far as that is known, and what to do now. Nothing changes by any of them.

use jiff::SignedDuration;

use super::desk::Room;
use crate::domain::alert::AlertStatus;

/// What ben did first.
async fn did(room: &Room, text: &str) {
    let said = room.said("ben", text).await;
    assert!(said.starts_with("done"), "{text}: {said}");
}

/// What chi hears who comes second; every part must be in it, and it must say what to do.
async fn hears(room: &Room, text: &str, parts: &[&str]) {
    let before = room.desk.engine.read(|look| look.state.seq).await.unwrap();
    let said = room.said("chi", text).await;
    assert!(said.starts_with("refused"), "{text}: {said}");
    for part in parts {
        assert!(said.contains(part), "`{text}` does not say `{part}`:\n{said}");
    }
    assert_eq!(
        room.desk.engine.read(|look| look.state.seq).await.unwrap(),
        before,
        "{text} changed something"
    );
    assert!(said.lines().count() > 2, "`{text}` does not say what to do:\n{said}");
}

#[tokio::test]
async fn what_was_merged_says_by_whom_and_where_it_goes_on() {
    let room = Room::open();
    for text in [
        "/incident open P3 the printer is out of paper",
        "/incident open P3 nobody can print",
        "/incident open P3 something else",
        "/incident merge INC-2 into INC-1",
    ] {
        did(&room, text).await;
    }
    for text in [
        "/incident merge INC-2 into INC-1",
        "/incident merge INC-2 into INC-3",
        "/incident merge INC-3 into INC-2",
        "/incident resolve INC-2",
        "/incident reopen INC-2",
        "/incident note INC-2 toner is low",
        "/incident status INC-2 mitigated",
        "/incident severity INC-2 P1",
        "/incident assign INC-2 chi",
        "/incident role INC-2 scribe chi",
        "/incident handover INC-2",
        "/incident handover INC-2 --to chi",
        "/incident impact INC-2 nobody prints --started 5m",
        "/incident link INC-2 https://example.com/wiki",
        "/incident link INC-3 INC-2",
        "/incident task add INC-2 buy paper",
    ] {
        // 09:00 in London is 16:00 for chi.
        let parts = [
            "INC-2 is merged into INC-1 since",
            "16:00",
            "by ben",
            "goes on in INC-1",
            "/incident show INC-1",
        ];
        hears(&room, text, &parts).await;
    }
    // Where it went may have gone on, too: an hour later, by somebody else.
    room.pass(SignedDuration::from_hours(1));
    let said = room.said("ana", "/incident merge INC-1 into INC-3").await;
    assert!(said.starts_with("done"), "{said}");
    let parts =
        ["INC-2 is merged into INC-1 since", "16:00", "by ben", "goes on in INC-3", "/incident show INC-3"];
    hears(&room, "/incident handover INC-2", &parts).await;
    let parts =
        ["INC-1 is merged into INC-3 since", "17:00", "by ana", "goes on in INC-3", "/incident show INC-3"];
    hears(&room, "/incident handover INC-1", &parts).await;
    did(&room, "/incident resolve INC-3").await;
    hears(&room, "/incident resolve INC-2", &["INC-2 is merged into INC-1", "by ben", "goes on in INC-3"])
        .await;
}

#[tokio::test]
async fn what_is_resolved_or_reopened_says_by_whom() {
    let room = Room::open();
    did(&room, "/incident open P3 the printer is out of paper").await;
    did(&room, "/incident open P3 something else").await;
    did(&room, "/incident resolve INC-1").await;
    for text in [
        "/incident resolve INC-1",
        "/incident status INC-1 mitigated",
        "/incident severity INC-1 P1",
        "/incident assign INC-1 chi",
        "/incident role INC-1 scribe chi",
        "/incident handover INC-1 --to chi",
        "/incident ack INC-1",
        "/ack INC-1",
        "/incident merge INC-1 into INC-2",
        "/incident merge INC-2 into INC-1",
    ] {
        let parts = ["INC-1 is resolved since", "16:00", "by ben", "/incident reopen INC-1"];
        hears(&room, text, &parts).await;
    }
    did(&room, "/incident reopen INC-1").await;
    hears(&room, "/incident reopen INC-1", &["INC-1 is open", "ben reopened it", "/incident show INC-1"])
        .await;
    hears(&room, "/incident reopen INC-2", &["INC-2 is open"]).await;
}

#[tokio::test]
async fn alerts_and_groups_that_are_over_say_by_whom() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "Down", "P1").await;
    room.report(AlertStatus::Firing, "Slow", "P3").await;
    did(&room, "/ack G-1").await;
    for text in ["/ack G-1", "/alert ack A-1"] {
        hears(&room, text, &["ben has G-1 already", "16:00"]).await;
    }
    did(&room, "/alert resolve G-1").await;
    for text in
        ["/ack G-1", "/alert snooze G-1 for 30m", "/alert resolve G-1", "/incident open P3 --group G-1 x"]
    {
        hears(&room, text, &["G-1 closed at", "16:00", "ben said that it is over"]).await;
    }
    for text in ["/ack A-1", "/alert ack A-1", "/alert resolve A-1"] {
        hears(&room, text, &["A-1 ended at", "16:00", "ben said that it is over"]).await;
    }
    room.report(AlertStatus::Resolved, "Slow", "P3").await;
    hears(&room, "/ack G-2", &["G-2 closed at", "all its alerts are resolved"]).await;
    did(&room, "/page chi come quickly").await;
    let page = room.desk.engine.read(|look| look.state.next.page.0 - 1).await.unwrap();
    assert!(room.said("ana", &format!("/ack PG-{page}")).await.starts_with("done"));
    hears(&room, &format!("/ack PG-{page}"), &["ana has", "already", "16:00"]).await;
}

#[tokio::test]
async fn tasks_links_silences_and_overrides_say_who_was_first() {
    let room = Room::open();
    for text in [
        "/incident open P3 the printer is out of paper",
        "/incident task add INC-1 buy paper",
        "/incident task add INC-1 buy toner",
        "/incident task done T-1",
        "/incident task drop T-2",
        "/incident link INC-1 https://example.com/wiki",
        "/silence add service=web --for 2h --comment new disks",
        "/silence expire S-1",
        "/maintenance start service=web --for 2h --comment switches",
        "/maintenance end S-2",
        "/oncall override primary chi 2h",
        "/oncall override remove OV-1",
    ] {
        did(&room, text).await;
    }
    for (text, parts) in [
        ("/incident task done T-1", ["T-1 was done by ben at", "/incident task reopen T-1"]),
        ("/incident task drop T-1", ["T-1 was done by ben at", "/incident task reopen T-1"]),
        ("/incident task assign T-2 chi", ["T-2 was dropped by ben at", "/incident task reopen T-2"]),
        ("/incident task due T-2 tomorrow", ["T-2 was dropped by ben at", "/incident task reopen T-2"]),
        ("/incident link INC-1 https://example.com/wiki", ["INC-1 has that link already", "by ben"]),
        ("/silence expire S-1", ["S-1 is over since", "ended by ben"]),
        ("/maintenance end S-2", ["S-2 is over since", "ended by ben"]),
        ("/oncall override remove OV-1", ["ben took OV-1 back at", "/oncall override list"]),
    ] {
        hears(&room, text, &parts).await;
        hears(&room, text, &["16:00"]).await;
    }
}

#[tokio::test]
async fn what_is_so_already_says_since_when_and_by_whom() {
    let room = Room::open();
    for text in [
        "/incident open P3 the printer is out of paper",
        "/incident open P3 something else",
        "/incident task add INC-1 --owner chi buy paper",
        "/incident task add INC-1 buy toner",
        "/incident role INC-1 scribe chi",
        "/incident link INC-1 INC-2",
    ] {
        did(&room, text).await;
    }
    let all = [
        ("/incident severity INC-1 P3", "INC-1 has severity P3 already, since"),
        ("/incident status INC-1 investigating", "INC-1 has status investigating already, since"),
        ("/incident role INC-1 scribe chi", "INC-1 has chi in the role scribe already, since"),
        ("/incident task assign T-1 chi", "T-1 is chi's already, since"),
        ("/incident task reopen T-2", "T-2 is open, since"),
        ("/incident link INC-1 INC-2", "INC-1 and INC-2 are related already, since"),
        ("/incident link INC-2 INC-1", "INC-2 and INC-1 are related already, since"),
    ];
    for (text, says) in all {
        hears(&room, text, &[says, "16:00", "by ben"]).await;
    }
    // What was changed since counts from then; words about a status are no change.
    room.pass(SignedDuration::from_hours(1));
    for text in [
        "/incident severity INC-1 P1",
        "/incident status INC-1 mitigated",
        "/incident assign INC-1 ana",
        "/incident role INC-1 scribe none",
        "/incident task assign T-1 ben",
        "/incident task done T-2",
        "/incident task reopen T-2",
    ] {
        did(&room, text).await;
    }
    room.pass(SignedDuration::from_hours(1));
    assert!(
        room.said("ana", "/incident status INC-1 mitigated the paper is there").await.starts_with("done")
    );
    for (text, says) in [
        ("/incident severity INC-1 P1", "INC-1 has severity P1 already, since"),
        ("/incident status INC-1 mitigated", "INC-1 has status mitigated already, since"),
        ("/incident assign INC-1 ana", "INC-1 has the commander ana already, since"),
        ("/incident role INC-1 scribe none", "INC-1 has nobody in the role scribe already, since"),
        ("/incident task assign T-1 ben", "T-1 is ben's already, since"),
        ("/incident task reopen T-2", "T-2 is open, since"),
    ] {
        hears(&room, text, &[says, "17:00", "by ben"]).await;
    }
    did(&room, "/incident resolve INC-1").await;
    did(&room, "/incident reopen INC-1").await;
    let parts = ["INC-1 has status investigating already, since", "18:00", "by ben"];
    hears(&room, "/incident status INC-1 investigating", &parts).await;
    room.report(AlertStatus::Firing, "Down", "P1").await;
    let parts = ["INC-3 has the group G-1 already, since", "18:00", "by watchbell"];
    hears(&room, "/incident open P3 --group G-1 it is down", &parts).await;
}

#[tokio::test]
async fn what_was_merged_says_nothing_of_what_the_other_one_had_before() {
    let room = Room::open();
    for text in [
        "/incident open P3 the printer is out of paper",
        "/incident open P3 something else",
        "/incident role INC-1 scribe chi",
    ] {
        did(&room, text).await;
    }
    room.pass(SignedDuration::from_hours(1));
    for text in [
        "/incident role INC-2 scribe chi",
        "/incident role INC-2 communications ana",
        "/incident merge INC-2 into INC-1",
        "/incident status INC-1 identified",
    ] {
        did(&room, text).await;
    }
    room.pass(SignedDuration::from_hours(1));
    hears(&room, "/incident role INC-1 scribe chi", &["already, since", "16:00", "by ben"]).await;
    hears(&room, "/incident status INC-1 identified", &["already, since", "17:00", "by ben"]).await;
}

#[tokio::test]
async fn what_never_was_says_so_and_where_to_look() {
    let room = Room::open();
    for (text, parts) in [
        ("/ack A-99", ["There is no alert A-99", "/alert list"]),
        ("/ack G-99", ["There is no group G-99", "/alert list"]),
        ("/ack INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/ack PG-99", ["There is no page PG-99", "/status"]),
        ("/alert show A-99", ["There is no alert A-99", "/alert list"]),
        ("/alert explain G-99", ["There is no group G-99", "/alert list"]),
        ("/alert snooze G-99 for 1h", ["There is no group G-99", "/alert list"]),
        ("/alert resolve G-99", ["There is no group G-99", "/alert list"]),
        ("/incident show INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/incident timeline INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/incident postmortem INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/incident handover INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/incident merge INC-99 into INC-98", ["There is no incident INC-99", "/incident list"]),
        ("/incident reopen INC-99", ["There is no incident INC-99", "/incident list"]),
        ("/incident task done T-99", ["There is no task T-99", "/incident task list"]),
        ("/silence expire S-99", ["There is no silence S-99", "/silence list"]),
        ("/silence show S-99", ["There is no silence S-99", "/silence list"]),
        ("/maintenance end S-99", ["There is no maintenance S-99", "/maintenance list"]),
        ("/oncall override remove OV-99", ["There is no override OV-99", "/oncall override list"]),
        ("/runbook runs R-99", ["There is no run R-99", "/runbook runs"]),
        ("/runbook stop R-99", ["There is no run R-99", "/runbook runs"]),
        ("/runbook approve R-99", ["There is no run R-99", "/runbook runs"]),
        ("/runbook refuse R-99", ["There is no run R-99", "/runbook runs"]),
    ] {
        hears(&room, text, &parts).await;
    }
}
