//! The fake as the contract of all platforms sees it: what people do, and what they have in front of them. Never talks
//! to the adapter but by its connection.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use watchbell::chat::port::{MessageRef, Platform, RoomId};

use super::{
    World,
    fake::{ANA, BEN, Fake, Fault, GUILD, ME, Out, Said, TOKEN, read},
    options,
};
use crate::chat::contract::{self, RoomIs, Script, Shown};

crate::chat_contract!(World);

/// What a client makes of words that are typed: the options of a command that is registered.
pub fn typed(commands: &[Value], text: &str) -> Value {
    let mut words: Vec<&str> = text.trim_start_matches('/').split(' ').collect();
    let mut descend = |level: &[Value]| {
        let found = level.iter().find(|known| Some(known["name"].as_str()) == Some(words.first().copied()));
        let found = found.cloned().unwrap_or_else(|| panic!("Discord knows no {words:?} in {text}"));
        words.remove(0);
        (found, words.clone())
    };
    let (command, mut rest) = descend(commands);
    let mut path = vec![command.clone()];
    let mut level = command;
    while level["options"][0]["type"].as_u64().is_some_and(|kind| kind <= 2) {
        let options = level["options"].as_array().unwrap().clone();
        (level, rest) = descend(&options);
        path.push(level.clone());
    }
    let mut given = Vec::new();
    let options = level["options"].as_array().cloned().unwrap_or_default();
    for (number, option) in options.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let value = if number + 1 == options.len() {
            std::mem::take(&mut rest).join(" ")
        } else {
            rest.remove(0).to_owned()
        };
        given.push(json!({ "name": option["name"], "type": option["type"], "value": value }));
    }
    let mut inner = Value::from(given);
    for part in path.iter().skip(1).rev() {
        inner = json!([{ "name": part["name"], "type": part["type"], "options": inner }]);
    }
    json!({ "id": path[0]["id"], "name": path[0]["name"], "type": 1, "options": inner })
}

/// Everything that a person reads in a message.
fn words(said: &Said) -> String {
    let embed = &said.body["embeds"][0];
    let mut parts =
        vec![&said.body["content"], &embed["title"], &embed["description"], &embed["footer"]["text"]];
    let fields = embed["fields"].as_array().into_iter().flatten();
    parts.extend(fields.flat_map(|field| [&field["name"], &field["value"]]));
    let parts: Vec<String> = parts.into_iter().filter_map(Value::as_str).map(read).collect();
    parts.join("\n")
}

fn buttons(body: &Value) -> Vec<String> {
    let rows = body["components"].as_array().into_iter().flatten();
    let parts = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    let labels = parts.flat_map(|part| {
        let options = part["options"].as_array().into_iter().flatten();
        [&part["label"]].into_iter().chain(options.map(|option| &option["label"]))
    });
    labels.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn show(said: &Said) -> Shown {
    let text = words(said);
    let silent = said.body["allowed_mentions"] == json!({ "parse": [] });
    Shown {
        message: MessageRef { room: RoomId(said.channel.clone()), message: said.id.clone() },
        pings: !silent && (text.contains('@')),
        buttons: buttons(&said.body),
        only: said.only.clone(),
        text,
    }
}

impl World {
    fn fault(&self, on: String, status: u16, headers: Vec<(&'static str, String)>, body: String) {
        self.fake.state().faults.push_back(Fault { on, status, headers, body, done: false });
    }

    fn all(&self, channel: &str) -> Vec<Shown> {
        let state = self.fake.state();
        state.messages.iter().filter(|said| said.channel == channel && said.author == ME).map(show).collect()
    }
}

impl contract::World for World {
    async fn start() -> Self {
        let fake = Fake::start().await;
        {
            let mut state = fake.state();
            state.beat = 300;
            state.counts = true;
            state.flags = 1 << 14 | 1 << 18;
        }
        let mut options = options(&fake);
        options.members = true;
        options.content = true;
        let world = Self::on(fake, options);
        world.up(1).await;
        world.fake.until("commands", |state| (!state.commands.is_empty()).then_some(())).await;
        world
    }

    fn platform(&self) -> Arc<dyn Platform> {
        Arc::new(self.discord.clone())
    }

    fn ear(&self) -> &Script {
        &self.ear
    }

    fn room(&self, name: &str) -> RoomId {
        let state = self.fake.state();
        let (id, _) = state.channels.iter().find(|(_, channel)| channel["name"] == name).unwrap();
        RoomId(id.clone())
    }

    fn account(&self, person: &str) -> String {
        if person == "ana" { ANA.into() } else { BEN.into() }
    }

    fn shown(&self, room: &RoomId) -> Vec<Shown> {
        self.all(&room.0)
    }

    fn shown_to(&self, account: &str) -> Vec<Shown> {
        self.all(&format!("9{account}"))
    }

    fn form(&self, account: &str) -> Option<Vec<String>> {
        let state = self.fake.state();
        let parts = state.forms.get(account)?.shown["components"].as_array()?.clone();
        Some(
            parts
                .iter()
                .filter_map(|part| part["component"]["custom_id"].as_str().map(str::to_owned))
                .collect(),
        )
    }

    fn room_is(&self, room: &RoomId) -> RoomIs {
        let state = self.fake.state();
        let channel = &state.channels[&room.0];
        let everybody = channel["permission_overwrites"].as_array().into_iter().flatten();
        let denied = everybody.filter(|overwrite| overwrite["id"] == GUILD);
        let denied = denied
            .fold(0, |all, overwrite| all | overwrite["deny"].as_str().unwrap().parse::<u64>().unwrap());
        let mut members = state.members.get(&room.0).cloned().unwrap_or_default();
        members.sort();
        members.dedup();
        RoomIs {
            name: channel["name"].as_str().unwrap().to_owned(),
            topic: channel["topic"].as_str().unwrap_or_default().to_owned(),
            members,
            archived: denied & 1 << 11 != 0,
            private: denied & 1 << 10 != 0,
        }
    }

    fn pinned(&self, room: &RoomId) -> Vec<String> {
        let state = self.fake.state();
        let pinned = state.messages.iter().filter(|said| said.channel == room.0 && said.pinned);
        pinned.map(|said| said.id.clone()).collect()
    }

    fn pictures(&self, room: &RoomId) -> Vec<String> {
        let state = self.fake.state();
        state
            .messages
            .iter()
            .filter(|said| said.channel == room.0)
            .flat_map(|said| said.files.clone())
            .collect()
    }

    fn write(&self, account: &str, room: &RoomId, text: &str) -> MessageRef {
        self.fake.write(account, &room.0, text)
    }

    fn command(&self, account: &str, room: &RoomId, text: &str) {
        let data = typed(&self.fake.state().commands, text);
        self.fake.command_in(&room.0, account, data);
    }

    fn press(&self, account: &str, message: &MessageRef, label: &str) {
        self.fake.press(account, message, label);
    }

    fn submit(&self, account: &str, values: &BTreeMap<String, String>) {
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.fake.submit(account, &values);
    }

    fn react(&self, account: &str, message: &MessageRef, name: &str, added: bool) {
        assert_eq!(name, "pushpin", "the fake knows no other sign");
        self.fake.react(account, &message.message, added);
    }

    fn pins(&self, account: &str, message: &MessageRef, pinned: bool) {
        if pinned {
            self.fake.pin(account, message);
        } else {
            self.fake.unpin(message);
        }
    }

    fn edits(&self, _: &str, message: &MessageRef, text: &str) {
        self.fake.edit(message, text);
    }

    fn deletes(&self, _: &str, message: &MessageRef) {
        self.fake.delete(message);
    }

    fn joins(&self, account: &str, _: &RoomId) {
        // Discord tells who comes into the guild; a channel has no door of its own.
        let user = json!({ "id": account, "username": "ana" });
        self.fake.state().emit("GUILD_MEMBER_ADD", json!({ "guild_id": GUILD, "user": user }));
    }

    fn uninstalls(&self) {
        self.fake.state().emit("GUILD_DELETE", json!({ "id": GUILD }));
    }

    fn vanish(&self, message: &MessageRef) {
        self.fake.state().messages.retain(|said| said.id != message.message);
    }

    fn again(&self) {
        let last = self.fake.state().last.clone();
        self.fake.again(&last.expect("something happened before"));
    }

    fn cut(&self) {
        self.fake.line(Out::Cut);
    }

    fn half_open(&self) {
        self.fake.line(Out::Silence);
    }

    fn revoke(&self, revoked: bool) {
        self.fake.state().revoked = revoked;
    }

    fn limit(&self, seconds: u64) {
        let body =
            json!({ "message": "You are being rate limited.", "retry_after": seconds, "global": false });
        let headers = vec![("retry-after", seconds.to_string()), ("x-ratelimit-scope", "user".into())];
        self.fault("POST /channels/".into(), 429, headers, body.to_string());
    }

    fn stumble(&self) {
        self.fault("POST /channels/".into(), 502, vec![], "<html>Bad gateway</html>".into());
    }

    fn lock_out(&self, room: &RoomId) {
        let body = json!({ "code": 50_001, "message": "Missing Access" });
        self.fault(format!("POST /channels/{room}/messages"), 403, vec![], body.to_string());
    }

    fn violations(&self) -> Vec<String> {
        self.fake.violations()
    }

    fn secrets(&self) -> Vec<String> {
        vec!["s3cret".to_owned(), TOKEN.to_owned()]
    }
}
