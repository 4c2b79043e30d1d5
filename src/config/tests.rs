//! The repository's own configuration, one mistake at a time, many at once, and files that were damaged.

use std::collections::BTreeMap;

use super::*;

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn the_built_in_configuration_is_fine_and_needs_nothing() {
    let mut out = Vec::new();
    let fine = check(None, &nothing, &mut out, false).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(fine, "{text}");
    assert_eq!(
        text,
        "config: fine: 6 people, 3 teams, 3 schedules, 4 policies, 4 severities, 1 integration, 3 routes\n"
    );
}
