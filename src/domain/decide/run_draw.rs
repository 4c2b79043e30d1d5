//! Pictures of what steps found: each is a delivery to every chat room in which its run streams. Never queues one where
//! nobody can see pictures, and never more of a step than its newest.

use super::Decision;
use crate::domain::{
    delivery::{Channel, DeliveryKind, Notice, Recipient},
    id::{ChannelName, RunId},
    page::Subject,
    run::{DRAWINGS, Drawing, LINE_BYTES, Run, RunHappened, RunRefusal},
};

impl Decision<'_> {
    pub(super) fn draw(&mut self, id: RunId, index: u32, drawing: Drawing) -> Result<(), RunRefusal> {
        let Some(run) = self.state.run(id).cloned() else { return Err(RunRefusal::Unknown(id)) };
        let step = run.step(index).ok_or_else(|| RunRefusal::NoStep(id, index.to_string()))?;
        if drawing.words.len() > LINE_BYTES {
            return Err(RunRefusal::TooLarge("the words of a picture"));
        }
        let rooms = self.picture_rooms(&run);
        let had: u32 = run.steps.iter().map(|step| step.drawings).sum();
        // Told twice, or of an attempt before a crash; or nobody would see it.
        if !step.runs() || rooms.is_empty() || had >= DRAWINGS {
            return Ok(());
        }
        self.happens(&run, RunHappened::Drawn { step: index, drawing });
        for (name, channel) in rooms {
            let to = Recipient::Channel(name);
            // One that waits shows the newest, too.
            let notice = Some(Notice::Drawn(id, index));
            let waits =
                self.state.deliveries.values().any(|one| {
                    one.notice == notice && one.channel == channel && one.to == to && !one.leaving
                });
            if !waits {
                self.queue(DeliveryKind::Picture, Subject::Run(id), None, to, channel, 0, notice);
            }
        }
        Ok(())
    }

    /// Where the pictures of a run are shown: a terminal has none.
    fn picture_rooms(&self, run: &Run) -> Vec<(ChannelName, Channel)> {
        let of = |name: &ChannelName| {
            let platforms: Vec<Channel> = self.config.platforms_of(name).collect();
            platforms
                .into_iter()
                .filter(|one| *one != Channel::Chat)
                .map(|one| (name.clone(), one))
                .collect::<Vec<_>>()
        };
        run.plan.channels.iter().flat_map(of).collect()
    }
}
