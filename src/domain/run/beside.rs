//! What a run has beside its steps: which part of a runbook it is, where it leads on, and pictures of what it found.
//! Never holds a picture: only where it is kept.

use serde::{Deserialize, Serialize};

use super::RunPlan;
use crate::domain::{id::PictureId, prose::Echo};

/// One step of a runbook that is done by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What people call the runbook.
    pub guide: String,
    /// As links point to the step.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// What people read below it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prose: String,
}

/// A link of a runbook, as it was when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLink {
    /// Its words.
    pub words: String,
    /// Where it leads.
    pub to: LinkTo,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkTo {
    /// A button with this command, which may repeat what the run was told.
    Command(Echo),
    /// A page elsewhere.
    Web(String),
}

impl LinkTo {
    /// The command, or the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Command(to) => to.as_str(),
            Self::Web(to) => to,
        }
    }
}

impl RunPlan {
    /// The same with a salt of its own for all that may repeat what it was told: questions, and where it leads on.
    #[must_use]
    pub fn salted(mut self, salt: &dyn Fn() -> [u8; 16]) -> Self {
        for step in &mut self.steps {
            step.confirm = step.confirm.take().map(|question| question.salted(salt()));
        }
        for link in &mut self.links {
            if let LinkTo::Command(command) = &mut link.to {
                *command = std::mem::take(command).salted(salt());
            }
        }
        self
    }
}

/// A picture of what a step found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// The picture on a light ground, where one is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub light: Option<PictureId>,
    /// The picture on a dark ground, where one is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark: Option<PictureId>,
    /// What it shows, for whoever cannot see it; up to [`LINE_BYTES`](super::LINE_BYTES).
    pub words: String,
}

impl Drawing {
    /// The picture for this ground, or the other one where there is none.
    #[must_use]
    pub fn on(&self, dark: bool) -> Option<&PictureId> {
        let (wanted, other) = if dark { (&self.dark, &self.light) } else { (&self.light, &self.dark) };
        wanted.as_ref().or(other.as_ref())
    }
}
