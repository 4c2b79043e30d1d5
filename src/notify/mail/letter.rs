//! A letter as a mail: headers, a plain part, an HTML part. Escapes everything that stands in HTML, and puts nothing
//! into a header that could begin another one.

use std::fmt::Write as _;

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use url::Url;

use crate::{
    domain::{delivery::Delivery, facts::Dispatch},
    text::{card::Tone, mail::Letter, message::Priority},
};

/// The mail as it leaves; none when the address cannot stand in one.
pub(super) fn message(
    dispatch: &Dispatch,
    letter: &Letter,
    link: Option<&Url>,
    from: &Mailbox,
    to: &Mailbox,
) -> Option<Message> {
    let delivery = &dispatch.delivery;
    let domain = from.email.domain();
    let thread = format!("<{}@{domain}>", id(&format!("{}.{}", delivery.journal(), dispatch.facts.subject)));
    let mut mail = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(&*letter.subject)
        .date(dispatch.at.into())
        // The same at every attempt: a server or a reader that got it twice shows it once.
        .message_id(Some(own_id(delivery, domain)))
        // A mail that nobody wrote: those of one thing stand below each other.
        .in_reply_to(thread.clone())
        .references(thread);
    let mut also = vec![("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];
    match letter.priority {
        Priority::Urgent => also.extend([("Importance", "high"), ("X-Priority", "1")]),
        Priority::Low => also.push(("Importance", "low")),
        Priority::Default => {}
    }
    for (name, value) in also {
        let name = HeaderName::new_from_ascii(name.to_owned()).ok()?;
        mail = mail.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    mail.multipart(MultiPart::alternative_plain_html(plain(letter, link), html(letter, link))).ok()
}

fn own_id(delivery: &Delivery, domain: &str) -> String {
    format!("<{}@{domain}>", id(&delivery.key))
}

/// What may stand before the `@` of a Message-ID.
fn id(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' }).collect()
}

fn plain(letter: &Letter, link: Option<&Url>) -> String {
    let mut out = format!("{}\n", letter.title);
    // Writing to a string cannot fail.
    for paragraph in &letter.paragraphs {
        let _ = write!(out, "\n{paragraph}\n");
    }
    if let (Some(ask), Some(link)) = (&letter.ask, link) {
        let _ = write!(out, "\n{}: {link}\n{}\n", ask.button, ask.beside);
    }
    if !letter.fields.is_empty() {
        out.push('\n');
    }
    for field in &letter.fields {
        let _ = writeln!(out, "{}: {}", field.name, field.value);
    }
    if !letter.links.is_empty() {
        out.push('\n');
    }
    for link in &letter.links {
        let _ = writeln!(out, "{}: {}", link.text, link.url);
    }
    let _ = write!(out, "\n-- \n{}\n", letter.foot);
    out
}

/// Tables and styles that stand at each element, because that is what readers of mail understand.
fn html(letter: &Letter, link: Option<&Url>) -> String {
    let colour = match letter.tone {
        Tone::Critical => "#b3261e",
        Tone::Warning => "#b26a00",
        Tone::Good => "#1b7f3b",
        Tone::Plain => "#44546a",
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:16px;font-family:sans-serif;font-size:16px;line-height:1.4\">\n\
         <table role=\"presentation\" style=\"max-width:600px;width:100%;border-collapse:collapse\"><tr>\
         <td style=\"border-left:6px solid {colour};padding:4px 0 4px 14px\">\n\
         <h1 style=\"font-size:20px;margin:0 0 8px\">{title}</h1>\n",
        title = escaped(&letter.title),
    );
    // Writing to a string cannot fail.
    for paragraph in &letter.paragraphs {
        let _ = writeln!(out, "<p style=\"margin:0 0 8px\">{}</p>", escaped(paragraph));
    }
    if let (Some(ask), Some(link)) = (&letter.ask, link) {
        let _ = writeln!(
            out,
            "<p style=\"margin:16px 0 4px\"><a href=\"{}\" style=\"display:inline-block;background:{colour};\
             color:#ffffff;padding:12px 24px;border-radius:6px;text-decoration:none;font-weight:bold\">{}</a></p>\n\
             <p style=\"margin:0 0 12px;font-size:13px\">{}</p>",
            escaped(link.as_str()),
            escaped(&ask.button),
            escaped(&ask.beside)
        );
    }
    if !letter.fields.is_empty() {
        out.push_str("<table style=\"border-collapse:collapse;font-size:14px\">\n");
        for field in &letter.fields {
            let (name, value) = (escaped(&field.name), escaped(&field.value));
            let _ = writeln!(
                out,
                "<tr><td style=\"padding:2px 12px 2px 0\"><b>{name}</b></td><td style=\"padding:2px 0\">{value}</td></tr>"
            );
        }
        out.push_str("</table>\n");
    }
    for link in &letter.links {
        let (text, url) = (escaped(&link.text), escaped(&link.url));
        let _ = writeln!(out, "<p style=\"margin:8px 0 0\"><a href=\"{url}\">{text}</a></p>");
    }
    let _ = write!(
        out,
        "</td></tr></table>\n<p style=\"font-size:12px;color:#666666\">{}</p>\n</body></html>\n",
        escaped(&letter.foot)
    );
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
