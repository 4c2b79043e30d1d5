//! What an interaction asks for: who, where, and which command stands behind the button or the form. Never takes what
//! belongs to another guild or application, and never a form that lacks a field.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Hub,
    components::{HOLDS, KEPT, OPENS, WITH_FORM},
    hearing::NO_GUILD,
    listen::Listening,
    outward::is_id,
    typed, wire,
};
use crate::{
    chat::port::{Act, MessageRef, Room, Strange},
    text::{card::Form, discord as say},
};

/// An interaction.
pub(super) struct Asked {
    pub hub: Arc<Hub>,
    pub id: String,
    pub token: String,
    pub account: String,
    pub room: Option<Room>,
    /// 2: a command, 3: a button or a list, 4: somebody is typing, 5: a form.
    pub kind: u64,
    /// The message with the button, or behind the form.
    pub message: Option<MessageRef>,
    pub received: Instant,
}

/// What an interaction asks for.
pub(super) enum Meant {
    Act(Act),
    Open(Box<Form>),
    /// Nothing that can be done: why, and what the person is told.
    Nothing(Strange, &'static str),
}

impl Asked {
    pub(super) fn read(hub: &Arc<Hub>, data: &Value, guild: Option<&str>) -> Self {
        let member = data.get("member").and_then(|member| member.get("user"));
        let account =
            member.or_else(|| data.get("user")).map(|user| wire::text(user, "id")).unwrap_or_default();
        let channel = wire::some(data, "channel_id");
        let room = channel.map(|id| {
            let mut rooms = hub.rooms();
            if let (Some(channel), Some(guild)) = (data.get("channel"), guild) {
                rooms.learn(channel, guild);
            }
            rooms.room(&id, guild.unwrap_or(NO_GUILD))
        });
        let message = data.get("message").and_then(|message| {
            let of = wire::some(message, "channel_id").or_else(|| wire::some(data, "channel_id"));
            wire::message(of.unwrap_or_default(), wire::text(message, "id"))
        });
        Self {
            hub: Arc::clone(hub),
            id: wire::text(data, "id"),
            token: wire::text(data, "token"),
            account,
            room,
            kind: wire::number(data, "type"),
            message,
            received: Instant::now(),
        }
    }

    pub(super) fn act(&self, listening: &Listening, whole: &Value) -> Meant {
        let none = Value::Null;
        let data = whole.get("data").unwrap_or(&none);
        let id = wire::text(data, "custom_id");
        let press = |command: &str| Act::Press { command: command.to_owned(), message: self.message.clone() };
        match self.kind {
            2 => Meant::Act(Act::Command(typed::text(data, &listening.specs))),
            3 => {
                let chosen = wire::list(data, "values").first().and_then(Value::as_str);
                if let Some(kept) = id.strip_prefix(OPENS) {
                    return self
                        .hub
                        .form(kept)
                        .map_or(Meant::Nothing(Strange::Forgotten, say::FORM_EXPIRED), |form| {
                            Meant::Open(form.into())
                        });
                }
                if let Some(form) = self.hub.form_behind(&id) {
                    return Meant::Open(form.into());
                }
                let command = chosen.unwrap_or_else(|| id.strip_prefix(WITH_FORM).unwrap_or(&id));
                if command.starts_with('/') {
                    Meant::Act(press(command))
                } else {
                    Meant::Nothing(Strange::Forgotten, say::BUTTON_UNKNOWN)
                }
            }
            5 => {
                let held = id.strip_prefix(HOLDS).map(str::to_owned);
                let command = held.or_else(|| Some(self.hub.form(id.strip_prefix(KEPT)?)?.command));
                let mut values = BTreeMap::new();
                fill(data, &mut values);
                match command {
                    None => Meant::Nothing(Strange::Forgotten, say::FORM_EXPIRED),
                    Some(command) if !is_filled(&command, &values) => {
                        Meant::Nothing(Strange::Incomplete, say::FORM_INCOMPLETE)
                    }
                    Some(command) => Meant::Act(Act::Submit { command, values }),
                }
            }
            _ => Meant::Nothing(Strange::Forgotten, say::BUTTON_UNKNOWN),
        }
    }

    /// Whether it says where its answer goes. Nothing else may become part of an address.
    pub(super) fn can_be_answered(&self) -> bool {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
        is_id(&self.id) && !self.token.is_empty() && self.token.bytes().all(letter)
    }

    /// What is wrong with it before its meaning is looked at, and what its person is told.
    pub(super) fn wrong(&self, data: &Value, guild: Option<&str>) -> Option<(Strange, &'static str)> {
        let ours = self.hub.options.guild.map(|guild| guild.to_string());
        let app = wire::some(data, "application_id");
        if self.hub.me().is_some_and(|me| app.is_some_and(|app| app != me.app)) {
            return Some((Strange::Foreign, say::OTHER_APP));
        }
        if guild.is_some() && ours.is_some() && guild != ours.as_deref() {
            return Some((Strange::Foreign, say::OTHER_GUILD));
        }
        let readable = is_id(&self.account) && data.get("data").is_some_and(Value::is_object);
        (!readable).then_some((Strange::Unreadable, say::UNREADABLE))
    }

    /// Whether the answer can leave the message alone: it belongs to one that stands already.
    pub(super) fn on_message(&self) -> bool {
        self.kind == 3 || (self.kind == 5 && self.message.is_some())
    }
}

/// Whether every place of a form's command has its field.
fn is_filled(command: &str, values: &BTreeMap<String, String>) -> bool {
    let places = command.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    places.map(|(name, _)| name).all(|name| values.contains_key(name))
}

/// What was written into a form, wherever Discord puts it.
fn fill(value: &Value, values: &mut BTreeMap<String, String>) {
    for component in wire::list(value, "components") {
        fill(component, values);
        for component in [Some(component), component.get("component")].into_iter().flatten() {
            let Some(name) = wire::some(component, "custom_id") else { continue };
            let chosen = wire::list(component, "values").first().and_then(Value::as_str);
            let written = chosen.map_or_else(|| wire::text(component, "value"), str::to_owned);
            values.insert(name, written);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_complete_when_every_place_has_its_field() {
        let values = BTreeMap::from([("text".to_owned(), String::new())]);
        for (command, expected) in [
            ("/incident note INC-3 {text}", true),
            ("/incident open {severity} {text}", false),
            ("/status", true),
        ] {
            assert_eq!(is_filled(command, &values), expected, "{command}");
        }
    }

    #[test]
    fn what_was_written_is_found_wherever_it_stands() {
        let mut values = BTreeMap::new();
        let label =
            json!({ "type": 18, "component": { "type": 3, "custom_id": "severity", "values": ["P1"] } });
        let row = json!({ "type": 1, "components": [{ "type": 4, "custom_id": "text", "value": "x" }] });
        fill(&json!({ "components": [label, row, null, 7] }), &mut values);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values, BTreeMap::from([pair("severity", "P1"), pair("text", "x")]));
    }
}
