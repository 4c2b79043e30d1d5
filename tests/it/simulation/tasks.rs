//! Tasks as the journal tells them: whoever has one that is due is reminded. Knows events alone, never the rules that
//! made them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use watchbell::domain::{
    event::{Event, Record},
    id::TaskId,
    response::{ResponseEvent, TaskChange},
    state::Timer,
};

use crate::world::World;

/// When a task is due, and when somebody is to be reminded of it, both in engine time.
#[derive(Clone, Copy)]
struct Wait {
    due: Option<Timestamp>,
    remind_at: Option<Timestamp>,
    open: bool,
}

#[derive(Default)]
pub struct Tasks(BTreeMap<TaskId, Wait>);

impl Tasks {
    /// Reads one record.
    pub fn read(&mut self, record: &Record) {
        let Event::Response(event) = &record.event else { return };
        let now = record.engine_time();
        match &**event {
            ResponseEvent::TaskAdded(added) => {
                self.0.insert(added.task, Wait { due: added.due, remind_at: added.due, open: true });
            }
            ResponseEvent::TaskReminded { task, next_at, .. } => {
                let wait = self.0.get_mut(task).expect("a task begins");
                let early = wait.remind_at.is_none_or(|at| at > now);
                assert!(
                    wait.open && !early,
                    "somebody is reminded of {task} before it is due, or of what is over"
                );
                wait.remind_at = *next_at;
            }
            ResponseEvent::TaskChanged { task, change, .. } => {
                let wait = self.0.get_mut(task).expect("a task begins");
                match change {
                    TaskChange::Done | TaskChange::Dropped => wait.open = false,
                    TaskChange::Reopened => {
                        wait.open = true;
                        wait.remind_at = wait.due.map(|due| due.max(now));
                    }
                    TaskChange::Due(due) => {
                        wait.due = *due;
                        wait.remind_at = due.map(|due| due.max(now));
                    }
                    TaskChange::Owner(_) => {}
                }
            }
            _ => {}
        }
    }

    /// What must be true between any two steps.
    pub fn look(&self, world: &World) {
        for (task, wait) in self.0.iter().filter(|(_, wait)| wait.open) {
            let Some(at) = wait.remind_at else { continue };
            let late = at <= world.engine;
            let waits = world.state().timers.contains(&(at, Timer::TaskDue(*task)));
            assert!(!late && waits, "nobody is reminded of {task}, due at {at}");
        }
    }
}
