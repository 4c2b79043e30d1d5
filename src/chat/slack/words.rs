//! Text on its way into and out of Slack: escaped so that it shows as it was written and pings nobody, and shortened
//! so that no limit breaks a message. Never lets a bare `<`, `>` or `&` of somebody else through.

use url::Url;

/// How much Slack counts for a text: UTF-16 units, which is never less than its characters.
pub(super) fn size(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The entity of a character that Slack would act upon
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn entity(char: char) -> Option<&'static str> {
    match char {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn escaped_size(char: char) -> usize {
    entity(char).map_or(char.len_utf16(), str::len)
}

fn push(out: &mut String, char: char) {
    match entity(char) {
        Some(entity) => out.push_str(entity),
        None => out.push(char),
    }
}

/// Escaped, and nothing else.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|char| push(&mut out, char));
    out
}

/// Escaped, in at most `max` units; `…` included when it was cut. Something to see even when there is nothing.
pub(super) fn fit(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.is_empty() {
        return "–".to_owned();
    }
    let whole: usize = text.chars().map(escaped_size).sum();
    if whole <= max {
        return escaped(text);
    }
    let (head, _) = split(text, max.saturating_sub(1));
    escaped(head.trim_end()) + "…"
}

/// The longest beginning whose escaped form has at most `max` units, and what follows it.
pub(super) fn split(text: &str, max: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, char) in text.char_indices() {
        used += escaped_size(char);
        if used > max {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// Text in pieces of at most `max` units, cut where lines end if that is possible; at most `count` pieces, the last
/// of them ends with `…` when there was more.
pub(super) fn pieces(text: &str, max: usize, count: usize) -> Vec<String> {
    let mut rest = text.trim_end();
    let mut pieces = Vec::new();
    while !rest.trim().is_empty() && pieces.len() < count {
        if pieces.len() + 1 == count {
            pieces.push(fit(rest, max));
            break;
        }
        let (head, tail) = split(rest, max);
        // A line stays whole unless that would waste half of the piece.
        let line = head.rfind('\n').filter(|at| !tail.is_empty() && at * 2 > head.len());
        let cut = line.map_or(head.len(), |at| at + 1);
        let (head, tail) = rest.split_at(cut);
        if !head.trim().is_empty() {
            pieces.push(escaped(head.trim_end()));
        }
        rest = tail;
    }
    pieces
}

/// As code: what is between the fences is shown as it is. `text` must be escaped; a fence in it is broken by an
/// invisible space.
pub(super) fn code(escaped: &str) -> String {
    format!("```\n{escaped}\n```")
}

/// Text whose fences cannot end a code block any more.
pub(super) fn unfenced(text: &str) -> String {
    text.replace("``", "`\u{200B}`")
}

/// For the few texts that Slack reads as markup: escaped, and its marks cannot find each other.
pub(super) fn quiet(text: &str, max: usize) -> String {
    let mut marked = String::with_capacity(text.len());
    for char in text.chars() {
        marked.push(char);
        if matches!(char, '*' | '_' | '~' | '`' | '@' | '#') {
            marked.push('\u{200B}');
        }
    }
    fit(&marked, max)
}

/// A link with its words, or none when it leads anywhere but to the web.
pub(super) fn link(url: &str, words: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let address = escaped(url.as_str()).replace('|', "%7C");
    (size(&address) <= 2_000).then(|| format!("<{address}|{}>", quiet(words, 300).replace('|', "¦")))
}

/// A room's name as Slack allows it: lower case, no blanks, at most `max` characters.
pub(super) fn room_name(wanted: &str, max: usize) -> String {
    let mut name = String::new();
    for char in wanted.chars().flat_map(char::to_lowercase) {
        let char = if char.is_ascii_alphanumeric() || char == '_' { char } else { '-' };
        if char != '-' || !(name.is_empty() || name.ends_with('-')) {
            name.push(char);
        }
    }
    // Only ASCII is left, so a byte is a character.
    name.truncate(max);
    let name = name.trim_end_matches('-');
    if name.is_empty() { "incident".to_owned() } else { name.to_owned() }
}

/// What somebody wrote, as they read it: entities resolved, mentions and links by their words. `name` tells how an
/// account is called.
pub(super) fn read(text: &str, name: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            out.push('<');
            rest = after;
            continue;
        };
        out.push_str(&spoken(inside, &name));
        rest = after;
    }
    out.push_str(rest);
    unescaped(&out)
}

/// Accounts that a text mentions.
pub(super) fn mentioned(text: &str) -> Vec<String> {
    text.split("<@")
        .skip(1)
        .filter_map(|part| part.split(['>', '|']).next())
        .filter(|account| !account.is_empty() && account.chars().all(|c| c.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect()
}

fn spoken(inside: &str, name: &impl Fn(&str) -> Option<String>) -> String {
    let (target, words) = match inside.split_once('|') {
        Some((target, words)) => (target, Some(words).filter(|words| !words.is_empty())),
        None => (inside, None),
    };
    if let Some(account) = target.strip_prefix('@') {
        let called = words.map(str::to_owned).or_else(|| name(account));
        return format!("@{}", called.unwrap_or_else(|| account.to_owned()));
    }
    if let Some(room) = target.strip_prefix('#') {
        return format!("#{}", words.unwrap_or(room));
    }
    if let Some(special) = target.strip_prefix('!') {
        let special = special.split('^').next().unwrap_or(special);
        return words.map_or_else(|| format!("@{special}"), str::to_owned);
    }
    match words {
        // What Slack made a link of by itself is read as it was typed.
        Some(words) if target.ends_with(words) => words.to_owned(),
        Some(words) => format!("{words} ({target})"),
        None => target.to_owned(),
    }
}

/// `&amp;` comes last, so that what was written as `&amp;lt;` stays `&lt;`.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_strangers_write_pings_nobody() {
        for (text, expected) in [
            ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;@U1&gt;"),
            ("&lt;", "&amp;lt;"),
            ("  ", "–"),
            ("plain *bold*", "plain *bold*"),
        ] {
            assert_eq!(fit(text, 3_000), expected);
        }
        assert_eq!(fit("a<b<c", 6), "a&lt;…");
        assert_eq!(fit("🔔🔔🔔", 5), "🔔🔔…");
        assert_eq!(quiet("*b* @here", 100), "*\u{200B}b*\u{200B} @\u{200B}here");
        assert_eq!(unfenced("a```b"), "a`\u{200B}``b");
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        assert_eq!(
            link("https://e.example/a?b=1&c=2|3", "a|b>").as_deref(),
            Some("<https://e.example/a?b=1&amp;c=2%7C3|a¦b&gt;>")
        );
        for wrong in ["javascript:alert(1)", "slack://x", "file:///etc/passwd", "nothing", ""] {
            assert_eq!(link(wrong, "x"), None, "{wrong}");
        }
    }

    #[test]
    fn a_rooms_name_is_one_that_slack_takes() {
        for (wanted, name) in [
            ("inc-42", "inc-42"),
            ("INC 42: Disk  full!", "inc-42-disk-full"),
            ("día--ñ", "d-a"),
            ("---", "incident"),
            ("", "incident"),
        ] {
            assert_eq!(room_name(wanted, 80), name, "{wanted}");
        }
        assert_eq!(room_name(&"ab-".repeat(40), 8), "ab-ab-ab");
    }

    #[test]
    fn what_was_written_is_read_as_people_see_it() {
        let name = |account: &str| (account == "U1").then(|| "ana".to_owned());
        for (text, expected) in [
            ("disk &lt;full&gt; &amp; <@U1>", "disk <full> & @ana"),
            ("<@U2> <@U3|ben> <#C1|ops> <!here> <!subteam^S1|@sre>", "@U2 @ben #ops @here @sre"),
            (
                "<https://e.example|e.example> <https://e.example/x|here>",
                "e.example here (https://e.example/x)",
            ),
            ("a &amp;lt; b < c", "a &lt; b < c"),
            ("<unclosed", "<unclosed"),
        ] {
            assert_eq!(read(text, name), expected, "{text}");
        }
        assert_eq!(mentioned("<@U1> and <@U2|ben> <@>"), ["U1", "U2"]);
    }

    proptest! {
        #[test]
        fn it_fits_and_holds_no_bare_mark(text in "\\PC*|[<>&`🔔a \n]{0,400}", max in 8_usize..300) {
            let fitted = fit(&text, max);
            prop_assert!(!fitted.is_empty() && size(&fitted) <= max, "{fitted}");
            prop_assert!(!fitted.contains(['<', '>']));
            for piece in pieces(&text, max, 3) {
                prop_assert!(!piece.is_empty() && size(&piece) <= max, "{piece}");
            }
            prop_assert!(!unfenced(&text).contains("```"));
            prop_assert_eq!(read(&escaped(&text), |_| None), text);
        }
    }
}
