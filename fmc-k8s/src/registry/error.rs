//! The errors of a client of registries. None has a login in it.

use std::path::PathBuf;

use fmc_core::digest::Digest;
use ureq::http::StatusCode;

use super::login::Login;
use crate::image_lock::ImageReference;

/// The reason why a registry gave no digest. The words follow the image's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A server cannot be reached, or does not speak HTTP.
    #[error("{host} cannot be reached: {cause}")]
    Connect {
        /// The server.
        host: String,
        /// Why.
        cause: String,
    },
    /// The registry does not have the image.
    #[error("the registry has no tag {tag} in {repository}: correct the image's name")]
    NotThere {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// The registry admits nobody without a login.
    #[error(
        "the registry needs a login: run `skopeo login {registry}`, or name a file with a login in REGISTRY_AUTH_FILE"
    )]
    NoLogin {
        /// The registry.
        registry: String,
    },
    /// The registry does not admit the login.
    #[error(
        "the registry refuses the login of {}: run `skopeo login {registry}` again, and ask whether it may read {repository}",
        .path.display()
    )]
    Refused {
        /// The file with the login.
        path: PathBuf,
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// The registry gives a repository to nobody without a login.
    #[error(
        "the registry gives {repository} to nobody without a login, or does not have it: correct the image's name, or run \
         `skopeo login {registry}`"
    )]
    Closed {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
    },
    /// The login is in a form that is not read.
    #[error("the registry needs a login, and {} has {why}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The form, and what to do.
        why: String,
    },
    /// The registry asks for something that is neither a login nor a token.
    #[error("the registry asks for {schemes:?}, and fmc knows Basic and Bearer")]
    Challenge {
        /// The names of the schemes, harmless to show.
        schemes: String,
    },
    /// The server of tokens that the registry names must not be asked.
    #[error("the registry names {realm:?} for tokens, which is not an https URL")]
    Realm {
        /// The URL, harmless to show.
        realm: String,
    },
    /// The server of tokens gives none.
    #[error("{host} answers without a token")]
    NoToken {
        /// The server.
        host: String,
    },
    /// A token or a login cannot be a header.
    #[error("the login or the token has characters that HTTP does not allow")]
    Header,
    /// The server answers with an error.
    #[error("{host} answers {status} {reason}{}", if *.status == 429 { ": sign in, or try again later" } else { "" })]
    Status {
        /// The server.
        host: String,
        /// The status (RFC 9110), as 500.
        status: u16,
        /// The status in words.
        reason: &'static str,
    },
    /// The answer is no manifest, or one of a form that Kubernetes does not pull by its digest.
    #[error("the answer is {form:?}, which is not the manifest of an image")]
    Form {
        /// The stated content type, harmless to show.
        form: String,
    },
    /// The digest is not SHA-256.
    #[error("the registry states the digest {digest:?}, and fmc knows sha256")]
    OtherDigest {
        /// The digest, harmless to show.
        digest: String,
    },
    /// The answer states no digest.
    #[error("the registry states no digest")]
    NoDigest,
    /// The content is another one than the answer states.
    #[error("the registry states {stated} for a manifest that is {found}")]
    Mismatch {
        /// The stated digest.
        stated: Box<Digest>,
        /// The actual digest.
        found: Box<Digest>,
    },
}

impl RegistryError {
    pub(super) fn connect(host: &str, error: &ureq::Error) -> Self {
        Self::Connect { host: host.to_owned(), cause: harmless(&error.to_string()) }
    }

    pub(super) fn status(host: &str, status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("<unknown status code>");
        Self::Status { host: host.to_owned(), status: status.as_u16(), reason }
    }

    /// A login, or nobody's, that may not read a repository.
    pub(super) fn refused(login: Option<&Login>, image: &ImageReference) -> Self {
        let (registry, repository) = (image.registry().to_owned(), image.repository().to_owned());
        match login {
            Some(login) => Self::Refused { path: login.path.clone(), registry, repository },
            None => Self::Closed { registry, repository },
        }
    }
}

/// A short text of a server, escaped so that a terminal shows it instead of obeying it.
pub(super) fn harmless(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_default).collect()
}
