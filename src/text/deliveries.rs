//! How a timeline speaks of deliveries: what it was, that it arrived, that it was cancelled. Never names an address.

use super::{
    plain::{ANSWER, plain},
    room,
    scene::capital,
    timeline::name,
};
use crate::domain::delivery::{DeliveryKind, Recipient};

/// `Push to ana`, `Chat to ana that it is over`, `Card for #ops`.
pub(super) fn message(to: &Recipient, kind: DeliveryKind) -> String {
    let over = match kind {
        DeliveryKind::Resolved => " that it is over",
        DeliveryKind::Acknowledged => " that somebody took it",
        _ => "",
    };
    match (to, kind) {
        (Recipient::Person { person, contact }, _) => {
            format!("{} to {}{over}", capital(&name(contact)), name(person))
        }
        (Recipient::Channel(to), DeliveryKind::Room) => {
            format!("Room on {}", to.platform().map_or("a platform", room::platform))
        }
        (Recipient::Channel(channel), DeliveryKind::Card) => format!("Card for {}", name(channel)),
        (Recipient::Channel(channel), DeliveryKind::Picture) => format!("Picture for {}", name(channel)),
        (Recipient::Channel(channel), _) => format!("Message to {}{over}", name(channel)),
    }
}

pub(super) fn delivered(to: &Recipient, kind: DeliveryKind, attempt: u32, receipt: &str) -> Option<String> {
    match kind {
        DeliveryKind::Page | DeliveryKind::Resolved | DeliveryKind::Acknowledged => {
            let receipt = plain(receipt, ANSWER);
            let receipt = if receipt.is_empty() { receipt } else { format!("{receipt}, ") };
            Some(format!("{} arrived ({receipt}attempt {attempt})", message(to, kind)))
        }
        DeliveryKind::Room => Some(format!("{}: {}", message(to, kind), plain(receipt, ANSWER))),
        // A card is posted anew with every change: that would drown what matters.
        DeliveryKind::Card | DeliveryKind::Notice | DeliveryKind::Picture => None,
    }
}

pub(super) fn cancelled(to: &Recipient, kind: DeliveryKind) -> Option<String> {
    let page = kind == DeliveryKind::Page;
    page.then(|| format!("{} was cancelled: it had not arrived and is not tried any more", message(to, kind)))
}
