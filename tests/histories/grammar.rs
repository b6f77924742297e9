//! Random histories.

use proptest::prelude::*;

use crate::words::{Ask, Change, D, H, History, How, I, M, Step};

pub(crate) fn histories() -> impl Strategy<Value = History> {
    // A step that goes makes the history shorter.
    let step = prop::option::weighted(0.97, step());
    prop::collection::vec(step, 9..=15).prop_map(History)
}

fn step() -> impl Strategy<Value = Step> {
    let apply = prop::option::weighted(0.85, (ask(), how()));
    (change(), apply).prop_map(|(change, apply)| Step { change, apply })
}

fn machine() -> impl Strategy<Value = M> {
    use M::{Ci, Db, Kube1, Kube2, Web};
    prop_oneof![4 => Just(Db), 3 => Just(Web), 1 => Just(Ci), 1 => Just(Kube1), 1 => Just(Kube2)]
}

/// A machine that no cluster has.
fn plain() -> impl Strategy<Value = M> {
    prop_oneof![3 => Just(M::Db), 2 => Just(M::Web), 1 => Just(M::Ci)]
}

fn host() -> impl Strategy<Value = H> {
    prop_oneof![3 => Just(H::East), 1 => Just(H::West)]
}

fn disk() -> impl Strategy<Value = D> {
    prop_oneof![3 => Just(D::Data), 1 => Just(D::Logs), 1 => Just(D::Store)]
}

fn image() -> impl Strategy<Value = I> {
    prop::sample::select(vec![I::Debian12, I::Debian13, I::Raw, I::Flatcar, I::Blank])
}

fn servers() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![0, 1, 3])
}

/// One of these changes, each as often as its number says, of what its strategies give.
macro_rules! changes {
    ($($weight:literal $change:ident $of:tt)*) => { prop_oneof![$($weight => changes!(@ $change $of)),*] };
    (@ $change:ident ()) => { Just($change) };
    (@ $change:ident ($of:ident)) => { $of().prop_map($change) };
    (@ $change:ident ($of:ident, $and:ident)) => { ($of(), $and()).prop_map(|(of, and)| $change(of, and)) };
    (@ $change:ident ($of:ident, $and:ident, $then:ident)) => {
        ($of(), $and(), $then()).prop_map(|(of, and, then)| $change(of, and, then))
    };
}

fn change() -> impl Strategy<Value = Change> {
    use Change::*;
    let cloud = changes! {
        6 Add(plain, host)
        3 Remove(plain)
        4 Return(plain)
        1 Rename(plain, plain)
        3 Call(plain, plain)
        1 Move(plain, host)
        3 AddDisk(machine, disk)
        2 RemoveDisk(machine, disk)
        1 RenameDisk(machine, disk, disk)
        2 CallDisk(machine, disk, disk)
        1 GrowDisk(machine, disk)
        1 ShrinkDisk(machine, disk)
        1 GrowRoot(machine)
        1 ShrinkRoot(machine)
        1 Memory(machine)
        3 Image(plain, image)
        2 TimeZone(machine)
        1 Power(machine)
        1 Format(machine, disk)
        1 RenameNetwork(host)
        2 CallNetwork(host)
        1 Subnet(host)
        1 Mtu(host)
        2 Servers(servers)
        1 Pods()
    };
    let hosts = changes! {
        3 Snapshot(machine)
        1 Merge(machine)
        2 Clone(machine)
        1 LoseRoot(machine)
        1 LoseDisk(machine, disk)
        2 StopPool(host)
        1 ForgetPool(host)
        1 UndefinePool(host)
        1 Unmount(host)
        2 Mount(host)
        3 Undefine(machine)
        2 Save(machine)
        1 Pause(machine)
        1 Resume(machine)
        4 Kill(machine)
        1 StopNetwork(host)
        1 UndefineNetwork(host)
        1 Nothing()
    };
    prop_oneof![3 => cloud, 2 => hosts]
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        12 => Just(Ask::Plain),
        3 => machine().prop_map(Ask::Replace),
        2 => machine().prop_map(Ask::DeleteData),
        1 => machine().prop_map(Ask::Anew),
        1 => Just(Ask::Destroy),
    ]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        12 => Just(How::Whole),
        1 => (1_u64..80).prop_map(How::Cut),
        1 => (1_u64..80).prop_map(How::CutAfter),
        1 => (1_u64..80).prop_map(How::Twice),
    ]
}
