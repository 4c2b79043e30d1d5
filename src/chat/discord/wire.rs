//! What Discord sends, read leniently: a field that is missing, new or of another type never makes an event unread.
//! Never decides what an event means.

use jiff::Timestamp;
use serde_json::Value;

use crate::chat::port::{MessageRef, RoomId};

/// Milliseconds of Discord's first second, from which its ids count.
const EPOCH: i64 = 1_420_070_400_000;

/// A text of an object; empty when there is none. Ids come as texts, and as numbers from some proxies.
pub(super) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A text that is there and not empty.
pub(super) fn some(value: &Value, key: &str) -> Option<String> {
    Some(text(value, key)).filter(|text| !text.is_empty())
}

/// A list of an object; empty when there is none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether something is said to be so.
pub(super) fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// A number; 0 when there is none.
pub(super) fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// Where a message is.
pub(super) fn message(room: String, message: String) -> Option<MessageRef> {
    (!room.is_empty() && !message.is_empty()).then_some(MessageRef { room: RoomId(room), message })
}

/// When something with this id was made.
pub(super) fn made_at(id: &str) -> Option<Timestamp> {
    let id: u64 = id.parse().ok()?;
    Timestamp::from_millisecond(i64::try_from(id >> 22).ok()? + EPOCH).ok()
}

/// What people see of an account: the name in the guild, the chosen one, the account's own.
pub(super) fn name(user: &Value, member: Option<&Value>) -> String {
    member
        .and_then(|member| some(member, "nick"))
        .or_else(|| some(user, "global_name"))
        .or_else(|| some(user, "username"))
        .unwrap_or_else(|| text(user, "id"))
}

/// A message's words as people read them: mentions by their names.
pub(super) fn words(message: &Value) -> String {
    let content = text(message, "content");
    let named = |id: &str| {
        let mut users = list(message, "mentions").iter();
        users.find(|user| text(user, "id") == id).map(|user| name(user, user.get("member")))
    };
    let mut plain = String::new();
    let mut rest = &*content;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((inner, behind)) = after.split_once('>') else {
            plain.push('<');
            rest = after;
            continue;
        };
        let emoji = inner.trim_start_matches('a').strip_prefix(':').and_then(|emoji| emoji.split_once(':'));
        let user = inner.strip_prefix('@').map(|id| id.trim_start_matches('!')).and_then(named);
        match (user, emoji) {
            (Some(user), _) => plain.extend(["@", &user]),
            (None, Some((emoji, _))) => plain.extend([":", emoji, ":"]),
            (None, None) => {
                plain.push('<');
                rest = after;
                continue;
            }
        }
        rest = behind;
    }
    plain.push_str(rest);
    if plain.trim().is_empty() {
        let embed = list(message, "embeds").first();
        let of = |key| embed.and_then(|embed| some(embed, key));
        plain = [of("title"), of("description")].into_iter().flatten().collect::<Vec<_>>().join("\n");
    }
    let files = list(message, "attachments").iter().filter_map(|file| some(file, "filename"));
    files.fold(plain, |mut plain, file| {
        if !plain.is_empty() {
            plain.push('\n');
        }
        plain.extend(["[", &file, "]"]);
        plain
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_read_as_people_see_them() {
        let ana = json!({ "id": "7", "username": "ana", "global_name": "Ana Ruiz" });
        for (content, expected) in [
            ("plain", "plain"),
            ("hi <@7> and <@!7>", "hi @Ana Ruiz and @Ana Ruiz"),
            ("x < y > z <@9>", "x < y > z <@9>"),
            ("<:wave:1> <a:dance:2>", ":wave: :dance:"),
            ("open <", "open <"),
        ] {
            assert_eq!(words(&json!({ "content": content, "mentions": [ana] })), expected);
        }
        let message = json!({ "embeds": [{ "title": "T", "description": "D" }], "attachments": [{ "filename": "a.png" }] });
        assert_eq!(words(&message), "T\nD\n[a.png]");
    }

    #[test]
    fn nothing_is_required_of_what_comes() {
        let odd = json!({ "id": 7, "list": {}, "flag": "yes" });
        assert_eq!((text(&odd, "id"), list(&odd, "list").len(), is(&odd, "flag")), ("7".into(), 0, false));
        assert_eq!(name(&odd, None), "7");
        assert_eq!(made_at("175928847299117063").unwrap().to_string(), "2016-04-30T11:18:25.796Z");
        assert_eq!(made_at("x"), None);
    }
}
