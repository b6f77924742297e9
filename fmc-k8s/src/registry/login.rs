//! Logins of registries, from the files that `skopeo login`, `podman login` and `docker login` write (*containers-auth.json(5)*).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::image_lock::{HUB, ImageReference};

/// Docker Hub, as files name it.
const HUBS: [&str; 3] = [HUB, "index.docker.io", "registry-1.docker.io"];

/// The logins of registries. The first file that names a registry decides.
#[derive(Debug, Default)]
pub struct Logins {
    files: Vec<(PathBuf, AuthFile)>,
}

/// The error of a file with logins that cannot be read. It shows nothing of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the logins of {}: line {line}, column {column} is not what `skopeo login` writes", .path.display())]
#[non_exhaustive]
pub struct LoginError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1 on.
    pub line: usize,
    /// The column, from 1 on.
    pub column: usize,
}

#[derive(Default, Deserialize)]
struct AuthFile {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Auth {
    /// User and password, with a colon between them, in Base64.
    auth: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    #[serde(rename = "identitytoken")]
    identity_token: Option<SecretString>,
}

/// A login, and the file that it is from.
pub(super) struct Login {
    pub(super) path: PathBuf,
    /// User and password in Base64.
    encoded: SecretString,
}

/// The login of a repository in the files.
pub(super) enum Found {
    Login(Login),
    /// A login that is not in the file itself.
    Unusable {
        path: PathBuf,
        why: String,
    },
}

impl Logins {
    /// Without a login.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the text of a file, which is asked after those before it.
    ///
    /// # Errors
    ///
    /// It is not what those programs write.
    pub fn file(mut self, path: &Path, text: &str) -> Result<Self, LoginError> {
        // The parser's own words may show a value.
        let file = serde_json::from_str(text).map_err(|error| LoginError {
            path: path.to_owned(),
            line: error.line(),
            column: error.column(),
        })?;
        self.files.push((path.to_owned(), file));
        Ok(self)
    }

    /// The login for an image's repository. A file may have one for a part of a registry, and the longest name decides.
    pub(super) fn of(&self, image: &ImageReference) -> Option<Found> {
        let names = names(image);
        self.files.iter().find_map(|(path, file)| {
            let of = |one: &String| names.iter().position(|name| *name == plain(one));
            let known = file.auths.iter().filter_map(|(key, auth)| Some((of(key)?, auth)));
            let found = known.min_by_key(|(place, _)| *place).and_then(|(_, auth)| auth.found(path));
            found.or_else(|| {
                let helper = file.helpers.iter().find(|(key, _)| plain(key) == image.registry());
                let program = helper.map(|(_, program)| program).or(file.store.as_ref())?;
                let why = format!(
                    "it in the program docker-credential-{program}, which fmc does not run: run `skopeo login --authfile FILE {}`, and \
                     name FILE in REGISTRY_AUTH_FILE",
                    image.registry()
                );
                Some(Found::Unusable { path: path.clone(), why })
            })
        })
    }
}

impl Auth {
    fn found(&self, path: &Path) -> Option<Found> {
        let path = path.to_owned();
        let is_said = |text: &&SecretString| !text.expose_secret().is_empty();
        if self.identity_token.as_ref().filter(is_said).is_some() {
            let why = "an identity token, which fmc does not use: sign in with a user and a password or an access token";
            return Some(Found::Unusable { path, why: why.to_owned() });
        }
        let encoded = match (self.auth.as_ref().filter(is_said), &self.username, &self.password) {
            (Some(encoded), _, _) => encoded.clone(),
            (None, Some(user), Some(password)) => {
                SecretString::from(STANDARD.encode(format!("{user}:{}", password.expose_secret())))
            }
            // An empty entry says that a program keeps the login.
            _ => return None,
        };
        Some(Found::Login(Login { path, encoded }))
    }
}

impl Login {
    /// The header of this login (RFC 7617).
    pub(super) fn basic(&self) -> SecretString {
        SecretString::from(format!("Basic {}", self.encoded.expose_secret()))
    }
}

/// The names by which a file can have a login for an image, the most exact one first.
fn names(image: &ImageReference) -> Vec<String> {
    let whole = format!("{}/{}", image.registry(), image.repository());
    let cuts = whole.match_indices('/').map(|(at, _)| at).chain([whole.len()]);
    let mut names: Vec<String> = cuts.filter_map(|at| whole.get(..at)).map(str::to_owned).collect();
    names.reverse();
    names
}

/// The name of a registry or a repository, as a file has it: Docker writes the URL of an API of old.
fn plain(key: &str) -> String {
    let key = key.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    let (host, rest) = key.split_at(key.find('/').unwrap_or(key.len()));
    let host = host.to_ascii_lowercase();
    let host = if HUBS.contains(&&*host) { HUB } else { &host };
    format!("{host}{rest}")
}

impl fmt::Debug for AuthFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.auths.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str, image: &str) -> String {
        let logins = Logins::new().file(Path::new("auth.json"), text).unwrap();
        match logins.of(&image.parse().unwrap()) {
            Some(Found::Login(login)) => login.encoded.expose_secret().to_owned(),
            Some(Found::Unusable { why, .. }) => why,
            None => "none".to_owned(),
        }
    }

    #[test]
    fn the_most_exact_name_decides() {
        let text = r#"{"auths": {"quay.io": {"auth": "YTph"}, "quay.io/b": {"auth": "Yjpi"}, "quay.io/b/c": {"auth": "Yzpj"},
            "https://index.docker.io/v1/": {"auth": "aDpo"}, "http://10.0.0.1:5000/v2/": {"username": "u", "password": "p"}}}"#;
        for (image, encoded) in [
            ("quay.io/a/x:1", "YTph"),
            ("quay.io/b/x:1", "Yjpi"),
            ("quay.io/b/c:1", "Yzpj"),
            ("quay.io/bc/c:1", "YTph"),
            ("docker.io/nginx:1", "aDpo"),
            ("10.0.0.1:5000/x:1", "dTpw"),
            ("ghcr.io/x:1", "none"),
        ] {
            assert_eq!(login(text, image), encoded, "{image}");
        }
    }

    #[test]
    fn logins_that_programs_keep_are_named_and_not_asked_for() {
        let text = r#"{"auths": {"quay.io": {}}, "credsStore": "desktop", "credHelpers": {"ghcr.io": "pass"}, "x": 1}"#;
        assert!(login(text, "quay.io/x:1").contains("docker-credential-desktop"));
        assert!(login(text, "ghcr.io/x:1").contains("docker-credential-pass"));
        let token = r#"{"auths": {"quay.io": {"auth": "YTo=", "identitytoken": "hush"}}}"#;
        let why = login(token, "quay.io/x:1");
        assert!(why.contains("identity token") && !why.contains("hush"));
    }

    #[test]
    fn an_error_shows_nothing_of_the_file() {
        let text = "{\n\"auths\": {\"quay.io\": \"hush\"}}";
        let error = Logins::new().file(Path::new("a.json"), text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "read the logins of a.json: line 2, column 27 is not what `skopeo login` writes"
        );
    }
}
