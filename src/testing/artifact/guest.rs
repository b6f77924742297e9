//! Assertions on the inside of a machine: files, users, units.

use fmc_core::guest::State;
use fmc_core::guest::checked::{Contents, GuestFile, TextPart, Unit, User};
use fmc_core::unit::FileMode;

use super::super::say::{Failed, difference, or_panic};
use super::{contains, named, same};

/// A file inside a machine.
#[derive(Clone, Copy, Debug)]
pub struct FileArtifact<'a> {
    pub(super) file: &'a GuestFile,
}

impl FileArtifact<'_> {
    /// The file has exactly this text.
    ///
    /// # Panics
    ///
    /// If it has another text, with the differing lines, or a secret.
    #[track_caller]
    pub fn assert_text(self, text: &str) -> Self {
        or_panic(self.has_text(text));
        self
    }

    pub(in super::super) fn has_text(self, text: &str) -> Result<(), Failed> {
        let path = &self.file.path;
        let there = self.text(text)?;
        if there == text {
            return Ok(());
        }
        let what = format!("{path} has another text");
        Err(Failed::new(what, difference(there, text), "the lines without `-`"))
    }

    /// The file contains this text; in a text with secrets, before, between or after them.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    pub fn assert_contains(self, words: &str) -> Self {
        or_panic(self.has_words(words));
        self
    }

    fn has_words(self, words: &str) -> Result<(), Failed> {
        let path = self.file.path.as_str();
        let Contents::Parts(parts) = &self.file.contents else {
            return contains(path, self.text(words)?, words);
        };
        let texts = parts.iter().filter_map(|part| match part {
            TextPart::Text(text) => Some(text.as_ref()),
            TextPart::Secret(_) | TextPart::Quoted(_) | TextPart::Component(_) => None,
        });
        // A secret separates two texts, and the user's words cannot match across it.
        contains(path, &texts.collect::<Vec<&str>>().join("…"), words)
    }

    fn text(&self, wanted: &str) -> Result<&str, Failed> {
        match &self.file.contents {
            Contents::Text(text) => Ok(text),
            Contents::Secret(secret) => Err(Failed::new(
                format!("the text of {} is not known", self.file.path),
                format!("the bytes of {secret}"),
                wanted,
            )),
            Contents::Parts(_) | Contents::Remote { .. } => {
                Err(Failed::new(format!("the text of {} is not known", self.file.path), self.what(), wanted))
            }
        }
    }

    /// A description of the content.
    fn what(&self) -> String {
        match &self.file.contents {
            Contents::Text(_) => "a text without a secret".to_owned(),
            Contents::Secret(secret) => format!("the bytes of {secret}"),
            Contents::Parts(parts) => {
                let secrets: Vec<String> =
                    parts.iter().filter_map(|part| Some(part.secret()?.to_string())).collect();
                format!("a text with {}", secrets.join(", "))
            }
            Contents::Remote { url, digest } => format!("the content of {url} with the digest {digest}"),
        }
    }

    /// The file contains this secret, by its name, alone or within a text.
    ///
    /// # Panics
    ///
    /// If it contains another secret, or only text.
    #[track_caller]
    pub fn assert_secret(self, name: &str) -> Self {
        let there = match &self.file.contents {
            contents if contents.secrets().any(|secret| secret.name.as_str() == name) => return self,
            _ => self.what(),
        };
        let what = format!("{} does not hold the secret {name}", self.file.path);
        or_panic(Err(Failed::new(
            what,
            there,
            format!("`GuestFile::secret` with a secret of the name {name}"),
        )))
    }

    /// The file has these permissions, as `0o600`.
    ///
    /// # Panics
    ///
    /// If it has others.
    #[track_caller]
    pub fn assert_mode(self, mode: u16) -> Self {
        or_panic(same(&format!("the mode of {}", self.file.path), self.file.mode, FileMode::new(mode)));
        self
    }

    /// The file has this owner; root is the default.
    ///
    /// # Panics
    ///
    /// If it has another one.
    #[track_caller]
    pub fn assert_owner(self, user: &str) -> Self {
        let there = self.file.owner.user.as_ref().map_or("root", |user| user.as_str());
        or_panic(same(&format!("the owner of {}", self.file.path), there, user));
        self
    }
}

/// A user inside a machine.
#[derive(Clone, Copy, Debug)]
pub struct UserArtifact<'a> {
    pub(super) user: &'a User,
}

impl UserArtifact<'_> {
    /// The user may do everything with sudo.
    ///
    /// # Panics
    ///
    /// If the user may not.
    #[track_caller]
    pub fn assert_admin(self) -> Self {
        self.admin(true)
    }

    /// The user may not use sudo.
    ///
    /// # Panics
    ///
    /// If the user may.
    #[track_caller]
    pub fn assert_no_admin(self) -> Self {
        self.admin(false)
    }

    #[track_caller]
    fn admin(self, wanted: bool) -> Self {
        let words = |admin| if admin { "sudo without a password" } else { "no right beyond a user's" };
        or_panic(same(&format!("what {} may", self.user.name), words(self.user.admin), words(wanted)));
        self
    }

    /// The key opens the account. Give it as in an `authorized_keys` file; its comment does not matter.
    ///
    /// # Panics
    ///
    /// If it does not: with the keys that do.
    #[track_caller]
    pub fn assert_key(self, key: &str) -> Self {
        or_panic(self.has_key(key));
        self
    }

    pub(in super::super) fn has_key(self, key: &str) -> Result<(), Failed> {
        let body = |key: &str| key.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        let keys: Vec<String> = self.user.keys.iter().map(ToString::to_string).collect();
        if keys.iter().any(|own| body(own) == body(key)) {
            return Ok(());
        }
        let there = if keys.is_empty() { "no key".to_owned() } else { keys.join("\n") };
        Err(Failed::new(format!("the key does not open the account {}", self.user.name), there, key.trim()))
    }

    /// The user is in a group, in addition to the group with the user's own name.
    ///
    /// # Panics
    ///
    /// If the user is not: with the user's groups.
    #[track_caller]
    pub fn assert_group(self, group: &str) -> Self {
        let groups = &self.user.groups;
        let what = format!("group of user {}", self.user.name);
        or_panic(named(groups, &what, group, |group| group.as_str()));
        self
    }
}

/// A systemd unit inside a machine.
#[derive(Clone, Copy, Debug)]
pub struct UnitArtifact<'a> {
    pub(super) unit: &'a Unit,
}

impl UnitArtifact<'_> {
    /// The unit is started at every boot.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[track_caller]
    pub fn assert_enabled(self) -> Self {
        self.assert_state(State::Enabled)
    }

    /// The unit is in this state.
    ///
    /// # Panics
    ///
    /// If it is in another one.
    #[track_caller]
    pub fn assert_state(self, state: State) -> Self {
        let word = |state| format!("{state:?}").to_lowercase();
        or_panic(same(&format!("the state of {}", self.unit.name), word(self.unit.state), word(state)));
        self
    }

    /// The unit's contents, or those of one of its drop-ins, contain this text.
    ///
    /// # Panics
    ///
    /// If they do not.
    #[track_caller]
    pub fn assert_contains(self, words: &str) -> Self {
        let dropins =
            self.unit.dropins.iter().map(|dropin| (dropin.name.to_string(), dropin.contents.text()));
        let contents = self.unit.contents.iter().map(|text| (self.unit.name.to_string(), text.text()));
        let all: Vec<String> =
            contents.chain(dropins).map(|(name, text)| format!("# {name}\n{text}")).collect();
        or_panic(contains(self.unit.name.as_str(), &all.join("\n"), words));
        self
    }
}
