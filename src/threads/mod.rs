//! Work in other threads. If the system has no thread to give (EAGAIN: a limit on processes, of the user or of the
//! container), the work is done in the calling thread, or an error says so; `thread::spawn` would panic.

mod pool;
mod work;

pub use pool::{Pool, Task};
pub use work::{
    Aside, Unfinished, afford, cores, in_parallel, locked, on_all_cores, try_in_parallel, within,
};
