//! What the commands do, without flags and without output: save, export, push, pull, copy, bundle, load, fsck, prune, import, and get for Helm.

mod attached;
mod bundle;
mod copy;
mod export;
mod form;
mod fsck;
mod get;
mod head;
mod held;
mod import;
mod layer;
mod load;
mod naming;
mod outcome;
mod package;
mod prune;
mod pull;
mod push;
mod remote;
mod save;
mod source;

pub use attached::AttachedError;
pub use bundle::{Bundled, BundledChart, Bundling, BundlingError, BundlingOptions, Gathered, Since};
pub use copy::{
    Copied, CopiedAttachment, CopiedBlobs, CopyError, CopyOptions, CopySelection, CopyStatus, CopyTask,
    Copying,
};
pub use export::{ExportError, export};
pub use form::Form;
pub use fsck::{Finding, Findings, FsckError, fsck, repair};
pub use get::{Address, AddressError, Candidates, GetError, Place, get};
pub use held::{Held, HeldForm, held};
pub use import::{ImportError, ImportOptions, ImportRow, Taken, import_helm3, import_packages};
pub use load::{LoadError, LoadOptions, LoadStatus, LoadTask, Loaded, Loading, inventory};
pub use naming::{Misnamed, misnamed, named_twice};
pub use outcome::{OnProgress, Part, Progress, Summary, Transferred};
pub use package::package;
pub use prune::{Pruned, PrunedEntry, Pruning, Reason, keep_within, prune};
pub use pull::{Available, PullError, PullOptions, pull, resolve};
pub use push::{PushError, PushOptions, push};
pub use remote::{
    RemoteError, RemoteRemoval, RemovedRemotely, TaggedRemotely, find_remote, remove_remote, tag_remote,
};
pub use save::{SaveAs, SaveError, SaveOptions, Saved, save};
