//! Markers for secrets in text that a serializer writes.

use std::sync::Arc;

use crate::secret::SecretRef;
use crate::template::{Encoding, Template};

/// Builds a template from serialized text, which can hold a hole only as a marker.
///
/// `write` gets a [`Marks`], puts the result of [`Marks::mark`] where each hole belongs, and returns the
/// text. If the user's own text contains a marker, `write` is called again with another kind of marker.
pub(super) fn with_marks(mut write: impl FnMut(&mut Marks) -> String) -> Template {
    let mut round = 0_u32;
    loop {
        let mut marks = Marks { prefix: format!("fmc-hole-{round}-"), holes: Vec::new() };
        let text = write(&mut marks);
        if marks.holes.is_empty() {
            return Template::text(text);
        }
        if let Some(template) = marks.split(&text) {
            return template;
        }
        // A finite text contains finitely many prefixes, so one of the next is free.
        round += 1;
    }
}

/// Hands out the markers of [`with_marks`].
pub(super) struct Marks {
    prefix: String,
    holes: Vec<(Arc<SecretRef>, Encoding)>,
}

impl Marks {
    /// The text that stands for a hole; a serializer must write it once, and unchanged.
    pub(super) fn mark(&mut self, secret: &Arc<SecretRef>, encoding: Encoding) -> String {
        self.holes.push((Arc::clone(secret), encoding));
        format!("{}{}-", self.prefix, self.holes.len() - 1)
    }

    /// The text with its holes; `None` if it has the prefix in more places than those of the markers.
    fn split(&self, text: &str) -> Option<Template> {
        let mut parts = text.split(self.prefix.as_str());
        let mut template = Template::with_room(2 * self.holes.len() + 1);
        template.push(parts.next()?);
        let mut count = 0;
        for part in parts {
            // It comes after a prefix, so it begins with the number of its hole.
            let (number, rest) = part.split_once('-')?;
            let (secret, encoding) = self.holes.get(number.parse::<usize>().ok()?)?;
            template.hole(Arc::clone(secret), *encoding);
            template.push(rest);
            count += 1;
        }
        (count == self.holes.len()).then_some(template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::SecretName;
    use crate::secret::SecretSource;

    fn secret() -> Arc<SecretRef> {
        let source = SecretSource::Environment("X".to_owned());
        Arc::new(SecretRef { name: SecretName::literal("key"), generation: 1, source })
    }

    #[test]
    fn a_marker_in_the_users_own_text_stays_text() {
        let own = "fmc-hole-0-0- fmc-hole-1-0-";
        let template = with_marks(|marks| format!("{own}{}{own}", marks.mark(&secret(), Encoding::Raw)));
        assert_eq!(template.to_string(), format!("{own}<secret key generation 1>{own}"));
        assert_eq!(with_marks(|_| own.to_owned()).as_text(), Some(own));
    }
}
