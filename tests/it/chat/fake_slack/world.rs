//! The fake as the contract sees it: what people do, and what they have in front of them. Never talks to the adapter
//! but by its connection.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use watchbell::chat::{
    port::{MessageRef, Platform, RoomId},
    slack::{Listening, Options, Slack},
};

use super::{APP_TOKEN, BOT, BOT_TOKEN, Fake, SIGNING_SECRET, TEAM, View, check, escape, socket::Tell};
use crate::chat::contract::{RoomIs, Script, Shown, World, until};

/// A Slack with an adapter that listens to it.
pub struct SlackWorld {
    pub fake: Arc<Fake>,
    pub slack: Slack,
    pub listening: Option<Listening>,
    pub script: Script,
}

/// As the adapter is set up in tests: quick to notice, quick to come back.
pub fn options(fake: &Fake) -> Options {
    let mut options = Options::new(BOT_TOKEN.into(), now).unwrap();
    options.app_token = Some(APP_TOKEN.into());
    options.signing_secret = Some(SIGNING_SECRET.into());
    options.api = format!("http://{}/api/", fake.address).parse().unwrap();
    options.ping = Duration::from_millis(150);
    options.silence = Duration::from_millis(700);
    options.hello = Duration::from_secs(2);
    options.backoff_first = Duration::from_millis(5);
    options.backoff_most = Duration::from_millis(50);
    options.broken_retry = Duration::from_millis(50);
    options
}

#[expect(clippy::disallowed_methods, reason = "signatures are compared with the wall clock")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

impl SlackWorld {
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let fake = Fake::start().await;
        let mut options = options(&fake);
        change(&mut options);
        let script = Script::default();
        let slack = Slack::new(options).unwrap();
        let listening = slack.listen(Arc::new(script.clone()));
        until("the link is up", || (!script.links().is_empty()).then_some(())).await;
        Self { fake, slack, listening: Some(listening), script }
    }

    /// A Slack to which another process connects.
    pub async fn outside() -> Self {
        let fake = Fake::start().await;
        let slack = Slack::new(options(&fake)).unwrap();
        Self { fake, slack, listening: None, script: Script::default() }
    }

    fn tell(&self, tell: impl Fn() -> Tell) {
        for connection in &self.fake.state().connections {
            drop(connection.tell.send(tell()));
        }
    }

    /// Slack announces that it takes the connection away.
    pub fn disconnects(&self, reason: &str) {
        let said = json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}});
        self.tell(|| Tell::Say(said.clone()));
    }

    pub fn closes(&self) {
        self.tell(|| Tell::Close);
    }

    pub fn garbles(&self) {
        self.tell(|| Tell::Garbage);
    }

    /// A person writes to the bot by its name.
    pub fn mentions(&self, account: &str, room: &RoomId, thread: Option<&str>, text: &str) -> String {
        let text = format!("<@{BOT}> {}", escape(text));
        let ts = self.fake.state().say(&room.0, account, json!({"text": text, "thread_ts": thread}), None);
        let mut event = json!({"type": "app_mention", "user": account, "channel": room.0, "ts": ts, "text": text, "event_ts": ts});
        if let Some(thread) = thread {
            event["thread_ts"] = json!(thread);
        }
        self.fake.event(event);
        ts
    }

    /// What was wrong with the form that a person has in front of them.
    pub fn form_errors(&self, account: &str) -> Option<Value> {
        self.fake.state().views.get(account)?.errors.clone()
    }

    /// Calls of a method so far.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let state = self.fake.state();
        state
            .calls
            .iter()
            .filter(|(name, _)| name == method)
            .map(|(_, arguments)| arguments.clone())
            .collect()
    }

    fn item(message: &MessageRef) -> Value {
        json!({"type": "message", "channel": message.room.0, "ts": message.message})
    }

    fn event(&self, event: Value) {
        let mut event = event;
        let at = self.fake.state().ts();
        event["event_ts"] = json!(at);
        self.fake.event(event);
    }

    fn original(&self, message: &MessageRef) -> Value {
        let state = self.fake.state();
        let room = state.room(&message.room.0).unwrap();
        room.messages.iter().find(|known| known.ts == message.message).unwrap().body.clone()
    }

    fn show(&self, room: &str) -> Vec<Shown> {
        let state = self.fake.state();
        let Some(room) = state.room(room) else { return Vec::new() };
        let show = |message: &super::Message| {
            let (text, buttons, pings) = check::words(&message.body);
            let at = MessageRef { room: RoomId(room.id.clone()), message: message.ts.clone() };
            Shown { message: at, text, buttons, pings, only: message.only.clone() }
        };
        room.messages.iter().filter(|message| message.user == BOT).map(show).collect()
    }
}

impl World for SlackWorld {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    fn platform(&self) -> Arc<dyn Platform> {
        Arc::new(self.slack.clone())
    }

    fn ear(&self) -> &Script {
        &self.script
    }

    fn room(&self, name: &str) -> RoomId {
        let state = self.fake.state();
        RoomId(state.rooms.iter().find(|room| room.name == name).unwrap().id.clone())
    }

    fn account(&self, person: &str) -> String {
        format!("U{}", person.to_uppercase())
    }

    fn shown(&self, room: &RoomId) -> Vec<Shown> {
        self.show(&room.0)
    }

    fn shown_to(&self, account: &str) -> Vec<Shown> {
        self.show(&format!("D{account}"))
    }

    fn form(&self, account: &str) -> Option<Vec<String>> {
        let state = self.fake.state();
        let view = state.views.get(account).filter(|view| !view.sent)?;
        let blocks = view.shown["blocks"].as_array()?;
        Some(blocks.iter().filter_map(|block| block["block_id"].as_str().map(str::to_owned)).collect())
    }

    fn room_is(&self, room: &RoomId) -> RoomIs {
        let state = self.fake.state();
        let room = state.room(&room.0).unwrap().clone();
        RoomIs {
            name: room.name,
            topic: room.topic,
            members: room.members.into_iter().collect(),
            archived: room.archived,
            private: room.private,
        }
    }

    fn pinned(&self, room: &RoomId) -> Vec<String> {
        self.fake.state().room(&room.0).unwrap().pins.clone()
    }

    fn pictures(&self, room: &RoomId) -> Vec<String> {
        self.fake.state().room(&room.0).unwrap().pictures.clone()
    }

    fn write(&self, account: &str, room: &RoomId, text: &str) -> MessageRef {
        let text = escape(text);
        let ts = self.fake.state().say(&room.0, account, json!({ "text": text }), None);
        self.event(json!({"type": "message", "channel_type": "channel", "user": account, "channel": room.0, "ts": ts, "text": text}));
        MessageRef { room: room.clone(), message: ts }
    }

    fn command(&self, account: &str, room: &RoomId, text: &str) {
        let payload = self.fake.slash(account, &room.0, text);
        self.remember(account, &payload);
        self.fake.deliver("slash_commands", payload, None);
    }

    fn press(&self, account: &str, message: &MessageRef, label: &str) {
        let body = self.original(message);
        let elements =
            body["blocks"].as_array().unwrap().iter().filter_map(|block| block["elements"].as_array());
        let mut action = Value::Null;
        for element in elements.flatten() {
            if element["type"] == "button" && element["text"]["text"] == label {
                action = element.clone();
            }
            let options = element["options"].as_array().cloned().unwrap_or_default();
            if let Some(option) = options.into_iter().find(|option| option["text"]["text"] == label) {
                action = json!({"type": element["type"], "action_id": element["action_id"], "selected_option": option});
            }
        }
        assert!(!action.is_null(), "no `{label}` in {body}");
        let payload = {
            let mut state = self.fake.state();
            action["action_ts"] = json!(state.ts());
            let url = state.link(self.fake.address, &message.room.0, account, Some(&message.message));
            let name = state.room(&message.room.0).unwrap().name.clone();
            json!({
                "type": "block_actions", "token": "x", "api_app_id": "A1", "team": {"id": TEAM, "domain": "t"},
                "user": {"id": account, "username": account, "name": account, "team_id": TEAM},
                "container": {"type": "message", "message_ts": message.message, "channel_id": message.room.0, "is_ephemeral": false},
                "channel": {"id": message.room.0, "name": name}, "trigger_id": state.trigger(),
                "message": {"type": "message", "ts": message.message, "text": "…"}, "response_url": url,
                "actions": [action],
            })
        };
        self.remember(account, &payload);
        self.fake.deliver("interactive", payload, None);
    }

    fn submit(&self, account: &str, values: &BTreeMap<String, String>) {
        let payload = {
            let mut state = self.fake.state();
            let trigger = state.trigger();
            let View { id, shown: view, .. } = state.views.get(account).unwrap().clone();
            let state_of = |block: &Value| {
                let name = block["block_id"].as_str().unwrap();
                let value = values.get(name).cloned();
                let element = &block["element"];
                let value = if element["type"] == "static_select" {
                    json!({"type": "static_select", "selected_option": value.map(|value| json!({"value": value}))})
                } else {
                    json!({"type": "plain_text_input", "value": value})
                };
                (name.to_owned(), json!({ element["action_id"].as_str().unwrap(): value }))
            };
            let written: serde_json::Map<String, Value> =
                view["blocks"].as_array().unwrap().iter().map(state_of).collect();
            let mut sent = view.clone();
            sent["id"] = json!(id);
            sent["state"] = json!({ "values": written });
            state.views.get_mut(account).unwrap().sent = true;
            json!({"type": "view_submission", "token": "x", "api_app_id": "A1", "team": {"id": TEAM, "domain": "t"},
                "user": {"id": account, "username": account, "name": account, "team_id": TEAM},
                "trigger_id": trigger, "view": sent})
        };
        self.remember(account, &payload);
        self.fake.deliver("interactive", payload, Some(account.to_owned()));
    }

    fn react(&self, account: &str, message: &MessageRef, name: &str, added: bool) {
        let kind = if added { "reaction_added" } else { "reaction_removed" };
        self.event(json!({"type": kind, "user": account, "reaction": name, "item_user": BOT, "item": Self::item(message)}));
    }

    fn pins(&self, account: &str, message: &MessageRef, pinned: bool) {
        let kind = if pinned { "pin_added" } else { "pin_removed" };
        let item = json!({"type": "message", "channel": message.room.0, "message": {"ts": message.message}});
        self.event(json!({"type": kind, "user": account, "channel_id": message.room.0, "item": item}));
    }

    fn edits(&self, account: &str, message: &MessageRef, text: &str) {
        let before = self.original(message)["text"].clone();
        self.event(json!({"type": "message", "subtype": "message_changed", "channel": message.room.0, "hidden": true,
            "message": {"type": "message", "user": account, "text": escape(text), "ts": message.message, "edited": {"user": account, "ts": "1.0"}},
            "previous_message": {"user": account, "text": before, "ts": message.message}}));
    }

    fn deletes(&self, account: &str, message: &MessageRef) {
        self.vanish(message);
        self.event(
            json!({"type": "message", "subtype": "message_deleted", "channel": message.room.0, "hidden": true,
            "deleted_ts": message.message, "previous_message": {"user": account, "ts": message.message}}),
        );
    }

    fn joins(&self, account: &str, room: &RoomId) {
        self.event(json!({"type": "member_joined_channel", "user": account, "channel": room.0, "channel_type": "C", "team": TEAM}));
    }

    fn uninstalls(&self) {
        self.event(json!({"type": "app_uninstalled"}));
    }

    fn vanish(&self, message: &MessageRef) {
        let mut state = self.fake.state();
        state.room_mut(&message.room.0).unwrap().messages.retain(|known| known.ts != message.message);
    }

    fn again(&self) {
        let last = self.fake.state().last.clone();
        let (kind, payload) = last.expect("something happened before");
        self.fake.deliver(kind, payload, None);
    }

    fn cut(&self) {
        self.tell(|| Tell::Cut);
    }

    fn half_open(&self) {
        for connection in &mut self.fake.state().connections {
            connection.half_open = true;
            drop(connection.tell.send(Tell::HalfOpen));
        }
    }

    fn revoke(&self, revoked: bool) {
        self.fake.state().habits.revoked = revoked;
    }

    fn limit(&self, seconds: u64) {
        self.fake.state().habits.limit = Some(seconds);
    }

    fn stumble(&self) {
        self.fake.state().habits.stumble = true;
    }

    fn lock_out(&self, room: &RoomId) {
        self.fake.state().habits.locked.insert(room.0.clone());
    }

    fn violations(&self) -> Vec<String> {
        self.fake.violations()
    }

    fn secrets(&self) -> Vec<String> {
        vec!["s3cret".to_owned(), BOT_TOKEN.to_owned(), APP_TOKEN.to_owned()]
    }
}

impl SlackWorld {
    /// A view opened with this trigger is in front of this account: until then a placeholder says whose it is.
    fn remember(&self, account: &str, payload: &Value) {
        let trigger = payload["trigger_id"].as_str().unwrap().to_owned();
        let mut state = self.fake.state();
        let whose = View { id: account.to_owned(), shown: Value::Null, sent: true, errors: None };
        state.views.insert(trigger, whose);
    }

    /// The trigger of the last thing is too old now.
    pub fn triggers_expire(&self) {
        let long_ago = Instant::now().checked_sub(super::DEADLINE * 2).unwrap();
        self.fake.state().triggers.values_mut().for_each(|at| *at = long_ago);
    }
}
