//! Work that is done in other threads while this one goes on. Where the system has no thread to give (EAGAIN: a limit on
//! processes, of the user or of the container), it is done all the same, or it is said why not: `thread::spawn` panics.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

/// How many threads can compute at once here.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Whether the system gives us so many threads at once, for those who panic where it does not.
pub fn afford(count: usize) -> io::Result<()> {
    let (open, closed) = mpsc::sync_channel::<()>(0);
    let closed = Arc::new(Mutex::new(closed));
    thread::scope(|scope| {
        // All of them stay until the last one is there.
        let started = (0..count).try_for_each(|_| {
            let closed = Arc::clone(&closed);
            thread::Builder::new().spawn_scoped(scope, move || locked(&closed).recv()).map(drop)
        });
        drop(open);
        started
    })
}

/// Threads that do one piece of work after the other. They stay until the process ends: to start one costs about as much
/// as to sync a small file.
#[derive(Debug)]
pub struct Pool {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Debug)]
struct Queue {
    work: VecDeque<Arc<dyn Work>>,
    threads: usize,
    idle: usize,
}

impl Pool {
    /// Without any thread yet.
    pub const fn new() -> Self {
        let queue = Queue { work: VecDeque::new(), threads: 0, idle: 0 };
        Self { queue: Mutex::new(queue), more: Condvar::new() }
    }

    /// Has something done by a thread, of which there are `most` at most. What nobody has begun is done by whoever joins
    /// it.
    pub fn spawn<T: Send + 'static>(
        &'static self,
        most: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        let task = Arc::new(State {
            work: Mutex::new(Some(Box::new(work))),
            result: Mutex::new(None),
            done: Condvar::new(),
        });
        let mut queue = locked(&self.queue);
        queue.work.push_back(Arc::<State<T>>::clone(&task));
        // As many threads as are needed, and no more: each that wakes takes its time.
        if queue.idle >= queue.work.len() {
            self.more.notify_one();
        } else if queue.threads < most && thread::Builder::new().spawn(|| self.work()).is_ok() {
            queue.threads += 1;
        }
        if queue.threads == 0 {
            queue.work.pop_back();
        }
        Task(task)
    }

    fn work(&self) {
        let mut queue = locked(&self.queue);
        loop {
            if let Some(work) = queue.work.pop_front() {
                drop(queue);
                work.run();
                drop(work);
                queue = locked(&self.queue);
            } else {
                queue.idle += 1;
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

/// Something that is done meanwhile. Dropped, it may be done all the same.
#[must_use]
pub struct Task<T>(Arc<State<T>>);

impl<T: Send> Task<T> {
    /// What came of it. Rather than to wait for its turn, it is done here.
    pub fn join(self) -> T {
        self.0.run();
        let mut result = locked(&self.0.result);
        loop {
            if let Some(result) = result.take() {
                return result.unwrap_or_else(|panic| resume_unwind(panic));
            }
            result = self.0.done.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}

struct State<T> {
    /// Until somebody begins.
    work: Mutex<Option<Box<dyn FnOnce() -> T + Send>>>,
    /// Or the panic.
    result: Mutex<Option<Result<T, Box<dyn Any + Send>>>>,
    done: Condvar,
}

trait Work: Send + Sync {
    /// Does it, unless somebody else has begun.
    fn run(&self);
}

impl<T: Send> Work for State<T> {
    fn run(&self) {
        let Some(work) = locked(&self.work).take() else { return };
        let result = catch_unwind(AssertUnwindSafe(work));
        *locked(&self.result) = Some(result);
        self.done.notify_all();
    }
}

impl fmt::Debug for dyn Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

/// Nothing is half done under any of these.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that is done in a thread of its own, or else when it is asked for.
#[must_use]
pub struct Aside<'scope, T, F> {
    work: F,
    thread: Option<ScopedJoinHandle<'scope, T>>,
}

impl<'scope, T: Send + 'scope, F: Fn() -> T + Copy + Send + 'scope> Aside<'scope, T, F> {
    /// Begun at once, if there is a thread to be had.
    pub fn begin(scope: &'scope Scope<'scope, '_>, work: F) -> Self {
        Self { work, thread: thread::Builder::new().spawn_scoped(scope, work).ok() }
    }

    /// Begun when it is asked for, if ever.
    pub fn later(work: F) -> Self {
        Self { work, thread: None }
    }

    /// What came of it.
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
    /// There is no thread to be had.
    NoThread(io::Error),
    /// It takes too long.
    Late,
}

/// Does something in a thread of its own, which is left behind if it takes longer than `limit`.
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
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => Err(Unfinished::Late),
        },
    }
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
    thread::scope(|scope| {
        for _ in 1..cores().min(items.len() / WORTH_A_THREAD + 1) {
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
    use super::*;

    #[test]
    fn every_task_has_its_result_once_whoever_does_it() {
        static POOL: Pool = Pool::new();
        for most in [0, 1, 3] {
            let done = Arc::new(AtomicUsize::new(0));
            let start = |number: usize| {
                let done = Arc::clone(&done);
                POOL.spawn(most, move || {
                    thread::yield_now();
                    done.fetch_add(1, Ordering::SeqCst);
                    number
                })
            };
            thread::scope(|scope| {
                for _ in 0..20 {
                    scope.spawn(|| {
                        let tasks: Vec<_> = (0..20).map(start).collect();
                        let results: Vec<_> = tasks.into_iter().rev().map(Task::join).collect();
                        assert_eq!(results, (0..20).rev().collect::<Vec<_>>());
                    });
                }
            });
            assert_eq!(done.load(Ordering::SeqCst), 400);
            assert!(locked(&POOL.queue).threads <= most);
        }
    }

    #[test]
    fn nobody_waits_for_ever_for_what_panicked() {
        static POOL: Pool = Pool::new();
        let task = POOL.spawn(1, || -> u8 { panic!("this one fails") });
        assert!(catch_unwind(AssertUnwindSafe(|| task.join())).is_err());
        // And the thread goes on.
        assert_eq!(POOL.spawn(1, || 7).join(), 7);
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(on_all_cores(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
