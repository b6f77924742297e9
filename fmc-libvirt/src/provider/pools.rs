//! The state of a pool that concurrent steps share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fmc_core::graph::Place;

/// The pools of running steps, by place and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    all: Arc<Mutex<All>>,
}

type All = BTreeMap<(Place, String), Arc<Pool>>;

#[derive(Debug, Default)]
struct Pool {
    lane: Lane,
    consoles: Mutex<Option<Arc<Beside>>>,
    records: Mutex<Option<Arc<Beside>>>,
    overlays: Mutex<Option<Arc<Beside>>>,
    /// The first names of the machines that were removed since the last observation.
    removed: Mutex<BTreeSet<String>>,
}

/// The names of the files beside machines or disks, by the machine's or the disk's name.
pub(super) type Beside = BTreeMap<String, Vec<String>>;

/// One upload at a time into a pool: libvirt refreshes the pool after each, and refuses other calls
/// meanwhile.
pub(super) type Lane = Arc<Mutex<()>>;

impl Pools {
    /// The lane of a pool's uploads.
    pub(super) fn lane(&self, place: &Place, pool: &str) -> Lane {
        Arc::clone(&self.of(place, pool).lane)
    }

    /// The console files in a pool, read once after each observation.
    pub(super) fn consoles<E>(
        &self,
        place: &Place,
        pool: &str,
        read: impl FnOnce() -> Result<Beside, E>,
    ) -> Result<Arc<Beside>, E> {
        once(&self.of(place, pool).consoles, read)
    }

    /// The records beside the data disks in a pool, read once after each observation.
    pub(super) fn records<E>(
        &self,
        place: &Place,
        pool: &str,
        read: impl FnOnce() -> Result<Beside, E>,
    ) -> Result<Arc<Beside>, E> {
        once(&self.of(place, pool).records, read)
    }

    /// The volumes of all pools that may lie over those of a pool, as `POOL/NAME` by the path below, read once after each
    /// observation.
    pub(super) fn overlays<E>(
        &self,
        place: &Place,
        pool: &str,
        read: impl FnOnce() -> Result<Beside, E>,
    ) -> Result<Arc<Beside>, E> {
        once(&self.of(place, pool).overlays, read)
    }

    /// Forgets the records in a pool, because there is one more.
    pub(super) fn forget_records(&self, place: &Place, pool: &str) {
        *locked(&self.of(place, pool).records) = None;
    }

    /// Notes that a machine with files in a pool was removed.
    pub(super) fn note_removed(&self, place: &Place, pool: &str, machine: &str) {
        locked(&self.of(place, pool).removed).insert(machine.to_owned());
    }

    /// The first names of the machines that were removed since the last observation.
    pub(super) fn removed(&self, place: &Place, pool: &str) -> BTreeSet<String> {
        locked(&self.of(place, pool).removed).clone()
    }

    /// Forgets what was read, because a new observation begins.
    pub(super) fn forget_what_was_read(&self) {
        for pool in locked(&self.all).values() {
            *locked(&pool.consoles) = None;
            *locked(&pool.records) = None;
            *locked(&pool.overlays) = None;
            locked(&pool.removed).clear();
        }
    }

    fn of(&self, place: &Place, pool: &str) -> Arc<Pool> {
        Arc::clone(locked(&self.all).entry((place.clone(), pool.to_owned())).or_default())
    }
}

/// Reads it once. Concurrent callers wait until it is read.
fn once<E>(
    known: &Mutex<Option<Arc<Beside>>>,
    read: impl FnOnce() -> Result<Beside, E>,
) -> Result<Arc<Beside>, E> {
    let mut known = locked(known);
    if let Some(known) = &*known {
        return Ok(Arc::clone(known));
    }
    Ok(Arc::clone(known.insert(Arc::new(read()?))))
}

/// Ignores a poisoned lock: a step that panicked leaves nothing half done here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    const HOST: Place = Place::all_of("libvirt");

    fn beside(machine: &str) -> Beside {
        Beside::from([(machine.to_owned(), vec![format!("{machine}.console")])])
    }

    #[test]
    fn who_comes_while_a_pool_is_read_waits_for_it() {
        let (pools, is_read) = (&Pools::default(), &AtomicBool::new(false));
        let ((reads, started), (asks, asked), (end, ended)) = (channel(), channel(), channel::<()>());
        thread::scope(|scope| {
            let first = scope.spawn(move || {
                pools.consoles(&HOST, "lab", move || {
                    reads.send(()).unwrap();
                    ended.recv().unwrap();
                    is_read.store(true, Ordering::SeqCst);
                    Ok::<_, &str>(beside("web"))
                })
            });
            started.recv().unwrap();
            let second = scope.spawn(move || {
                asks.send(()).unwrap();
                let read = pools.consoles(&HOST, "lab", || Err("it is read a second time"));
                if is_read.load(Ordering::SeqCst) { read } else { Err("it is not read yet") }
            });
            asked.recv().unwrap();
            end.send(()).unwrap();
            assert_eq!(*first.join().unwrap().unwrap(), beside("web"));
            assert_eq!(*second.join().unwrap().unwrap(), beside("web"));
        });
    }

    #[test]
    fn a_pool_that_could_not_be_read_is_read_again_and_so_is_one_of_before() {
        let pools = Pools::default();
        assert_eq!(pools.consoles(&HOST, "lab", || Err("busy")), Err("busy"));
        let read = |name| pools.consoles(&HOST, "lab", || Ok::<_, &str>(beside(name))).unwrap();
        assert_eq!(*read("web"), beside("web"));
        assert_eq!(*read("db"), beside("web"));
        assert_eq!(pools.records(&HOST, "lab", || Err("another list")), Err("another list"));
        assert_eq!(pools.consoles(&HOST, "other", || Err("another")), Err("another"));
        pools.forget_what_was_read();
        assert_eq!(*read("db"), beside("db"));
    }
}
