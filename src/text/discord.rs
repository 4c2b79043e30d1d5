//! What Watchbell says on Discord about Discord itself: what did not fit, what came too late, what went wrong on
//! the way. Plain text; the adapter escapes it.

use super::card::{Card, Tone};

/// So many more of something were left out.
#[must_use]
pub fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// A command that has no button, because Discord's buttons hold a hundred characters.
#[must_use]
pub fn write_it(label: &str, command: &str) -> String {
    format!("{label}: {command}")
}

/// Nothing else is to be said.
pub const DONE: &str = "Done.";
/// The answer is for everybody in the room.
pub const ANSWERED_TO_ALL: &str = "Answered below, for everybody here.";
/// What was asked takes longer than Discord lets an answer be completed.
pub const TAKES_LONGER: &str =
    "This takes longer than Discord waits for. The answer comes as a message of its own.";
/// The answer never came.
pub const NO_ANSWER: &str = "There was no answer to what you asked. Nothing is known of its outcome: look before you \
                             ask again.";
/// The answer to a command went wrong inside.
pub const WENT_WRONG: &str = "That did not work: something went wrong here. It is in the log. Look whether it was done \
                              before you ask again.";
/// Discord delivered an interaction when it could not be answered any more.
pub const CAME_TOO_LATE: &str = "What you asked reached me too late and was not done. Please ask again.";
/// A form of which nothing is known any more.
pub const FORM_EXPIRED: &str = "This form is too old. What you wrote was not sent: please open it again.";
/// A button of which nothing is known.
pub const BUTTON_UNKNOWN: &str = "This button is not known any more. Please write the command instead.";
/// A form that came back without something that it needs.
pub const FORM_INCOMPLETE: &str = "Something is missing in what was sent with this form. Nothing was done: please open \
                                   it again and fill in every field.";
/// Something that was meant for another application.
pub const OTHER_APP: &str = "This was meant for another app. Nothing was done.";
/// What came makes no sense.
pub const UNREADABLE: &str = "I cannot read what Discord told me of this. Nothing was done: please write the command \
                              instead.";
/// Commands have not been registered yet: the doctor may be asked before the first start.
pub const NO_COMMANDS_YET: &str = "none yet: they are registered when the server connects";
/// How many commands Discord knows.
#[must_use]
pub fn commands_known(count: usize) -> String {
    format!("{count} registered")
}
/// Everything that is needed is allowed.
pub const ALLOWED: &str = "all that is needed is allowed";
/// The bot lacks these permissions.
#[must_use]
pub fn lacks(permissions: &str) -> String {
    format!("the bot lacks {permissions}")
}
/// An id of the configuration that belongs to something else.
#[must_use]
pub fn is_no(what: &str) -> String {
    format!("it is no {what}")
}
/// A form that has to be opened by hand.
pub const FILL_IN: &str = "Something has to be filled in first.";
/// The button that opens it.
pub const OPEN_FORM: &str = "Open the form";
/// Too many things are being answered.
pub const BUSY: &str = "Too much is asked at once. Nothing was done: please ask again in a moment.";
/// Somebody of another guild.
pub const OTHER_GUILD: &str = "I work for another server. Nothing was done.";
/// A private answer that its person does not let in.
pub const CANNOT_WRITE: &str = "I have an answer that is for you alone, but you do not take direct messages from this \
                                server. Please use the slash command, or allow direct messages.";
/// What is shown where Discord wants a text and there is none.
pub const NOTHING: &str = "–";

/// A sentence as a card.
#[must_use]
pub fn sentence(text: &str) -> Card {
    Card { title: text.to_owned(), tone: Tone::Plain, ..Card::default() }
}

/// Why the connection is down, when things may have happened that were not heard.
#[must_use]
pub fn may_have_missed(why: &str) -> String {
    format!("{why}; what happened on Discord meanwhile may be missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(and_more(12), "and 12 more");
        assert_eq!(write_it("Ack", "/ack G-1"), "Ack: /ack G-1");
    }
}
