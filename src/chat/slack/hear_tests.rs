//! What Slack delivers and what it means, in a table. Never needs a connection.

use serde_json::json;

use super::*;

fn me() -> Me {
    Me { user: "UBOT".into(), team: "T1".into() }
}

fn read_one(delivery: Delivery, payload: &Value) -> Meaning {
    let own = ["version".to_owned()];
    let names = BTreeMap::from([
        ("/inc".to_owned(), "/incident".to_owned()),
        ("/wb".to_owned(), "/watchbell".to_owned()),
    ]);
    reading(delivery, payload, Context { me: Some(&me()), own: &own, names: &names }).meaning
}

fn slash(name: &str, text: &str) -> Value {
    json!({"command": name, "text": text, "user_id": "U1", "channel_id": "C1", "channel_name": "ops",
        "team_id": "T1", "trigger_id": "1.2", "response_url": "https://hooks.slack.com/commands/1"})
}

fn act(meaning: &Meaning) -> Option<&Act> {
    match meaning {
        Meaning::Asked(heard, _) | Meaning::Happened(heard, _) => Some(&heard.act),
        _ => None,
    }
}

#[test]
fn every_way_to_write_a_command_is_heard_as_the_same() {
    for (name, text, command) in [
        ("/incident", "open P1 x &amp; y", "/incident open P1 x & y"),
        ("/oncall", "", "/oncall"),
        ("/inc", "open P1 x", "/incident open P1 x"),
        ("/wb", "oncall now", "/oncall now"),
        ("/watchbell", "incident open P1 x", "/incident open P1 x"),
        ("/watchbell", "/incident open P1 x", "/incident open P1 x"),
        ("/watchbell", "version", "/watchbell version"),
        ("/watchbell", "  ", "/watchbell"),
    ] {
        let meaning = read_one(Delivery::Command, &slash(name, text));
        assert_eq!(act(&meaning), Some(&Act::Command(command.into())), "{name} {text}");
        let Meaning::Asked(heard, back) = meaning else { panic!() };
        assert_eq!((&*heard.id, &*heard.workspace, &*heard.account), ("command-1.2", "T1", "U1"));
        assert_eq!(heard.room.unwrap().name, "#ops");
        assert!(back.url.is_some() && back.trigger.is_some());
    }
}

fn event(event: Value) -> Value {
    json!({"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": 1_700_000_000, "event": event})
}

#[test]
fn what_happens_is_heard_as_what_it_is() {
    let message = MessageRef { room: RoomId("C1".into()), message: "1.1".into() };
    let item = json!({"type": "message", "channel": "C1", "ts": "1.1"});
    let cases = [
        (
            json!({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "2.1", "text": "<@UBOT> incident open P1 <http://db-1.example|db-1.example> &lt;x&gt;"}),
            Some(Act::Command("/incident open P1 db-1.example <x>".into())),
        ),
        (
            json!({"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "2.1", "text": "oncall now"}),
            Some(Act::Command("/oncall now".into())),
        ),
        (
            json!({"type": "message", "channel_type": "im", "bot_id": "B1", "user": "UBOT", "channel": "D1", "ts": "2.1", "text": "hello"}),
            None,
        ),
        (
            json!({"type": "message", "channel_type": "channel", "user": "U1", "channel": "C1", "ts": "2.1", "text": "hello"}),
            None,
        ),
        (
            json!({"type": "reaction_added", "user": "U1", "reaction": "pushpin", "item": item}),
            Some(Act::React { name: "pushpin".into(), added: true, message: message.clone() }),
        ),
        (
            json!({"type": "reaction_removed", "user": "U1", "reaction": "pushpin", "item": item}),
            Some(Act::React { name: "pushpin".into(), added: false, message: message.clone() }),
        ),
        (json!({"type": "reaction_added", "user": "UBOT", "reaction": "eyes", "item": item}), None),
        (json!({"type": "reaction_added", "user": "U1", "reaction": "eyes", "item": {"type": "file"}}), None),
        (
            json!({"type": "pin_added", "user": "U1", "channel_id": "C1", "item": {"type": "message", "message": {"ts": "1.1"}}}),
            Some(Act::Pin { message: message.clone(), pinned: true }),
        ),
        (
            json!({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.1", "user": "U1", "text": "now &amp; then", "edited": {"user": "U1"}}, "previous_message": {"text": "before"}}),
            Some(Act::Edit { message: message.clone(), text: "now & then".into() }),
        ),
        (
            json!({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.1", "user": "U1", "text": "same"}, "previous_message": {"text": "same"}}),
            None,
        ),
        (
            json!({"type": "message", "subtype": "message_changed", "channel": "C1", "message": {"ts": "1.1", "bot_id": "B1", "text": "card"}}),
            None,
        ),
        (
            json!({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.1", "previous_message": {"user": "U1"}}),
            Some(Act::Delete(message)),
        ),
        (json!({"type": "member_joined_channel", "user": "U1", "channel": "C1"}), Some(Act::Join)),
        (json!({"type": "member_joined_channel", "user": "UBOT", "channel": "C1"}), None),
        (json!({"type": "app_uninstalled"}), Some(Act::Uninstall)),
        (
            json!({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": ["UBOT"]}}),
            Some(Act::Uninstall),
        ),
        (json!({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}), None),
        (json!({"type": "something_of_next_year", "user": {"id": "U1"}}), None),
    ];
    for (payload, expected) in cases {
        let meaning = read_one(Delivery::Event, &event(payload.clone()));
        assert_eq!(act(&meaning), expected.as_ref(), "{payload}");
        if let Meaning::Asked(heard, _) | Meaning::Happened(heard, _) = meaning {
            assert_eq!((&*heard.id, heard.at), ("Ev1", Timestamp::from_second(1_700_000_000).ok()));
        }
    }
}

#[test]
fn a_button_a_list_and_a_button_with_a_form() {
    let press = |action: Value| {
        json!({"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "trigger_id": "3.4",
            "channel": {"id": "C1", "name": "ops"}, "container": {"message_ts": "1.1", "channel_id": "C1"},
            "response_url": "https://hooks.slack.com/actions/1", "actions": [action]})
    };
    let message = Some(MessageRef { room: RoomId("C1".into()), message: "1.1".into() });
    let button = json!({"type": "button", "value": "/ack G-17", "action_ts": "1700000000.5"});
    let list = json!({"type": "static_select", "selected_option": {"value": "/ack G-17"}, "action_ts": "1700000000.5"});
    for action in [button, list] {
        let Meaning::Asked(heard, back) = read_one(Delivery::Interaction, &press(action)) else { panic!() };
        assert_eq!(heard.act, Act::Press { command: "/ack G-17".into(), message: message.clone() });
        assert_eq!((&*heard.id, heard.at), ("press-3.4", instant("1700000000.500000")));
        assert_eq!(back.message, message);
    }
    let form =
        Form { title: "Note".into(), send: "Add".into(), command: "/x {a}".into(), inputs: Vec::new() };
    let value = format!("{FORM}{}", serde_json::to_string(&form).unwrap());
    let meaning = read_one(Delivery::Interaction, &press(json!({"type": "button", "value": value})));
    assert!(matches!(meaning, Meaning::Form(_, found, _) if found == form));
    // A link's button has nothing behind it.
    assert_eq!(read_one(Delivery::Interaction, &press(json!({"type": "button"}))), Meaning::Nothing);
}

#[test]
fn nonsense_is_told_from_what_is_nothing_to_us() {
    let every = [Delivery::Command, Delivery::Interaction, Delivery::Event];
    for payload in
        [json!(null), json!([]), json!({"type": 7}), json!({"event": {"type": 7}, "event_id": "E"})]
    {
        for delivery in every {
            assert_eq!(read_one(delivery, &payload), Meaning::Unread(None), "{payload}");
        }
    }
    for (delivery, payload) in [
        (Delivery::Event, json!({"event": {"type": "message"}, "event_id": "E"})),
        (Delivery::Event, event(json!({"type": "team_rename", "name": "x"}))),
        (Delivery::Interaction, json!({"type": "view_closed", "team": {"id": "T1"}})),
        (Delivery::Command, json!({"ssl_check": "1", "token": "x"})),
    ] {
        assert_eq!(read_one(delivery, &payload), Meaning::Nothing, "{payload}");
    }
    for (ts, expected) in [
        ("1700000000.000100", Some(1_700_000_000_000_100)),
        ("7", Some(7_000_000)),
        ("x.1", None),
        ("", None),
        ("99999999999999999999.1", None),
    ] {
        assert_eq!(instant(ts).map(Timestamp::as_microsecond), expected, "{ts}");
    }
}

#[test]
fn what_is_of_another_workspace_is_refused_and_a_shared_room_is_ours() {
    let mut foreign = slash("/incident", "open P1 x");
    foreign["team_id"] = json!("T2");
    let Meaning::Foreign(Some(back)) = read_one(Delivery::Command, &foreign) else { panic!() };
    assert!(back.url.is_some() && back.room.is_none() && back.account == "U1");
    let press = json!({"type": "block_actions", "team": {"id": "T2"}, "user": {"id": "U1"}});
    assert_eq!(read_one(Delivery::Interaction, &press), Meaning::Foreign(None));
    let mention =
        json!({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "2.1", "text": "<@UBOT> x"});
    let mut shared = event(mention);
    shared["team_id"] = json!("T2");
    assert_eq!(read_one(Delivery::Event, &shared), Meaning::Foreign(None));
    shared["authorizations"] = json!([{"team_id": "T1", "user_id": "UBOT"}]);
    assert!(matches!(read_one(Delivery::Event, &shared), Meaning::Asked(..)));
}

#[test]
fn what_another_release_made_is_said_to_be_outdated() {
    let press = json!({"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "trigger_id": "3.4",
        "actions": [{"type": "button", "value": "form:{\"later\":1}"}]});
    assert!(matches!(read_one(Delivery::Interaction, &press), Meaning::Unread(Some(_))));
    let names = BTreeMap::new();
    let context = Context { me: None, own: &[], names: &names };
    let sent = |blocks: Value| {
        let view = json!({"id": "V1", "private_metadata": "of another release", "blocks": blocks});
        json!({"type": "view_submission", "user": {"id": "U1"}, "view": view})
    };
    let input = json!([{"type": "input", "block_id": "text", "optional": true}]);
    let Reading { meaning, answer } = reading(Delivery::Interaction, &sent(input), context);
    assert_eq!(meaning, Meaning::Unread(None));
    assert!(answer.unwrap()["errors"]["text"].as_str().unwrap().contains("another release"));
    let Reading { meaning, answer } = reading(Delivery::Interaction, &sent(json!([])), context);
    assert!(matches!(meaning, Meaning::Unread(Some(back)) if back.account == "U1") && answer.is_none());
}
