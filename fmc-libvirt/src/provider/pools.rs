//! The state of a pool that concurrent steps share.

use std::collections::BTreeMap;
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
    /// Whether it was refreshed since the last observation: then it lists every console file of a removed
    /// machine.
    is_fresh: Mutex<bool>,
}

/// One upload at a time into a pool: libvirt refreshes the pool after each, and refuses other calls
/// meanwhile.
pub(super) type Lane = Arc<Mutex<()>>;

impl Pools {
    /// The lane of a pool's uploads.
    pub(super) fn lane(&self, place: &Place, pool: &str) -> Lane {
        Arc::clone(&self.of(place, pool).lane)
    }

    /// Refreshes a pool, unless that was done since the last observation. Concurrent callers wait until it is
    /// done.
    pub(super) fn refresh<E>(
        &self,
        place: &Place,
        pool: &str,
        read: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let pool = self.of(place, pool);
        let mut is_fresh = locked(&pool.is_fresh);
        if !*is_fresh {
            read()?;
            *is_fresh = true;
        }
        Ok(())
    }

    /// Marks all pools as stale, because a new observation begins.
    pub(super) fn forget_what_is_fresh(&self) {
        for pool in locked(&self.all).values() {
            *locked(&pool.is_fresh) = false;
        }
    }

    fn of(&self, place: &Place, pool: &str) -> Arc<Pool> {
        Arc::clone(locked(&self.all).entry((place.clone(), pool.to_owned())).or_default())
    }
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

    #[test]
    fn who_comes_while_a_pool_is_read_waits_for_it() {
        let (pools, is_read) = (&Pools::default(), &AtomicBool::new(false));
        let ((reads, started), (asks, asked), (end, ended)) = (channel(), channel(), channel::<()>());
        thread::scope(|scope| {
            let first = scope.spawn(move || {
                pools.refresh(&HOST, "lab", move || {
                    reads.send(()).unwrap();
                    ended.recv().unwrap();
                    is_read.store(true, Ordering::SeqCst);
                    Ok::<_, ()>(())
                })
            });
            started.recv().unwrap();
            let second = scope.spawn(move || {
                asks.send(()).unwrap();
                pools.refresh(&HOST, "lab", || Err("it is read a second time"))?;
                if is_read.load(Ordering::SeqCst) { Ok(()) } else { Err("it is not read yet") }
            });
            asked.recv().unwrap();
            end.send(()).unwrap();
            first.join().unwrap().unwrap();
            second.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_pool_that_could_not_be_read_is_read_again_and_so_is_one_of_before() {
        let pools = Pools::default();
        assert_eq!(pools.refresh(&HOST, "lab", || Err("busy")), Err("busy"));
        assert_eq!(pools.refresh(&HOST, "lab", || Ok::<_, &str>(())), Ok(()));
        assert_eq!(pools.refresh(&HOST, "lab", || Err("again")), Ok(()));
        assert_eq!(pools.refresh(&HOST, "other", || Err("another")), Err("another"));
        pools.forget_what_is_fresh();
        assert_eq!(pools.refresh(&HOST, "lab", || Err("anew")), Err("anew"));
    }
}
