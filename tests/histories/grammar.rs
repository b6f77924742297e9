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

fn change() -> impl Strategy<Value = Change> {
    use Change::*;
    let cloud = prop_oneof![
        6 => (plain(), host()).prop_map(|(machine, host)| Add(machine, host)),
        3 => plain().prop_map(Remove),
        4 => plain().prop_map(Return),
        1 => (plain(), plain()).prop_map(|(old, new)| Rename(old, new)),
        1 => (plain(), host()).prop_map(|(machine, host)| Move(machine, host)),
        3 => (machine(), disk()).prop_map(|(machine, disk)| AddDisk(machine, disk)),
        2 => (machine(), disk()).prop_map(|(machine, disk)| RemoveDisk(machine, disk)),
        1 => (machine(), disk(), disk()).prop_map(|(machine, old, new)| RenameDisk(machine, old, new)),
        2 => (machine(), disk(), disk()).prop_map(|(machine, old, new)| CallDisk(machine, old, new)),
        1 => (machine(), disk()).prop_map(|(machine, disk)| GrowDisk(machine, disk)),
        1 => (machine(), disk()).prop_map(|(machine, disk)| ShrinkDisk(machine, disk)),
        1 => machine().prop_map(GrowRoot),
        1 => machine().prop_map(ShrinkRoot),
        1 => machine().prop_map(Memory),
        3 => (plain(), image()).prop_map(|(machine, image)| Image(machine, image)),
        2 => machine().prop_map(TimeZone),
        1 => machine().prop_map(Power),
        1 => (machine(), disk()).prop_map(|(machine, disk)| Format(machine, disk)),
        1 => host().prop_map(RenameNetwork),
        2 => host().prop_map(CallNetwork),
        1 => host().prop_map(Subnet),
        1 => host().prop_map(Mtu),
        2 => prop::sample::select(vec![0_u8, 1, 3]).prop_map(Servers),
        1 => Just(Pods),
    ];
    let hosts = prop_oneof![
        3 => machine().prop_map(Snapshot),
        1 => machine().prop_map(Merge),
        2 => machine().prop_map(Clone),
        1 => machine().prop_map(LoseRoot),
        1 => (machine(), disk()).prop_map(|(machine, disk)| LoseDisk(machine, disk)),
        2 => host().prop_map(StopPool),
        1 => host().prop_map(ForgetPool),
        1 => host().prop_map(UndefinePool),
        1 => host().prop_map(Unmount),
        2 => host().prop_map(Mount),
        3 => machine().prop_map(Undefine),
        2 => machine().prop_map(Save),
        1 => machine().prop_map(Pause),
        1 => machine().prop_map(Resume),
        4 => machine().prop_map(Kill),
        1 => host().prop_map(StopNetwork),
        1 => host().prop_map(UndefineNetwork),
        1 => Just(Nothing),
    ];
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
