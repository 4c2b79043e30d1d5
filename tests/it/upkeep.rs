//! Upkeep with the real process: words are erased, segments archived, folders backed up and restored, damage found.
//! Never looks at less than every byte of the data folder.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use watchbell::{
    app, config,
    domain::{
        alert::AlertStatus,
        config::Config,
        event::{Actor, TraceId},
        id::Seq,
        intent::{IncidentIntent, Intent, Now},
        prose::Prose,
        state::State,
        upkeep::Erased,
    },
    engine::core::Core,
    journal::{
        FileJournal, Options,
        erase::{self, Wanted},
    },
};

use crate::{
    peer::{SOON, http, load, process::until, server::Server, watchbell::Watchbell},
    source::files,
    world::{report, signal},
};

fn config(phone: &Server) -> String {
    let person = |id: &str, roles: &str| {
        format!(
            "[person.{id}]\nname = \"{id}\"\nroles = [{roles}]\n\
             contacts = {{ hook = \"http://127.0.0.1:{}/{id}\" }}\nurgent = [\"now: hook\"]\n\
             routine = [\"now: hook\"]\n",
            phone.port
        )
    };
    format!("{}{}{}", person("ana", "\"operator\""), person("ben", "\"admin\""), load::INTEGRATION)
}

fn phone() -> Server {
    Server::start(|_| (200, String::new()))
}

/// Files of a folder in which a word stands.
fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(folder, &mut all);
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        memchr::memmem::find(&bytes, word.as_bytes()).is_some()
    };
    all.into_iter().filter(holds).collect()
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(watchbell: &Watchbell, arguments: &[&str]) -> String {
    let output = watchbell.other(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// Notes that ben erases what ana wrote, as a server does that comes no further; `events` stand in the journal.
fn begins_to_erase(data: &Path, events: usize) {
    let wanted = Wanted { person: Some("ana".into()), ..Wanted::default() };
    let found = erase::find(data, &wanted, Seq(1_000)).expect("the journal can be read");
    let erased = Erased {
        whose: Some("ana".into()),
        seq: None,
        before: None,
        texts: found.texts(),
        digests: found.digests.clone(),
        outputs: found.outputs.clone(),
        by: Actor::Person("ben".into()),
    };
    erase::begin(data, Seq(events as u64), erased, found).expect("a note");
}

#[test]
fn what_a_person_wrote_is_in_no_file_of_the_data_folder() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    for (person, text) in [
        ("ana", "/incident open P1 zebra one is \"down\""),
        ("ana", "/incident note INC-1 zebra two"),
        ("ana", "/incident status INC-1 identified zebra three"),
        ("ana", "/announce #ops zebra four"),
        ("ana", "/page ben zebra five"),
        ("ana", "/incident resolve INC-1 zebra six"),
        ("ana", "/incident reopen INC-1 zebra seven"),
        ("ben", "/incident note INC-1 camel stays"),
    ] {
        let answer = watchbell.command(person, text);
        assert_eq!(answer["ok"], true, "{text}: {answer}");
    }
    // A snapshot holds them as well.
    let archive = folder.path().join("archive");
    let archive = archive.to_str().expect("UTF-8");
    done(&watchbell, &["journal", "archive", "--before", "2000-01-01", "--to", archive]);
    let data = watchbell.data();
    let before: Vec<_> =
        holding(&data, "zebra").iter().filter_map(|path| path.extension().map(ToOwned::to_owned)).collect();
    assert!(
        before.iter().any(|kind| kind == "jsonl") && before.iter().any(|kind| kind == "snap"),
        "{before:?}"
    );

    // Only an admin may, and looking changes nothing.
    assert_eq!(watchbell.command("ana", "/journal erase --person ana")["ok"], false);
    let looked = done(&watchbell, &["journal", "erase", "--person", "ana", "--dry-run"]);
    assert!(looked.contains("8 texts of ana would be erased"), "{looked}");
    assert_eq!(holding(&data, "zebra").len(), before.len());

    let erased = done(&watchbell, &["journal", "erase", "--person", "ana"]);
    assert!(erased.contains("8 texts of ana erased"), "{erased}");
    assert_eq!(holding(&data, "zebra"), Vec::<PathBuf>::new());
    let verified = done(&watchbell, &["journal", "verify"]);
    assert!(verified.contains("whole:"), "{verified}");
    let shown = |watchbell: &Watchbell| {
        let timeline = watchbell.items("/api/v1/incidents/INC-1/timeline");
        (watchbell.json("/api/v1/incidents/INC-1"), timeline)
    };
    let running = shown(&watchbell);
    let text = format!("{running:?}");
    assert!(text.contains("[erased]") && text.contains("camel stays") && !text.contains("zebra"), "{text}");
    let noted = done(&watchbell, &["journal", "export"]);
    assert!(noted.contains(r#""upkeep":{"erased":{"whose":"ana","texts":8"#), "{noted}");
    watchbell.process.kill();
    watchbell.start_again();
    assert_eq!(shown(&watchbell), running, "the same after a restart");
    assert_eq!(watchbell.command("ana", "/incident note INC-1 zebra eight")["ok"], true);

    // Without a server, under the lock: one event, by its number.
    watchbell.process.stop(Duration::from_secs(10));
    let exported = done(&watchbell, &["journal", "export"]);
    let line = exported.lines().find(|line| line.contains("zebra eight")).expect("the note");
    let seq = serde_json::from_str::<serde_json::Value>(line).expect("JSON")["seq"].to_string();
    let erased = done(&watchbell, &["journal", "erase", "--seq", &seq]);
    assert!(erased.contains(&format!("1 text in event {seq} erased")), "{erased}");
    assert_eq!(holding(&data, "zebra"), Vec::<PathBuf>::new());
    let nothing = done(&watchbell, &["journal", "erase", "--seq", &seq]);
    assert!(nothing.contains("nothing to erase"), "{nothing}");
}

#[test]
fn an_erasure_that_was_interrupted_is_finished_by_the_next_start() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    watchbell.command("ana", "/incident open P1 zebra is down");
    watchbell.command("ana", "/incident note INC-1 zebra is back");
    let archive = folder.path().join("archive");
    done(
        &watchbell,
        &["journal", "archive", "--before", "2000-01-01", "--to", archive.to_str().expect("UTF-8")],
    );
    watchbell.process.kill();
    // It had noted what it was about to do, and came no further.
    let data = watchbell.data();
    let after =
        fs::read_to_string(data.join("journal/0000000001.jsonl")).expect("the journal").lines().count() - 1;
    begins_to_erase(&data, after);
    assert!(!holding(&data, "zebra").is_empty());
    for _ in 0..2 {
        watchbell.start_again();
        assert_eq!(holding(&data, "zebra"), Vec::<PathBuf>::new());
        assert!(!data.join("erasing.json").exists(), "it is finished");
        let exported = done(&watchbell, &["journal", "export"]);
        assert_eq!(exported.matches(r#""erased":{"whose":"ana","texts":2"#).count(), 1, "noted once");
    }
    let title = watchbell.json("/api/v1/incidents/INC-1");
    assert!(title.to_string().contains("[erased]"), "{title}");
}

#[test]
fn an_erasure_that_did_not_end_is_finished_before_the_next_one() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let watchbell = Watchbell::here(folder.path(), &config(&phone));
    watchbell.command("ana", "/incident open P1 zebra is down");
    watchbell.command("ben", "/incident note INC-1 camel is back");
    let data = watchbell.data();
    // The disk refused it half-way: the note stands, and nothing was overwritten.
    begins_to_erase(&data, done(&watchbell, &["journal", "export"]).lines().count());
    let looked = done(&watchbell, &["journal", "erase", "--person", "ben", "--dry-run"]);
    assert!(looked.contains("would be erased") && !holding(&data, "zebra").is_empty(), "{looked}");
    done(&watchbell, &["journal", "erase", "--person", "ben"]);
    assert_eq!([holding(&data, "zebra"), holding(&data, "camel")], [const { Vec::<PathBuf>::new() }; 2]);
    let exported = done(&watchbell, &["journal", "export"]);
    for whose in ["ana", "ben"] {
        assert_eq!(exported.matches(&format!(r#""erased":{{"whose":"{whose}""#)).count(), 1, "{exported}");
    }
    assert!(!data.join("erasing.json").exists(), "it is finished");
}

#[test]
fn an_erasure_is_done_to_its_end_although_nobody_waits_for_it() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    watchbell.command("ana", "/incident open P1 zebra is down");
    watchbell.process.stop(Duration::from_secs(10));
    let data = watchbell.data();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let loaded = config::load(Some(&folder.path().join("config")), &|_| None).expect("a configuration");
        let upkeep = app::alone(&data, loaded.config, &loaded.settings).await.expect("nobody else is there");
        let wanted = Wanted { person: Some("ana".into()), ..Wanted::default() };
        let mut erasing = Box::pin(upkeep.erase(wanted, false, Actor::Operator, TraceId(1)));
        assert!(futures_util::poll!(&mut erasing).is_pending(), "it has only begun");
        drop(erasing);
        let gone = until(SOON, || (holding(&data, "zebra").is_empty()).then_some(()));
        assert!(gone.is_some(), "the words are gone");
        let noted = until(SOON, || (!data.join("erasing.json").exists()).then_some(()));
        assert!(noted.is_some(), "and it came to its end");
    });
    let exported = done(&watchbell, &["journal", "export"]);
    assert!(exported.contains(r#""erased":{"whose":"ana","texts":1"#), "{exported}");
}

/// A journal of many small segments, as years would leave it.
fn old_journal(data: &Path) {
    begun_with(data, Config::default(), Vec::new());
}

/// The same, in which something else came first.
fn begun_with(data: &Path, config: Config, first: Vec<Intent>) {
    let options = Options { segment_bytes: 4_000, reserve_bytes: 0, ahead_bytes: 0 };
    let (journal, _) = FileJournal::open(data, options).expect("a journal");
    let mut core =
        Core::open(Box::new(journal), Arc::new(config), State::default()).expect("an empty journal");
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    for first in first {
        core.decide(TraceId(99), first, Now { engine: start, civil: start }).expect("it is taken");
    }
    for number in 0..60_u8 {
        let at = start + SignedDuration::from_mins(number.into());
        let text = Prose::new(&format!("zebra {number}"), [number; 16]);
        let by = Actor::Person("ana".into());
        let intent = Intent::Announce { channel: "#ops".into(), text, by };
        core.decide(TraceId(number.into()), intent, Now { engine: at, civil: at }).expect("it is taken");
        core.commit().expect("it is durable");
    }
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(&data.join("journal"), &mut all);
    all.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    all.sort();
    all
}

#[test]
fn old_segments_go_to_an_archive_and_the_server_goes_on() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let data = folder.path().join("data");
    old_journal(&data);
    let many = segments(&data).len();
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    let archive = folder.path().join("archive");
    let to = archive.to_str().expect("UTF-8");
    let moved = done(&watchbell, &["journal", "archive", "--before", "2026-06-01", "--to", to]);
    assert!(moved.contains("segments archived to") && moved.contains("up to event"), "{moved}");
    assert!(segments(&data).len() < many && segments(&archive).len() > 3, "{moved}");
    assert_eq!(segments(&data).len() + segments(&archive).len(), many);
    assert_eq!(watchbell.command("ben", "/incident open P1 after the archive")["ok"], true);
    assert!(done(&watchbell, &["journal", "verify", "--with", to]).contains("the journal goes on from them"));
    assert!(
        done(&watchbell, &["journal", "archive", "--before", "2026-06-01", "--to", to])
            .contains("No segment")
    );

    // With a snapshot the archive is not needed; without one it is read; gone, the start says what is missing.
    watchbell.process.kill();
    let away = folder.path().join("away");
    fs::rename(&archive, &away).expect("a folder that is not reachable");
    watchbell.start_again();
    watchbell.process.stop(Duration::from_secs(10));
    fs::remove_dir_all(data.join("snapshots")).expect("no snapshot");
    let refused = watchbell.other(&["serve"]);
    assert!(!refused.status.success() && said(&refused).contains(to), "{}", said(&refused));
    fs::rename(&away, &archive).expect("it is back");
    watchbell.start_again();
    let incidents = watchbell.items("/api/v1/incidents");
    assert_eq!(incidents.len(), 1, "{incidents:?}");

    // The server's own words name the archive, and there it is erased, too.
    let erased = done(&watchbell, &["journal", "erase", "--person", "ana", "--with", to]);
    assert!(erased.contains("texts erased"), "{erased}");
    assert_eq!(holding(folder.path(), "zebra"), Vec::<PathBuf>::new());
    assert!(done(&watchbell, &["journal", "verify", "--with", to]).contains("whole:"));
}

#[test]
fn a_timeline_whose_beginning_is_archived_says_so_and_shows_the_rest() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let data = folder.path().join("data");
    let title = Prose::new("disks are slow", [7; 16]);
    let what = IncidentIntent::Open { severity: "P3".into(), title, channel: None };
    let by = Actor::Person("ana".into());
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let alert = |status| {
        let labels = [("alertname", "DiskSlow"), ("service", "noise"), ("severity", "info")];
        Intent::Report(report(vec![signal(status, &labels, start)]))
    };
    let first = vec![Intent::Incident { what, by }, alert(AlertStatus::Firing), alert(AlertStatus::Resolved)];
    begun_with(&data, crate::world::config::config(), first);
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    assert_eq!(watchbell.command("ana", "/incident note INC-1 looking at it")["ok"], true);
    let shown = |watchbell: &Watchbell| {
        let page = watchbell.json("/api/v1/incidents/INC-1/timeline?limit=2");
        let told = watchbell.command("ana", "/incident timeline INC-1").to_string();
        (page, told)
    };
    let sentence = "Older entries are in an archive of the journal";
    let (page, told) = shown(&watchbell);
    assert!(page["archived"] == false && page["items"][0]["kind"] == "incident_opened", "{page}");
    assert!(!told.contains(sentence), "{told}");
    assert_eq!(page["archives"].as_array().map(Vec::len), Some(0), "{page}");
    assert!(watchbell.command("ana", "/alert show A-1").to_string().contains("DiskSlow"));

    let archive = folder.path().join("archive");
    let to = archive.to_str().expect("UTF-8");
    done(&watchbell, &["journal", "archive", "--before", "2026-06-01", "--to", to]);
    // With the views that know what was there, and with views that never saw it.
    for fresh in [false, true] {
        if fresh {
            watchbell.process.stop(Duration::from_secs(10));
            fs::remove_dir_all(data.join("views")).expect("no views");
            watchbell.start_again();
            let views = || http::get(watchbell.port, "/api/v1/incidents/INC-1/timeline").ok();
            until(SOON, || views().filter(http::Answer::ok)).expect("the views are back");
        }
        let (page, told) = shown(&watchbell);
        assert_eq!(page["archived"], true, "{page}");
        assert!(page["items"].to_string().contains("looking at it"), "{page}");
        assert!(!page.to_string().contains("incident_opened"), "{page}");
        assert!(told.contains(sentence) && told.contains("looking at it"), "{told}");
        // Wherever something of it is missing it is said, and where it is.
        assert_eq!(page["archives"], serde_json::json!([to]));
        let place = format!("{sentence} ({to})");
        assert!(told.contains(&place), "{told}");
        for (text, done) in [
            ("/incident show INC-1", true),
            ("/incident postmortem INC-1", true),
            ("/alert show A-1", false),
            ("/alert explain A-1", false),
        ] {
            let answer = watchbell.command("ana", text);
            assert_eq!(answer["ok"], done, "{text}: {answer}");
            assert!(answer.to_string().contains(&place), "{text}: {answer}");
        }
        for path in ["/api/v1/alerts/A-1", "/api/v1/alerts/A-1/explain"] {
            let answer = watchbell.get(path);
            assert!(answer.status == 404 && answer.body.contains(&place), "{path}: {answer:?}");
        }
        let never = watchbell.command("ana", "/alert show A-77").to_string();
        assert!(!never.contains(sentence) && never.contains("There is no alert A-77"), "{never}");
        assert!(!watchbell.get("/api/v1/alerts/A-77").body.contains(sentence), "there never was one");
    }
}

#[test]
fn a_backup_of_a_running_server_comes_back_with_all_that_was_answered_before_it() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let watchbell = Watchbell::here(folder.path(), &config(&phone));
    let load = load::Load::start(watchbell.port);
    let to = folder.path().join("backup");
    let backup = to.to_str().expect("UTF-8").to_owned();
    let mut answered = 0;
    for round in 1..=3 {
        load.more(200);
        let goal = round * 60;
        until(SOON, || (load.accepted().len() >= goal).then_some(())).expect("alerts are accepted");
        answered = load.accepted().len();
        let made = done(&watchbell, &["backup", "--to", &backup]);
        assert!(made.contains("backed up and read back"), "{made}");
    }
    let data = watchbell.data();
    let here = watchbell.other(&["restore", "--from", &backup]);
    assert!(!here.status.success() && said(&here).contains("in use by another Watchbell"), "{}", said(&here));
    // By every name of its folder.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&data, &link).expect("a link");
    for name in ["data", "./data/../data", "link", link.to_str().expect("UTF-8")] {
        let over = std::process::Command::new(crate::peer::watchbell::here())
            .args(["restore", "--from", &backup, "--data", name])
            .current_dir(folder.path())
            .output()
            .expect("the binary runs");
        let said = said(&over);
        assert!(!over.status.success() && said.contains("in use by another Watchbell"), "{name}: {said}");
    }
    let _ = load.stop();
    drop(watchbell);
    let over = std::process::Command::new(crate::peer::watchbell::here())
        .args(["restore", "--from", &backup, "--data"])
        .arg(&data)
        .output()
        .expect("the binary runs");
    assert!(!over.status.success() && said(&over).contains("not empty"), "{}", said(&over));

    let other = tempfile::tempdir().expect("a folder");
    let restored = std::process::Command::new(crate::peer::watchbell::here())
        .args(["restore", "--from", &backup, "--data"])
        .arg(other.path().join("data"))
        .output()
        .expect("the binary runs");
    assert!(restored.status.success() && said(&restored).contains("events 1 to"), "{}", said(&restored));
    let watchbell = Watchbell::here(other.path(), &config(&phone));
    let alerts = watchbell.items("/api/v1/alerts?status=firing");
    assert!(alerts.len() >= answered, "{} of {answered}", alerts.len());
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    for alert in &alerts {
        *names.entry(alert["labels"]["alertname"].to_string()).or_default() += 1;
    }
    assert!(names.values().all(|times| *times == 1));
}

#[test]
fn damage_in_an_old_segment_turns_readiness_red_and_wakes_the_admins_once() {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let data = folder.path().join("data");
    old_journal(&data);
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    let to = folder.path().join("archive");
    // For the snapshot, so that a start need not read what is damaged.
    done(&watchbell, &["journal", "archive", "--before", "2000-01-01", "--to", to.to_str().expect("UTF-8")]);
    watchbell.process.stop(Duration::from_secs(10));
    let old = segments(&data).remove(1);
    let whole = fs::read(&old).expect("a segment");
    let mut bytes = whole.clone();
    let place = bytes.iter().position(|byte| *byte == b'\n').expect("a header") + 60;
    bytes[place] ^= 1;
    fs::write(&old, bytes).expect("a bit that turned");

    watchbell.process = watchbell.again();
    let ready = || http::get(watchbell.port, "/readyz").ok();
    let red = until(SOON, || ready().filter(|answer| answer.status == 503 && answer.body.contains(":2")));
    let red =
        red.unwrap_or_else(|| panic!("it never turned red: {:?}\n{}", ready(), watchbell.process.tail()));
    let name = old.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(red.body.contains(&name) && red.body.contains("event"), "{}", red.body);
    let page = phone.wait(SOON, |request| request.is_page() && request.body.contains(&name));
    let page = page.unwrap_or_else(|| panic!("nobody was paged:\n{}", watchbell.process.tail()));
    assert!(page.path.ends_with("/ben"), "{page:?}");
    let damaged = until(SOON, || (watchbell.figure("watchbell_journal_damaged_lines") == 1).then_some(()));
    assert!(damaged.is_some(), "{}", watchbell.get("/metrics").body);
    assert!(watchbell.process.tail().contains("the journal is damaged"), "{}", watchbell.process.tail());

    // Whoever asks the doctor reads the same.
    let answer = watchbell.command("ben", "/watchbell doctor").to_string();
    assert!(answer.contains(&name) && answer.contains("watchbell journal verify"), "{answer}");

    // Nobody is paged again for the same line, and a good copy makes all well.
    watchbell.process.kill();
    watchbell.process = watchbell.again();
    let red = until(SOON, || ready().filter(|answer| answer.status == 503 && answer.body.contains(&name)));
    assert!(red.is_some(), "{}", watchbell.process.tail());
    let pages =
        || phone.heard().iter().filter(|request| request.is_page() && request.body.contains(&name)).count();
    let keys: std::collections::BTreeSet<_> = phone
        .heard()
        .iter()
        .filter(|request| request.is_page())
        .filter_map(|request| request.header("idempotency-key").map(str::to_owned))
        .collect();
    assert_eq!(keys.len(), 1, "{} pages", pages());
    watchbell.process.kill();
    fs::write(&old, whole).expect("a good copy");
    watchbell.start_again();
    let exported =
        until(SOON, || Some(done(&watchbell, &["journal", "export"])).filter(|it| it.contains("\"whole\"")));
    assert!(exported.is_some(), "that it is whole again is noted");
}
