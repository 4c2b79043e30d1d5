//! Every rule with a file that breaks it: the sentence, and the place that is meant.

use super::{library, sound, with};

/// A body, the words that the mistake points at, what it says.
const BODIES: &[(&str, &str, &str)] = &[
    // Blocks and settings.
    ("```http\n```\n", "```http", "says nothing to do"),
    ("```promq\n#| name: a\nup\n```\n", "```promq", "`promq` is no action, and this block has settings"),
    ("```promql\n#| expct: value < 1\nup\n```\n", "expct", "there is no setting `expct`"),
    ("```promql\n#| just words\nup\n```\n", "#| just words", "this is no setting"),
    ("```promql\n#| unit:\nup\n```\n", "unit", "`unit` has no value"),
    ("```promql\n#| unit: s\n#| unit: m\nup\n```\n", "unit", "`unit` is there twice"),
    ("```promql\n#| timeout: 5\nup\n```\n", "5", "`5` has no unit"),
    ("```promql\n#| timeout: 0s\nup\n```\n", "0s", "too short or too long"),
    ("```promql\n#| retry: often\nup\n```\n", "often", "this is no number of tries"),
    ("```run\n#| approve: operatr\nqflow x\n```\n", "operatr", "`operatr` is no role"),
    ("```run\n#| approve: 9 operator\nqflow x\n```\n", "9 operator", "this is no approval"),
    ("```run\n#| approve: viewer\nqflow x\n```\n", "viewer", "a viewer cannot approve"),
    ("```promql\n#| threshold: high\nup\n```\n", "high", "`high` is no number"),
    ("```run\n#| chart: 3h\nqflow x\n```\n", "chart", "`chart` is for promql"),
    ("```run\n#| reads: perhaps\nqflow x\n```\n", "perhaps", "`reads` is true or false"),
    ("```promql\n#| redact: (\nup\n```\n", "(", "no regular expression"),
    ("```promql\n#| service: prometeus\nup\n```\n", "prometeus", "no environment has a service `prometeus`"),
    ("```promql\n#| columns: a\nup\n```\n", "columns", "`columns` says how `rows` is meant"),
    ("```promql\n#| rows: series\n#| columns: a b\nup\n```\n", "a b", "this is no column"),
    ("```promql\n#| show: {{ valu }}\nup\n```\n", "valu", "nothing is called `valu` here"),
    ("```promql\n#| every: 5s\nup\n```\n", "every", "`every` says how `follow` is meant"),
    ("```run\n#| follow: 5m\nqflow x\n```\n", "```run", "what changes something is done once"),
    ("```promql\n#| when: values.runs == 'x'\nup\n```\n", "runs", "`values` has no `runs`"),
    // Names and ways.
    ("```promql\n#| name: Bad\nup\n```\n", "Bad", "`Bad` cannot be a name"),
    ("```promql\n#| name: status\nup\n```\n", "status", "results and expressions have that word already"),
    ("```promql\n#| name: qflow\nup\n```\n", "qflow", "a service of the environments has that name"),
    ("```promql\n#| name: since\nup\n```\n", "since", "an argument has that name"),
    ("```promql\n#| name: a\nup\n```\n```promql\n#| name: a\nup\n```\n", "a", "another step has that name"),
    ("```promql\n#| on_fail: nowhere\nup\n```\n", "nowhere", "no step is called `nowhere`"),
    ("```promql\n#| name: a\nup\n```\n```promql\n#| on_pass: a\nup\n```\n", "a", "not a later step"),
    ("```promql\n#| name: a\n#| on_fail: a\nup\n```\n", "a", "not a later step"),
    // Expressions.
    ("```promql\n#| expect: valu < 1\nup\n```\n", "valu", "nothing is called `valu` here"),
    (
        "```http\n#| expect: json.a.b and stats\nGET {{ qflow.url }}/\n```\n",
        "stats",
        "nothing is called `stats` here",
    ),
    ("```http\n#| expect: status.code\nGET {{ qflow.url }}/\n```\n", "code", "`status` has no fields"),
    ("```promql\n#| expect: value <\nup\n```\n", "value <", "this is no expression"),
    ("```promql\n#| expect: value | rond\nup\n```\n", "rond", "there is no filter `rond`"),
    ("```promql\n#| expect: value is nuber\nup\n```\n", "nuber", "there is no test `nuber`"),
    ("```promql\n#| expect: range(3)\nup\n```\n", "(", "nothing can be called"),
    ("```promql\n#| when: value < 1\nup\n```\n", "value", "nothing is called `value` here"),
    (
        "```promql\n#| when: later.ok\nup\n```\n```promql\n#| name: later\nup\n```\n",
        "later",
        "`later` comes later",
    ),
    ("```promql\n#| name: self\n#| expect: self.ok\nup\n```\n", "self", "this step itself"),
    (
        "```promql\n#| name: a\nup\n```\n```promql\n#| when: a.status == 1\nup\n```\n",
        "status",
        "the result of promql has no `status`",
    ),
    ("```promql\n#| name: a\nup\n```\n```promql\n#| when: a\nup\n```\n", "a", "`a` alone says nothing"),
    ("```promql\n#| when: incident.nam\nup\n```\n", "nam", "this word has no `nam`"),
    ("```promql\n#| when: qflow.token\nup\n```\n", "token", "is a secret"),
    (
        "```promql\n#| confirm: Restart {{ componnt }}?\nup\n```\n",
        "componnt",
        "nothing is called `componnt` here",
    ),
    ("```promql\nup{x=\"{{ part }\"}\n```\n", "{{", "this {{ is not closed"),
    ("```promql\nup {% if part %}\n```\n", "{%", "has no {% statements %}"),
    // http.
    ("```http\nGTE {{ qflow.url }}/\n```\n", "GTE", "`GTE` is no method"),
    ("```http\nGET\n```\n", "GET", "no address after the method"),
    ("```http\nGET /health\n```\n", "/health", "this is no address"),
    ("```http\nGET https://evil.example/\n```\n", "evil.example", "may not call `evil.example`"),
    ("```http\nGET https://127.0.0.1{{ part }}/\n```\n", "part", "cannot be part of the host"),
    ("```http\nGET {{ qflow.url }}{{ part }}\n```\n", "part", "cannot be part of the host"),
    ("```http\nGET {{ qflow.url }}.evil.example/\n```\n", ".", "would be part of its host"),
    ("```http\nGET {{ part }}/x\n```\n", "part", "begins with a service's url"),
    ("```http\nGET {{ qflo.url }}/x\n```\n", "qflo", "nothing is called `qflo` here"),
    ("```http\nGET {{ qflow.url }}/\nno header\n```\n", "no header", "this is no header"),
    ("```http\nGET {{ qflow.url }}/\nHost: evil\n```\n", "Host", "no header that a runbook may set"),
    ("```http\nPOST {{ qflow.url }}/\n\n{\"a\": {{ part }}, }\n```\n", "}", "this is no JSON"),
    // promql.
    ("```promql\nrate(up[5m)\n```\n", ")", "this `)` closes nothing"),
    ("```promql\nsum(up\n```\n", "(", "this `(` is not closed"),
    ("```promql\nup{a=\"b}\n```\n", "{", "not closed"),
    ("```promql\nup{a=`{{ part }}`}\n```\n", "part", "cannot stand in `…`"),
    // logs and trace.
    ("```logs\nsince: 1h\n\nx\n```\n", "since: 1h\n\nx", "no index to look in"),
    ("```logs\nindx: a\n```\n", "indx", "a logs block has no `indx`"),
    ("```logs\nindex: a\nsince: soon\n```\n", "soon", "`soon` is not a duration"),
    ("```logs\nindex: a\n\nx:/{{ part }}/\n```\n", "part", "cannot stand in a regular expression"),
    ("```logs\nindex: a\n\n{\"match\": {\"x\" {{ part }}}}\n```\n", "part", "this is no JSON"),
    ("```trace\noperation: x\n```\n", "operation: x", "which `trace` or which `service`"),
    ("```trace\nservice: q\ntag: error\n```\n", "error", "a tag is `name=value`"),
    // run.
    ("```run\nqflow a | head\n```\n", "|", "there are no pipes here"),
    ("```run\nqflow a && qflow b\n```\n", "&", "there is no `&` here"),
    ("```run\nqflow a; id\n```\n", ";", "there is no `;` here"),
    ("```run\nqflow $HOME\n```\n", "$", "`$` means nothing here"),
    ("```run\nqflow \"$(id)\"\n```\n", "$", "`$` means nothing here"),
    ("```run\nqflow `id`\n```\n", "`id`", "a command in backticks"),
    ("```run\nqflow > out\n```\n", ">", "nothing is redirected here"),
    ("```run\nqflow *.log\n```\n", "*", "names are not expanded"),
    ("```run\nqflow ~/x\n```\n", "~", "`~` means nothing here"),
    ("```run\nqflow 'open\n```\n", "qflow 'open", "a quote of this line is not closed"),
    ("```run\nkubctl get pods\n```\n", "kubctl", "runbooks may not start `kubctl`"),
    ("```run\n/bin/sh -c x\n```\n", "/bin/sh", "is a path"),
    ("```run\n{{ part }} x\n```\n", "{{", "which program is started cannot be a value"),
    // chat.
    ("```chat\nincident list\n```\n", "incident list", "a command begins with /"),
    ("```chat\n/incidnt list\n```\n", "/incidnt list", "there is no command /incidnt list"),
    ("```chat\n/incident list\n/ack 1\n```\n", "/ack 1", "one command"),
    ("```chat\n/incident show INC-{{ part }}\n```\n", " ", "a value is a word of its own"),
    ("```chat\n/incident note '{{ part }}'\n```\n", "'", "words stand in double quotes"),
    (
        "```chat\n/incident note \"{{ part }}\n```\n",
        "/incident note",
        "a quote of this command is not closed",
    ),
    ("```chat\n/t check x\n```\n", "/t check x", "come back to itself"),
    // Links.
    ("See [x](other.md).\n", "[x](other.md)", "there is no runbook other.md"),
    ("## Here\n\nSee [x](#her).\n", "[x](#her)", "there is no step #her"),
    ("See [x](javascript:alert).\n", "[x](javascript:alert)", "a link cannot lead to `javascript:`"),
];

#[test]
fn every_rule_says_what_is_wrong_and_where() {
    let mut wrong = Vec::new();
    for (body, points_at, says) in BODIES {
        let text = with(body);
        let library = library(&[("t.md", &text)]);
        let found = library.mistakes().any(|mistake| {
            let line = text.lines().nth(mistake.line.saturating_sub(1)).unwrap_or_default();
            let rest: String = line.chars().skip(mistake.column.saturating_sub(1)).collect();
            let first = points_at.lines().next().unwrap_or_default();
            mistake.what.contains(says) && rest.starts_with(first)
        });
        if !found {
            let said: Vec<String> = library.mistakes().map(ToString::to_string).collect();
            wrong.push(format!("{body}expected `{says}` at `{points_at}`, said:\n{}", said.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), BODIES.len(), wrong.join("\n----\n"));
}

/// Front matter, the words that the mistake points at, what it says.
const FRONTS: &[(&str, &str, &str)] = &[
    ("summary: x", "summary", "there is no command"),
    ("command: t check\nsummary: x", "t check", "`t check` is no command"),
    ("command: /T check\nsummary: x", "/T check", "is no command"),
    ("command: /incident list\nsummary: x", "/incident list", "/incident list is built in"),
    ("command: /runbook show\nsummary: x", "/runbook show", "/runbook show is built in"),
    ("command: /t", "/t", "there is no summary"),
    ("command: /t\nsummry: x", "summry", "front matter has no `summry`"),
    ("command: /t\nsummary: [x]", "[x]", "`summary` is one value"),
    ("command: /t\nsummary: x\nrole: opertor", "opertor", "`opertor` is no role"),
    ("command: /t\nsummary: x\nenvironment: prod", "prod", "no environment is called `prod`"),
    ("command: /t\nsummary: x\nexamples: [/u]", "/u", "no example of /t"),
    ("command: /t\nsummary: x\narguments:\n  - name: a", "/t", "has an example"),
    ("command: /t\nsummary: x\narguments: a", "a", "`arguments` is a list"),
    ("command: /t\nsummary: x\narguments:\n  - nme: a", "nme", "an argument has no `nme`"),
    (
        "command: /t\nsummary: x\narguments:\n  - flag: --a\n    type: durtion",
        "durtion",
        "`durtion` is no type of a flag",
    ),
    (
        "command: /t\nsummary: x\narguments:\n  - flag: --a\n    type: duration\n    default: x",
        "x",
        "`x` does not fit",
    ),
    (
        "command: /t\nsummary: x\narguments:\n  - flag: --a\n    choices: [b]\n    default: c",
        "c",
        "`c` does not fit",
    ),
    ("command: /t\nsummary: x\narguments:\n  - flag: --dry-run", "--dry-run", "every runbook has `dry-run`"),
    ("command: /t\nsummary: x\narguments:\n  - flag: --qflow", "--qflow", "a service of the environments"),
    ("command: /t\nsummary: x\narguments:\n  - flag: --Bad!", "--Bad!", "no name for an argument"),
    ("command: /t\nsummary: x\narguments:\n  - flag: --a\n  - flag: --a", "/t", "`a` is there twice"),
    ("command: /t\nsummary: x\nschedule: at nine\nrun_as: ana", "at nine", "is no schedule"),
    ("command: /t\nsummary: x\nschedule: 0 9 * * *", "schedule", "nobody says as whom"),
    ("command: /t\nsummary: x\nrun_as: anna", "anna", "nobody is called `anna`"),
    ("command: /t\nsummary: x\ntimezone: Europe/Madird", "Europe/Madird", "no time zone"),
    ("command: /t\nsummary: x\nchannel: ops", "ops", "`ops` is not a channel"),
    ("command: /t\nsummary: x\nrun_as: ana\non_alert: [nonsense]", "nonsense", "is not a matcher"),
    ("command: /t\nsummary: x\non_incident: [P9]", "P9", "there is no severity `P9`"),
    ("command: /t\nsummary: x\nbudget: 3 in 1h", "budget", "is for what answers an alert"),
    (
        "command: /t\nsummary: x\nrun_as: ana\non_alert: [a=b]\ncool_down: 5m",
        "cool_down",
        "is for an automatic answer, and that has a budget",
    ),
    ("command: /t\nsummary: x\njudge_within: 5m", "judge_within", "is for what answers an alert"),
    ("command: /t\nsummary: x\nrun_as: ana\non_alert: [a=b]\nbudget: many", "many", "is no budget"),
    ("command: /t\nsummary: x\nrun_as: ana\non_alert: [a=b]\npage: nobody", "nobody", "nobody can be paged"),
    ("command: /t\nsummary: x\nsources: [one]", "one", "one source alone cannot disagree"),
    ("command: /t\nsummary: x\nsources: [one, two]", "two", "no step is called `two`"),
    ("command: /t\nsummary: x\nrun_as: ana\non_alert: [a=b]\nhelped: it", "it", "no step is called `it`"),
    ("command: /t\ncommand: /u\nsummary: x", "command", "this is no YAML"),
    ("command: [/t", "", "this is no YAML"),
];

#[test]
fn front_matter_is_checked_as_strictly() {
    let mut wrong = Vec::new();
    for (front, points_at, says) in FRONTS {
        let text = format!("---\n{front}\n---\n# T\n");
        let library = library(&[("t.md", &text)]);
        let found = library.mistakes().any(|mistake| {
            let line = text.lines().nth(mistake.line.saturating_sub(1)).unwrap_or_default();
            let rest: String = line.chars().skip(mistake.column.saturating_sub(1)).collect();
            mistake.what.contains(says) && rest.starts_with(points_at)
        });
        if !found {
            let said: Vec<String> = library.mistakes().map(ToString::to_string).collect();
            wrong.push(format!("{front}\nexpected `{says}` at `{points_at}`, said:\n{}", said.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FRONTS.len(), wrong.join("\n----\n"));
    for (text, says) in [
        ("# T\n", "there is no front matter"),
        ("---\ncommand: /t\nsummary: x\n---\ntext\n", "there is no title"),
    ] {
        let library = library(&[("t.md", text)]);
        assert!(library.mistakes().any(|mistake| mistake.what.contains(says)), "{says}");
    }
}

#[test]
fn a_mistake_is_drawn_with_its_line_and_the_nearest_word() {
    let text = with("## CPU\n\n```promql\n#| expect: valu < 70\nup\n```\n");
    let library = library(&[("t.md", &text)]);
    let drawn: Vec<String> = library.mistakes().map(ToString::to_string).collect();
    insta::assert_snapshot!(drawn.join("\n"), @r"
    commands/t.md:20:12: mistake: nothing is called `valu` here
     20 | #| expect: valu < 70
        |            ^^^^ did you mean `value`?
        = there is `value`, `series`, `ok`, `ran`, `elapsed`, `older_than`, `part`, `since`, `alertmanager`, `elasticsearch` and 18 more
    ");
}

#[test]
fn what_changes_something_is_not_everybodys() {
    let viewer = |body: &str| with(body).replace("role: operator", "role: viewer");
    let changing = [
        "```run\nqflow restart\n```\n",
        "```http\nPOST {{ qflow.url }}/restart\n```\n",
        "```chat\n/incident resolve INC-1 done\n```\n",
    ];
    for body in changing {
        let library = library(&[("t.md", &viewer(body))]);
        let says = library.mistakes().any(|mistake| mistake.what.contains("every viewer may run it"));
        assert!(says, "{body}");
        assert!(sound(&with(body)).changes(), "{body}");
        for guard in ["#| approve: operator\n", "#| role: responder\n"] {
            let guarded = body.replacen('\n', &format!("\n{guard}"), 1);
            assert!(sound(&viewer(&guarded)).changes(), "{guarded}");
        }
    }
    let reading = [
        "```run\n#| reads: true\nqflow status\n```\n",
        "```http\n#| reads: true\nPOST {{ qflow.url }}/api/v0/id\n```\n",
        "```http\nGET {{ qflow.url }}/health\n```\n",
        "```promql\nup\n```\n",
        "```chat\n/incident list\n```\n",
    ];
    for body in reading {
        assert!(!sound(&viewer(body)).changes(), "{body}");
    }
}

#[test]
fn what_says_whether_an_answer_helped_only_reads_and_stands_by_itself() {
    let answer = |body: &str| {
        let keys = "role: operator\nrun_as: ana\non_alert: [a=b]\nbudget: 1 in 1h\nhelped: check\n";
        let text = with(body).replace("role: operator\n", keys);
        text.replace("  - name: part\n", "  - name: part\n    default: all\n")
    };
    let check = "```http\n#| name: check\nGET {{ qflow.url }}/{{ part }}\n```\n";
    assert!(sound(&answer(check)).by_itself.helped.is_some());
    let first = "```http\n#| name: first\nGET {{ qflow.url }}/a\n```\n";
    for (body, says) in [
        (check.replace("GET", "POST"), "`check` changes something, and is looked at again and again"),
        (
            first.to_owned()
                + &check.replace("#| name: check", "#| name: check\n#| expect: status == first.status"),
            "`check` needs what other steps found",
        ),
    ] {
        let library = library(&[("t.md", &answer(&body))]);
        let said: Vec<&str> = library.mistakes().map(|mistake| mistake.what.as_str()).collect();
        assert!(said.iter().any(|one| one.contains(says)), "{says}: {said:?}");
    }
}
