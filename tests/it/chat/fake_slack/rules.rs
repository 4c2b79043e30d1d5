//! The arguments of each method of the Web API as Slack documents them (<https://docs.slack.dev/reference/methods>):
//! which there are, which must be there, their types and sizes. Never lets one through that is not in its table.

use serde_json::Value;

use super::check;

/// What an argument has to be.
#[derive(Clone, Copy)]
enum Is {
    /// An id that begins with one of these letters.
    Id(&'static [char]),
    /// Ids with commas between them; at most so many.
    Ids(usize),
    /// A message's `ts`.
    Ts,
    /// A text of at most so many units.
    Text(usize),
    /// `true` or `false`.
    Flag,
    /// A whole number up to this.
    Count(u64),
    /// A new room's name.
    RoomName,
    /// One of these words, or several with commas.
    Words(&'static [&'static str]),
    Blocks,
    View,
    Metadata,
    /// What was uploaded, to be shown.
    Files,
}

const ROOM: &[char] = &['C', 'G', 'D'];
const USER: &[char] = &['U', 'W'];
const FILE: &[char] = &['F'];
const MESSAGE: Is = Is::Text(40_000);
const KINDS: &[&str] = &["public_channel", "private_channel", "mpim", "im"];

/// A method's arguments: name, rule, whether it must be there.
type Method = (&'static str, &'static [(&'static str, Is, bool)]);

const METHODS: &[Method] = &[
    ("apps.connections.open", &[]),
    ("auth.test", &[]),
    (
        "chat.postMessage",
        &[
            ("channel", Is::Id(ROOM), true),
            ("text", MESSAGE, true),
            ("blocks", Is::Blocks, false),
            ("metadata", Is::Metadata, false),
            ("thread_ts", Is::Ts, false),
            ("link_names", Is::Flag, false),
            ("parse", Is::Words(&["none"]), false),
            ("unfurl_links", Is::Flag, false),
            ("unfurl_media", Is::Flag, false),
        ],
    ),
    (
        "chat.postEphemeral",
        &[
            ("channel", Is::Id(ROOM), true),
            ("user", Is::Id(USER), true),
            ("text", MESSAGE, true),
            ("blocks", Is::Blocks, false),
            ("thread_ts", Is::Ts, false),
            ("link_names", Is::Flag, false),
            ("parse", Is::Words(&["none"]), false),
        ],
    ),
    (
        "chat.update",
        &[
            ("channel", Is::Id(ROOM), true),
            ("ts", Is::Ts, true),
            ("text", MESSAGE, true),
            ("blocks", Is::Blocks, false),
            ("link_names", Is::Flag, false),
            ("parse", Is::Words(&["none"]), false),
        ],
    ),
    ("chat.getPermalink", &[("channel", Is::Id(ROOM), true), ("message_ts", Is::Ts, true)]),
    ("conversations.open", &[("users", Is::Ids(8), true)]),
    ("conversations.create", &[("name", Is::RoomName, true), ("is_private", Is::Flag, false)]),
    ("conversations.setTopic", &[("channel", Is::Id(ROOM), true), ("topic", Is::Text(250), true)]),
    ("conversations.setPurpose", &[("channel", Is::Id(ROOM), true), ("purpose", Is::Text(250), true)]),
    // Slack's pages say a hundred and a thousand: the smaller one holds.
    ("conversations.invite", &[("channel", Is::Id(ROOM), true), ("users", Is::Ids(100), true)]),
    ("conversations.archive", &[("channel", Is::Id(ROOM), true)]),
    (
        "conversations.list",
        &[
            ("types", Is::Words(KINDS), false),
            ("exclude_archived", Is::Flag, false),
            ("limit", Is::Count(1_000), false),
            ("cursor", Is::Text(3_000), false),
        ],
    ),
    ("conversations.info", &[("channel", Is::Id(ROOM), true)]),
    (
        "conversations.history",
        &[
            ("channel", Is::Id(ROOM), true),
            ("latest", Is::Ts, false),
            ("oldest", Is::Ts, false),
            ("inclusive", Is::Flag, false),
            ("limit", Is::Count(999), false),
            ("include_all_metadata", Is::Flag, false),
        ],
    ),
    (
        "conversations.replies",
        &[
            ("channel", Is::Id(ROOM), true),
            ("ts", Is::Ts, true),
            ("inclusive", Is::Flag, false),
            ("limit", Is::Count(1_000), false),
            ("include_all_metadata", Is::Flag, false),
        ],
    ),
    ("pins.add", &[("channel", Is::Id(ROOM), true), ("timestamp", Is::Ts, true)]),
    (
        "files.getUploadURLExternal",
        &[
            ("filename", Is::Text(255), true),
            ("length", Is::Count(1 << 30), true),
            ("alt_txt", Is::Text(1_000), false),
        ],
    ),
    (
        "files.completeUploadExternal",
        &[
            ("files", Is::Files, true),
            ("channel_id", Is::Id(ROOM), false),
            ("thread_ts", Is::Ts, false),
            ("initial_comment", Is::Text(4_000), false),
        ],
    ),
    ("files.info", &[("file", Is::Id(FILE), true)]),
    ("users.info", &[("user", Is::Id(USER), true)]),
    ("views.open", &[("trigger_id", Is::Text(255), true), ("view", Is::View, true)]),
];

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn is_id(text: &str, kinds: &[char]) -> bool {
    text.starts_with(kinds)
        && text.len() > 1
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_ts(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(seconds, micros)| digits(seconds) && micros.len() == 6 && digits(micros))
}

impl Is {
    /// What is wrong with a value.
    fn faults(self, value: &Value) -> Vec<String> {
        let text = value.as_str();
        let good = match self {
            Self::Id(kinds) => text.is_some_and(|text| is_id(text, kinds)),
            Self::Ids(most) => text.is_some_and(|text| {
                text.split(',').count() <= most && text.split(',').all(|one| is_id(one, USER))
            }),
            Self::Ts => text.is_some_and(is_ts),
            Self::Text(most) => text.is_some_and(|text| units(text) <= most),
            Self::Flag => value.is_boolean() || matches!(text, Some("true" | "false")),
            Self::Count(most) => {
                let count = value.as_u64().or_else(|| text?.parse().ok());
                count.is_some_and(|count| (1..=most).contains(&count))
            }
            Self::RoomName => text.is_some_and(|text| {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
                !text.is_empty() && text.len() <= 80 && text.chars().all(plain)
            }),
            Self::Words(known) => text.is_some_and(|text| text.split(',').all(|word| known.contains(&word))),
            // Looked at with the message.
            Self::Blocks => value.is_array(),
            Self::View => return check::view(value),
            Self::Metadata => {
                let kind = value["event_type"].as_str();
                kind.is_some_and(|kind| !kind.is_empty() && kind.len() <= 255)
                    && value["event_payload"].is_object()
            }
            Self::Files => value.as_array().is_some_and(|files| {
                let title = |file: &Value| file["title"].as_str().is_none_or(|title| units(title) <= 255);
                let good =
                    |file: &Value| file["id"].as_str().is_some_and(|id| is_id(id, FILE)) && title(file);
                !files.is_empty() && files.iter().all(good)
            }),
        };
        if good { Vec::new() } else { vec![format!("is {value}")] }
    }
}

/// Everything that is wrong with a call; none: no such method is documented.
pub fn faults(method: &str, arguments: &Value) -> Option<Vec<String>> {
    let (_, rules) = METHODS.iter().find(|(known, _)| *known == method)?;
    let mut faults = Vec::new();
    for (name, _, required) in *rules {
        let value = &arguments[name];
        if *required && (value.is_null() || value == "") {
            faults.push(format!("`{name}` is missing"));
        }
    }
    for (name, value) in arguments.as_object().into_iter().flatten() {
        match rules.iter().find(|(known, ..)| known == name) {
            Some((_, is, required)) if !value.is_null() || *required => {
                faults.extend(is.faults(value).into_iter().map(|fault| format!("`{name}` {fault}")));
            }
            Some(_) => faults.push(format!("`{name}` is null")),
            None => faults.push(format!("`{name}` is no argument of it")),
        }
    }
    if method.starts_with("chat.") && method != "chat.getPermalink" {
        faults.extend(check::message(arguments));
    }
    Some(faults)
}

#[test]
fn what_slack_would_refuse_is_a_fault() {
    use serde_json::json;
    let wrong = |method: &str, arguments: Value| faults(method, &arguments).unwrap();
    assert_eq!(faults("chat.shout", &json!({})), None);
    for (method, arguments) in [
        ("chat.postMessage", json!({"text": "x"})),
        ("chat.postMessage", json!({"channel": "#ops", "text": "x"})),
        ("chat.postMessage", json!({"channel": "C1", "text": "x", "as_user": true})),
        ("chat.postMessage", json!({"channel": "C1", "text": "x".repeat(40_001)})),
        ("chat.postMessage", json!({"channel": "C1", "text": "x", "blocks": [{"type": "input"}]})),
        ("chat.update", json!({"channel": "C1", "ts": "1", "text": "x"})),
        ("conversations.create", json!({"name": "Inc 1"})),
        ("conversations.create", json!({"name": "x".repeat(81)})),
        ("conversations.invite", json!({"channel": "C1", "users": vec!["U1"; 101].join(",")})),
        ("conversations.setTopic", json!({"channel": "C1", "topic": "x".repeat(251)})),
        ("conversations.list", json!({"limit": "1001"})),
        ("files.completeUploadExternal", json!({"files": []})),
        ("views.open", json!({"trigger_id": "1.2", "view": {"type": "modal", "blocks": []}})),
    ] {
        assert!(!wrong(method, arguments.clone()).is_empty(), "{method} {arguments}");
    }
    assert_eq!(wrong("chat.postMessage", json!({"channel": "C1", "text": "x"})), Vec::<String>::new());
}
