//! The actions of the commands, without flags and output: save, export, push, pull, copy, bundle, load, fsck, prune,
//! import, get for Helm, and reading charts.

mod attached;
mod browse;
mod bundle;
mod classic;
mod copy;
mod diff;
mod export;
mod form;
mod fsck;
mod get;
mod head;
mod held;
mod images;
mod import;
mod layer;
mod load;
mod look;
mod migrate;
mod naming;
mod outcome;
mod package;
mod prune;
mod pull;
mod push;
mod remote;
mod save;
mod source;
mod unclobbered;

pub use attached::{AttachedError, AttachedKind};
pub use browse::{
    BrowseError, Browser, ChartVersion, ChartVersions, ListedChart, ListedCharts, VersionSelection,
};
pub use bundle::{Bundled, BundledChart, Bundling, BundlingError, BundlingOptions, Gathered, Since};
pub use classic::{
    ClassicError, ClassicIndexing, ClassicOptions, ClassicRow, ClassicStatus, IndexedRepository,
};
pub use copy::{
    Copied, CopiedAttachment, CopiedBlobs, CopyError, CopyOptions, CopySelection, CopyStatus, CopyTask,
    Copying,
};
pub use diff::{ChartChange, ChartDifference, ChartSection, DiffError, DiffOptions, diff};
pub use export::{ExportError, export};
pub use form::Form;
pub use fsck::{Finding, Findings, FsckError, fsck, repair};
pub use get::{Address, AddressError, Candidates, GetError, RegistryPlace, get};
pub use held::{HeldEntry, HeldForm, held};
pub use images::{
    ImageName, ImageOrigin, ImagesError, ImagesLockDocument, ImagesLockError, ImagesOptions,
    LockedImageError, NamedImage, images, images_lock,
};
pub use import::{ImportError, ImportOptions, ImportRow, Taken, import_helm3, import_packages};
pub use load::{
    LayoutLoading, LoadError, LoadOptions, LoadStatus, LoadTask, LoadTurn, LoadTurns, LoadedChart,
    OpenedLayout, inventory,
};
pub use look::{
    DependencyRow, DependencyStatus, LookError, LookedAtChart, Looker, RawChartManifest, RenderError,
    Subject, dependencies, is_path,
};
pub use migrate::{
    Candidate, ChartSource, MigrateError, Migrated, Migrating, MigrationOptions, MigrationPlan,
    MigrationSelection, MigrationStatus, MigrationTask, OnMismatch, PackageDirectory, Planner, Renames,
    SourceRegistries, read_directory,
};
pub use naming::{Misnamed, misnamed, named_twice};
pub use outcome::{BlobSummary, OnProgress, Progress, Summary, Transferred};
pub use package::package;
pub use prune::{PruneReason, Pruned, PrunedEntry, Pruning, keep_within, prune};
pub use pull::{Available, PullError, PullOptions, pull, resolve};
pub use push::{PushError, PushOptions, push};
pub use remote::{
    RemoteError, RemoteRemoval, RemovedRemotely, TaggedRemotely, find_remote, remove_remote, tag_remote,
};
pub use save::{SaveAs, SaveError, SaveOptions, Saved, save};
