//! Looks whether Discord is set up as it has to be: token, guild, intents, clock, rooms. Only asks; never changes
//! anything, and never shows the token.

use jiff::SignedDuration;
use serde_json::Value;
use serenity::model::permissions::Permissions;
use tokio::time::{Duration, Instant, timeout_at};

use super::{Hub, refusal::About, rest::Call, rooms, wire};
use crate::chat::port::{Failure, Finding, Remedy};

/// A clock that is further off than this is wrong: signatures and links would be.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// After this the rooms that are left are not looked at.
const TOTAL: Duration = Duration::from_secs(9);
/// Flags of an application: the intent is on, in full or for a bot in few guilds.
const MEMBERS: u64 = 1 << 14 | 1 << 15;
const CONTENT: u64 = 1 << 18 | 1 << 19;
/// What the bot needs in a room, with Discord's names.
const NEEDED: [(Permissions, &str); 6] = [
    (Permissions::VIEW_CHANNEL, "View Channel"),
    (Permissions::SEND_MESSAGES, "Send Messages"),
    (Permissions::EMBED_LINKS, "Embed Links"),
    (Permissions::ATTACH_FILES, "Attach Files"),
    (Permissions::READ_MESSAGE_HISTORY, "Read Message History"),
    (Permissions::CREATE_PUBLIC_THREADS, "Create Public Threads"),
];

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
    found.extend(intents(hub).await);
    let Some(guild) = hub.options.guild else { return found };
    let server = hub.rest.call(Call::get(format!("/guilds/{guild}"))).await;
    let roles = server.as_ref().map(|server| wire::list(server, "roles").to_vec()).unwrap_or_default();
    found.push(Finding {
        what: "server".into(),
        good: installed(server.map(|server| wire::text(&server, "name"))),
    });
    let member = hub.rest.call(Call::get(format!("/guilds/{guild}/members/{user}"))).await;
    let member = member.unwrap_or_default();
    for name in named {
        let good = timeout_at(by, room(hub, name, &guild.to_string(), &user, &roles, &member)).await;
        let good = good.unwrap_or_else(|_| Err(Failure::TryAgain("no answer in time".into())));
        found.push(Finding { what: format!("#{}", name.trim_start_matches('#')), good });
    }
    found
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

async fn intents(hub: &Hub) -> Vec<Finding> {
    let wanted =
        [(hub.options.members, "GUILD_MEMBERS", MEMBERS), (hub.options.content, "MESSAGE_CONTENT", CONTENT)];
    if wanted.iter().all(|(wanted, _, _)| !wanted) {
        return Vec::new();
    }
    let flags = hub.rest.call(Call::get("/applications/@me")).await.map(|app| wire::number(&app, "flags"));
    let finding = |name: &str, bits: u64| {
        let good = match &flags {
            Ok(flags) if flags & bits != 0 => Ok("on".to_owned()),
            Ok(_) => Err(Failure::Refused { why: "off".into(), remedy: Some(Remedy::Intent(name.into())) }),
            Err(failure) => Err(failure.clone()),
        };
        Finding { what: format!("intent {name}"), good }
    };
    wanted.iter().filter(|(wanted, _, _)| *wanted).map(|(_, name, bits)| finding(name, *bits)).collect()
}

async fn room(
    hub: &Hub,
    name: &str,
    guild: &str,
    me: &str,
    roles: &[Value],
    member: &Value,
) -> Result<String, Failure> {
    let room = rooms::find(hub, name).await?;
    let about = About::room(&room.name, "View Channel");
    let channel = hub.rest.call(Call::get(format!("/channels/{}", room.id)).about(about)).await?;
    let has = permissions(guild, me, roles, member, wire::list(&channel, "permission_overwrites"));
    match NEEDED.iter().find(|(needed, _)| !has.contains(*needed)) {
        None => Ok("can be written to".to_owned()),
        Some((_, missing)) => Err(Failure::Refused {
            why: format!("the bot lacks {missing}"),
            remedy: Some(Remedy::Permission { name: (*missing).to_owned(), room: Some(room.name) }),
        }),
    }
}

/// What a member may do in a channel:
/// <https://discord.com/developers/docs/topics/permissions#permission-overwrites>.
fn permissions(guild: &str, me: &str, roles: &[Value], member: &Value, overwrites: &[Value]) -> Permissions {
    let mine: Vec<&str> = wire::list(member, "roles").iter().filter_map(Value::as_str).collect();
    let bits = |value: &Value, key: &str| {
        Permissions::from_bits_retain(wire::text(value, key).parse().unwrap_or_default())
    };
    let has = |id: &str| id == guild || mine.contains(&id);
    let own = roles.iter().filter(|role| has(&wire::text(role, "id")));
    let base = own.fold(Permissions::empty(), |all, role| all | bits(role, "permissions"));
    if base.contains(Permissions::ADMINISTRATOR) {
        return Permissions::all();
    }
    let of = |wanted: &dyn Fn(&str) -> bool| {
        let matching = overwrites.iter().filter(|overwrite| wanted(&wire::text(overwrite, "id")));
        matching.fold((Permissions::empty(), Permissions::empty()), |(allow, deny), overwrite| {
            (allow | bits(overwrite, "allow"), deny | bits(overwrite, "deny"))
        })
    };
    let everybody = |id: &str| id == guild;
    let by_role = |id: &str| id != guild && mine.contains(&id);
    let myself = |id: &str| id == me;
    let steps: [&dyn Fn(&str) -> bool; 3] = [&everybody, &by_role, &myself];
    steps.iter().fold(base, |has, step| {
        let (allow, deny) = of(*step);
        (has - deny) | allow
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_bot_may_do_is_computed_as_discord_does() {
        let (view, send) = (Permissions::VIEW_CHANNEL, Permissions::SEND_MESSAGES);
        let role = |id: &str, has: Permissions| json!({ "id": id, "permissions": has.bits().to_string() });
        let over = |id: &str, allow: Permissions, deny: Permissions| json!({ "id": id, "allow": allow.bits().to_string(), "deny": deny.bits().to_string() });
        let none = Permissions::empty();
        let member = json!({ "roles": ["8"] });
        let roles = [role("5", view | send), role("8", none), role("9", Permissions::ADMINISTRATOR)];
        for (overwrites, expected) in [
            (vec![], view | send),
            (vec![over("5", none, send)], view),
            (vec![over("5", none, send), over("8", send, none)], view | send),
            (vec![over("8", none, view), over("100", view, none)], view | send),
            (vec![over("9", none, view)], view | send),
        ] {
            assert_eq!(permissions("5", "100", &roles, &member, &overwrites), expected, "{overwrites:?}");
        }
        let admin = json!({ "roles": ["9"] });
        assert_eq!(permissions("5", "100", &roles, &admin, &[over("5", none, view)]), Permissions::all());
    }
}
