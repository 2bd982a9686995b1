//! So many requests are on their way to one server at once, and no more: what serves charts is often a page that somebody
//! maintains for nothing.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::threads::locked;

/// So many at once, each of several threads' own.
const AT_ONCE: usize = 4;

/// How many requests are on their way, by the server's scheme, host and port.
#[derive(Debug, Default)]
pub(super) struct BusyHosts {
    busy: Mutex<HashMap<String, usize>>,
    freed: Condvar,
}

/// A request that is on its way. It has arrived when this is dropped.
pub(super) struct HostVisit<'a> {
    hosts: &'a BusyHosts,
    origin: String,
}

impl BusyHosts {
    /// Waits until one more request may go to a server.
    pub(super) fn visit(&self, origin: String) -> HostVisit<'_> {
        let mut busy = locked(&self.busy);
        while busy.get(&origin).is_some_and(|count| *count >= AT_ONCE) {
            busy = self.freed.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        *busy.entry(origin.clone()).or_default() += 1;
        drop(busy);
        HostVisit { hosts: self, origin }
    }
}

impl Drop for HostVisit<'_> {
    fn drop(&mut self) {
        let mut busy = locked(&self.hosts.busy);
        if let Some(count) = busy.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.origin);
            }
        }
        drop(busy);
        self.hosts.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_than_so_many_are_on_their_way() {
        let (hosts, now, most) = (BusyHosts::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let _visit = hosts.visit("https://r.example".to_owned());
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!((1..=AT_ONCE).contains(&most.into_inner()));
        assert!(locked(&hosts.busy).is_empty());
    }
}
