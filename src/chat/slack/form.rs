//! Forms as modals: the view that is opened, and what comes back from it. Pure. Never trusts that what comes back is
//! complete: a required input that holds only blanks is asked for again.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use slack_morphism::prelude::*;

use super::{
    blocks::{self, words},
    words::{fit, size},
};
use crate::text::{
    card::{Form, Input},
    chat,
};

/// Characters of a modal's heading and of its buttons.
const TITLE: usize = 24;
/// Characters of a placeholder.
const PLACEHOLDER: usize = 150;
/// Characters that an input may hold, and that it may begin with.
const CONTENT: usize = 3_000;
/// Characters that a view carries along.
const METADATA: usize = 3_000;
/// Characters of a block's id.
const ID: usize = 255;
/// The action in each input's block.
const ACTION: &str = "value";

/// What a view carries along until it is sent: Slack does not say where a form was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Carried {
    /// The form's command.
    pub(super) command: String,
    /// The room in which it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) room: Option<String>,
    /// The thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread: Option<String>,
}

/// The modal of a form; none when its command is too long for Slack, or it asks for nothing that Slack can show.
pub(super) fn view(form: &Form, carried: &Carried) -> Option<SlackView> {
    let metadata = serde_json::to_string(carried).ok().filter(|json| size(json) <= METADATA)?;
    let inputs: Vec<SlackBlock> = form.inputs.iter().take(50).filter_map(input).collect();
    if inputs.is_empty() {
        return None;
    }
    let modal = SlackModalView::new(words(&form.title, TITLE), inputs)
        .with_submit(words(&form.send, TITLE))
        .with_close(words(chat::cancel(), TITLE))
        .with_callback_id("form".into())
        .with_private_metadata(metadata);
    Some(SlackView::Modal(modal))
}

fn input(input: &Input) -> Option<SlackBlock> {
    if input.name.is_empty() || size(&input.name) > ID {
        return None;
    }
    let hint = || (!input.hint.trim().is_empty()).then(|| words(&input.hint, PLACEHOLDER));
    let options: Vec<_> = input
        .choices
        .iter()
        .filter_map(|choice| blocks::option(&choice.label, &choice.value))
        .take(blocks::OPTIONS)
        .collect();
    let element: SlackInputBlockElement = if options.is_empty() {
        // What stands there already is not markup: it goes in as it is.
        let value: String = {
            let mut left = CONTENT;
            input
                .value
                .chars()
                .take_while(|c| left.checked_sub(c.len_utf16()).map(|l| left = l).is_some())
                .collect()
        };
        SlackBlockPlainTextInputElement::new()
            .with_action_id(ACTION.into())
            .with_multiline(input.long)
            .opt_placeholder(hint())
            .opt_initial_value(Some(value).filter(|value| !value.is_empty()))
            .with_max_length(CONTENT as u64)
            .into()
    } else {
        let chosen = options.iter().find(|option| option.value == input.value).cloned();
        SlackBlockStaticSelectElement::new()
            .with_action_id(ACTION.into())
            .opt_placeholder(hint())
            .with_options(options)
            .opt_initial_option(chosen)
            .into()
    };
    Some(
        SlackInputBlock::new(words(&input.label, 2_000), element)
            .with_block_id(input.name.clone().into())
            .with_optional(input.optional)
            .into(),
    )
}

/// A view as it comes back; only what is needed of it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    private_metadata: String,
    #[serde(default)]
    state: State,
    #[serde(default)]
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct State {
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, Value>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Value {
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    selected_option: Option<Chosen>,
}

#[derive(Debug, Clone, Deserialize)]
struct Chosen {
    value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Block {
    #[serde(default)]
    r#type: String,
    #[serde(default, rename = "block_id")]
    id: String,
    #[serde(default)]
    optional: bool,
}

impl Sent {
    /// What it carried; none: it is no form of ours.
    pub(super) fn carried(&self) -> Option<Carried> {
        serde_json::from_str(&self.private_metadata).ok()
    }

    /// What was written into each input; what was left empty is an empty text.
    pub(super) fn values(&self) -> BTreeMap<String, String> {
        let written = |value: &Value| {
            let chosen = value.selected_option.as_ref().map(|chosen| chosen.value.clone());
            chosen.or_else(|| value.value.clone()).unwrap_or_default()
        };
        let one = |(id, values): (&String, &BTreeMap<String, Value>)| {
            values.values().next().map(|value| (id.clone(), written(value)))
        };
        self.state.values.iter().filter_map(one).collect()
    }

    /// What is answered to a form that cannot be read: it stays open and says so below its first input; none: it has
    /// no input.
    pub(super) fn unreadable(&self) -> Option<SlackViewSubmissionResponse> {
        let first = self.blocks.iter().find(|block| block.r#type == "input" && !block.id.is_empty())?;
        let errors = HashMap::from([(first.id.clone(), fit(chat::outdated_form(), 2_000))]);
        Some(SlackViewSubmissionResponse::Errors(SlackViewSubmissionErrorsResponse::new(errors)))
    }

    /// What is answered at once: `clear`, or what has to be filled in still.
    pub(super) fn verdict(&self) -> SlackViewSubmissionResponse {
        let values = self.values();
        let empty = |id: &str| values.get(id).is_none_or(|value| value.trim().is_empty());
        let missing = self.blocks.iter().filter(|block| block.r#type == "input" && !block.optional);
        let errors: HashMap<String, String> = missing
            .filter(|block| empty(&block.id))
            .map(|block| (block.id.clone(), fit(chat::fill_in(), 2_000)))
            .collect();
        if errors.is_empty() {
            SlackViewSubmissionResponse::Clear(SlackViewSubmissionClearResponse::new())
        } else {
            SlackViewSubmissionResponse::Errors(SlackViewSubmissionErrorsResponse::new(errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(text: &str, severity: &str) -> Sent {
        serde_json::from_value(json!({
            "private_metadata": r#"{"command":"/incident note INC-3 {text}","room":"C1"}"#,
            "blocks": [
                {"type": "input", "block_id": "text", "optional": false},
                {"type": "input", "block_id": "severity", "optional": true},
                {"type": "section", "block_id": "x"},
            ],
            "state": {"values": {
                "text": {"value": {"type": "plain_text_input", "value": text}},
                "severity": {"value": {"type": "static_select", "selected_option": {"value": severity}}},
            }},
            "hash": "1", "something_new": {"later": true},
        }))
        .unwrap()
    }

    #[test]
    fn what_was_written_comes_back_and_what_is_missing_is_asked_for() {
        let whole = sent("failed over & back", "P1");
        let carried = whole.carried().unwrap();
        assert_eq!((&*carried.command, carried.room.as_deref()), ("/incident note INC-3 {text}", Some("C1")));
        assert_eq!(
            whole.values(),
            BTreeMap::from([("text".into(), "failed over & back".into()), ("severity".into(), "P1".into())])
        );
        assert_eq!(serde_json::to_value(whole.verdict()).unwrap(), json!({"response_action": "clear"}));
        let blank = serde_json::to_value(sent("  \n", "P1").verdict()).unwrap();
        assert_eq!(blank, json!({"response_action": "errors", "errors": {"text": "Please fill this in."}}));
        assert_eq!(Sent::default().carried(), None);
    }

    #[test]
    fn a_form_too_long_for_slack_is_not_opened() {
        let input = Input {
            name: "text".into(),
            label: "l".repeat(9_000),
            hint: "h".repeat(9_000),
            value: "🔔".repeat(9_000),
            optional: false,
            long: true,
            choices: Vec::new(),
        };
        let form = |command: String| Form {
            title: "t".repeat(90),
            send: "s".repeat(90),
            command,
            inputs: vec![input.clone()],
        };
        let carried = |form: &Form| Carried { command: form.command.clone(), room: None, thread: None };
        let good = form("/x {text}".into());
        let view = serde_json::to_value(view(&good, &carried(&good)).unwrap()).unwrap();
        let units = |pointer: &str| size(view.pointer(pointer).unwrap().as_str().unwrap());
        assert_eq!((units("/title/text"), units("/submit/text")), (24, 24));
        assert_eq!(
            (units("/blocks/0/label/text"), units("/blocks/0/element/placeholder/text")),
            (2_000, 150)
        );
        assert_eq!(units("/blocks/0/element/initial_value"), 3_000);
        let long = form("/x ".to_owned() + &"x".repeat(4_000));
        assert_eq!(super::view(&long, &carried(&long)), None);
    }
}
