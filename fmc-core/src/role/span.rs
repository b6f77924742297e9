//! Roles that span machines: a cluster, a VPN, a directory. One value names its members, and gives each of them a role.

mod members;
mod said;
mod site;
mod stated;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{RoleFindings, RoleTable, form, kebab};
use crate::checked::Checked;
use crate::finding::OwnKind;
use crate::given::Given;
use crate::name::RoleName;
use crate::secret::{Generated, Secret, shared_name};

pub use members::SpanMembers;
pub use said::FileSpanningRole;
pub use site::SpanSite;
pub(crate) use stated::{Repeated, Stated};

/// A role that spans machines. It names them and gives each of them a [`CustomRole`](super::CustomRole): a member's
/// guest, flows, order, and the steps before it leaves. A K3s cluster is one.
///
/// The role of a member is the same value for a whole list of members, and its [`Site`](super::Site) gives its place:
/// it finds the others by [`Site::with_role_of`](super::Site::with_role_of).
///
/// ```
/// use fmc_core::cloud::Cloud;
/// use fmc_core::flow::{Flows, Peer, tcp};
/// use fmc_core::given::Given;
/// use fmc_core::guest::{Guest, GuestFile, TextPart};
/// use fmc_core::host::Host;
/// use fmc_core::image::Image;
/// use fmc_core::machine::{Interface, Machine};
/// use fmc_core::name::MachineName;
/// use fmc_core::network::Network;
/// use fmc_core::role::{CustomRole, Site, SpanMembers, SpanningRole};
/// use fmc_core::secret::{Generated, Secret};
/// use fmc_core::unit::SizeExt;
///
/// /// A store that keeps a copy of everything on each of its machines.
/// struct Store {
///     name: String,
///     machines: Vec<Given<MachineName>>,
/// }
///
/// impl SpanningRole for Store {
///     fn instance(&self) -> Option<&str> {
///         Some(&self.name)
///     }
///
///     fn members(&self) -> SpanMembers<'_> {
///         let copy = Copy { store: self.name.clone(), password: self.shared_secret("password", Generated::Password) };
///         SpanMembers::new().list("machines", &self.machines, copy)
///     }
/// }
///
/// /// The role of one of its machines.
/// struct Copy {
///     store: String,
///     password: Secret,
/// }
///
/// impl CustomRole for Copy {
///     fn kind(&self) -> Given<fmc_core::name::RoleName> {
///         "store-copy".into()
///     }
///
///     fn instance(&self) -> Option<&str> {
///         Some(&self.store)
///     }
///
///     fn guest(&self, site: &Site<'_>) -> Guest {
///         let others = site.with_role_of("store-copy", &self.store).filter(|other| other.name != site.machine().name);
///         let peers: String = others.filter_map(|other| Some(format!("peer {}\n", other.address()?))).collect();
///         let password = [TextPart::from(format!("{peers}password ")), TextPart::Secret(self.password.clone())];
///         Guest::new().file(GuestFile::parts("/etc/store.conf", password))
///     }
///
///     fn flows(&self, _: &Site<'_>) -> Flows {
///         let others = || Peer::role("store-copy").of(&self.store);
///         Flows::new().accept(tcp(7000), others()).reach(tcp(7000), others())
///     }
/// }
///
/// let machine = |name: &str, address: &str| {
///     Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
///         .root_disk(20.gib())
///         .interface(Interface::on("lab").address(address))
/// };
/// let store = Store { name: "main".to_owned(), machines: vec!["a".into(), "b".into()] };
/// let cloud = Cloud::new("first")
///     .host(Host::local())
///     .network(Network::nat("lab", "10.17.3.0/24"))
///     .machines([machine("a", "10.17.3.10"), machine("b", "10.17.3.11")])
///     .role(store);
/// let checked = cloud.check()?;
/// assert_eq!(checked.machine("a").unwrap().memberships[0].to_string(), "store-copy/main");
/// # Ok::<(), fmc_core::finding::Report>(())
/// ```
pub trait SpanningRole: Any + Send + Sync {
    /// Its kind, by which a file says it. By default it is the name of the type, `private-network` for `PrivateNetwork`.
    fn kind(&self) -> Given<RoleName> {
        Given::text(&kebab(std::any::type_name::<Self>()))
    }

    /// Which of several of its kind it is, as the name of a cluster; by default there is one.
    fn instance(&self) -> Option<&str> {
        None
    }

    /// The machines that it names, and the role that it gives each of them. A machine that is not in the cloud is a
    /// finding, and a name that is wrong is one too.
    fn members(&self) -> SpanMembers<'_>;

    /// A secret that its members share, made from the root key: of its kind and instance, and of a name of its own.
    fn shared_secret(&self, name: &str, what: Generated) -> Secret {
        Secret::generated(shared_name(&self.kind().to_string(), self.instance(), name), what)
    }

    /// Checks its settings by themselves, without the rest of the cloud: each leaf by [`RoleFindings::leaf`]. If a
    /// setting is wrong, the role is asked nothing else.
    fn settings(&self, findings: &mut RoleFindings<'_>) {
        let _ = findings;
    }

    /// Whether a cloud, in which not all is right yet, has what the roles of the members read; they are not asked otherwise.
    fn is_resolved(&self, cloud: &Checked) -> bool {
        let _ = cloud;
        true
    }

    /// Its own check. It sees members whose values are right.
    fn check(&self, site: &SpanSite<'_>, findings: &mut RoleFindings<'_>) {
        let _ = (site, findings);
    }

    /// The kinds of findings that it and the roles of its members add, so that a cloud can accept them and `explain`
    /// shows their pages.
    fn finding_kinds(&self) -> &'static [OwnKind] {
        &[]
    }

    /// The tables of the cloud's resources that `check` shows of a cloud that is right; none by default.
    fn tables(&self, cloud: &Checked) -> Vec<RoleTable> {
        let _ = cloud;
        Vec::new()
    }

    /// The role in a lab's small copy of the cloud; as it is if `None`.
    fn lab(&self) -> Option<Spanning> {
        None
    }
}

/// A role that spans machines, as a draft holds it: any [`SpanningRole`], shared by every copy.
///
/// A file holds it where its type is a [`FileSpanningRole`] and the program knows that.
#[derive(Clone)]
pub struct Spanning {
    role: Arc<dyn SpanningRole>,
    said: Option<Arc<form::Form<Self>>>,
}

impl Spanning {
    /// The role itself.
    pub fn as_spanning(&self) -> &dyn SpanningRole {
        &*self.role
    }

    /// The role's value, shared.
    pub(crate) fn shared(&self) -> Arc<dyn Any + Send + Sync> {
        let value: Arc<dyn SpanningRole> = Arc::clone(&self.role);
        value
    }
}

impl<R: SpanningRole> From<R> for Spanning {
    fn from(role: R) -> Self {
        Self { role: Arc::new(role), said: None }
    }
}

impl From<Box<dyn SpanningRole>> for Spanning {
    fn from(role: Box<dyn SpanningRole>) -> Self {
        Self { role: role.into(), said: None }
    }
}

impl fmt::Debug for Spanning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spanning({})", self.role.kind())
    }
}
