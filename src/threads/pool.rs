//! A pool of threads that are kept for the next piece of work.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{fmt, thread};

use super::work::locked;

/// Threads that do one piece of work after the other. They stay until the process ends: to start a thread costs about
/// as much as to sync a small file.
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
    /// A pool without threads; they are started as needed.
    pub const fn new() -> Self {
        let queue = Queue { work: VecDeque::new(), threads: 0, idle: 0 };
        Self { queue: Mutex::new(queue), more: Condvar::new() }
    }

    /// Queues work for a thread of the pool, which has at most `most` threads. If no thread has begun it when it is
    /// joined, the joining thread does it.
    pub fn spawn<T: Send + 'static>(
        &'static self,
        most: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task<T> {
        let task = Arc::new(PoolState {
            work: Mutex::new(Some(Box::new(work))),
            result: Mutex::new(None),
            done: Condvar::new(),
        });
        let mut queue = locked(&self.queue);
        queue.work.push_back(Arc::<PoolState<T>>::clone(&task));
        // Only as many threads are woken or started as are needed, because each costs time.
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

/// Work that was queued in a [`Pool`]. It may be done even if this is dropped.
#[must_use]
pub struct Task<T>(Arc<PoolState<T>>);

impl<T: Send> Task<T> {
    /// The result of the work. If no thread has begun it, it is done here. A panic of the work is passed on.
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

struct PoolState<T> {
    /// The work; `None` once a thread has begun it.
    work: Mutex<Option<Box<dyn FnOnce() -> T + Send>>>,
    /// The result of the work, or its panic.
    result: Mutex<Option<Result<T, Box<dyn Any + Send>>>>,
    done: Condvar,
}

trait Work: Send + Sync {
    /// Does the work, unless another thread has begun it.
    fn run(&self);
}

impl<T: Send> Work for PoolState<T> {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        // The thread continues after the panic.
        assert_eq!(POOL.spawn(1, || 7).join(), 7);
    }
}
