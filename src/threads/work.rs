//! Ways to do work in other threads that also succeed if the system gives no threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;
use std::{fmt, io};

/// How many threads can compute at the same time on this machine; at least 1.
pub fn cores() -> usize {
    // Computed once, because a container's share is read from several files.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// Checks that the system can run this many threads at once, for libraries that panic if it cannot. The error is the
/// one of starting a thread.
pub fn afford(count: usize) -> io::Result<()> {
    let (open, closed) = mpsc::sync_channel::<()>(0);
    let closed = Arc::new(Mutex::new(closed));
    thread::scope(|scope| {
        // All threads stay until the last one has started.
        let started = (0..count).try_for_each(|_| {
            let closed = Arc::clone(&closed);
            thread::Builder::new().spawn_scoped(scope, move || locked(&closed).recv()).map(drop)
        });
        drop(open);
        started
    })
}

/// Locks a mutex, even if a thread has panicked while it held the lock: data guarded here is consistent at any time.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Work that is done in a thread of its own, or when its result is asked for.
#[must_use]
pub struct Aside<'scope, T, F> {
    work: F,
    thread: Option<ScopedJoinHandle<'scope, T>>,
}

impl<'scope, T: Send + 'scope, F: Fn() -> T + Copy + Send + 'scope> Aside<'scope, T, F> {
    /// Starts the work at once, if the system has a thread for it.
    pub fn begin(scope: &'scope Scope<'scope, '_>, work: F) -> Self {
        Self { work, thread: thread::Builder::new().spawn_scoped(scope, work).ok() }
    }

    /// Does the work only when its result is asked for.
    pub fn later(work: F) -> Self {
        Self { work, thread: None }
    }

    /// The result of the work. A panic of the work is passed on.
    pub fn join(self) -> T {
        match self.thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => (self.work)(),
        }
    }
}

impl<T, F> fmt::Debug for Aside<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aside")
    }
}

/// Why there is no result.
#[derive(Debug)]
pub enum Unfinished {
    /// The system has no thread to give.
    NoThread(io::Error),
    /// The work takes longer than the limit.
    Late,
}

/// Does work in a thread of its own, and waits at most `limit` for its result. After that the thread goes on
/// unattended.
pub fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    let (sender, receiver) = mpsc::channel();
    let work = move || drop(sender.send(work()));
    let thread = thread::Builder::new().spawn(work).map_err(Unfinished::NoThread)?;
    match receiver.recv_timeout(limit) {
        Ok(result) => Ok(result),
        Err(RecvTimeoutError::Timeout) => Err(Unfinished::Late),
        // The thread has panicked, as it sent no result.
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => Err(Unfinished::Late),
        },
    }
}

/// Does `work` for every item on all cores, and returns the results in the order of the items. It is for work that
/// needs the processor and seldom waits for a disk.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    /// Fewer items are done before another thread has started.
    const WORTH_A_THREAD: usize = 16;
    if items.len() <= WORTH_A_THREAD {
        return items.iter().map(work).collect();
    }
    let results: Vec<_> = items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work_off = || {
        while let Some((item, result)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            items.get(number).zip(results.get(number))
        } {
            *locked(result) = Some(work(item));
        }
    };
    thread::scope(|scope| {
        for _ in 1..cores().min(items.len() / WORTH_A_THREAD + 1) {
            // There is no further thread: the threads so far do all of it.
            if thread::Builder::new().spawn_scoped(scope, work_off).is_err() {
                break;
            }
        }
        work_off();
    });
    results
        .into_iter()
        .filter_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Does `work` for every item, up to `at_once` at a time. It calls `finished` with each result in the order of the
/// items, as soon as all results before it are there.
pub fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
    mut finished: impl FnMut(R),
) {
    if items.len() <= 1 || at_once <= 1 {
        return items.iter().map(work).for_each(finished);
    }
    let (next, work) = (&AtomicUsize::new(0), &work);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let mut threads = 0;
        while threads < at_once.min(items.len()) {
            let sender = sender.clone();
            let thread = thread::Builder::new().spawn_scoped(scope, move || {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    if sender.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
            // Then it is done with the threads that there are.
            if thread.is_err() {
                break;
            }
            threads += 1;
        }
        if threads == 0 {
            return items.iter().map(work).for_each(finished);
        }
        drop(sender);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&due) {
                finished(result);
                due += 1;
            }
        }
    });
}

/// Does `work` for every item, up to `at_once` at a time, and returns the results in the order of the items. If some
/// fail, the error of the first of them in that order is returned, after all items were tried.
pub fn try_in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let mut results = Ok(Vec::with_capacity(items.len()));
    in_parallel(items, at_once, work, |result| match (&mut results, result) {
        (Ok(results), Ok(result)) => results.push(result),
        (Ok(_), Err(error)) => results = Err(error),
        (Err(_), _) => {}
    });
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_aside_is_done_once_it_is_asked_for() {
        let done = AtomicUsize::new(0);
        let work = || done.fetch_add(1, Ordering::SeqCst);
        thread::scope(|scope| {
            assert_eq!(Aside::begin(scope, work).join(), 0);
            assert_eq!(Aside::later(work).join(), 1);
            drop(Aside::later(work));
        });
        assert_eq!(done.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn nobody_waits_longer_than_the_limit() {
        assert!(matches!(within(Duration::from_secs(60), || 7), Ok(7)));
        let (_never, waits) = mpsc::channel::<()>();
        let late = within(Duration::from_millis(10), move || waits.recv());
        assert!(matches!(late, Err(Unfinished::Late)));
        let panics = || within(Duration::from_secs(60), || panic!("this one fails"));
        assert!(std::panic::catch_unwind(panics).is_err());
    }

    #[test]
    fn threads_that_were_only_to_be_had_are_gone() {
        for count in [0, 1, 20] {
            afford(count).unwrap();
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(on_all_cores(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_result_is_told_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..50).collect();
        let mut results = Vec::new();
        in_parallel(&items, 4, |n| n * 2, |n| results.push(n));
        assert_eq!(results, (0..50).map(|n| n * 2).collect::<Vec<_>>());
        results.clear();
        in_parallel(&items, 1, |n| n * 3, |n| results.push(n));
        assert_eq!(results, (0..50).map(|n| n * 3).collect::<Vec<_>>());
        let odd = |n: &u64| if n % 2 == 1 { Err(*n) } else { Ok(*n) };
        assert_eq!(try_in_parallel(&items, 4, odd), Err(1));
        assert_eq!(try_in_parallel(&[0, 2, 4], 4, odd), Ok(vec![0, 2, 4]));
        in_parallel(&[0; 0], 4, |n: &u64| *n, |n| results.push(n));
        assert_eq!(results.len(), 50);
    }
}
