//! Texts of people's entries: mail addresses, and the commands and options of sudo.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::text::Text;

/// A leaf that is one text.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { $what:literal, $example:literal, $max:literal, $pattern:literal, $parse:ident })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(Text);

            impl $name {
                /// It as text.
                pub fn as_str(&self) -> &str {
                    self.0.as_str()
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(self.as_str())
                }
            }

            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    self.as_str()
                }
            }

            impl Leaf for $name {
                const WHAT: &'static str = $what;
                const EXAMPLE: &'static str = $example;

                fn parse(text: &str) -> Result<Self, LeafError> {
                    if text.len() > $max {
                        return Err(LeafError::new(concat!("it has more than ", $max, " bytes")));
                    }
                    if text.chars().any(char::is_control) {
                        return Err(LeafError::new("it has a control character in it"));
                    }
                    $parse(text)?;
                    Ok(Self(Text::shared(text)))
                }

                #[cfg(feature = "schema")]
                fn schema() -> schemars::Schema {
                    crate::given::text_schema::<Self>(Some($pattern), Some($max))
                }
            }

            leaf_traits!($name);
        )*
    };
}

texts! {
    /// A mail address as FreeIPA takes it (`ipapython/ipavalidate.py`): words with dots between them, an `@`, and a domain of two labels
    /// or more.
    MailAddress {
        "mail address", "ana@lab.example", 254,
        "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$", mail
    }

    /// A command that sudo allows: an absolute path, with arguments if only those are allowed. A path with a final `/` is all commands in
    /// that folder (sudoers(5)).
    SudoCommand { "command of sudo", "/usr/bin/systemctl restart postgresql", 1023, "^(/|sudoedit ?/?).*[^. ]$", command }

    /// An option of sudoers(5): `!authenticate`, `env_keep+=HTTP_PROXY`.
    SudoOption { "option of sudo", "!authenticate", 1023, "^[^ ].*$", option }
}

fn mail(text: &str) -> Result<(), LeafError> {
    let wrong = |why: &str| Err(LeafError::new(why));
    let Some((local, domain)) = text.split_once('@') else { return wrong("it has no '@'") };
    let is_local = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(letter);
    if local.split('.').any(|word| word.is_empty() || !word.chars().all(is_local)) {
        return wrong(
            "before the '@' are words of letters, digits and !#$%&'*+/=?^_`{|}~- with single dots between them",
        );
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.split('.').count() < 2 || !domain.split('.').all(is_label) {
        return wrong("after the '@' is a domain of two or more labels");
    }
    Ok(())
}

fn command(text: &str) -> Result<(), LeafError> {
    let wrong = |why: &str| Err(LeafError::new(why));
    if text == "ALL" {
        return Err(LeafError::mending("`ALL` is no command: say `every_command`"));
    }
    let (program, _) = text.split_once(' ').unwrap_or((text, ""));
    if !program.starts_with('/') && program != "sudoedit" {
        return wrong("it begins with an absolute path");
    }
    if program == "/" {
        return wrong("it has no program: a final '/' stands for the programs in a folder");
    }
    if text.ends_with('.') {
        return wrong("FreeIPA takes no command with a dot at its end");
    }
    if text.ends_with(' ') {
        return wrong("it has a space at its end, which FreeIPA leaves out");
    }
    Ok(())
}

fn option(text: &str) -> Result<(), LeafError> {
    if text.is_empty() || text.trim() != text {
        return Err(LeafError::new("it is empty, or has a space at its beginning or end"));
    }
    Ok(())
}
