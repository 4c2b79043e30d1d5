//! Cards: what the bot says, independent of any platform. Adapters render them to the terminal, Block Kit, embeds
//! or HTML. Never holds markup: all text is plain, and whoever renders it escapes it.

use serde::{Deserialize, Serialize};

use super::plain::{aligned, lines, plain};

/// One message of the bot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// First line.
    pub title: String,
    /// How it is coloured.
    #[serde(default)]
    pub tone: Tone,
    /// Paragraphs; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Name–value pairs, shown as a small table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// A table (the first row is its head), for lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub table: Vec<Vec<String>>,
    /// Of the table the last rows matter most: where not all have room, the first ones are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub newest_last: bool,
    /// A document shown as it is (a postmortem in Markdown).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// Links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Buttons; in the terminal they are numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
    /// Lists to choose from; in the terminal they are not shown: their commands can be written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selects: Vec<Select>,
    /// Where all of it can be read, in a few words (`/incident timeline INC-7`): shown by a platform that has to leave
    /// something out, and only then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub whole: String,
}

impl Card {
    /// The same without characters that do something instead of being seen; the lines of text and document stay.
    #[must_use]
    pub fn harmless(self) -> Self {
        let line = |text: String| plain(&text, usize::MAX);
        let field = |field: Field| Field { name: line(field.name), value: line(field.value) };
        let link = |link: Link| Link { text: line(link.text), url: line(link.url) };
        let button = |button: Button| Button {
            label: line(button.label),
            command: line(button.command),
            form: button.form,
        };
        let choice = |choice: Button| Button { form: None, ..button(choice) };
        let select = |select: Select| Select {
            label: line(select.label),
            choices: select.choices.into_iter().map(choice).collect(),
        };
        Self {
            title: line(self.title),
            tone: self.tone,
            text: lines(&self.text),
            fields: self.fields.into_iter().map(field).collect(),
            table: self.table.into_iter().map(|row| row.into_iter().map(line).collect()).collect(),
            newest_last: self.newest_last,
            document: aligned(&self.document),
            links: self.links.into_iter().map(link).collect(),
            buttons: self.buttons.into_iter().map(button).collect(),
            selects: self.selects.into_iter().map(select).collect(),
            whole: line(self.whole),
        }
    }
}

/// Which lines of a table are shown when only some have room: its head, and the first or the last of the others.
/// `fit` says how many of the lines that it is given have room.
#[must_use]
pub fn lines_with_room(
    lines: Vec<String>,
    newest_last: bool,
    fit: impl Fn(&[String]) -> usize,
) -> Vec<String> {
    let room = fit(&lines);
    if room >= lines.len() || !newest_last {
        return lines.into_iter().take(room).collect();
    }
    let (head, rows) = lines.split_at(1.min(lines.len()));
    let backwards: Vec<String> = head.iter().chain(rows.iter().rev()).cloned().collect();
    let kept = fit(&backwards).saturating_sub(head.len());
    let last = rows.get(rows.len().saturating_sub(kept)..).unwrap_or_default();
    if kept == 0 { head.to_vec() } else { head.iter().chain(last).cloned().collect() }
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A link with its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The words.
    pub text: String,
    /// Where it leads: `http` or `https` only.
    pub url: String,
}

/// A button: pressing it is the same as writing its command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// The words on it.
    pub label: String,
    /// The command (`/ack G-17`).
    pub command: String,
    /// A form that is shown first, where the platform has forms; its values complete the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

impl Button {
    /// A button that does what its command says.
    #[must_use]
    pub fn new(label: impl Into<String>, command: impl Into<String>) -> Self {
        Self { label: label.into(), command: command.into(), form: None }
    }
}

/// A list to choose one thing from: choosing is the same as writing the choice's command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {
    /// What is chosen (`Severity`).
    pub label: String,
    /// The choices.
    pub choices: Vec<Button>,
}

/// A form: sending it is the same as writing its command with the values in their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its heading; 24 characters at most are shown by Slack, 45 by Discord.
    pub title: String,
    /// The word on the button that sends it.
    pub send: String,
    /// The command with `{name}` where the value of the input `name` belongs (`/incident note INC-3 {text}`).
    pub command: String,
    /// What is to be filled in; Discord takes five at most.
    pub inputs: Vec<Input>,
}

/// One thing to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name in the form's command.
    pub name: String,
    /// What people read beside it.
    pub label: String,
    /// An example, or what is expected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// What stands there already.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Whether it may stay empty.
    #[serde(default)]
    pub optional: bool,
    /// Whether it has room for several lines.
    #[serde(default)]
    pub long: bool,
    /// The only values that it takes; empty: any text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// One of the values that an input takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What people read.
    pub label: String,
    /// What is put into the command.
    pub value: String,
}

impl From<String> for Choice {
    fn from(value: String) -> Self {
        Self { label: value.clone(), value }
    }
}

/// How a card is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// It is well, or over.
    Good,
    /// Look at it.
    Warning,
    /// Act on it.
    Critical,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_not_all_lines_have_room_the_head_stays_and_the_newest_can() {
        let lines = || ["head", "1", "2", "3"].map(str::to_owned).to_vec();
        for (room, newest_last, expected) in [
            (9, true, vec!["head", "1", "2", "3"]),
            (3, false, vec!["head", "1", "2"]),
            (3, true, vec!["head", "2", "3"]),
            (1, true, vec!["head"]),
        ] {
            assert_eq!(lines_with_room(lines(), newest_last, |all| room.min(all.len())), expected);
        }
        assert_eq!(lines_with_room(Vec::new(), true, <[String]>::len), Vec::<String>::new());
    }

    #[test]
    fn a_card_keeps_its_words_and_its_lines_and_nothing_that_does_something() {
        let loud = || "@everyone \u{7}\u{1b}[2J\u{202e}down\n  really".to_owned();
        let (line, lines) = ("@everyone [2Jdown really", "@everyone [2Jdown\n  really");
        let card = Card {
            title: loud(),
            text: loud(),
            fields: vec![Field { name: loud(), value: loud() }],
            table: vec![vec![loud()]],
            document: loud(),
            links: vec![Link { text: loud(), url: loud() }],
            buttons: vec![Button::new(loud(), loud())],
            selects: vec![Select { label: loud(), choices: vec![Button::new(loud(), loud())] }],
            newest_last: true,
            whole: loud(),
            tone: Tone::Good,
        };
        let card = card.harmless();
        assert_eq!(card.whole, line);
        assert_eq!((&*card.title, &*card.text, &*card.document), (line, lines, lines));
        assert_eq!((&*card.fields[0].name, &*card.fields[0].value, &*card.table[0][0]), (line, line, line));
        assert_eq!((&*card.links[0].text, &*card.links[0].url), (line, line));
        let (select, choice) = (&card.selects[0], &card.selects[0].choices[0]);
        assert_eq!((&*select.label, &*choice.label, &*choice.command), (line, line, line));
        assert_eq!((&*card.buttons[0].label, &*card.buttons[0].command, card.tone), (line, line, Tone::Good));
    }
}
