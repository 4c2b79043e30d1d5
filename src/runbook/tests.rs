//! Whole runbooks, good and bad: what each rule says and where, and that no text breaks the reader.

mod attacks;
mod guides;
mod mistakes;
mod secrets;
mod whole;

use std::sync::{Arc, LazyLock};

use super::{Library, Runbook};
use crate::config::{self, Loaded, Source};

/// The repository's own configuration and a second environment with the other services.
static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["oncall.toml", "people.toml", "routes.toml", "watchbell.toml"] {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        std::fs::copy(from, folder.path().join(name)).expect("a copy");
    }
    let lab = "[environment.lab]\nelasticsearch = { url = \"http://127.0.0.1:9200\" }\n\
                   jaeger = { url = \"http://127.0.0.1:16686\" }\n";
    std::fs::write(folder.path().join("lab.toml"), lab).expect("a file");
    config::load(Some(folder.path()), &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes}"))
});

/// Files by their names below the folder.
fn library(files: &[(&str, &str)]) -> Library {
    let source = |(name, text): &(&str, &str)| Source {
        shown: format!("commands/{name}"),
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    };
    let sources: Vec<Source> = files.iter().map(source).collect();
    Library::read(&sources, &LOADED)
}

/// Front matter that is sound, a title, and this.
fn with(body: &str) -> String {
    format!(
        "---\ncommand: /t check\nsummary: Checks.\nrole: operator\nexamples: [/t check a]\narguments:\n  - name: part\n  \
         - flag: --since\n    type: duration\n    default: 24h\n  - flag: --older-than\n    type: number\n    default: 5\n---\n\
         # T\n\n{body}"
    )
}

/// The one runbook of a text, which must be sound.
pub(super) fn sound(text: &str) -> Arc<Runbook> {
    let library = library(&[("t.md", text)]);
    let mistakes: Vec<String> = library.mistakes().map(ToString::to_string).collect();
    assert!(mistakes.is_empty(), "{}\n{text}", mistakes.join("\n"));
    Arc::clone(library.runbooks().next().expect("a runbook"))
}
