//! What others in the cloud know a database by: its machine, its port, its user and password, and the authority of its certificate.

use std::net::IpAddr;

use super::Postgresql;
use super::config::known_as;
use crate::checked::{Checked, Machine};
use crate::given::Given;
use crate::guest::TextPart;
use crate::k3s::{Datastore, SslMode};
use crate::secret::Secret;

/// How a user logs in to a server.
pub(crate) struct Login {
    /// The name in its certificate.
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Secret,
}

impl Postgresql {
    /// The PostgreSQL of a name in a cloud; `None` if the cloud has none.
    pub fn named<'s>(cloud: &'s Checked, name: &str) -> Option<&'s Self> {
        cloud.spanning_roles::<Self>().find(|postgresql| postgresql.instance_name() == name)
    }

    /// The machine of its primary; `None` if the cloud does not have it.
    pub fn primary_machine<'s>(&self, cloud: &'s Checked) -> Option<&'s Machine> {
        cloud.machine(self.primary.ok()?.as_str())
    }

    /// The whole of a datastore in one of its databases: the database's owner logs in, and the server's certificate is verified.
    pub(crate) fn datastore(&self, said: &Datastore) -> Option<Datastore> {
        let owner = self.database_of(&said.database_name())?.owner.ok()?;
        let mut whole = Datastore::postgres(self.primary.clone(), self.password(owner.as_str()));
        whole.postgresql.clone_from(&said.postgresql);
        whole.database = Some(Given::text(&said.database_name()));
        whole.user = Some(Given::text(owner.as_str()));
        whole.port.clone_from(&self.port);
        Some(whole.sslmode(SslMode::VerifyFull).ca(self.authority().certificate()))
    }

    /// The address of one of its databases as its owner connects to it from a machine of the cloud, with the password in it:
    /// `postgresql://…`. The file at `authority` must have the certificate of [its authority](Self::authority). `None` if the cloud has
    /// no such database, or no way to it is known.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::postgresql::Postgresql;
    ///
    /// // A cloud without a database has no address of one.
    /// let checked = Cloud::new("first").check()?;
    /// assert!(Postgresql::named(&checked, "main").is_none());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn address_from(
        &self,
        cloud: &Checked,
        machine: &Machine,
        database: &str,
        authority: &str,
    ) -> Option<Vec<TextPart>> {
        let Login { host, address, port, user, password } = self.login_from(cloud, machine, database)?;
        let rest = format!(
            "@{host}:{port}/{database}?hostaddr={address}&sslmode=verify-full&sslrootcert={authority}"
        );
        let head = TextPart::from(format!("postgresql://{user}:"));
        Some(vec![head, TextPart::Component(password), rest.into()])
    }

    /// How the owner of one of its databases logs in from a machine of the cloud. `None` if the cloud has no such database, or no way
    /// to it is known.
    pub(crate) fn login_from(&self, cloud: &Checked, machine: &Machine, database: &str) -> Option<Login> {
        let primary = self.primary_machine(cloud)?;
        let owner = self.database_of(database)?.owner.ok()?;
        Some(Login {
            host: known_as(primary).to_owned(),
            address: primary.address_towards(machine)?,
            port: self.tcp_port(),
            user: owner.to_string(),
            password: self.password(owner.as_str()),
        })
    }
}
