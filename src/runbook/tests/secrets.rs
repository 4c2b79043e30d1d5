//! Arguments that are secrets: where one may stand, and where it would be seen or kept.

use super::{library, sound, with};

/// A body below front matter with a secret `pin`.
fn told(body: &str) -> String {
    let arguments = "arguments:\n  - flag: --pin\n    type: word\n    secret: true\n";
    with(body).replace("arguments:\n", arguments)
}

#[test]
fn a_secret_stands_where_nobody_reads_it() {
    for body in [
        "```http\nPOST {{ qflow.url }}/a\nX-Pin: {{ pin }}\n\n{\"pin\": \"{{ args.pin }}\", \"raw\": {{ pin }}}\n```\n",
        "```http\n#| when: pin is not none\n#| expect: body != pin\nGET {{ qflow.url }}/a\n```\n",
        "```run\nqflow login {{ pin }} --pin={{ pin }}\n```\n",
    ] {
        assert!(sound(&told(body)).spec.is_confidential(), "{body}");
    }
}

#[test]
fn a_secret_that_would_be_seen_or_kept_is_a_mistake() {
    for body in [
        "```run\n#| confirm: Log in with {{ pin }}?\nqflow x\n```\n",
        "```run\n#| lock: of {{ pin }}\nqflow x\n```\n",
        "```run\n#| show: {{ pin }}\nqflow x\n```\n",
        "```run\n#| reads: true\n#| rows: [pin]\nqflow x\n```\n",
        "```run\n#| reads: true\n#| follow: {{ args.pin }}\nqflow x\n```\n",
        "```chat\n/incident note {{ pin }}\n```\n",
        "```chat\n/incident note \"it is {{ args.pin }}\"\n```\n",
        "```http\nGET {{ qflow.url }}/{{ pin }}\n```\n",
        "```http\nGET {{ qflow.url }}/a?pin={{ pin }}\n```\n",
        "```promql\nup{a=\"{{ pin }}\"}\n```\n",
        "```logs\nindex: q-*\n\na:{{ pin }}\n```\n",
        "```trace\nservice: {{ pin }}\n```\n",
    ] {
        let library = library(&[("t.md", &told(body))]);
        let said: Vec<&str> = library.mistakes().map(|mistake| mistake.what.as_str()).collect();
        assert!(
            said.iter().any(|what| what.contains("`pin` is a secret, and what stands")),
            "{body}: {said:?}"
        );
    }
    // What is made of it would not be found again.
    for body in [
        "```run\nqflow login {{ pin | upper }}\n```\n",
        "```run\nqflow login {{ pin ~ \"x\" }}\n```\n",
        "```http\nPOST {{ qflow.url }}/a\nX-Pin: {{ pin if part else part }}\n\nx\n```\n",
    ] {
        let library = library(&[("t.md", &told(body))]);
        let says = |what: &str| library.mistakes().any(|mistake| mistake.what.contains(what));
        assert!(says("`pin` is a secret, and nothing is made of one"), "{body}");
    }
}

#[test]
fn a_secret_is_a_word_without_a_default() {
    let front = |argument: &str| {
        format!("---\ncommand: /t\nsummary: x\narguments:\n  - flag: --pin\n{argument}---\n# T\n")
    };
    for (argument, says) in [
        ("    type: word\n    secret: true\n    default: abcdef\n", "a secret has no default"),
        ("    type: number\n    secret: true\n", "a secret is a word or a text"),
        ("    type: switch\n    secret: true\n", "a secret is a word or a text"),
        ("    type: word\n    secret: perhaps\n", "`secret` is true or false"),
    ] {
        let library = library(&[("t.md", &front(argument))]);
        let said: Vec<&str> = library.mistakes().map(|mistake| mistake.what.as_str()).collect();
        assert!(said.iter().any(|what| what.contains(says)), "{argument}: {said:?}");
    }
    assert!(
        sound(&front("    secret: true\n")).spec.flags.iter().any(|flag| flag.secret && flag.kind.is_some())
    );
    assert!(!sound(&front("    type: word\n    secret: false\n")).spec.is_confidential());
}
