//! Work on the disk in several threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::PathError;

/// So many of what waits for the disk do it at once. A thread costs about as much as a wait that finds its work done.
const WAITING: usize = 6;

/// Syncs things that have a number, several at once. Nothing that we do takes as long as waiting for the disk, and a file
/// system writes what is asked for together in one go: ten at once take about as long as one or two.
pub fn at_once(
    count: usize,
    sync: &(dyn Fn(usize) -> Result<(), PathError> + Sync),
) -> Result<(), PathError> {
    let result = Mutex::new(Ok(()));
    let threads = count.min(WAITING);
    in_threads(threads, &|first| {
        for number in (first..count).step_by(threads) {
            if let Err(error) = sync(number) {
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
            }
        }
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work` for every item, and gives the results in their order. What is looked at is in memory mostly, so that it is
/// the processor that is waited for.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    /// Fewer are done before another thread has started.
    const WORTH_A_THREAD: usize = 16;
    let work_off = |items: &[T]| items.iter().map(&work).collect::<Vec<_>>();
    if items.len() <= WORTH_A_THREAD {
        return work_off(items);
    }
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = items.len().div_ceil(cores).max(WORTH_A_THREAD);
    let shares: Vec<_> = items.chunks(share).map(|items| (items, Mutex::new(Vec::new()))).collect();
    in_threads(shares.len(), &|number| {
        let (items, results) = &shares[number];
        *results.lock().unwrap_or_else(PoisonError::into_inner) = work_off(items);
    });
    let results = shares.into_iter().map(|(_, results)| results.into_inner());
    results.flat_map(|results| results.unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Calls `work` with every number below `count`, each in a thread of its own: the last one, and all for which there is no
/// thread to be had, in this one.
fn in_threads(count: usize, work: &(dyn Fn(usize) + Sync)) {
    let Some(last) = count.checked_sub(1) else { return };
    thread::scope(|scope| {
        for number in 0..last {
            if thread::Builder::new().spawn_scoped(scope, move || work(number)).is_err() {
                work(number);
            }
        }
        work(last);
    });
}
