//! The datastore of a cluster, and its snapshots.

use crate::draft::{Setting, draft};
use crate::finding::{At, Finding, Remedy, ValueProblem, problems};
use crate::given::Given;
use crate::k3s::sql::SqlName;
use crate::k3s::value::{Count, Duration, Line, Schedule};
use crate::k3s::word::{BucketLookup, SslMode};
use crate::name::{MachineName, RoleName};
use crate::ready::TcpPort;
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::Secret;

draft! {
    /// A database that holds the cluster in place of etcd on the servers (docs.k3s.io, *High Availability External DB*): PostgreSQL on
    /// a machine of the cloud, or one elsewhere by its whole address.
    ///
    /// ```
    /// use fmc_core::k3s::Datastore;
    /// use fmc_core::name::MachineName;
    /// use fmc_core::secret::Secret;
    ///
    /// const DB: MachineName = MachineName::literal("db");
    ///
    /// let here = Datastore::postgres(DB, Secret::password("k3s-database")).database("prod");
    /// let elsewhere = Datastore::endpoint(Secret::environment("k3s-datastore", "K3S_DATASTORE"))
    ///     .ca(Secret::file("postgres-ca", "pki/postgres-ca.pem"));
    /// # let _ = (here, elsewhere);
    /// ```
    pub struct Datastore {
        /// The whole address of a database elsewhere, as a secret: `postgres://USER:PASSWORD@HOST:5432/DATABASE`.
        #[by_hand]
        pub(crate) endpoint: Option<Secret>,
        /// The machine of the cloud that PostgreSQL is on, in place of an `endpoint`.
        #[by_hand]
        pub(crate) machine: Option<Given<MachineName>>,
        /// The PostgreSQL of the cloud that the database is in, by its name: its primary, its port, its authority, and the user and password of
        /// the database's owner follow.
        #[by_hand]
        pub(crate) postgresql: Option<Given<RoleName>>,
        /// The password of the user there: one line of text, which is percent-encoded in the address of the database.
        #[by_hand]
        pub(crate) password: Option<Secret>,
        /// The TCP port of PostgreSQL on that machine; 5432 by default.
        pub(crate) port: Option<Given<TcpPort>>,
        /// The database on that machine; `k3s` by default.
        pub(crate) database: Option<Given<SqlName>>,
        /// The user on that machine; `k3s` by default.
        pub(crate) user: Option<Given<SqlName>>,
        /// Whether the connection to that machine has TLS, and which parts of the certificate are verified; by default
        /// K3s chooses.
        pub(crate) sslmode: Option<Given<SslMode>>,
        /// The authority of the database's certificate, in PEM.
        pub(crate) ca: Option<Secret>,
        /// The client certificate of K3s for the database, in PEM.
        #[by_hand]
        pub(crate) certificate: Option<Secret>,
        /// The key of that certificate, in PEM.
        #[by_hand]
        pub(crate) key: Option<Secret>,
    }

    /// Neither a machine nor an endpoint.
    fn new(..);
    said Datastore::said;
    rule Datastore::is_whole;
}

impl Datastore {
    /// PostgreSQL on a machine of the cloud, and the password of the user there: one line of text. It is percent-encoded in the
    /// address of the database, so it may have any characters. By default the port is 5432, and `k3s` is the user and the database.
    ///
    /// The servers start after the machine and wait until PostgreSQL answers. The machine needs a static or reserved address, and its
    /// firewall lets in the servers alone. A role or a guest of the machine's own installs PostgreSQL and makes the user.
    pub fn postgres(machine: impl Into<Given<MachineName>>, password: Secret) -> Self {
        Self { machine: Some(machine.into()), password: Some(password), ..Self::new() }
    }

    /// A PostgreSQL database elsewhere; the secret is the whole `postgres://USER:PASSWORD@HOST:5432/DATABASE`. K3s
    /// creates a missing database, and needs prepared statements.
    pub fn endpoint(endpoint: Secret) -> Self {
        Self { endpoint: Some(endpoint), ..Self::new() }
    }

    /// A database of a PostgreSQL that the cloud [has as a role](crate::postgresql::Postgresql), by the name of that; `k3s` is the database
    /// by default. The database's owner logs in, the servers verify its certificate and start after it, and its machine lets them in.
    pub fn of(postgresql: impl Into<Given<RoleName>>) -> Self {
        Self { postgresql: Some(postgresql.into()), ..Self::new() }
    }

    /// The client certificate of K3s for the database, and its key, in PEM.
    #[must_use]
    pub fn certificate(mut self, certificate: Secret, key: Secret) -> Self {
        self.certificate = Some(certificate);
        self.key = Some(key);
        self
    }

    /// The port on the machine; `None` if it is wrong.
    pub(crate) fn tcp_port(&self) -> Option<u16> {
        self.port.as_ref().map_or(Some(5432), |given| given.ok().map(|port| port.get()))
    }

    /// The database, which is `k3s` by default.
    pub(crate) fn database_name(&self) -> String {
        self.database.as_ref().map_or_else(|| "k3s".to_owned(), ToString::to_string)
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match (&self.endpoint, &self.machine, &self.password) {
            (None, None, None) if self.postgresql.is_some() => {
                Expr::of("k3s::Datastore::of", vec![self.postgresql.rust(names)?])
            }
            (Some(endpoint), None, None) => Expr::of("k3s::Datastore::endpoint", vec![endpoint.rust(names)?]),
            (None, Some(machine), Some(password)) => {
                Expr::of("k3s::Datastore::postgres", vec![machine.rust(names)?, password.rust(names)?])
            }
            _ => {
                return Err(
                    "a datastore that is neither an endpoint nor a machine with a password".to_owned()
                );
            }
        };
        self.say_settings(
            &mut on,
            &["endpoint", "machine", "postgresql", "password", "certificate", "key"],
            names,
        )?;
        match (&self.certificate, &self.key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => on.call(
                "certificate",
                format!("{}, {}", certificate.rust(names)?.line(), key.rust(names)?.line()),
            ),
            _ => return Err("a certificate without its key, or a key without its certificate".to_owned()),
        }
        Ok(on)
    }

    fn is_whole(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if self.certificate.is_some() != self.key.is_some() {
            let missing = if self.certificate.is_some() { "key" } else { "certificate" };
            let what = "the certificate by which the database knows K3s";
            let both = "both, `certificate` and `key`";
            findings.push(ValueProblem::Unpaired { what, missing, both }.at(at));
        }
        if self.postgresql.is_some() {
            let of_others = [
                ("endpoint", self.endpoint.is_some()),
                ("machine", self.machine.is_some()),
                ("password", self.password.is_some()),
                ("port", self.port.is_some()),
                ("user", self.user.is_some()),
                ("sslmode", self.sslmode.is_some()),
                ("ca", self.ca.is_some()),
            ];
            for (key, _) in of_others.into_iter().filter(|(_, is_said)| *is_said) {
                findings.push(DatastoreProblem::OfPostgresql { key }.at(at.key(key)));
            }
            return;
        }
        match (&self.endpoint, &self.machine) {
            (None, None) => findings.push(DatastoreProblem::Nowhere.at(at)),
            (Some(_), Some(_)) => findings.push(DatastoreProblem::Twice.at(at)),
            (None, Some(_)) if self.password.is_none() => findings.push(DatastoreProblem::NoPassword.at(at)),
            (None, Some(_)) => {}
            (Some(_), None) => {
                let of_machines = [
                    ("password", self.password.is_some()),
                    ("port", self.port.is_some()),
                    ("database", self.database.is_some()),
                    ("user", self.user.is_some()),
                    ("sslmode", self.sslmode.is_some()),
                ];
                for (key, _) in of_machines.into_iter().filter(|(_, is_said)| *is_said) {
                    findings.push(DatastoreProblem::OfMachine { key }.at(at.key(key)));
                }
            }
        }
    }
}

problems! {
    /// Problems with where a datastore is.
    pub enum DatastoreProblem {
        Nowhere is ValueInvalid:
            "the datastore has neither a machine nor an endpoint",
            "name the machine that PostgreSQL is on and the password there, or give the whole endpoint as a secret";
        Twice is ValueInvalid:
            "the datastore is on a machine and at an endpoint",
            "keep one of them";
        NoPassword is ValueInvalid:
            "the datastore on a machine has no password",
            "give the password of the user there as a secret";
        OfPostgresql { key: &'static str } is ValueInvalid:
            "the {key} of the datastore follows from the PostgreSQL that it names",
            "leave {key} out, or name no PostgreSQL";
        NoPostgresql { name: String } is ReferenceUnknown:
            "there is no PostgreSQL {name} among the roles of the cloud",
            "add it with {role}",
            role = Remedy::either(
                format!("roles: [{{postgresql: {{name: {name}, version: 15, primary: db1}}}}]"),
                format!(".role(Postgresql::new(\"{name}\", 15, \"db1\"))")
            );
        OfMachine { key: &'static str } is ValueInvalid:
            "the endpoint of the datastore already contains the {key}",
            "leave {key} out, or name the machine in place of the endpoint";
    }
}

draft! {
    /// Snapshots of etcd, which each server makes by itself (docs.k3s.io, *etcd-snapshot*).
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
    pub struct Snapshots {
        /// Whether they are made; they are by default.
        #[by_hand]
        pub(crate) enabled: bool = true,
        /// The times, in the syntax of cron(8); every twelve hours by default.
        #[by_hand]
        pub(crate) schedule: Option<Given<Schedule>>,
        /// How many are kept; 5 by default.
        pub(crate) keep: Option<Given<Count>>,
        /// Whether they are compressed.
        #[switch(compressed)]
        pub(crate) compress: bool,
        /// The bucket that they are also copied to.
        pub(crate) s3: Option<S3>,
    }

    /// Every twelve hours, five kept.
    pub fn new(..);
    said Snapshots::said;
}

/// Every twelve hours, five kept.
impl Default for Snapshots {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshots {
    /// At the times of a schedule: `0 */6 * * *`.
    pub fn every(schedule: impl Into<Given<Schedule>>) -> Self {
        Self { schedule: Some(schedule.into()), ..Self::new() }
    }

    /// None.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::new() }
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match (self.enabled, &self.schedule) {
            (true, None) => Expr::new("k3s::Snapshots::new()"),
            (true, Some(schedule)) => Expr::of("k3s::Snapshots::every", vec![schedule.rust(names)?]),
            (false, None) => Expr::new("k3s::Snapshots::off()"),
            (false, Some(_)) => return Err("a schedule of snapshots that are not made".to_owned()),
        };
        self.say_settings(&mut on, &["enabled", "schedule"], names)?;
        Ok(on)
    }
}

draft! {
    /// A bucket of an S3 service.
    pub struct S3 {
        /// The bucket.
        #[needed]
        pub(crate) bucket: Given<Line>,
        /// The host of the service, without a scheme; Amazon's by default.
        pub(crate) endpoint: Option<Given<Line>>,
        /// The region.
        pub(crate) region: Option<Given<Line>>,
        /// A folder in the bucket.
        pub(crate) folder: Option<Given<Line>>,
        /// The id of the key.
        #[by_hand]
        pub(crate) access_key: Option<Given<Line>>,
        /// The key.
        #[by_hand]
        pub(crate) secret_key: Option<Secret>,
        /// The authority of the service's certificate, in PEM.
        pub(crate) ca: Option<Secret>,
        /// How the bucket's address is made; by default the client chooses.
        pub(crate) lookup: Option<Given<BucketLookup>>,
        /// How long one transfer may take; 5 minutes by default.
        pub(crate) timeout: Option<Given<Duration>>,
        /// Whether the service speaks HTTP without TLS.
        #[switch(insecure)]
        pub(crate) insecure: bool,
    }

    /// A bucket.
    pub fn bucket(..);
    said S3::said;
    rule S3::has_pair;
}

impl S3 {
    /// The id of the key, and the key, one line of text.
    #[must_use]
    pub fn keys(mut self, access: impl Into<Given<Line>>, secret: Secret) -> Self {
        self.access_key = Some(access.into());
        self.secret_key = Some(secret);
        self
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::S3::bucket", vec![self.bucket.rust(names)?]);
        match (&self.access_key, &self.secret_key) {
            (None, None) => {}
            (Some(access), Some(secret)) => {
                on.call("keys", format!("{}, {}", access.rust(names)?.line(), secret.rust(names)?.line()));
            }
            _ => return Err("one of `access_key` and `secret_key`, which one setter takes".to_owned()),
        }
        self.say_settings(&mut on, &["access_key", "secret_key"], names)?;
        Ok(on)
    }

    fn has_pair(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if self.access_key.is_some() != self.secret_key.is_some() {
            let missing = if self.access_key.is_some() { "secret_key" } else { "access_key" };
            let (what, both) = ("the key of the S3 service", "both, `access_key` and `secret_key`");
            findings.push(ValueProblem::Unpaired { what, missing, both }.at(at));
        }
    }
}
