//! Cards: what the bot says, independent of any platform. Adapters render them to the terminal, Block Kit, embeds
//! or HTML. Never holds markup: all text is plain, and whoever renders it escapes it.

use serde::{Deserialize, Serialize};

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
    /// A document shown as it is (a postmortem in Markdown).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document: String,
    /// Links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Buttons; in the terminal they are numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
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
