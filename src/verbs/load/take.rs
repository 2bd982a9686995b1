//! Puts one chart of a layout into the cache, in the form that a pull uses.

use super::error::LoadError;
use super::graph::ChartGraph;
use super::join::{attached, joined};
use super::loading::{LayoutLoading, LoadStatus, LoadedChart};
use super::task::LoadTask;
use crate::bundle::BundleError;
use crate::cache::{Attached, CacheEntry, CacheError, Pushed, PutAs, StagedBlob, Stored};
use crate::chart;
use crate::digest::Digest;
use crate::disk;
use crate::limits::MAX_CONFIG;
use crate::manifest::{self, ChartManifest, Descriptor, ManifestDocument, ManifestError};
use crate::reference::Reference;
use crate::verbs::head::behind_the_head;
use crate::verbs::layer::Layer;
use crate::verbs::outcome::{OnProgress, Progress};
use crate::verbs::push::planned_manifest;

/// How many files may be open besides those that are about to get their names.
const OTHER_FILES: u64 = 256;
/// How often loading a chart is tried if blobs of the cache that it needs are removed meanwhile.
const TRIES: u32 = 3;

impl LayoutLoading<'_> {
    /// Puts a chart into the cache: first all blobs that it needs, then the entry.
    pub(super) fn take(
        &self,
        task: &LoadTask,
        to: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<LoadedChart, LoadError> {
        let graph = self.graph(task)?;
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.take_once(&graph, to, progress) {
                Err(LoadError::Cache(CacheError::Missing(_))) if tries > 0 => {}
                result => return result,
            }
        }
    }

    fn take_once(
        &self,
        graph: &ChartGraph<'_>,
        to: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<LoadedChart, LoadError> {
        let ManifestDocument::Manifest(manifest) =
            ManifestDocument::parse(&graph.manifest, &graph.descriptor.media_type)?
        else {
            return Err(LoadError::Index);
        };
        let chart = ChartManifest::new(&manifest)?;
        let ChartManifest::Whole { config, chart, provenance, current } = chart else {
            return Err(ManifestError::NotAChart("3.0.0-alpha".to_owned()).into());
        };
        let top = graph.origin.as_ref().map_or(&graph.descriptor.digest, |(origin, _)| &origin.digest);
        let before = self.there(to, top, &graph.descriptor.digest)?;
        // A chart that becomes another manifest when it is pushed keeps nothing attached.
        let ours = if current { attached(&graph.attached) } else { Attached::default() };
        if !current && !graph.attached.is_empty() {
            log::warn!(
                "{to}: what is attached to it stays behind: pushed, the chart becomes another manifest"
            );
        }
        let known = before.as_ref().filter(|(_, is_same)| *is_same).map(|(stored, _)| &stored.entry);
        let both = match known {
            Some(known) => joined(self.cache, &known.attached, ours, &graph.attached)?,
            None => ours,
        };
        if known.is_some_and(|known| known.attached == both) {
            self.cache.touch(to);
            return Ok(loaded(graph, to, top, LoadStatus::Current));
        }
        let mut wanted = if both.is_empty() { Vec::new() } else { graph.attached_blobs() };
        let mut same = None;
        if known.is_none() {
            wanted.extend(provenance.clone());
            same = self.same_archive(to, &chart)?;
            wanted.extend(same.is_none().then(|| chart.clone()));
            if !self.has(&config.digest) {
                wanted.push(config.clone());
            }
        }
        let ranges = self.lacking(wanted)?;
        disk::allow_open_files((ranges.len() + graph.attached.len()) as u64 + OTHER_FILES);
        progress(Progress::Whole(ranges.values().map(|(blob, _)| blob.size).sum()));
        let mut blobs = Vec::new();
        for attachment in graph.attached.iter().filter(|_| !both.is_empty()) {
            if !self.has(&attachment.digest) {
                blobs.push(self.cache.stage(&attachment.digest, &attachment.bytes)?);
            }
        }
        let mut archive = None;
        for (blob, range) in ranges.values().filter(|(blob, _)| blob.digest != config.digest) {
            let staged = self.stage(blob, range, progress)?;
            match blob.digest == chart.digest {
                true => archive = Some(staged),
                false => blobs.push(staged),
            }
        }
        if let Some(known) = known {
            self.cache.put(to, &CacheEntry { attached: both, ..known.clone() }, blobs, PutAs::Whole)?;
            return Ok(loaded(graph, to, top, LoadStatus::Updated));
        }
        self.config(&config, current, &mut blobs)?;
        let mut entry = match same {
            Some(same) => same,
            None => self.entry(archive, &chart, &mut blobs)?,
        };
        entry.provenance = provenance.map(|provenance| provenance.digest);
        let digest = &graph.descriptor.digest;
        blobs.push(self.cache.stage(digest, &graph.manifest)?);
        if let Some((origin, bytes)) = &graph.origin {
            blobs.push(self.cache.stage(&origin.digest, bytes)?);
        }
        entry.origin = (!current || graph.origin.is_some()).then(|| top.clone());
        entry.pushed = current.then(|| Pushed { manifest: digest.clone(), config: config.digest.clone() });
        entry.attached = both;
        self.cache.put(to, &entry, blobs, PutAs::Whole)?;
        Ok(loaded(graph, to, top, LoadStatus::Loaded))
    }

    /// An entry of the same repository with this chart archive. The cache stores an archive in two parts, neither of
    /// which has the archive's digest, so this finds what a bundle has left out because it was there before.
    fn same_archive(&self, to: &Reference, chart: &Descriptor) -> Result<Option<CacheEntry>, LoadError> {
        for entry in self.cache.siblings(to) {
            let Ok(parts) = self.cache.parts(&entry) else { continue };
            let Ok(layer) = Layer::of(entry, parts) else { continue };
            if layer.size() == chart.size && layer.part().is_ok_and(|part| part.digest == chart.digest) {
                let (epoch, attached) = (None, Attached::default());
                return Ok(Some(CacheEntry { epoch, attached, ..layer.entry }));
            }
        }
        Ok(None)
    }

    /// The cache's entry under the reference, and whether it is this very chart, undamaged. An error if it is another
    /// chart.
    fn there(
        &self,
        to: &Reference,
        top: &Digest,
        manifest: &Digest,
    ) -> Result<Option<(Stored, bool)>, LoadError> {
        let (stored, parts) = match self.cache.open(to) {
            Ok(found) => found,
            Err(error @ (CacheError::Disk(_) | CacheError::Foreign(_))) => return Err(error.into()),
            Err(CacheError::OtherDigest { .. }) if !self.options.force => {
                return Err(LoadError::Differs(to.clone()));
            }
            // A damaged entry counts as absent.
            Err(_) => return Ok(None),
        };
        let Ok(layer) = Layer::of(stored.entry.clone(), parts) else { return Ok(None) };
        if layer.whole().is_none() {
            return Ok(None);
        }
        let is_same = stored.entry.as_in_registry() == Some(top);
        let is_unpushed = stored.entry.as_in_registry().is_none();
        // A chart that was only saved becomes this very manifest when it is pushed.
        let is_the_chart = || is_unpushed && planned_manifest(&layer).as_ref() == Some(manifest);
        if !(is_same || self.options.force || is_the_chart()) {
            return Err(LoadError::Differs(to.clone()));
        }
        Ok(Some((stored, is_same)))
    }

    /// Checks the config, and stores it if the manifest that names it is stored.
    fn config(
        &self,
        config: &Descriptor,
        is_kept: bool,
        blobs: &mut Vec<StagedBlob>,
    ) -> Result<(), LoadError> {
        let bytes = match self.contents().reader.small(config, MAX_CONFIG)? {
            Some(bytes) => bytes,
            None => self.cache.blob(&config.digest)?.bytes()?,
        };
        manifest::from_json::<serde_json::Map<_, _>>(&bytes).map_err(LoadError::Config)?;
        if is_kept {
            blobs.push(self.cache.stage(&config.digest, &bytes)?);
        }
        Ok(())
    }

    /// The entry for a chart whose archive is staged, or is already a blob of the cache.
    fn entry(
        &self,
        archive: Option<StagedBlob>,
        chart: &Descriptor,
        blobs: &mut Vec<StagedBlob>,
    ) -> Result<CacheEntry, LoadError> {
        let (metadata, content, package) = match archive {
            Some(archive) => {
                let metadata = chart::inspect(archive.open()?, self.cache.budget())?;
                let content = behind_the_head(self.cache, &archive)?;
                let package = content.is_none();
                let content = content.unwrap_or(archive);
                let digest = content.digest().clone();
                blobs.push(content);
                (metadata, digest, package)
            }
            // The archive is a package that another entry has.
            None => {
                let blob = self.cache.blob(&chart.digest)?;
                let read = blob.read().map_err(BundleError::Read)?;
                (chart::inspect(read, self.cache.budget())?, chart.digest.clone(), true)
            }
        };
        let meta = metadata.to_meta()?;
        let meta = self.cache.stage(&Digest::of(&meta), &meta)?;
        let entry = CacheEntry::new(metadata.name, metadata.version, meta.digest().clone(), content);
        let entry = CacheEntry { package, ..entry };
        blobs.push(meta);
        Ok(entry)
    }
}

fn loaded(graph: &ChartGraph<'_>, to: &Reference, digest: &Digest, status: LoadStatus) -> LoadedChart {
    LoadedChart { reference: to.clone(), digest: digest.clone(), status, attached: graph.attached.len() }
}
