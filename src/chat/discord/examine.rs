//! Looks whether Discord is set up as it has to be: token, guild, intents, clock, rooms. Only asks; never changes
//! anything, and never shows the token.

use jiff::SignedDuration;
use serde_json::Value;
use serenity::model::permissions::Permissions;
use tokio::time::{Duration, Instant, timeout_at};

use super::{
    Hub, RoomStyle, Wanted,
    memory::Known,
    outward,
    permission::{
        ATTACH, CHANNELS, EMBED, HISTORY, IN_THREADS, MANAGE_THREADS, Member, Named, PIN, PRIVATE_THREADS,
        ROLES, SEND, THREADS, VIEW, missing,
    },
    refusal::{self, About},
    rest::Call,
    rooms, wire,
};
use crate::{
    chat::port::{Failure, Finding, Remedy},
    text::discord as say,
};

/// Discord's code: the bot is not let in there.
const MISSING_ACCESS: u64 = 50_001;
/// A clock that is further off than this is wrong: signatures and links would be.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// After this the rooms that are left are not looked at.
const TOTAL: Duration = Duration::from_secs(9);
/// Flags of an application: the intent is on, in full or for a bot in few guilds.
const MEMBERS: u64 = 1 << 14 | 1 << 15;
const CONTENT: u64 = 1 << 18 | 1 << 19;
/// What the bot needs in a room where it says something.
const TALKS: [Named; 7] = [VIEW, SEND, EMBED, ATTACH, HISTORY, THREADS, IN_THREADS];
/// What it needs in a thread: there nothing is sent by itself.
const TALKS_IN_THREAD: [Named; 5] = [VIEW, IN_THREADS, EMBED, ATTACH, HISTORY];
/// What it needs where channels are made for incidents; what it gives to people it must have itself.
const MAKES_CHANNELS: [Named; 10] =
    [CHANNELS, ROLES, VIEW, SEND, EMBED, ATTACH, HISTORY, THREADS, IN_THREADS, PIN];
/// What it needs where closed rooms are put.
const PUTS_AWAY: [Named; 3] = [VIEW, CHANNELS, ROLES];
/// What it needs in the channel whose threads are rooms.
const MAKES_THREADS: [Named; 7] = [VIEW, IN_THREADS, MANAGE_THREADS, EMBED, ATTACH, HISTORY, PIN];
/// Kinds of channels: ordinary ones, categories, announcements.
const TEXT: u64 = 0;
const CATEGORY: u64 = 4;
const ANNOUNCEMENTS: u64 = 5;

/// Everything that can be looked at.
pub(super) async fn examine(hub: &Hub, named: &[String]) -> Vec<Finding> {
    let by = Instant::now() + TOTAL;
    let mut found = Vec::new();
    let me = hub.rest.answer(Call::get("/users/@me")).await;
    let date = me.as_ref().ok().and_then(|answer| answer.date);
    let user = me.as_ref().map(|answer| wire::text(&answer.body, "id")).unwrap_or_default();
    let token = me.map(|answer| wire::name(&answer.body, None));
    let usable = token.is_ok();
    found.push(Finding { what: "bot token".into(), good: token });
    if !usable {
        return found;
    }
    if let Some(date) = date {
        let skew = (hub.options.clock)().duration_since(date);
        let why = format!("this clock is off by {:#}", SignedDuration::from_secs(skew.as_secs()));
        let wrong = Failure::Refused { why, remedy: Some(Remedy::SetClock) };
        let good = if skew.abs() > SKEW { Err(wrong) } else { Ok("agrees with Discord's".to_owned()) };
        found.push(Finding { what: "clock".into(), good });
    }
    let app = hub.rest.call(Call::get("/applications/@me")).await;
    found.extend(intents(hub, &app));
    let app = app.as_ref().ok().map(|app| wire::text(app, "id")).unwrap_or_default();
    found.push(commands(hub, &app).await);
    let Some(guild) = hub.options.guild else { return found };
    let server = hub.rest.call(Call::get(format!("/guilds/{guild}"))).await;
    let known = server.clone().ok();
    found.push(Finding {
        what: "server".into(),
        good: installed(server.map(|server| wire::text(&server, "name"))),
    });
    // Without the server there is nothing in it to look at.
    let Some(known) = known else { return found };
    let member = hub.rest.call(Call::get(format!("/guilds/{guild}/members/{user}"))).await;
    let member = match member {
        Ok(member) => Member::of(&known, &user, &member),
        Err(failure) => {
            found.push(Finding { what: "membership".into(), good: installed(Err(failure)) });
            return found;
        }
    };
    found.extend(
        timeout_at(by, for_rooms(hub, guild, &member))
            .await
            .unwrap_or_else(|_| vec![Finding { what: "rooms of incidents".into(), good: Err(too_late()) }]),
    );
    for name in named {
        let good = timeout_at(by, room(hub, name, &member)).await.unwrap_or_else(|_| Err(too_late()));
        found.push(Finding { what: format!("#{}", name.trim_start_matches('#')), good });
    }
    found
}

fn too_late() -> Failure {
    Failure::TryAgain("no answer in time".into())
}

/// Whether the commands can be registered: without the scope Discord does not even show them.
async fn commands(hub: &Hub, app: &str) -> Finding {
    let place = match hub.options.guild {
        Some(guild) => format!("/applications/{app}/guilds/{guild}/commands"),
        None => format!("/applications/{app}/commands"),
    };
    let good = match hub.rest.call(Call::get(place)).await {
        Ok(all) => Ok(match all.as_array().map(Vec::len).unwrap_or_default() {
            0 => say::NO_COMMANDS_YET.to_owned(),
            count => say::commands_known(count),
        }),
        Err(failure) if refusal::code(&failure) == Some(MISSING_ACCESS) => Err(Failure::Refused {
            why: "50001 Missing Access".into(),
            remedy: Some(Remedy::Scope("applications.commands".into())),
        }),
        Err(failure) => Err(failure),
    };
    Finding { what: "commands".into(), good }
}

/// Whether rooms for incidents can be made, filled and closed where they are to be.
async fn for_rooms(hub: &Hub, guild: u64, member: &Member) -> Vec<Finding> {
    let private = match hub.options.wanted {
        Wanted::Nothing => return Vec::new(),
        Wanted::Public => false,
        Wanted::Private => true,
    };
    let mut found = Vec::new();
    match &hub.options.rooms {
        RoomStyle::Threads { channel } => {
            let mut needed = MAKES_THREADS.to_vec();
            needed.push(if private { PRIVATE_THREADS } else { THREADS });
            // Announcements have no private threads.
            let kinds: &[u64] = if private { &[TEXT] } else { &[TEXT, ANNOUNCEMENTS] };
            let good = place(hub, guild, *channel, "text channel", kinds, &needed, member).await;
            found.push(Finding { what: "threads of incidents".into(), good });
        }
        RoomStyle::Channels { category, archive } => {
            let good = match category {
                Some(category) => {
                    place(hub, guild, *category, "category", &[CATEGORY], &MAKES_CHANNELS, member).await
                }
                None => allowed(member.everywhere(), &MAKES_CHANNELS, None),
            };
            found.push(Finding { what: "rooms of incidents".into(), good });
            if let Some(archive) = archive {
                let good = place(hub, guild, *archive, "category", &[CATEGORY], &PUTS_AWAY, member).await;
                found.push(Finding { what: "archive of rooms".into(), good });
            }
        }
    }
    found
}

/// A place that the configuration names by its id.
async fn place(
    hub: &Hub,
    guild: u64,
    id: u64,
    kind: &'static str,
    kinds: &[u64],
    needed: &[Named],
    member: &Member,
) -> Result<String, Failure> {
    let unknown = |why: String| Failure::Refused { why, remedy: Some(Remedy::NameRoom(id.to_string())) };
    let about = About::room(id, VIEW.1);
    let channel = match hub.rest.call(Call::get(format!("/channels/{id}")).about(about)).await {
        Err(Failure::Gone(why)) => return Err(unknown(why)),
        other => other?,
    };
    let ours = wire::text(&channel, "guild_id") == guild.to_string();
    if !ours || !kinds.contains(&wire::number(&channel, "type")) {
        return Err(unknown(say::is_no(kind)));
    }
    let name = format!("#{}", wire::text(&channel, "name"));
    allowed(member.inside(wire::list(&channel, "permission_overwrites")), needed, Some(name))
}

fn allowed(has: Permissions, needed: &[Named], room: Option<String>) -> Result<String, Failure> {
    match missing(has, needed) {
        None => Ok(say::ALLOWED.to_owned()),
        Some(name) => {
            let why = say::lacks(&name);
            Err(Failure::Refused { why, remedy: Some(Remedy::Permission { name, room }) })
        }
    }
}

/// A guild that is not there is one without the bot.
fn installed(server: Result<String, Failure>) -> Result<String, Failure> {
    server.map_err(|failure| match failure {
        Failure::Gone(why) | Failure::Refused { why, .. } => {
            Failure::Refused { why, remedy: Some(Remedy::Install) }
        }
        other => other,
    })
}

fn intents(hub: &Hub, app: &Result<Value, Failure>) -> Vec<Finding> {
    let wanted =
        [(hub.options.members, "GUILD_MEMBERS", MEMBERS), (hub.options.content, "MESSAGE_CONTENT", CONTENT)];
    let finding = |name: &str, bits: u64| {
        let good = match app.as_ref().map(|app| wire::number(app, "flags")) {
            Ok(flags) if flags & bits != 0 => Ok("on".to_owned()),
            Ok(_) => Err(Failure::Refused { why: "off".into(), remedy: Some(Remedy::Intent(name.into())) }),
            Err(failure) => Err(failure.clone()),
        };
        Finding { what: format!("intent {name}"), good }
    };
    wanted.iter().filter(|(wanted, _, _)| *wanted).map(|(_, name, bits)| finding(name, *bits)).collect()
}

/// A room that the configuration names. A thread has the permissions of its channel.
async fn room(hub: &Hub, name: &str, member: &Member) -> Result<String, Failure> {
    let room = rooms::find(hub, name).await?;
    let get = |id: String| {
        let about = About::room(&room.name, VIEW.1);
        hub.rest.call(Call::get(format!("/channels/{id}")).about(about))
    };
    let channel = get(room.id.to_string()).await?;
    let is_thread = hub.rooms().get(&room.id.0).is_some_and(Known::is_thread);
    let (holds, needed) = match wire::some(&channel, "parent_id").filter(|_| is_thread) {
        Some(parent) if outward::is_id(&parent) => (get(parent).await?, &TALKS_IN_THREAD[..]),
        _ => (channel, &TALKS[..]),
    };
    let has = member.inside(wire::list(&holds, "permission_overwrites"));
    allowed(has, needed, Some(room.name.clone()))
}
