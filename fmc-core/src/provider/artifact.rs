//! The files of a compiled cloud.

use std::sync::Arc;

use crate::boot::Boot;
use crate::secret::{SecretBytes, SecretError, Secrets};
use crate::template::Template;

/// A file of a compiled cloud.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    /// The path below the output folder, as `libvirt/local/domains/web.xml`.
    pub path: String,
    /// The kind of file, as `domain`, `nft` or `guest`.
    pub kind: &'static str,
    content: Body<'a>,
    is_private: bool,
}

#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    Text(&'a str),
    Template(&'a Template),
    Image(&'a Boot),
}

impl<'a> Artifact<'a> {
    /// A text that everyone may read.
    pub fn text(path: impl Into<String>, kind: &'static str, text: &'a str) -> Self {
        Self { path: path.into(), kind, content: Body::Text(text), is_private: false }
    }

    /// A text with holes for secrets, which only its owner may read.
    pub fn template(path: impl Into<String>, kind: &'static str, template: &'a Template) -> Self {
        Self { path: path.into(), kind, content: Body::Template(template), is_private: true }
    }

    /// The boot volume of a machine, which only its owner may read.
    pub fn boot_volume(path: impl Into<String>, kind: &'static str, boot: &'a Boot) -> Self {
        Self { path: path.into(), kind, content: Body::Image(boot), is_private: true }
    }

    /// Its text, if it contains no secret.
    pub fn plain(&self) -> Option<&'a str> {
        match self.content {
            Body::Text(text) => Some(text),
            Body::Template(_) | Body::Image(_) => None,
        }
    }

    /// Whether only its owner may read it, because it holds the inside of a machine.
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Whether it contains a secret once it is rendered.
    pub fn has_secrets(&self) -> bool {
        match self.content {
            Body::Text(_) => false,
            Body::Template(template) => template.has_holes(),
            Body::Image(boot) => boot.secrets().next().is_some(),
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    ///
    /// A secret is not available, or does not fit its hole.
    pub fn render(&self, secrets: &dyn Secrets) -> Result<SecretBytes, SecretError> {
        match self.content {
            Body::Text(text) => Ok(SecretBytes::new(text.as_bytes().to_vec())),
            Body::Template(template) => template.render(secrets),
            Body::Image(boot) => boot.render_volume(secrets),
        }
    }

    /// The digest without its secrets, which count by name and generation; `None` for a file without secrets,
    /// whose bytes can be hashed themselves.
    pub fn template_digest(&self) -> Option<[u8; 32]> {
        match self.content {
            _ if !self.has_secrets() => None,
            Body::Text(_) => None,
            Body::Template(template) => Some(template.digest()),
            Body::Image(boot) => Some(boot.digest()),
        }
    }
}

/// A file that no step applies: the administrator of its place loads it by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByHand {
    /// The place that loads it, as a host's name.
    pub place: Arc<str>,
    /// The path below the output folder, as `hosts/local.nft`.
    pub path: String,
    /// The kind of file, as `nft`.
    pub kind: &'static str,
    /// The content.
    pub text: Arc<str>,
    /// The consequence until it is loaded, as the beginning of a sentence: `The routed networks of local leave it by
    /// its nft table`.
    pub why: String,
    /// The program that loads it, as `nft -f`: the file's path follows.
    pub loads: &'static str,
}
