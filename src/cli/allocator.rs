//! Memory for the executables that have several threads at work.

/// Takes another allocator than musl's, whose single lock all threads share: to pull 200 charts was to wait for it 40,000
/// times, and took almost twice as long. To start another one costs a command with one chart to it next to nothing, but 60 KiB
/// of the executable. It reserves 32 MiB of addresses for a thread, of which what is used is memory: scripts/build sees to it
/// that the rest does not count for `ulimit -d`.
#[macro_export]
macro_rules! allocator_for_threads {
    () => {
        #[cfg(target_env = "musl")]
        #[global_allocator]
        static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
    };
}
