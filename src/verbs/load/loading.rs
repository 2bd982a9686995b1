//! A layout at work, and what becomes of its charts.

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
    /// Whether what stands for another chart is given to the one that is loaded.
    pub force: bool,
}

/// What became of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStatus {
    /// It was not there, or something else was.
    Loaded,
    /// It was there, and not all that is attached to it.
    Updated,
    /// All of it was there.
    Current,
}

/// A chart that was loaded.
#[derive(Clone, Debug)]
pub struct LoadedChart {
    /// What it is called now.
    pub reference: Reference,
    /// The manifest.
    pub digest: Digest,
    /// What became of it.
    pub status: LoadStatus,
    /// How many manifests are attached to it in the layout.
    pub attached: usize,
}

/// How many charts are still to come that need each blob.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) charts: HashMap<Digest, Vec<Digest>>,
    pub(super) blobs: HashMap<Digest, usize>,
}

/// What was opened.
pub enum OpenedLayout<'a> {
    /// A layout.
    Layout(Box<LayoutLoading<'a>>),
    /// A chart that is in none, but in an archive of `dt wrap`.
    Wrapped(WrappedChart),
}

/// A layout at work.
pub struct LayoutLoading<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: LoadOptions,
    /// One thread at a time reads on; what it has found is read by any number of them.
    contents: Mutex<Contents<'a>>,
    tasks: Vec<LoadTask>,
    /// The registries that charts go to.
    pub(super) destinations: Option<CopyPlaces<'a>>,
    /// Where blobs of a pipe wait: how many charts need each of them. Not counted before the first chart is loaded.
    pub(super) needs: Mutex<Option<Needs>>,
}

impl<'a> LayoutLoading<'a> {
    /// Opens the layout at a path; `-` is standard input. Charts go into the cache, unless there is a client that speaks to
    /// the registries that they go to.
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

    /// Sends charts to registries, and not into the cache.
    #[must_use]
    pub fn to_registries(self, client: &Client) -> Self {
        Self { destinations: Some(CopyPlaces::new(client, self.cache.budget(), true)), ..self }
    }

    /// The charts that the layout has.
    pub fn tasks(&self) -> &[LoadTask] {
        &self.tasks
    }

    /// Loads a chart, to be called so, when its whole graph is there. Several charts may be loaded at once, if they neither get
    /// one name nor are one manifest.
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

    /// Reads the layout to its end, so that what is wrong there is told.
    pub fn finish(&self) -> Result<(), LoadError> {
        Ok(self.contents().reader.finish()?)
    }

    /// What is in the layout, for this thread alone.
    pub(super) fn contents(&self) -> MutexGuard<'_, Contents<'a>> {
        locked(&self.contents)
    }
}
