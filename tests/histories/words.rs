//! The words of a history. Their debug form is Rust, so that a history is printed as a program.

use std::fmt;

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum M {
    Web,
    Db,
    Ci,
    Kube1,
    Kube2,
    Kube3,
}

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum H {
    East,
    West,
}

/// A data disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum D {
    Data,
    Logs,
    Store,
}

/// An image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum I {
    Debian12,
    Debian13,
    Raw,
    Flatcar,
    Blank,
}

/// What is done to the cloud or to its hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The cloud.
    Add(M, H),
    Remove(M),
    /// A machine that was removed is there again, as it was.
    Return(M),
    /// A machine is called otherwise.
    Rename(M, M),
    /// With `formerly`.
    Call(M, M),
    Move(M, H),
    AddDisk(M, D),
    RemoveDisk(M, D),
    RenameDisk(M, D, D),
    /// With `formerly`.
    CallDisk(M, D, D),
    GrowDisk(M, D),
    ShrinkDisk(M, D),
    GrowRoot(M),
    ShrinkRoot(M),
    Memory(M),
    Image(M, I),
    TimeZone(M),
    Power(M),
    Format(M, D),
    RenameNetwork(H),
    /// With `formerly`.
    CallNetwork(H),
    Subnet(H),
    Mtu(H),
    Servers(u8),
    Pods,
    /// The hosts.
    Snapshot(M),
    Merge(M),
    Clone(M),
    LoseRoot(M),
    LoseDisk(M, D),
    StopPool(H),
    ForgetPool(H),
    UndefinePool(H),
    Unmount(H),
    Mount(H),
    Undefine(M),
    Save(M),
    Pause(M),
    Resume(M),
    Kill(M),
    StopNetwork(H),
    UndefineNetwork(H),
    /// Nothing but another apply.
    Nothing,
}

/// What a person asks for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Plain,
    Replace(M),
    DeleteData(M),
    /// Both.
    Anew(M),
    /// `destroy`.
    Destroy,
}

/// How an apply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Whole,
    /// The connection is cut before this call.
    Cut(u64),
    /// The connection is cut after this call was heard.
    CutAfter(u64),
    /// Another apply runs before this call.
    Twice(u64),
}

/// A change and the apply after it; `None` if the history goes on without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) change: Change,
    pub(crate) apply: Option<(Ask, How)>,
}

/// What happens to a cloud. A step that was shrunk away is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History(pub(crate) Vec<Option<Step>>);

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "let mut world = World::new();")?;
        for Step { change, apply } in self.0.iter().flatten() {
            writeln!(f, "world.change({change:?});")?;
            if let Some((ask, how)) = apply {
                writeln!(f, "world.apply({ask:?}, {how:?})?;")?;
            }
        }
        writeln!(f, "world.settles()")
    }
}

macro_rules! named {
    ($of:ty { $($variant:ident $name:literal)* }) => {
        impl $of {
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

named!(M { Web "web" Db "db" Ci "ci" Kube1 "kube1" Kube2 "kube2" Kube3 "kube3" });
named!(H { East "east" West "west" });
named!(D { Data "data" Logs "logs" Store "store" });

impl M {
    pub(crate) const ALL: [Self; 6] = [Self::Web, Self::Db, Self::Ci, Self::Kube1, Self::Kube2, Self::Kube3];
    pub(crate) const SERVERS: [Self; 3] = [Self::Kube1, Self::Kube2, Self::Kube3];

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|machine| machine.name() == name)
    }
}

impl H {
    pub(crate) const ALL: [Self; 2] = [Self::East, Self::West];
}
