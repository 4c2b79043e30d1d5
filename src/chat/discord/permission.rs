//! What the bot may do, computed from roles and overwrites as Discord documents it. Pure. Never takes an overwrite for
//! one of another role or member.

use serde_json::Value;
use serenity::model::permissions::Permissions;

use super::wire;

/// Pinning has a permission of its own, which the library does not know.
const PIN_MESSAGES: u64 = 1 << 51;

/// A permission, with Discord's name for it.
pub(super) type Named = (Permissions, &'static str);

pub(super) const VIEW: Named = (Permissions::VIEW_CHANNEL, "View Channel");
pub(super) const SEND: Named = (Permissions::SEND_MESSAGES, "Send Messages");
pub(super) const EMBED: Named = (Permissions::EMBED_LINKS, "Embed Links");
pub(super) const ATTACH: Named = (Permissions::ATTACH_FILES, "Attach Files");
pub(super) const HISTORY: Named = (Permissions::READ_MESSAGE_HISTORY, "Read Message History");
pub(super) const THREADS: Named = (Permissions::CREATE_PUBLIC_THREADS, "Create Public Threads");
pub(super) const PRIVATE_THREADS: Named = (Permissions::CREATE_PRIVATE_THREADS, "Create Private Threads");
pub(super) const IN_THREADS: Named = (Permissions::SEND_MESSAGES_IN_THREADS, "Send Messages in Threads");
pub(super) const MANAGE_THREADS: Named = (Permissions::MANAGE_THREADS, "Manage Threads");
pub(super) const CHANNELS: Named = (Permissions::MANAGE_CHANNELS, "Manage Channels");
pub(super) const ROLES: Named = (Permissions::MANAGE_ROLES, "Manage Roles");
pub(super) const PIN: Named = (Permissions::from_bits_retain(PIN_MESSAGES), "Pin Messages");

/// What is missing, as Discord calls it; none: nothing.
pub(super) fn missing(has: Permissions, needed: &[Named]) -> Option<String> {
    let missing: Vec<&str> =
        needed.iter().filter(|(one, _)| !has.contains(*one)).map(|(_, name)| *name).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// The bot as a member of a guild.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    guild: String,
    me: String,
    owner: bool,
    roles: Vec<String>,
    /// What its roles allow in the whole guild.
    base: Permissions,
}

impl Member {
    /// From the guild with its roles, and the membership.
    pub(super) fn of(guild: &Value, me: &str, member: &Value) -> Self {
        let id = wire::text(guild, "id");
        let roles: Vec<String> =
            wire::list(member, "roles").iter().filter_map(|role| Some(role.as_str()?.to_owned())).collect();
        // The role of everybody has the guild's id.
        let has = |role: &&Value| {
            let role = wire::text(role, "id");
            role == id || roles.contains(&role)
        };
        let own = wire::list(guild, "roles").iter().filter(has);
        let base = own.fold(Permissions::empty(), |all, role| all | bits(role, "permissions"));
        Self { owner: wire::text(guild, "owner_id") == me, guild: id, me: me.to_owned(), roles, base }
    }

    /// What it may do in the whole guild.
    pub(super) fn everywhere(&self) -> Permissions {
        let all = self.owner || self.base.contains(Permissions::ADMINISTRATOR);
        if all { everything() } else { self.base }
    }

    /// What it may do in a channel with these overwrites: of everybody, of its roles together, its own:
    /// <https://discord.com/developers/docs/topics/permissions#permission-overwrites>.
    pub(super) fn inside(&self, overwrites: &[Value]) -> Permissions {
        let base = self.everywhere();
        if base.contains(Permissions::ADMINISTRATOR) {
            return base;
        }
        let of = |wanted: &dyn Fn(&str) -> bool| {
            let matching = overwrites.iter().filter(|overwrite| wanted(&wire::text(overwrite, "id")));
            matching.fold((Permissions::empty(), Permissions::empty()), |(allow, deny), overwrite| {
                (allow | bits(overwrite, "allow"), deny | bits(overwrite, "deny"))
            })
        };
        let everybody = |id: &str| id == self.guild;
        let by_role = |id: &str| id != self.guild && self.roles.iter().any(|role| role == id);
        let myself = |id: &str| id == self.me;
        let steps: [&dyn Fn(&str) -> bool; 3] = [&everybody, &by_role, &myself];
        let has = steps.iter().fold(base, |has, step| {
            let (allow, deny) = of(*step);
            (has - deny) | allow
        });
        // Who does not see a channel can do nothing in it.
        if has.contains(Permissions::VIEW_CHANNEL) { has } else { Permissions::empty() }
    }
}

fn everything() -> Permissions {
    Permissions::from_bits_retain(u64::MAX)
}

fn bits(value: &Value, key: &str) -> Permissions {
    Permissions::from_bits_retain(wire::text(value, key).parse().unwrap_or_default())
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
        let roles = [role("5", view | send), role("8", none), role("9", Permissions::ADMINISTRATOR)];
        let guild = json!({ "id": "5", "owner_id": "1", "roles": roles });
        let member = Member::of(&guild, "100", &json!({ "roles": ["8"] }));
        for (overwrites, expected) in [
            (vec![], view | send),
            (vec![over("5", none, send)], view),
            (vec![over("5", none, send), over("8", send, none)], view | send),
            (vec![over("8", none, view), over("100", view, none)], view | send),
            (vec![over("9", none, view)], view | send),
            (vec![over("5", none, view)], none),
            (vec![over("100", none, send), over("8", send, none)], view),
        ] {
            assert_eq!(member.inside(&overwrites), expected, "{overwrites:?}");
        }
        let closed = [over("5", none, view)];
        let admin = Member::of(&guild, "100", &json!({ "roles": ["9"] }));
        assert_eq!(missing(admin.inside(&closed), &[VIEW, PIN, ROLES]), None);
        let owner = Member::of(&guild, "1", &json!({ "roles": [] }));
        assert_eq!(missing(owner.inside(&closed), &[VIEW, PIN]), None);
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        assert_eq!(
            missing(Permissions::VIEW_CHANNEL, &[VIEW, SEND, PIN]),
            Some("Send Messages, Pin Messages".into())
        );
    }
}
