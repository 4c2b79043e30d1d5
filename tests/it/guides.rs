//! A guide and a chart as people use them on a platform: what Slack and Discord have in common. The platforms' own files
//! press the buttons. Never reaches a real platform.

use std::{fs, path::Path};

use serde_json::json;
use watchbell::domain::delivery::Channel;

use crate::{
    peer::{server::Server, watchbell::Watchbell},
    response::config,
};

const LOOK: &str = r#"---
command: /shop look
summary: Looks at the CPU.
role: viewer
---

# The CPU

More is behind [the guide](guide.md#it-is-slow) and on [the page](https://example.com/cpu).

## CPU is low

```promql
#| name: cpu
#| expect: value < 70
#| unit: "%"
#| chart: 3h
cpu_percent
```
"#;

const GUIDE: &str = r#"---
command: /shop guide
summary: What can be wrong with the shop.
role: viewer
guide: true
arguments:
  - flag: --since
    type: duration
    default: 1h
---

# The shop does not sell

Take the step that fits.

- [It is gone](#it-is-gone)
- [It is slow](#it-is-slow)

## It is gone

Look whether it runs at all:

```sh
systemctl status shop
```

## It is slow

The CPU says why.

```promql
#| expect: value < 70
#| unit: "%"
cpu_percent
```

Then look at [the course](look.md).
"#;

/// The words of the card of a step that did something, at its end.
pub const TRIED: &str = "The shop does not sell: It is slow: passed";

/// What `/incident show` says of where people stand.
pub const STANDS: &str = "The shop does not sell, at “It is slow” (ana,";

/// A Prometheus whose CPU rises from 10 to 49 %.
pub fn prometheus() -> Server {
    Server::start(|request| {
        let word = |name: &str| {
            let (_, rest) = request.path.split_once(&format!("{name}="))?;
            rest.split('&').next()?.parse::<i64>().ok()
        };
        let (kind, result) = if request.path.starts_with("/api/v1/query_range") {
            let (start, step) = (word("start").unwrap_or_default(), word("step").unwrap_or(1));
            let values: Vec<_> =
                (0..40).map(|n| json!([start + n * step * 5, (10 + n).to_string()])).collect();
            ("matrix", json!([{"metric": {}, "values": values}]))
        } else {
            ("vector", json!([{"metric": {}, "value": [1_795_403_462.5, "49"]}]))
        };
        (200, json!({"status": "success", "data": {"resultType": kind, "result": result}}).to_string())
    })
}

/// Starts the process with the two runbooks.
pub fn start(folder: &Path, platform: &str, ana: &str, ben: &str, prometheus: &Server) -> Watchbell {
    let commands = folder.join("commands");
    fs::create_dir_all(&commands).unwrap();
    fs::write(commands.join("look.md"), LOOK).unwrap();
    fs::write(commands.join("guide.md"), GUIDE).unwrap();
    let service = format!(
        "[environment.production]\ndefault = true\nprometheus = {{ url = \"http://127.0.0.1:{}\" }}\n",
        prometheus.port
    );
    Watchbell::here(folder, &format!("{}{service}", config(platform, ana, ben)))
}

/// What the incident says of itself.
pub fn shown(watchbell: &Watchbell) -> String {
    watchbell.command("ana", "/incident show INC-1")["text"].as_str().unwrap_or_default().to_owned()
}

/// The timeline tells what was read and what was tried, with what it said.
pub fn assert_told(watchbell: &Watchbell) {
    let entries = watchbell.items("/api/v1/incidents/INC-1/timeline");
    let texts: Vec<&str> = entries.iter().filter_map(|entry| entry["text"].as_str()).collect();
    let told = |words: &str| texts.iter().any(|text| text.contains(words));
    assert!(told("ana read “It is gone” in the guide The shop does not sell (/shop guide)"), "{texts:#?}");
    assert!(told("started: The shop does not sell: It is slow (/shop guide)"), "{texts:#?}");
    assert!(told("passed, after") && told("(It is slow): 49 %"), "{texts:#?}");
}

/// The journal has a delivery of each picture and no picture.
pub fn assert_kept_beside(watchbell: &Watchbell, channel: Channel) {
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    let queued = journal.lines().filter(|line| {
        line.contains("\"delivery_queued\"")
            && line.contains("\"picture\"")
            && line.contains(channel.as_str())
    });
    assert_eq!(queued.count(), 1, "one delivery");
    let files: Vec<_> = fs::read_dir(watchbell.data().join("pictures")).unwrap().flatten().collect();
    assert_eq!(files.len(), 1, "only the ground that somebody sees: {files:?}");
    assert!(files.iter().all(|file| file.path().extension().is_some_and(|ending| ending == "png")));
}
