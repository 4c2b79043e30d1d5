//! Every event as people read it on a timeline. Never an event without its sentence.

use super::*;
use crate::text::samples;

#[test]
fn every_event_reads_well() {
    let lines: Vec<String> = samples::records()
        .iter()
        .map(|record| {
            if let Some(Entry { kind, by, text, .. }) = entry(record) {
                return format!("{kind:16} {by:11} {text}");
            }
            let event = format!("{:?}", record.event);
            format!("-                            {}", event.split(['(', ' ']).next().unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_entry_looks_as_the_api_promises() {
    let entry = entry(&samples::records()[2]).unwrap();
    let json = serde_json::to_value(&entry).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "seq": 3,
            "at": "2026-03-01T09:00:20Z",
            "kind": "alert_fired",
            "by": "prometheus",
            "text": "HighErrorRate fired (service=qflow, severity=critical): 5 % of the requests fail",
        })
    );
    assert_eq!(serde_json::from_value::<Entry>(json).unwrap(), entry);
}

#[test]
fn whatever_came_from_outside_is_one_harmless_line() {
    for record in samples::records() {
        let Some(entry) = entry(&record) else { continue };
        assert_eq!(entry.text, plain(&entry.text, 5000), "{entry:?}");
        assert!(!entry.text.is_empty() && entry.text.chars().count() < 2500, "{entry:?}");
    }
}

#[test]
fn what_has_an_entry_is_filed_and_what_is_filed_has_an_entry() {
    for record in samples::records() {
        // The audit is no timeline: it says more, and of other things.
        let keys = crate::domain::timeline::keys(&record.event);
        let filed = keys.iter().any(|key| *key != crate::domain::timeline::Key::Audit);
        match &record.event {
            // Of the process, not of anything that has a timeline.
            Event::ConfigurationLoaded { .. }
            | Event::ClockStepped { .. }
            | Event::TokenUsed { .. }
            | Event::Upkeep(_)
            | Event::LinkFailed { .. }
            | Event::AccountLinked { .. }
            | Event::AccountUnlinked { .. } => assert!(!filed),
            // Part of an explanation, but silent.
            Event::DeliveryQueued(queued) => {
                assert_eq!(filed, queued.kind == crate::domain::delivery::DeliveryKind::Page);
            }
            event => assert_eq!(filed, entry(&record).is_some(), "{event:?}"),
        }
    }
}

#[test]
fn instants_within_a_sentence_are_in_the_zone_of_whoever_reads_it_and_exact_for_machines() {
    let madrid = jiff::tz::TimeZone::get("Europe/Madrid").unwrap();
    let mut told = 0;
    for record in samples::records() {
        let (Some(exact), Some(read)) = (entry(&record), entry_with(&record, Times::In(&madrid))) else {
            continue;
        };
        // What somebody wrote may hold anything; none of the samples does.
        let instants = exact.text.matches("2026-03-01T").count();
        assert_eq!(read.text.matches(" CET").count(), instants, "{}", read.text);
        assert!(!read.text.contains("2026-03-01T"), "{}", read.text);
        told += instants;
    }
    assert!(told >= 10, "{told}: overrides, swaps, tasks, the impact, erasures, runs that were missed");
}
