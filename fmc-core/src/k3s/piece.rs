//! Text with secrets of the user's in it.

use std::fmt;

use crate::guest::TextPart;
use crate::secret::Secret;
use crate::template::Encoding;
use crate::yaml::{Node, Out};

/// A part of a file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A secret of one line of text, inside the quotes of a JSON string. YAML's double quotes take the same.
    Secret(Secret),
    /// A secret, which is one line of text, as a component of a URL: percent-encoded.
    Component(Secret),
}

impl From<Piece> for TextPart {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Text(text) => Self::Text(text.into()),
            Piece::Secret(secret) => Self::Quoted(secret),
            Piece::Component(secret) => Self::Component(secret),
        }
    }
}

/// A document of YAML in pieces.
pub(super) fn pieces(document: &Node<'_, Secret>) -> Vec<Piece> {
    let mut out = Pieces(Vec::new());
    document.document(&mut out);
    out.0
}

struct Pieces(Vec<Piece>);

impl Out for Pieces {
    type Secret = Secret;

    fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    fn hole(&mut self, secret: &Secret, _: Encoding) {
        self.0.push(Piece::Secret(secret.clone()));
    }
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}
