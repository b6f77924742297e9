//! Where a cluster's state is, and what is kept of it.

use serde::{Deserialize, Serialize};

use crate::field::{is_default, is_yes, yes};
use crate::given::Given;
use crate::k3s::value::{Count, Duration, Line, Schedule};
use crate::k3s::word::BucketLookup;
use crate::secret::Secret;

/// A database that holds the cluster in place of etcd on the servers (docs.k3s.io, *High Availability External DB*).
///
/// ```
/// use fmc_core::k3s::Datastore;
/// use fmc_core::secret::Secret;
///
/// let datastore = Datastore::postgres(Secret::environment("k3s-datastore", "K3S_DATASTORE"))
///     .ca(Secret::file("postgres-ca", "pki/postgres-ca.pem"));
/// # let _ = datastore;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Datastore {
    /// `postgres://USER:PASSWORD@HOST:5432/DATABASE`.
    pub(crate) endpoint: Secret,
    /// The authority of the database's certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<Secret>,
    /// The certificate by which K3s is known to the database, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Secret>,
    /// The key of that certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Secret>,
}

impl Datastore {
    /// A PostgreSQL database; the secret is the whole `postgres://USER:PASSWORD@HOST:5432/DATABASE`. K3s makes the
    /// database if it is not there, and needs prepared statements.
    pub const fn postgres(endpoint: Secret) -> Self {
        Self { endpoint, ca: None, certificate: None, key: None }
    }

    /// The authority of the database's certificate, in PEM.
    #[must_use]
    pub fn ca(mut self, authority: Secret) -> Self {
        self.ca = Some(authority);
        self
    }

    /// The certificate by which K3s is known to the database, and its key, in PEM.
    #[must_use]
    pub fn certificate(mut self, certificate: Secret, key: Secret) -> Self {
        self.certificate = Some(certificate);
        self.key = Some(key);
        self
    }
}

/// Snapshots of etcd, which each server makes of its own (docs.k3s.io, *etcd-snapshot*).
///
/// ```
/// use fmc_core::k3s::{S3, Snapshots};
/// use fmc_core::secret::Secret;
///
/// let snapshots = Snapshots::every("0 */6 * * *").keep(10).s3(
///     S3::bucket("etcd").endpoint("s3.example").keys("etcd", Secret::environment("s3-secret", "S3_SECRET")),
/// );
/// # let _ = snapshots;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// Whether they are made; they are if not said.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) enabled: bool,
    /// When, as cron(8) says it; every twelve hours if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<Given<Schedule>>,
    /// How many are kept; 5 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<Given<Count>>,
    /// Whether they are compressed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) compress: bool,
    /// Where they go beside the server's own disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) s3: Option<S3>,
}

/// Every twelve hours, five kept.
impl Default for Snapshots {
    fn default() -> Self {
        Self { enabled: true, schedule: None, keep: None, compress: false, s3: None }
    }
}

impl Snapshots {
    /// Every twelve hours, five kept.
    pub fn new() -> Self {
        Self::default()
    }

    /// At the times of a schedule: `0 */6 * * *`.
    pub fn every(schedule: impl Into<Given<Schedule>>) -> Self {
        Self { enabled: true, schedule: Some(schedule.into()), keep: None, compress: false, s3: None }
    }

    /// None.
    pub const fn off() -> Self {
        Self { enabled: false, schedule: None, keep: None, compress: false, s3: None }
    }

    /// How many are kept.
    #[must_use]
    pub fn keep(mut self, count: impl Into<Given<Count>>) -> Self {
        self.keep = Some(count.into());
        self
    }

    /// Compresses them.
    #[must_use]
    pub const fn compressed(mut self) -> Self {
        self.compress = true;
        self
    }

    /// Sends them to an S3 bucket, too.
    #[must_use]
    pub fn s3(mut self, s3: S3) -> Self {
        self.s3 = Some(s3);
        self
    }
}

/// A bucket of an S3 service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The bucket.
    pub(crate) bucket: Given<Line>,
    /// The host of the service, without a scheme; Amazon's if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<Given<Line>>,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<Given<Line>>,
    /// A folder in the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folder: Option<Given<Line>>,
    /// The id of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_key: Option<Given<Line>>,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret_key: Option<Secret>,
    /// The authority of the service's certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<Secret>,
    /// How the bucket's address is made; as the client chooses if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lookup: Option<Given<BucketLookup>>,
    /// How long one transfer may take; 5 minutes if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Given<Duration>>,
    /// Whether the service speaks HTTP without TLS.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) insecure: bool,
}

impl S3 {
    /// A bucket.
    pub fn bucket(name: impl Into<Given<Line>>) -> Self {
        Self {
            bucket: name.into(),
            endpoint: None,
            region: None,
            folder: None,
            access_key: None,
            secret_key: None,
            ca: None,
            lookup: None,
            timeout: None,
            insecure: false,
        }
    }

    /// The host of the service, without a scheme.
    #[must_use]
    pub fn endpoint(mut self, host: impl Into<Given<Line>>) -> Self {
        self.endpoint = Some(host.into());
        self
    }

    /// The region.
    #[must_use]
    pub fn region(mut self, region: impl Into<Given<Line>>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// A folder in the bucket.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<Given<Line>>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The id of the key, and the key, one line of text.
    #[must_use]
    pub fn keys(mut self, access: impl Into<Given<Line>>, secret: Secret) -> Self {
        self.access_key = Some(access.into());
        self.secret_key = Some(secret);
        self
    }

    /// The authority of the service's certificate, in PEM.
    #[must_use]
    pub fn ca(mut self, authority: Secret) -> Self {
        self.ca = Some(authority);
        self
    }

    /// How the bucket's address is made.
    #[must_use]
    pub fn lookup(mut self, lookup: impl Into<Given<BucketLookup>>) -> Self {
        self.lookup = Some(lookup.into());
        self
    }

    /// How long one transfer may take.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Given<Duration>>) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// Speaks HTTP without TLS.
    #[must_use]
    pub const fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }
}
