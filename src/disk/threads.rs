//! Work on the disk in several threads.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::PathError;

/// So many threads wait for the disk at once, whatever the number of charts on their way: to start one costs about as much
/// as what it waits for on a fast disk.
const WAITING: usize = 6;

/// Something that waits for the disk. It does not panic: whoever asked for it would wait for ever.
pub type Wait = Box<dyn FnOnce() -> Result<(), PathError> + Send>;

/// Syncs several things at once. Nothing that we do takes as long as waiting for the disk, and a file system writes what is
/// asked for together in one go: ten at once take about as long as one or two.
pub fn at_once(mut syncs: Vec<Wait>) -> Result<(), PathError> {
    let Some(own) = syncs.pop() else { return Ok(()) };
    let batch = Arc::new(Batch { left: Mutex::new((syncs.len(), Ok(()))), done: Condvar::new() });
    DISK.take_over(syncs.into_iter().map(|sync| (sync, Arc::clone(&batch))));
    let own = own();
    // Rather than to wait, whatever comes next is done here: without another thread, all of it.
    while let Some((sync, of)) = DISK.next(&batch) {
        of.finished(sync());
    }
    own.and(batch.result())
}

/// Things that are waited for together.
struct Batch {
    /// How many are not done yet, and whether one went wrong.
    left: Mutex<(usize, Result<(), PathError>)>,
    done: Condvar,
}

impl Batch {
    fn finished(&self, result: Result<(), PathError>) {
        let mut left = locked(&self.left);
        left.0 -= 1;
        if result.is_err() {
            left.1 = result;
        }
        if left.0 == 0 {
            self.done.notify_all();
        }
    }

    fn result(&self) -> Result<(), PathError> {
        let left = self.done.wait_while(locked(&self.left), |(left, _)| *left > 0);
        std::mem::replace(&mut left.unwrap_or_else(PoisonError::into_inner).1, Ok(()))
    }
}

/// The threads that wait for the disk. They stay until the process ends.
static DISK: Threads =
    Threads { queue: Mutex::new(Queue { work: VecDeque::new(), threads: 0, idle: 0 }), more: Condvar::new() };

struct Threads {
    queue: Mutex<Queue>,
    more: Condvar,
}

struct Queue {
    work: VecDeque<(Wait, Arc<Batch>)>,
    threads: usize,
    idle: usize,
}

impl Threads {
    fn take_over(&'static self, work: impl Iterator<Item = (Wait, Arc<Batch>)>) {
        let mut queue = locked(&self.queue);
        queue.work.extend(work);
        // As many as are needed, and no more: each that wakes takes its time.
        for _ in 0..queue.idle.min(queue.work.len()) {
            self.more.notify_one();
        }
        for _ in queue.idle..queue.work.len() {
            if queue.threads == WAITING || thread::Builder::new().spawn(|| self.work()).is_err() {
                break;
            }
            queue.threads += 1;
        }
    }

    fn work(&self) {
        let mut queue = locked(&self.queue);
        loop {
            if let Some((sync, batch)) = queue.work.pop_front() {
                drop(queue);
                batch.finished(sync());
                queue = locked(&self.queue);
            } else {
                queue.idle += 1;
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }

    /// The next piece of work of this batch that nobody has begun.
    fn next(&self, batch: &Arc<Batch>) -> Option<(Wait, Arc<Batch>)> {
        let mut queue = locked(&self.queue);
        let position = queue.work.iter().position(|(_, of)| Arc::ptr_eq(of, batch))?;
        queue.work.remove(position)
    }
}

/// Whoever panics holds none of these.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does `work` for every item, and gives the results in their order. What is looked at is in memory mostly, so that it is
/// the processor that is waited for.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    /// Fewer are done before another thread has started.
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
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for _ in 1..cores.min(items.len() / WORTH_A_THREAD + 1) {
            // Without another thread, it is done in this one.
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::disk::At as _;

    #[test]
    fn all_of_it_is_done_when_it_returns_and_no_error_is_lost() {
        thread::scope(|scope| {
            for round in 0..40 {
                scope.spawn(move || {
                    let done = Arc::new(AtomicUsize::new(0));
                    let sync = |number| -> Wait {
                        let done = Arc::clone(&done);
                        Box::new(move || {
                            thread::yield_now();
                            done.fetch_add(1, Ordering::SeqCst);
                            match number == round {
                                true => Err(io::ErrorKind::StorageFull.into()).at("sync", Path::new("a")),
                                false => Ok(()),
                            }
                        })
                    };
                    let result = at_once((0..20).map(sync).collect());
                    assert_eq!(done.load(Ordering::SeqCst), 20);
                    assert_eq!(result.is_err(), round < 20);
                });
            }
        });
        assert!(at_once(Vec::new()).is_ok());
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(on_all_cores(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
