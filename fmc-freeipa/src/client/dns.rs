//! The commands of DNS.

use serde_json::{Map, Value, json};

use super::Client;
use super::answer::Answer;
use super::code::Code;
use super::error::IpaError;
use super::record::{IpaRecord, RecordChange};
use super::zone::{IpaZone, ZoneSettings};

/// What a server says before anything is read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preflight {
    /// The version of FreeIPA, as `4.13.1`.
    pub server_version: String,
    /// The version of its API, as `2.257`.
    pub api_version: String,
}

impl Client {
    /// Asks the server for its versions.
    ///
    /// # Errors
    ///
    /// [`IpaError`].
    pub async fn ping(&self) -> Result<Preflight, IpaError> {
        let answer = self.read("ping", &[], Map::new()).await?;
        let words: Vec<&str> = answer.summary().split_whitespace().collect();
        // "IPA server version 4.13.1. API version 2.257"
        let after = |first: &str| {
            let found = words.windows(3).find(|three| matches!(three, [a, "version", _] if *a == first));
            found.and_then(|three| three.last()).map(|word| word.trim_end_matches('.').to_owned())
        };
        Ok(Preflight {
            server_version: after("server").unwrap_or_default(),
            api_version: after("API").unwrap_or_default(),
        })
    }

    /// Whether FreeIPA has DNS servers.
    ///
    /// # Errors
    ///
    /// [`IpaError`].
    pub async fn dns_is_enabled(&self) -> Result<bool, IpaError> {
        let answer = self.read("dns_is_enabled", &[], Map::new()).await?;
        Ok(answer.result().as_bool().unwrap_or_default())
    }

    /// Checks that FreeIPA has DNS, and that the user can read it: the zone of FreeIPA's own domain must be visible. To a user
    /// without rights the server shows no zones, instead of an error.
    ///
    /// # Errors
    ///
    /// [`IpaError::NoDns`], [`IpaError::NoRights`], and every other.
    pub async fn preflight(&self, domain: &str) -> Result<Preflight, IpaError> {
        let versions = self.ping().await?;
        if !self.dns_is_enabled().await? {
            return Err(IpaError::NoDns);
        }
        if self.zone(domain).await?.is_none() {
            return Err(IpaError::NoRights {
                zone: domain.to_owned(),
                principal: self.http.user().to_owned(),
            });
        }
        Ok(versions)
    }

    /// All zones that the user can see.
    ///
    /// # Errors
    ///
    /// [`IpaError::Truncated`] if the server left zones out, and every other.
    pub async fn zones(&self) -> Result<Vec<IpaZone>, IpaError> {
        let answer = self.read("dnszone_find", &[], find()).await?;
        Ok(answer.into_entries().into_iter().map(IpaZone::new).collect())
    }

    /// One zone, or `None` if it does not exist or the user cannot see it.
    ///
    /// # Errors
    ///
    /// [`IpaError`].
    pub async fn zone(&self, name: &str) -> Result<Option<IpaZone>, IpaError> {
        let shown = self.read("dnszone_show", &[json!(name)], options([("all", json!(true))])).await;
        Ok(found(shown)?.map(|answer| IpaZone::new(answer.entry())))
    }

    /// Makes a zone. The server adds records of its own: the NS records, and `_kerberos` in a forward zone.
    ///
    /// # Errors
    ///
    /// [`IpaError`]. The zone may exist after an error: see [`IpaError::effect`].
    pub async fn zone_add(&self, name: &str, settings: &ZoneSettings) -> Result<Answer, IpaError> {
        self.call("dnszone_add", &[json!(name)], settings.options_of_add()).await
    }

    /// Changes the settings of a zone.
    ///
    /// # Errors
    ///
    /// [`IpaError`], with [`Code::EmptyModlist`] if they are so already.
    pub async fn zone_mod(&self, name: &str, settings: &ZoneSettings) -> Result<Answer, IpaError> {
        self.change("dnszone_mod", &[json!(name)], settings.options()).await
    }

    /// Deletes a zone with all of its records.
    ///
    /// # Errors
    ///
    /// [`IpaError`], with [`Code::NotFound`] if it does not exist.
    pub async fn zone_del(&self, name: &str) -> Result<(), IpaError> {
        self.call("dnszone_del", &[json!([name])], Map::new()).await.map(|_| ())
    }

    /// All names of a zone with their records, in one request.
    ///
    /// # Errors
    ///
    /// [`IpaError::Truncated`] if the server left names out; [`Code::NotFound`] if the zone does not exist or the user cannot see it.
    pub async fn records(&self, zone: &str) -> Result<Vec<IpaRecord>, IpaError> {
        let mut options = find();
        options.insert("structured".to_owned(), json!(true));
        let answer = self.read("dnsrecord_find", &[json!(zone)], options).await?;
        Ok(answer.into_entries().into_iter().map(IpaRecord::new).collect())
    }

    /// One name of a zone, or `None` if it has no records.
    ///
    /// # Errors
    ///
    /// [`IpaError`]. A zone that does not exist is not told apart from a name that does not.
    pub async fn record(&self, zone: &str, name: &str) -> Result<Option<IpaRecord>, IpaError> {
        let wanted = options([("all", json!(true)), ("structured", json!(true))]);
        let shown = self.read("dnsrecord_show", &record_arguments(zone, name), wanted).await;
        Ok(found(shown)?.map(|answer| IpaRecord::new(answer.entry())))
    }

    /// Adds values to a name (`@` is the zone's own). A collision with another change is tried again.
    ///
    /// # Errors
    ///
    /// [`IpaError`], with [`Code::EmptyModlist`] if all values are there.
    pub async fn record_add(
        &self,
        zone: &str,
        name: &str,
        change: &RecordChange,
    ) -> Result<Answer, IpaError> {
        self.change("dnsrecord_add", &record_arguments(zone, name), change.options()).await
    }

    /// Replaces the values of each type that the change has; other types stay. A name without values goes.
    ///
    /// # Errors
    ///
    /// [`IpaError`], with [`Code::EmptyModlist`] if they are so already, and [`Code::NotFound`] if the name has no records.
    pub async fn record_mod(
        &self,
        zone: &str,
        name: &str,
        change: &RecordChange,
    ) -> Result<Answer, IpaError> {
        self.change("dnsrecord_mod", &record_arguments(zone, name), change.options()).await
    }

    /// Deletes a name with all of its records.
    ///
    /// # Errors
    ///
    /// [`IpaError`], with [`Code::NotFound`] if it has none, and [`Code::ValidationError`] for the zone's own name.
    pub async fn record_del(&self, zone: &str, name: &str) -> Result<(), IpaError> {
        self.change("dnsrecord_del", &record_arguments(zone, name), delete_all()).await.map(|_| ())
    }
}

pub(super) fn record_arguments(zone: &str, name: &str) -> Vec<Value> {
    vec![json!(zone), json!(name)]
}

pub(super) fn delete_all() -> Map<String, Value> {
    options([("del_all", json!(true))])
}

/// The options by which nothing is left out: FreeIPA's default is 100 entries.
pub(crate) fn find() -> Map<String, Value> {
    options([("all", json!(true)), ("sizelimit", json!(0))])
}

fn options<const N: usize>(options: [(&str, Value); N]) -> Map<String, Value> {
    options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What does not exist is an answer too.
fn found(shown: Result<Answer, IpaError>) -> Result<Option<Answer>, IpaError> {
    match shown {
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        other => other.map(Some),
    }
}
