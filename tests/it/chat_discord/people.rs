//! What people do on the fake: they write, press, fill in, pin, react and come. Never talks to the adapter but by its
//! connection.

use std::time::Instant;

use serde_json::{Value, json};
use watchbell::chat::port::{MessageRef, RoomId};

use super::fake::{APP, Fake, GUILD, Interaction, OPS, Opened, Said};

impl Fake {
    /// In a person's own conversation there is no guild, and no member of one.
    fn interact(
        &self,
        account: &str,
        kind: u64,
        channel: &str,
        message: Option<&MessageRef>,
        data: Value,
    ) -> String {
        let mut state = self.state();
        let id = state.id();
        let token = format!("s3cret-interaction-{id}");
        let interaction = Interaction {
            token: token.clone(),
            account: account.into(),
            channel: message.map_or(channel.into(), |message| message.room.0.clone()),
            message: message.map(|message| message.message.clone()),
            kind,
            sent: Instant::now(),
            acknowledged: None,
            original: None,
            private: false,
        };
        let mut event = json!({
            "id": id, "application_id": APP, "type": kind, "token": token, "version": 1, "data": data,
            "channel_id": interaction.channel,
        });
        let user = json!({ "id": account, "username": "ana" });
        if let Some(channel) = state.channels.get(&interaction.channel) {
            event["guild_id"] = GUILD.into();
            event["channel"] =
                json!({ "id": channel["id"], "name": channel["name"], "type": channel["type"] });
            event["member"] = json!({ "user": user, "roles": [] });
        } else {
            event["channel"] = json!({ "id": interaction.channel, "type": 1 });
            event["user"] = user;
        }
        if let Some(message) = message {
            event["message"] = json!({ "id": message.message, "channel_id": message.room.0 });
        }
        if let Some(Value::Object(twist)) = state.twist.take() {
            event.as_object_mut().unwrap().extend(twist);
        }
        state.interactions.insert(id.clone(), interaction);
        state.last = Some(id.clone());
        state.emit("INTERACTION_CREATE", event);
        id
    }

    /// Somebody uses a typed command.
    pub fn command(&self, account: &str, data: Value) -> String {
        self.command_in(OPS, account, data)
    }

    pub fn command_in(&self, channel: &str, account: &str, data: Value) -> String {
        self.interact(account, 2, channel, None, data)
    }

    pub fn types(&self, account: &str, data: Value) -> String {
        self.interact(account, 4, OPS, None, data)
    }

    /// Somebody presses the button, or chooses the entry, with these words.
    pub fn press(&self, account: &str, message: &MessageRef, label: &str) -> String {
        let body = self.state().message(&message.message).body.clone();
        let parts = body["components"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row["components"].as_array().unwrap());
        let mut found = None;
        for part in parts {
            if part["label"] == label {
                found = Some(json!({ "component_type": 2, "custom_id": part["custom_id"] }));
            }
            for option in
                part["options"].as_array().into_iter().flatten().filter(|option| option["label"] == label)
            {
                found = Some(
                    json!({ "component_type": 3, "custom_id": part["custom_id"], "values": [option["value"]] }),
                );
            }
        }
        self.interact(account, 3, OPS, Some(message), found.expect("a button with these words"))
    }

    /// Somebody sends the form in front of them.
    pub fn submit(&self, account: &str, values: &[(&str, &str)]) -> String {
        let Opened { shown: form, message } = self.state().forms.remove(account).expect("a form");
        let is_list = |name: &str| {
            let parts = form["components"].as_array().into_iter().flatten().map(|part| &part["component"]);
            parts.filter(|part| part["custom_id"] == name).any(|part| part["type"] == 3)
        };
        let part = |(name, value): &(&str, &str)| {
            let component = if is_list(name) {
                json!({ "type": 3, "custom_id": name, "values": [value] })
            } else {
                json!({ "type": 4, "custom_id": name, "value": value })
            };
            json!({ "type": 18, "component": component })
        };
        let parts: Vec<Value> = values.iter().map(part).collect();
        self.interact(
            account,
            5,
            OPS,
            message.as_ref(),
            json!({ "custom_id": form["custom_id"], "components": parts }),
        )
    }

    /// Somebody writes a message; without a guild it is the person's own conversation.
    pub fn write(&self, account: &str, channel: &str, text: &str) -> MessageRef {
        let mut state = self.state();
        let id = state.id();
        let said = Said {
            id: id.clone(),
            channel: channel.into(),
            author: account.into(),
            body: json!({ "content": text }),
            only: None,
            pinned: false,
            files: vec![],
        };
        state.messages.push(said);
        let mut event = json!({
            "id": id, "channel_id": channel, "content": text, "type": 0, "timestamp": crate::chat::fake_slack::now().to_string(),
            "author": { "id": account, "username": "ana" }, "mentions": [],
        });
        if state.channels.contains_key(channel) {
            event["guild_id"] = GUILD.into();
        }
        state.emit("MESSAGE_CREATE", event);
        MessageRef { room: RoomId(channel.into()), message: id }
    }

    /// Discord tells of an interaction once more.
    pub fn again(&self, id: &str) {
        let mut state = self.state();
        let mut told = state.sessions.values().flat_map(|session| &session.log);
        let event = told.find(|event| event["t"] == "INTERACTION_CREATE" && event["d"]["id"] == id);
        let event = event.expect("an interaction that was told")["d"].clone();
        state.emit("INTERACTION_CREATE", event);
    }

    /// Somebody pins a message: Discord says so with a message of its own.
    pub fn pin(&self, account: &str, message: &MessageRef) {
        let mut state = self.state();
        let id = state.id();
        let meant = json!({ "guild_id": GUILD, "channel_id": message.room.0, "message_id": message.message });
        state.message(&message.message).pinned = true;
        let event = json!({
            "id": id, "guild_id": GUILD, "channel_id": message.room.0, "type": 6, "content": "",
            "timestamp": crate::chat::fake_slack::now().to_string(), "author": { "id": account, "username": "ana" },
            "message_reference": meant,
        });
        state.emit("MESSAGE_CREATE", event);
    }

    /// Somebody takes the pin away: the message changed, and nobody says who did it.
    pub fn unpin(&self, message: &MessageRef) {
        let mut state = self.state();
        let said = state.message(&message.message);
        said.pinned = false;
        let event = json!({
            "id": said.id, "guild_id": GUILD, "channel_id": said.channel, "type": 0, "content": said.body["content"],
            "pinned": false, "author": { "id": said.author, "username": "ana" },
            "timestamp": crate::chat::fake_slack::now().to_string(), "edited_timestamp": null,
        });
        state.emit("MESSAGE_UPDATE", event);
    }

    pub fn edit(&self, message: &MessageRef, text: &str) {
        let mut state = self.state();
        let said = state.message(&message.message);
        said.body = json!({ "content": text });
        let event = json!({
            "id": said.id, "guild_id": GUILD, "channel_id": said.channel, "type": 0, "content": text,
            "pinned": said.pinned, "author": { "id": said.author, "username": "ana" },
            "timestamp": crate::chat::fake_slack::now().to_string(), "edited_timestamp": "2026-01-05T09:01:00+00:00",
        });
        state.emit("MESSAGE_UPDATE", event);
    }

    pub fn delete(&self, message: &MessageRef) {
        let mut state = self.state();
        state.messages.retain(|said| said.id != message.message);
        let event = json!({ "id": message.message, "guild_id": GUILD, "channel_id": message.room.0 });
        state.emit("MESSAGE_DELETE", event);
    }

    pub fn react(&self, account: &str, message: &str, added: bool) {
        let name = if added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" };
        let mut state = self.state();
        let room = state.messages.iter().find(|said| said.id == message).map_or(OPS, |said| &said.channel);
        let room = room.to_owned();
        state.emit(
            name,
            json!({
                "guild_id": GUILD, "channel_id": room, "message_id": message, "user_id": account,
                "emoji": { "id": null, "name": "📌" },
            }),
        );
    }
}
