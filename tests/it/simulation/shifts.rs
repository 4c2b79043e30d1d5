//! Who stands in for whom, as the journal tells it: whoever an override or a swap names is paged in its time, and nobody
//! else. Knows events alone, never the rules that made them.

use watchbell::domain::{
    event::{Event, Record},
    intent::Intent,
    prose::Prose,
    schedule::Override,
    swap::{SwapIntent, exchange},
};

use super::{dice::Dice, play::Sabotage, witness::somebody};
use crate::world::World;

#[derive(Default)]
pub struct Shifts(Vec<Override>);

impl Shifts {
    /// Reads one record.
    pub fn read(&mut self, record: &Record) {
        match &record.event {
            Event::OverrideAdded { id, schedule, person, from, until, .. } => self.0.push(Override {
                id: *id,
                schedule: schedule.clone(),
                person: person.clone(),
                from: *from,
                until: *until,
            }),
            Event::Swapped(swapped) => {
                let (first, second) = (&swapped.first, &swapped.second);
                let each = first.person != second.person && first.schedule == second.schedule;
                assert!(each, "a swap gives both shifts to {}", first.person);
                self.0.extend([first.clone(), second.clone()]);
            }
            Event::OverrideRemoved { id, .. } => {
                for one in self.0.iter_mut().filter(|one| one.id == *id) {
                    one.until = one.until.min(record.at);
                }
            }
            Event::StepTaken(taken) => {
                for paged in &taken.people {
                    let of = |one: &&Override| {
                        paged.because == format!("schedule:{}", one.schedule)
                            && one.from <= record.at
                            && record.at < one.until
                    };
                    // The last word counts.
                    let Some(stands_in) = self.0.iter().rev().find(of) else { continue };
                    assert!(
                        stands_in.person == paged.person,
                        "promise 5: {} is paged, and {} gave the shift to {}",
                        paged.person,
                        stands_in.id,
                        stands_in.person
                    );
                }
            }
            _ => {}
        }
    }
}

/// Whoever is on call now gives that to somebody else for their next shift.
pub fn swap(world: &World, dice: &mut Dice) -> Option<Intent> {
    let schedule = &world.config.schedules[dice.pick(&["primary", "secondary"])];
    let overrides = world.state().overrides_of(&schedule.id);
    let now = world.now().civil;
    let me = schedule.on_call(now, &overrides)?.clone();
    let with = schedule.layers.iter().flat_map(|layer| &layer.people).find(|person| **person != me)?;
    let exchange = exchange(schedule, &overrides, (&me, with), (Some(now), None), now).ok()?;
    let told = Prose::new("words", [dice.below(256) as u8; 16]);
    let by = somebody(me.as_str());
    Some(Intent::Swap(Box::new(SwapIntent { exchange, told, by })))
}

/// A broken memory: what was swapped stays as it was.
pub fn forget_swaps(world: &mut World, sabotage: Sabotage) {
    if sabotage == Sabotage::ForgetSwap {
        world.break_state(|state| {
            let swapped = std::mem::take(&mut state.swaps);
            state.overrides.retain(|id, _| !swapped.contains_key(id));
        });
    }
}
