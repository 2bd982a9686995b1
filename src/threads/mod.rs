//! Work that is done in other threads while this one goes on. Where the system has no thread to give (EAGAIN: a limit on
//! processes, of the user or of the container), it is done all the same, or it is said why not: `thread::spawn` panics.

mod pool;
mod work;

pub use pool::{Pool, Task};
pub use work::{
    Aside, Unfinished, afford, cores, in_parallel, locked, on_all_cores, try_in_parallel, within,
};
