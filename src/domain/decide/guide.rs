//! Guides: that somebody read a step of one is part of an incident. Never decides what a step does: that is a run.

use super::Decision;
use crate::domain::{event::Event, guide::GuideRead, intent::Refusal, page::Target, run::WORDS_BYTES};

impl Decision<'_> {
    pub(super) fn read_guide(&mut self, mut read: GuideRead) -> Result<(), Refusal> {
        // A button from before a merge still works: the guide is where the response goes on.
        read.incident = self.state.goes_on_in(read.incident);
        if !self.state.incidents.contains_key(&read.incident) {
            return Err(Refusal::Unknown(Target::Incident(read.incident)));
        }
        for text in [&mut read.runbook, &mut read.title, &mut read.anchor, &mut read.heading] {
            let mut end = text.len().min(WORDS_BYTES);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        self.emit(Event::GuideRead(Box::new(read)));
        Ok(())
    }
}
