//! The memory allocator of the executables with several threads.

/// Replaces musl's allocator, which has a single lock for all threads: pulling 200 charts waited for it 40,000 times
/// and took almost twice as long. For a command with one chart the other allocator costs next to nothing but 60 KiB of
/// the executable. It reserves 32 MiB of addresses for each thread, of which only the used part is memory;
/// scripts/build makes sure that the rest does not count for `ulimit -d`.
#[macro_export]
macro_rules! allocator_for_threads {
    () => {
        #[cfg(target_env = "musl")]
        #[global_allocator]
        static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
    };
}
