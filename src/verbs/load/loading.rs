//! The options, state and results of loading a layout.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use super::contents::Contents;
use super::error::LoadError;
use super::task::LoadTask;
use crate::bundle::WrappedChart;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::registry::Client;
use crate::threads::locked;
use crate::verbs::copy::CopyPlaces;
use crate::verbs::outcome::OnProgress;

/// How charts are loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions {
    /// Whether to replace another chart that the destination has under the same reference.
    pub force: bool,
}

/// The result for one chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStatus {
    /// The destination did not have it, or had something else.
    Loaded,
    /// The destination had it, but not all that is attached to it.
    Updated,
    /// The destination had the chart and all that is attached to it.
    Current,
}

/// A chart that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedChart {
    /// The reference at the destination.
    pub reference: Reference,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The result.
    pub status: LoadStatus,
    /// How many manifests are attached to it in the layout.
    pub attached: usize,
}

/// How many charts that are not loaded yet need each blob.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) charts: HashMap<Digest, Vec<Digest>>,
    pub(super) blobs: HashMap<Digest, usize>,
}

/// The result of opening a file.
pub enum OpenedLayout<'a> {
    /// A layout.
    Layout(Box<LayoutLoading<'a>>),
    /// A chart without a layout, in an archive of `dt wrap`.
    Wrapped(WrappedChart),
}

/// Loads the charts of a layout.
pub struct LayoutLoading<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: LoadOptions,
    /// Only one thread at a time reads the layout further; blobs that were found can be read by all of them.
    contents: Mutex<Contents<'a>>,
    tasks: Vec<LoadTask>,
    /// The registries to load into; `None` to load into the cache.
    pub(super) destinations: Option<CopyPlaces<'a>>,
    /// For a layout from a pipe: how many charts need each blob that is kept. Counted when the first chart is loaded.
    pub(super) needs: Mutex<Option<Needs>>,
}

impl<'a> LayoutLoading<'a> {
    /// Opens the layout at a path; `-` is standard input. Charts go into the cache, unless [`Self::to_registries`] is
    /// called.
    pub fn open(
        path: &std::path::Path,
        cache: &'a Cache,
        options: LoadOptions,
    ) -> Result<OpenedLayout<'a>, LoadError> {
        let mut contents = match Contents::open(path, cache)? {
            Ok(contents) => contents,
            Err(wrapped) => return Ok(OpenedLayout::Wrapped(wrapped)),
        };
        let tasks = std::mem::take(&mut contents.charts);
        let (contents, needs) = (Mutex::new(contents), Mutex::default());
        Ok(OpenedLayout::Layout(Box::new(Self {
            cache,
            options,
            contents,
            tasks,
            destinations: None,
            needs,
        })))
    }

    /// Makes every later [`Self::load`] send its chart to a registry through `client`, not into the cache.
    #[must_use]
    pub fn to_registries(self, client: &Client) -> Self {
        Self { destinations: Some(CopyPlaces::new(client, self.cache.budget(), true)), ..self }
    }

    /// The charts in the layout.
    pub fn tasks(&self) -> &[LoadTask] {
        &self.tasks
    }

    /// Loads a chart under the reference `to`, after its whole graph was found. Several charts may be loaded at the
    /// same time, unless they have the same reference or manifest.
    pub fn load(
        &self,
        task: &LoadTask,
        to: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<LoadedChart, LoadError> {
        self.count_needs()?;
        let loaded = match &self.destinations {
            Some(destinations) => {
                let place = destinations.at(to)?;
                self.send(task, to, &place, progress)
            }
            None => self.take(task, to, progress),
        };
        self.release(task);
        loaded
    }

    /// Reads the layout to its end, to find errors there.
    pub fn finish(&self) -> Result<(), LoadError> {
        Ok(self.contents().reader.finish()?)
    }

    /// The contents of the layout, locked for this thread.
    pub(super) fn contents(&self) -> MutexGuard<'_, Contents<'a>> {
        locked(&self.contents)
    }
}
