//! Reads Rust files as tokens with lines, so that the tests of the house's shape cannot be fooled by comments
//! and strings. Never understands more of the language than those tests need.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Word,
    /// One sign.
    Sign,
    /// A string, character or number.
    Literal,
    /// A comment, whole.
    Comment,
}

/// One token.
#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    /// Counted from 1.
    pub line: usize,
    /// Whether it is compiled for tests only.
    pub test: bool,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text == text
    }
}

/// One file.
#[derive(Debug)]
pub struct Source {
    /// From the folder of the package, with `/`.
    pub path: String,
    pub text: String,
    /// Everything but blanks.
    pub tokens: Vec<Token>,
}

/// A path that starts in the crate, resolved: `["engine", "mailbox", "Engine"]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub path: Vec<String>,
    pub line: usize,
    pub test: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let mut tokens = tokens(text);
        mark_tests(&mut tokens);
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    /// Tokens without comments.
    pub fn code(&self) -> Vec<&Token> {
        self.tokens.iter().filter(|token| token.kind != Kind::Comment).collect()
    }

    /// The module that the file is: `src/web/api.rs` is `["web", "api"]`.
    pub fn module(&self) -> Vec<String> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod" || (last == "lib" && module.len() == 1)) {
            module.pop();
        }
        module
    }

    /// Every path into the crate that the file names, in `use` or in passing.
    pub fn imports(&self) -> Vec<Import> {
        let code = self.code();
        let mut found = Vec::new();
        // Modules that are written inside the file, with the depth of braces at which they end.
        let mut inside: Vec<(String, usize)> = Vec::new();
        let (mut at, mut depth) = (0, 0);
        while at < code.len() {
            let here = code[at];
            let next = |n: usize, text: &str| code.get(at + n).is_some_and(|token| token.is(text));
            if here.is("{") {
                depth += 1;
            } else if here.is("}") {
                depth -= 1;
                inside.retain(|(_, end)| *end <= depth);
            } else if here.is("mod") && next(2, "{") {
                inside.push((code[at + 1].text.clone(), depth + 1));
            }
            let mut module = self.module();
            module.extend(inside.iter().map(|(name, _)| name.clone()));
            if here.is("use") {
                let mut paths = Vec::new();
                at = use_tree(&code, at + 1, &[], &mut paths);
                for path in paths {
                    found.extend(resolve(&path, &module).map(|path| Import {
                        path,
                        line: here.line,
                        test: here.test,
                    }));
                }
                continue;
            }
            let starts = here.is("crate") || here.is("super") || here.is("self") || here.is("watchbell");
            let restricted = at > 0 && code[at - 1].is("in");
            let goes_on = at > 0 && code[at - 1].is(":");
            if starts && !restricted && !goes_on && next(1, ":") && next(2, ":") {
                let mut path = vec![here.text.clone()];
                let mut end = at + 1;
                while code.get(end).is_some_and(|token| token.is(":"))
                    && code.get(end + 1).is_some_and(|token| token.is(":"))
                    && code.get(end + 2).is_some_and(|token| token.kind == Kind::Word)
                {
                    path.push(code[end + 2].text.clone());
                    end += 3;
                }
                found.extend(resolve(&path, &module).map(|path| Import {
                    path,
                    line: here.line,
                    test: here.test,
                }));
                at = end;
                continue;
            }
            at += 1;
        }
        found
    }

    /// Lines that are compiled for tests only, from the attribute to the closing brace.
    pub fn test_lines(&self) -> usize {
        let mut lines: Vec<usize> =
            self.tokens.iter().filter(|token| token.test).map(|token| token.line).collect();
        lines.dedup();
        match (lines.first(), lines.last()) {
            // Blank lines and the inside of long strings count too; tests stand together at the end.
            (Some(first), Some(last)) => last - first + 1,
            _ => 0,
        }
    }
}

/// All Rust files under a folder of the package, sorted.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = package();
    let mut paths = Vec::new();
    files(&root.join(folder), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    let mut sources: Vec<Source> = paths
        .iter()
        .map(|path| Source::new(&relative(&root, path), &fs::read_to_string(path).expect("a source file")))
        .collect();
    mark_test_files(&mut sources);
    sources
}

/// The folder of the package.
pub fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A path from the folder of the package, with `/`.
pub fn relative(root: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(root).expect("a file of the package");
    inner.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// All files under a folder.
pub fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// `#[cfg(test)] mod tests;` makes the whole file `tests.rs` beside it a test, `#[path = "a.rs"]` another one.
fn mark_test_files(sources: &mut [Source]) {
    let mut modules = Vec::new();
    let mut paths = Vec::new();
    for source in sources.iter() {
        let code = source.code();
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for at in 0..code.len() {
            if !(code[at].test && code[at].is("mod") && code.get(at + 2).is_some_and(|token| token.is(";"))) {
                continue;
            }
            let named = code[at.saturating_sub(8)..at]
                .windows(3)
                .find(|three| three[0].is("path") && three[1].is("=") && three[2].kind == Kind::Literal);
            if let Some(named) = named {
                paths.push(format!("{folder}/{}", named[2].text.trim_matches('"')));
            } else {
                modules.push([source.module(), vec![code[at + 1].text.clone()]].concat().join("/"));
            }
        }
    }
    for source in sources {
        let module = source.module().join("/");
        let inside = |test: &String| module == *test || module.starts_with(&format!("{test}/"));
        if modules.iter().any(inside) || paths.contains(&source.path) {
            for token in &mut source.tokens {
                token.test = true;
            }
        }
    }
}

/// Marks what follows `#[cfg(test)]`: the item up to its closing brace or semicolon.
fn mark_tests(tokens: &mut [Token]) {
    let code: Vec<usize> = (0..tokens.len()).filter(|at| tokens[*at].kind != Kind::Comment).collect();
    let is = |tokens: &[Token], at: usize, text: &str| code.get(at).is_some_and(|n| tokens[*n].is(text));
    let mut at = 0;
    while at < code.len() {
        let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
        if !(0..attribute.len()).all(|n| is(tokens, at + n, attribute[n])) {
            at += 1;
            continue;
        }
        let first = code[at];
        let (mut end, mut depth) = (at + attribute.len(), 0);
        while end < code.len() {
            if ["{", "(", "["].iter().any(|open| is(tokens, end, open)) {
                depth += 1;
            } else if ["}", ")", "]"].iter().any(|close| is(tokens, end, close)) {
                depth -= 1;
                if depth == 0 && is(tokens, end, "}") {
                    break;
                }
            } else if depth == 0 && is(tokens, end, ";") {
                break;
            }
            end += 1;
        }
        let last = code.get(end).copied().unwrap_or(tokens.len() - 1);
        for token in &mut tokens[first..=last] {
            token.test = true;
        }
        at = end + 1;
    }
}

/// Reads one tree of a `use`; answers where it ends.
fn use_tree(code: &[&Token], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        let Some(token) = code.get(at) else {
            found.push(path);
            return at;
        };
        if token.is("{") {
            at += 1;
            while code.get(at).is_some_and(|token| !token.is("}")) {
                at = use_tree(code, at, &path, found);
                if code.get(at).is_some_and(|token| token.is(",")) {
                    at += 1;
                }
            }
            return at + 1;
        } else if token.is(",") || token.is("}") || token.is(";") {
            found.push(path);
            return at;
        } else if token.is("as") {
            at += 2;
        } else {
            if token.kind == Kind::Word && (path.is_empty() || !token.is("self")) {
                path.push(token.text.clone());
            }
            at += 1;
        }
    }
}

/// A path as the module sees it, from the root of the crate; nothing when it leads elsewhere.
fn resolve(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = path.split_first()?;
    let mut resolved = match first.as_str() {
        "crate" | "watchbell" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };
    while let Some((next, after)) = rest.split_first() {
        if next == "super" {
            resolved.pop();
        } else {
            resolved.push(next.clone());
        }
        rest = after;
    }
    Some(resolved)
}

/// Cuts a file into tokens.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let (kind, length) = token(rest, first);
        let (text, after) = rest.split_at(length);
        if let Some(kind) = kind {
            found.push(Token { kind, text: text.to_owned(), line, test: false });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

/// The kind and length in bytes of the token that a text starts with.
fn token(rest: &str, first: char) -> (Option<Kind>, usize) {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if rest.starts_with("//") {
        return (Some(Kind::Comment), rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Some(Kind::Comment), block_comment(rest));
    }
    for prefix in ["r", "br", "cr"] {
        let hashes = rest.strip_prefix(prefix).map(|after| after.len() - after.trim_start_matches('#').len());
        if let Some(hashes) = hashes
            && rest[prefix.len() + hashes..].starts_with('"')
        {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = prefix.len() + hashes + 1;
            let end = rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len());
            return (Some(Kind::Literal), end);
        }
    }
    for prefix in ["\"", "b\"", "c\""] {
        if rest.starts_with(prefix) {
            return (Some(Kind::Literal), quoted(rest, prefix.len(), '"'));
        }
    }
    if rest.starts_with("b'") {
        return (Some(Kind::Literal), quoted(rest, 2, '\''));
    }
    if first == '\'' {
        let mut inner = rest[1..].chars();
        let lifetime =
            inner.next().is_some_and(|c| c.is_alphabetic() || c == '_') && inner.next() != Some('\'');
        let length = if lifetime { 1 + word(&rest[1..]) } else { quoted(rest, 1, '\'') };
        return (Some(Kind::Literal), length);
    }
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if first.is_numeric() {
        return (Some(Kind::Literal), word(rest));
    }
    if first.is_alphabetic() || first == '_' {
        return (Some(Kind::Word), word(rest));
    }
    (Some(Kind::Sign), first.len_utf8())
}

/// The length of a quoted text, with its quotes.
fn quoted(rest: &str, start: usize, close: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest[start..].char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == close {
            return start + at + 1;
        }
    }
    rest.len()
}

/// The length of a comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[test]
fn reads_paths_past_comments_strings_and_nesting() {
    let source = Source::new(
        "src/web/api.rs",
        r##"//! Doc: crate::nowhere.
use crate::{domain::{id::{self, Seq}, labels::Labels as L}, engine::*};
use super::live::{Live, self};
/* crate::a /* crate::b */ crate::c */
pub(crate) fn f(x: &'static str, c: char) -> bool {
    let _ = ("crate::d", r#"crate::"e"#, 'x', '\'', b'"');
    crate::chat::Reply::new(x) == self::own() && x == "\"crate::f"
}
pub(in crate::web) struct S;
mod inner { use super::super::Web; fn g() { super::own() } }
#[cfg(test)]
mod tests { use super::*; use crate::app::App; }
"##,
    );
    let found: Vec<(String, bool)> =
        source.imports().iter().map(|import| (import.path.join("::"), import.test)).collect();
    let expected = [
        ("domain::id", false),
        ("domain::id::Seq", false),
        ("domain::labels::Labels", false),
        ("engine", false),
        ("web::live::Live", false),
        ("web::live", false),
        ("chat::Reply::new", false),
        ("web::api::own", false),
        ("web::Web", false),
        ("web::api::own", false),
        ("web::api", true),
        ("app::App", true),
    ];
    assert_eq!(found, expected.map(|(path, test)| (path.to_owned(), test)));
    assert_eq!(source.test_lines(), 2);
}

#[test]
fn a_file_that_is_declared_for_tests_is_a_test() {
    let mut sources = vec![
        Source::new("src/engine/mod.rs", "//! E\n#[cfg(test)]\nmod played;\nmod core;\n"),
        Source::new("src/engine/played.rs", "//! P\nfn f() {}\n"),
        Source::new(
            "src/engine/core.rs",
            "//! C\n#[cfg(test)]\n#[path = \"tests_of_core.rs\"]\nmod tests;\n",
        ),
        Source::new("src/engine/tests_of_core.rs", "//! T\nfn f() {}\n"),
        Source::new("src/engine/run.rs", "//! R\nfn f() {}\n"),
    ];
    mark_test_files(&mut sources);
    let tests: Vec<bool> = sources.iter().map(|source| source.code().iter().all(|t| t.test)).collect();
    // `core.rs` holds nothing but the declaration of its tests.
    assert_eq!(tests, [false, true, true, true, false]);
}
