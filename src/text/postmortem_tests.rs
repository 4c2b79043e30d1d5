//! Postmortems as people read them. Never a document that Markdown would read differently.

use super::*;
use crate::text::samples;

fn incident() -> Incident {
    serde_json::from_value(serde_json::json!({
        "id": "INC-7", "title": {"derived": "HighErrorRate <cluster> | eu"}, "severity": "P1",
        "urgency": "urgent", "status": "resolved",
        "roles": {"commander": ["ana"], "scribe": ["ben", "chi"]}, "groups": ["G-17"], "channels": [],
        "expect": {}, "opened_by": "watchbell", "opened_at": "2026-03-01T09:00:30Z",
        "opened_clock": "2026-03-01T09:00:30Z", "severe_since": "2026-03-01T09:00:30Z",
        "acknowledged": [{"person": "ana"}, "2026-03-01T09:06:20Z"],
        "mitigated_at": "2026-03-01T09:08:10Z", "resolved_at": "2026-03-01T09:09:10Z", "update_due": null,
        "acknowledge_due": null, "unresolved_paged": 0, "opened_for": null, "route": null, "pages": [], "cards": [], "paged": [], "card_revision": 0,
    }))
    .unwrap()
}

#[test]
fn a_postmortem_holds_what_is_known() {
    let (records, now) = (samples::records(), samples::start());
    let document = postmortem(&incident(), &[], &[], &records, now);
    assert_eq!(document, postmortem(&incident(), &[], &[], &records, now), "always the same");
    insta::assert_snapshot!(document);
}

#[test]
fn an_open_incident_without_anything_has_one_too() {
    let mut incident = incident();
    incident.status = crate::domain::incident::IncidentStatus::Investigating;
    (incident.acknowledged, incident.mitigated_at, incident.resolved_at) = (None, None, None);
    incident.roles.clear();
    let document = postmortem(&incident, &[], &[], &[], incident.opened_at + SignedDuration::from_mins(90));
    insta::assert_snapshot!(document);
}

#[test]
fn nothing_from_outside_becomes_markup() {
    for (text, expected) in [
        ("a|b", r"a\|b"),
        ("`x` *y* _z_", r"\`x\` \*y\* \_z\_"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[a](http://b)", r"\[a\](http\://b)"),
        ("see https://b.c/d", r"see https\://b.c/d"),
        ("WWW.b.c", r"WWW\.b.c"),
        ("x@b.c @everyone", r"x\@b.c \@everyone"),
        ("10:30, 5.5 %", "10:30, 5.5 %"),
        ("&lt;", r"\&lt;"),
    ] {
        assert_eq!(markdown(text), expected);
    }
}
