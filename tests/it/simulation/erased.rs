//! Words that people wrote, everywhere in the state: whatever a course leaves there, nothing of it survives its erasure.
//! Never names a field for the proof: each text of the journal is marked, and the mark is looked for in the whole state.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use watchbell::{
    domain::{
        event::{Actor, Event, FORMAT, Record, TraceId},
        id::{RunId, Seq},
        prose::Prose,
        run::RunHappened,
        state::State,
        upkeep::{Erased, UpkeepEvent},
    },
    engine::core::replay,
};

use super::{Play, Sabotage};

/// Stands in each text, and nowhere else.
const MARK: &str = "hunter2-";

/// Takes the place of every text in a document; keeps their digests.
fn mark(value: &mut Value, digests: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, digests)),
        Value::Object(object) if ["sha", "salt", "text"].iter().all(|key| object.contains_key(*key)) => {
            let prose = Prose::new(&format!("{MARK}{}", digests.len()), [7; 16]);
            digests.insert(prose.sha().to_owned());
            *value = serde_json::to_value(&prose).expect("a text is JSON");
        }
        Value::Object(object) => object.values_mut().for_each(|item| mark(item, digests)),
        _ => {}
    }
}

fn marked(record: &Record, digests: &mut BTreeSet<String>) -> Record {
    let mut value = serde_json::to_value(&record.event).expect("an event is JSON");
    mark(&mut value, digests);
    let event = serde_json::from_value(value).expect("and it is one with the mark");
    Record { event, ..record.clone() }
}

/// Steps of runs that said something.
fn outputs(record: &Record) -> Option<(RunId, u32)> {
    let Event::Run(run) = &record.event else { return None };
    match &run.what {
        RunHappened::StepFinished(end) if end.output.is_some() => Some((run.run, end.step)),
        _ => None,
    }
}

fn shows_mark(thing: &impl Serialize) -> bool {
    let bytes = rmp_serde::to_vec_named(thing).expect("a snapshot");
    bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

/// The state after everything that was ever written is erased.
fn erased(state: &State, digests: &BTreeSet<String>, outputs: &BTreeSet<(RunId, u32)>) -> State {
    let mut state = state.clone();
    let (digests, outputs, by) = (digests.clone(), outputs.clone(), Actor::Operator);
    let texts = digests.len() as u64;
    let erased = Erased { whose: None, seq: None, before: None, texts, digests, outputs, by };
    let (at, clock) = (state.clock, Some(state.clock));
    let event = Event::Upkeep(Box::new(UpkeepEvent::Erased(erased)));
    let seq = Seq(state.seq.0 + 1);
    replay(&mut state, &Record { seq, at, clock, v: FORMAT, trace: TraceId(0), last: true, event });
    state
}

#[test]
fn no_word_that_the_state_holds_survives_its_erasure() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for seed in 0..16 {
        let (mut state, mut digests, mut said) = (State::default(), BTreeSet::new(), BTreeSet::new());
        for (number, record) in Play::new(seed, Sabotage::None).journal(250).iter().enumerate() {
            replay(&mut state, &marked(record, &mut digests));
            said.extend(outputs(record));
            if number % 50 != 49 {
                continue;
            }
            for (what, shows) in [
                ("incidents", shows_mark(&state.incidents)),
                ("tasks", shows_mark(&state.tasks)),
                ("silences", shows_mark(&state.quiet.silences)),
                ("silences that are over", shows_mark(&state.quiet.ended)),
                ("pages", shows_mark(&state.pages)),
                ("pages that are over", shows_mark(&state.closed_pages)),
                ("deliveries", shows_mark(&state.deliveries)),
                ("runs", shows_mark(&state.runs)),
                ("runs that are over", shows_mark(&state.ended_runs)),
            ] {
                seen.extend(shows.then_some(what));
            }
            let forgot = erased(&state, &digests, &said);
            assert!(
                !shows_mark(&forgot),
                "seed {seed}: a word survives in the state after event {}",
                record.seq
            );
        }
    }
    assert_eq!(seen.len(), 9, "words stand in fewer places than there are: {seen:?}");
}
