//! What `watchbell doctor` finds on a Discord where something is missing, and what to do about it. Never finds fault
//! with what the configuration does not need.

use serde_json::json;
use watchbell::chat::{
    discord::{Discord, Options, RoomStyle, Wanted},
    port::{Failure, Finding, Platform, Remedy},
};

use super::{
    World,
    fake::{APP, ARCHIVE, CATEGORY, Fake, GUILD, OPS},
    options,
};

const ROOMS: &str = "rooms of incidents";
const AWAY: &str = "archive of rooms";
const THREADS: &str = "threads of incidents";
const NAMED: &str = "#ops";

async fn found(fake: &Fake, change: impl FnOnce(&mut Options), rooms: &[&str]) -> Vec<Finding> {
    fake.state().date = Some("Mon, 05 Jan 2026 09:00:00 GMT".into());
    let mut options = options(fake);
    change(&mut options);
    let rooms: Vec<String> = rooms.iter().map(|room| (*room).to_owned()).collect();
    Discord::new(options).unwrap().examine(&rooms).await
}

/// What is wrong, by what was looked at, with the permission that is missing.
fn lacking(found: &[Finding]) -> Vec<(&str, String)> {
    let wrong = found.iter().filter_map(|finding| match &finding.good {
        Ok(_) => None,
        Err(Failure::Refused { remedy: Some(Remedy::Permission { name, .. }), .. }) => {
            Some((&*finding.what, name.clone()))
        }
        other => panic!("{}: {other:?}", finding.what),
    });
    wrong.collect()
}

fn remedy(found: &[Finding], what: &str) -> Option<Remedy> {
    match found.iter().find(|finding| finding.what == what).map(|finding| &finding.good) {
        Some(Err(Failure::Refused { remedy, .. })) => remedy.clone(),
        other => panic!("{what}: {other:?} in {found:?}"),
    }
}

#[tokio::test]
async fn every_permission_that_is_needed_is_looked_at_and_no_other() {
    let fake = Fake::start().await;
    let all = fake.state().allowed;
    let (category, archive) = (CATEGORY.parse().ok(), ARCHIVE.parse().ok());
    let channels = RoomStyle::Channels { category, archive };
    let threads = RoomStyle::Threads { channel: OPS.parse().unwrap() };
    // The permission's bit and name; who needs it where rooms are channels, private threads, not wanted at all.
    let rows: [(u32, &str, [&[&str]; 3]); 12] = [
        (4, "Manage Channels", [&[ROOMS, AWAY], &[], &[]]),
        (28, "Manage Roles", [&[ROOMS, AWAY], &[], &[]]),
        (11, "Send Messages", [&[ROOMS, NAMED], &[NAMED], &[NAMED]]),
        (14, "Embed Links", [&[ROOMS, NAMED], &[THREADS, NAMED], &[NAMED]]),
        (15, "Attach Files", [&[ROOMS, NAMED], &[THREADS, NAMED], &[NAMED]]),
        (16, "Read Message History", [&[ROOMS, NAMED], &[THREADS, NAMED], &[NAMED]]),
        (35, "Create Public Threads", [&[ROOMS, NAMED], &[NAMED], &[NAMED]]),
        (36, "Create Private Threads", [&[], &[THREADS], &[]]),
        (38, "Send Messages in Threads", [&[ROOMS, NAMED], &[THREADS, NAMED], &[NAMED]]),
        (34, "Manage Threads", [&[], &[THREADS], &[]]),
        (51, "Pin Messages", [&[ROOMS], &[THREADS], &[]]),
        (40, "Moderate Members", [&[], &[], &[]]),
    ];
    let kinds = [(channels, Wanted::Public), (threads, Wanted::Private)];
    let kinds = [kinds[0].clone(), kinds[1].clone(), (kinds[0].0.clone(), Wanted::Nothing)];
    for (bit, name, expected) in rows {
        fake.state().allowed = all & !(1 << bit);
        for ((rooms, wanted), expected) in kinds.iter().zip(expected) {
            let change = |options: &mut Options| (options.rooms, options.wanted) = (rooms.clone(), *wanted);
            let found = found(&fake, change, &["#ops"]).await;
            let expected: Vec<(&str, String)> =
                expected.iter().map(|what| (*what, name.to_owned())).collect();
            assert_eq!(lacking(&found), expected, "{name}, {rooms:?}, {wanted:?}");
        }
    }
    // Who does not see a place can do nothing in it.
    fake.state().allowed = all & !(1 << 10);
    let found = found(&fake, |_| {}, &["#ops"]).await;
    let missing = lacking(&found);
    assert!(
        missing.iter().any(|(what, name)| *what == NAMED && name.starts_with("View Channel, Send Messages"))
    );
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn overwrites_count_as_discord_computes_them_and_a_thread_has_those_of_its_channel() {
    let fake = Fake::start().await;
    let category = CATEGORY.parse().ok();
    let style = RoomStyle::Channels { category, archive: None };
    let deny =
        |bit: u32| json!([{ "id": GUILD, "type": 0, "allow": "0", "deny": (1_u64 << bit).to_string() }]);
    let thread = "110000000000000999";
    {
        let mut state = fake.state();
        state.channels.get_mut(CATEGORY).unwrap()["permission_overwrites"] = deny(4);
        state.channels.get_mut(OPS).unwrap()["permission_overwrites"] = deny(38);
        let inside = json!({ "id": thread, "name": "old", "type": 11, "parent_id": OPS, "guild_id": GUILD });
        state.channels.insert(thread.into(), inside);
    }
    let found = found(&fake, |options| options.rooms = style, &[thread, "#quiet"]).await;
    let place = format!("#{thread}");
    assert_eq!(
        lacking(&found),
        [(ROOMS, "Manage Channels".to_owned()), (&*place, "Send Messages in Threads".to_owned())]
    );
    let room = Some("#Incidents".to_owned());
    assert_eq!(remedy(&found, ROOMS), Some(Remedy::Permission { name: "Manage Channels".into(), room }));
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn places_that_are_none_and_a_bot_that_is_not_there_are_found() {
    let fake = Fake::start().await;
    for (category, archive, what) in [(OPS, ARCHIVE, ROOMS), (CATEGORY, "110000000000000404", AWAY)] {
        let style = RoomStyle::Channels { category: category.parse().ok(), archive: archive.parse().ok() };
        let found = found(&fake, |options| options.rooms = style, &[]).await;
        let wrong = if what == ROOMS { category } else { archive };
        assert_eq!(remedy(&found, what), Some(Remedy::NameRoom(wrong.into())));
    }
    let threads = RoomStyle::Threads { channel: CATEGORY.parse().unwrap() };
    let all = found(&fake, |options| options.rooms = threads, &[]).await;
    assert_eq!(remedy(&all, THREADS), Some(Remedy::NameRoom(CATEGORY.into())));
    let missing_access = json!({ "code": 50_001, "message": "Missing Access" });
    fake.fail(&format!("GET /applications/{APP}/guilds"), 403, missing_access.clone());
    let all = found(&fake, |_| {}, &[]).await;
    assert_eq!(remedy(&all, "commands"), Some(Remedy::Scope("applications.commands".into())));
    for call in [format!("GET /guilds/{GUILD}"), format!("GET /guilds/{GUILD}/members")] {
        fake.fail(&call, 404, json!({ "code": 10_004, "message": "Unknown Guild" }));
        let all = found(&fake, |_| {}, &["#ops"]).await;
        let what = if call.ends_with("members") { "membership" } else { "server" };
        assert_eq!(remedy(&all, what), Some(Remedy::Install));
        assert!(!all.iter().any(|finding| finding.what == NAMED), "{all:?}");
    }
    let found = found(&fake, |options| options.content = true, &[]).await;
    assert_eq!(remedy(&found, "intent MESSAGE_CONTENT"), Some(Remedy::Intent("MESSAGE_CONTENT".into())));
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_examination_finds_what_is_wrong() {
    let world = World::with(|options| options.members = true).await;
    world.fake.state().date = Some("Mon, 05 Jan 2026 09:05:00 GMT".into());
    world.fake.state().channels.get_mut(OPS).unwrap()["permission_overwrites"] =
        json!([{ "id": GUILD, "type": 0, "allow": "0", "deny": "2048" }]);
    let rooms = ["#ops".to_owned(), "#quiet".into(), "#nowhere".into()];
    let found = world.discord.examine(&rooms).await;
    let said =
        |what: &str| found.iter().find(|finding| finding.what == what).map(|finding| finding.good.clone());
    let remedy = |what: &str| match said(what) {
        Some(Err(Failure::Refused { remedy, .. })) => remedy,
        other => panic!("{what}: {other:?}"),
    };
    assert_eq!((said("bot token"), said("server")), (Some(Ok("watchbell".into())), Some(Ok("Home".into()))));
    assert_eq!(remedy("clock"), Some(Remedy::SetClock));
    assert_eq!(remedy("intent GUILD_MEMBERS"), Some(Remedy::Intent("GUILD_MEMBERS".into())));
    assert_eq!(
        remedy("#ops"),
        Some(Remedy::Permission { name: "Send Messages".into(), room: Some("#ops".into()) })
    );
    assert_eq!(remedy("#nowhere"), Some(Remedy::NameRoom("#nowhere".into())));
    assert!(matches!(said("#quiet"), Some(Ok(_))));
    world.fake.state().revoked = true;
    let found = world.discord.examine(&rooms).await;
    assert!(matches!(&found[0].good, Err(Failure::Refused { remedy: Some(Remedy::Token(_)), .. })));
    world.keeps_the_rules();
}
