//! Which button a number presses: that of the newest card that has so many. Never keeps more than the last cards.

use std::collections::VecDeque;

use crate::text::card::Card;

/// Cards whose buttons can still be pressed.
const KEPT: usize = 50;

/// The buttons of what was shown.
#[derive(Debug, Default)]
pub struct Buttons(VecDeque<Vec<String>>);

impl Buttons {
    /// Cards were shown together, their buttons counted through.
    pub fn shown(&mut self, cards: &[Card]) {
        let commands: Vec<String> =
            cards.iter().flat_map(|card| &card.buttons).map(|button| button.command.clone()).collect();
        if commands.is_empty() {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_back();
        }
        self.0.push_front(commands);
    }

    /// The command of a button, counted from 1.
    #[must_use]
    pub fn press(&self, number: usize) -> Option<&str> {
        let index = number.checked_sub(1)?;
        self.0.iter().find_map(|commands| commands.get(index)).map(String::as_str)
    }

    /// Whether there is any button.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::Button;

    fn card(commands: &[&str]) -> Card {
        let button = |command: &&str| Button::new("Press".to_owned(), (*command).to_owned());
        Card { buttons: commands.iter().map(button).collect(), ..Card::default() }
    }

    #[test]
    fn a_number_presses_the_newest_card_that_has_it() {
        let mut buttons = Buttons::default();
        assert_eq!(buttons.press(1), None);
        buttons.shown(&[card(&["/ack G-1", "/alert show A-1"])]);
        buttons.shown(&[card(&[])]);
        buttons.shown(&[card(&["/ack G-2"])]);
        for (number, expected) in
            [(0, None), (1, Some("/ack G-2")), (2, Some("/alert show A-1")), (3, None), (usize::MAX, None)]
        {
            assert_eq!(buttons.press(number), expected, "{number}");
        }
        buttons.shown(&[card(&["/a"]), card(&["/b", "/c"])]);
        assert_eq!(buttons.press(3), Some("/c"));
    }

    #[test]
    fn old_cards_are_forgotten() {
        let mut buttons = Buttons::default();
        buttons.shown(&[card(&["/a", "/b"])]);
        for _ in 0..KEPT {
            buttons.shown(&[card(&["/c"])]);
        }
        assert_eq!((buttons.press(1), buttons.press(2)), (Some("/c"), None));
    }
}
