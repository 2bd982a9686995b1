//! One version of a chart, from a classic repository into a registry.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::MigrateError;
use super::migrating::{Migrated, Migrating, MigrationStatus, OnMismatch};
use super::package::PackageSpool;
use super::plan::{Candidate, MigrationTask};
use crate::chart::{self, Metadata};
use crate::chart_repository::RepositoryError;
use crate::digest::{Digest, Mismatch};
use crate::http::{self, Sink as _};
use crate::manifest::Descriptor;
use crate::media_type;
use crate::reference::{Reference, Tag, Target};
use crate::registry::{self, ManifestAnswer, RepositoryClient, Uploaded};
use crate::verbs::copy::{CopyPlace, CopyStatus, CopyTask};
use crate::verbs::form::Form;
use crate::verbs::naming::misnamed;
use crate::verbs::outcome::{BlobSummary, OnProgress, Progress};
use crate::verbs::source::increments;
use crate::verbs::unclobbered::{Standing, chart_of, standing, standing_after};

/// How a file begins that proves a package (pkg/provenance/sign.go).
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// A package that has come.
struct FetchedPackage {
    package: PackageSpool,
    digest: Digest,
    url: Box<str>,
    is_unverified: bool,
}

/// What came of fetching.
enum PackageFetch {
    Fetched(FetchedPackage),
    /// It is not what the index says, and that is no failure.
    Skipped(MigrateError),
}

impl Migrating<'_> {
    /// Migrates one version. `progress` is told how many bytes there are to send, and have been.
    pub fn migrate(
        &self,
        task: &MigrationTask,
        to: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<Migrated, MigrateError> {
        let place = self.destinations.at(to)?;
        let tag = to.tag.as_ref().ok_or(MigrateError::Recheck)?;
        let mut replaced = None;
        if place.may_have_this(tag) {
            let is_chart = |digest: &Digest| task.digests().any(|known| known == digest);
            match standing(&place.client, tag.into(), None, &is_chart)? {
                Standing::Free | Standing::Manifest => {}
                Standing::Chart(there) => {
                    let status = MigrationStatus::Unchanged;
                    let (chart, manifest) = (chart_of(&there), Some(there.digest));
                    return Ok(Migrated { chart, manifest, ..Migrated::of(to, status) });
                }
                Standing::Other(other) => replaced = Some(other),
            }
        }
        if let Some(url) = in_a_registry(task) {
            return self.copy(task, url, to, progress);
        }
        // Without a digest there is no telling before it is here.
        let is_telling = task.candidates.iter().all(|candidate| candidate.digest.is_some());
        if let Some(there) = replaced.clone().filter(|_| !self.options.force && is_telling) {
            let is_wrong_anyway = self.options.on_mismatch == OnMismatch::Take;
            if !is_wrong_anyway {
                return Err(MigrateError::Differs { there, source_digest: task.digests().next().cloned() });
            }
        }
        if self.options.dry_run && replaced.is_none() {
            return Ok(Migrated {
                chart: task.digest().cloned(),
                size: if self.options.sizes { self.size(task)? } else { None },
                ..Migrated::of(to, MigrationStatus::Copied)
            });
        }
        match self.fetch(task)? {
            PackageFetch::Fetched(fetched) => self.put(task, &place, to, tag, fetched, replaced, progress),
            PackageFetch::Skipped(why) => {
                let warnings = vec![why.to_string()];
                Ok(Migrated { warnings, ..Migrated::of(to, MigrationStatus::Skipped) })
            }
        }
    }

    /// How large the package is, by the first URL that is there.
    fn size(&self, task: &MigrationTask) -> Result<Option<u64>, MigrateError> {
        let mut failure = None;
        for url in task.candidates.iter().flat_map(|candidate| &candidate.urls) {
            match self.source.size(url) {
                Ok(size) => return Ok(size),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Brings the package: from one URL after the other, until one has what the index says.
    fn fetch(&self, task: &MigrationTask) -> Result<PackageFetch, MigrateError> {
        let expected: Vec<_> = task.digests().cloned().collect();
        // Of several at most one can be true; and who takes anything has to have it first.
        let known = task.digest().filter(|_| self.options.on_mismatch == OnMismatch::Fail);
        let (mut mismatch, mut failure) = (None, None);
        let mut asked = Vec::<&str>::new();
        for Candidate { urls, .. } in &task.candidates {
            for url in urls {
                if asked.contains(&&**url) {
                    continue;
                }
                asked.push(url);
                let mut package = PackageSpool::new(self.throttle.as_ref());
                if let Err(error) = self.source.package(url, known, &mut package) {
                    if let MigrateError::Temporary(_) = error {
                        return Err(error);
                    }
                    match (&error, found(&error)) {
                        (MigrateError::Source(RepositoryError::Kept { .. }), _) => return Err(error),
                        (_, Some(found)) => {
                            mismatch = mismatch
                                .or(Some(MigrateError::Mismatch { expected: expected.clone(), found }));
                        }
                        _ => failure = failure.or(Some(error)),
                    }
                    continue;
                }
                let digest = package.digest();
                let fits = expected.contains(&digest);
                let is_unlisted = task.candidates.iter().any(|candidate| candidate.digest.is_none());
                if fits || is_unlisted || self.options.on_mismatch == OnMismatch::Take {
                    let url = url.clone();
                    return Ok(PackageFetch::Fetched(FetchedPackage {
                        package,
                        digest,
                        url,
                        is_unverified: !fits,
                    }));
                }
                mismatch =
                    mismatch.or(Some(MigrateError::Mismatch { expected: expected.clone(), found: digest }));
            }
        }
        match (mismatch, failure) {
            (Some(mismatch), None) if self.options.on_mismatch == OnMismatch::Skip => {
                Ok(PackageFetch::Skipped(mismatch))
            }
            (Some(mismatch), _) => Err(mismatch),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(MigrateError::Scheme("nothing".to_owned())),
        }
    }

    /// Puts what has come where it belongs.
    #[expect(clippy::too_many_arguments, reason = "what is known of one version by now")]
    fn put(
        &self,
        task: &MigrationTask,
        place: &CopyPlace<'_>,
        to: &Reference,
        tag: &Tag,
        fetched: FetchedPackage,
        replaced: Option<Digest>,
        progress: OnProgress<'_>,
    ) -> Result<Migrated, MigrateError> {
        let FetchedPackage { package, digest, url, is_unverified } = fetched;
        let metadata = chart::inspect(package.read(), self.budget)?;
        check_name(task, &metadata)?;
        let mut warnings = Vec::new();
        let is_chart = |chart: &Digest| *chart == digest;
        let done = |status, manifest: Option<Digest>| Migrated {
            chart: Some(digest.clone()),
            manifest,
            size: Some(package.size()),
            url: Some(url.clone()),
            is_unverified,
            misnamed: misnamed(to, &metadata.name, &metadata.version),
            ..Migrated::of(to, status)
        };
        if let Some(there) = &replaced {
            // Now that its digest is known, it may be the same one.
            match standing(&place.client, tag.into(), None, &is_chart)? {
                Standing::Chart(there) => return Ok(done(MigrationStatus::Unchanged, Some(there.digest))),
                _ if !self.options.force => {
                    let (there, source_digest) = (there.clone(), Some(digest));
                    return Err(MigrateError::Differs { there, source_digest });
                }
                _ => {}
            }
        }
        let status = match &replaced {
            Some(_) => MigrationStatus::Overwritten,
            None => MigrationStatus::Copied,
        };
        if self.options.dry_run {
            return Ok(Migrated { replaced, ..done(status, None) });
        }
        let provenance = match self.options.without_provenance {
            true => None,
            false => self.provenance(&url, &digest, &mut warnings)?,
        };
        let chart = BlobSummary { digest: digest.clone(), size: package.size() };
        let signed = provenance.as_deref().map(BlobSummary::of);
        let form = Form::new(&metadata, &chart, signed.as_ref(), None)?;
        let manifest = form.manifest_part();
        let sending = PackageSending {
            package: &package,
            chart: &chart,
            form: &form,
            provenance: provenance.as_deref(),
            counted: AtomicU64::new(0),
        };
        let whole = chart.size + form.config_part().size + signed.as_ref().map_or(0, |part| part.size);
        progress(Progress::Whole(whole));
        let sent = sending.send(&place.client, tag.into(), progress);
        let (status, manifest) = match sent {
            Ok(()) => (status, manifest.digest),
            Err(refusal) => {
                match standing_after(refusal, &place.client, tag.into(), &manifest.digest, &is_chart)? {
                    Standing::Chart(there) => (MigrationStatus::Unchanged, there.digest),
                    Standing::Other(there) => {
                        return Err(MigrateError::Differs { there, source_digest: Some(digest) });
                    }
                    Standing::Manifest | Standing::Free => (MigrationStatus::Unchanged, manifest.digest),
                }
            }
        };
        Ok(Migrated {
            has_provenance: provenance.is_some(),
            sent: sending.counted.load(Ordering::Relaxed),
            replaced: replaced.filter(|there| *there != manifest),
            warnings,
            ..done(status, Some(manifest))
        })
    }

    /// The provenance file beside a package, if there is one and it is one.
    fn provenance(
        &self,
        url: &str,
        digest: &Digest,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Vec<u8>>, MigrateError> {
        let Some(bytes) = self.source.provenance(url)? else { return Ok(None) };
        if !bytes.trim_ascii_start().starts_with(SIGNED) {
            // Servers that answer everything have a web page for it.
            warnings.push("what is beside it is no provenance file, and stays behind".to_owned());
            return Ok(None);
        }
        let names_it = bytes.windows(digest.hex().len()).any(|window| window == digest.hex().as_bytes());
        if names_it { Ok(Some(bytes)) } else { Err(MigrateError::Provenance(digest.clone())) }
    }

    /// Takes over what is in a registry already, with its manifest as it is.
    fn copy(
        &self,
        task: &MigrationTask,
        url: &str,
        to: &Reference,
        progress: OnProgress<'_>,
    ) -> Result<Migrated, MigrateError> {
        let from: Reference = url.parse()?;
        let from = match from.target() {
            Some(_) => from,
            None => from.with_tag(Tag::of_version(&task.version)?),
        };
        let copied = CopyTask { from, to: to.clone() };
        let mut is_unverified = false;
        let mut chart = None;
        if let (Some(target), Some(_)) = (copied.from.target(), task.digests().next()) {
            let source = self.copying.source(&copied)?;
            let ManifestAnswer::Manifest(there) = source.client.get_manifest(target, None)? else {
                return Err(MigrateError::Recheck);
            };
            chart = chart_of(&there);
            let fits = task.digests().any(|digest| *digest == there.digest || Some(digest) == chart.as_ref());
            match self.options.on_mismatch {
                _ if fits => {}
                OnMismatch::Take => is_unverified = true,
                _ => {
                    let (expected, found) =
                        (task.digests().cloned().collect(), chart.unwrap_or(there.digest));
                    let mismatch = MigrateError::Mismatch { expected, found };
                    if self.options.on_mismatch == OnMismatch::Fail {
                        return Err(mismatch);
                    }
                    let warnings = vec![mismatch.to_string()];
                    return Ok(Migrated { warnings, ..Migrated::of(to, MigrationStatus::Skipped) });
                }
            }
        } else {
            is_unverified = true;
        }
        let done = self.copying.copy(&copied, progress)?;
        let status = match (done.status, &done.replaced) {
            (CopyStatus::Current, _) => MigrationStatus::Unchanged,
            (_, Some(_)) => MigrationStatus::Overwritten,
            (_, None) => MigrationStatus::Copied,
        };
        Ok(Migrated {
            chart,
            manifest: Some(done.digest),
            sent: done.blobs.bytes,
            url: Some(url.into()),
            is_unverified,
            replaced: done.replaced,
            misnamed: done.misnamed,
            ..Migrated::of(to, status)
        })
    }
}

/// What has to be in the registry in the end.
struct PackageSending<'s> {
    package: &'s PackageSpool,
    chart: &'s BlobSummary,
    form: &'s Form,
    provenance: Option<&'s [u8]>,
    counted: AtomicU64,
}

impl PackageSending<'_> {
    fn send(
        &self,
        client: &RepositoryClient,
        target: Target<'_>,
        progress: OnProgress<'_>,
    ) -> Result<(), registry::RegistryError> {
        self.send_blobs(client, progress)?;
        match client.put_manifest(target, media_type::MANIFEST, &self.form.manifest) {
            // A registry's garbage collection came between. Once more, and only once.
            Err(registry::RegistryError::BlobsUnknown { .. }) => {
                self.send_blobs(client, progress)?;
                client.put_manifest(target, media_type::MANIFEST, &self.form.manifest)
            }
            result => result,
        }
    }

    /// One after the other: there are as many charts at once as there may be connections.
    fn send_blobs(
        &self,
        client: &RepositoryClient,
        progress: OnProgress<'_>,
    ) -> Result<(), registry::RegistryError> {
        let descriptor =
            |kind: &str, part: &BlobSummary| Descriptor::new(kind, part.digest.clone(), part.size);
        let chart = descriptor(media_type::CHART, self.chart);
        self.count(&chart, client.push_blob(&chart, self.package, &increments(progress))?);
        if let Some(provenance) = self.provenance {
            let blob = Descriptor::of(media_type::PROVENANCE, provenance);
            self.count(&blob, client.push_blob(&blob, &provenance.to_vec(), &increments(progress))?);
        }
        let config = descriptor(media_type::CONFIG, &self.form.config_part());
        self.count(&config, client.push_blob(&config, &self.form.config, &increments(progress))?);
        Ok(())
    }

    fn count(&self, blob: &Descriptor, uploaded: Uploaded) {
        if uploaded == Uploaded::Sent {
            self.counted.fetch_add(blob.size, Ordering::Relaxed);
        }
    }
}

/// The URL of a version that is in a registry and nowhere else.
fn in_a_registry(task: &MigrationTask) -> Option<&str> {
    let mut urls = task.candidates.iter().flat_map(|candidate| &candidate.urls).map(|url| &**url);
    let is_oci = |url: &str| url.starts_with("oci://");
    let first = urls.clone().find(|url| is_oci(url))?;
    urls.all(is_oci).then_some(first)
}

/// The digest of what came instead, where a download was refused for that.
fn found(error: &MigrateError) -> Option<Digest> {
    let MigrateError::Source(RepositoryError::Http(http::HttpError::Mismatch { source, .. })) = error else {
        return None;
    };
    match source {
        Mismatch::Digest { found, .. } => Some(found.clone()),
        Mismatch::Size { .. } => None,
    }
}

/// Whether the package is the chart that the index says it is. Of `project/chart`, Harbor's index of all its projects, the last
/// part is the chart's name.
fn check_name(task: &MigrationTask, metadata: &Metadata) -> Result<(), MigrateError> {
    let name = task.chart.rsplit('/').next().unwrap_or_default();
    if name == metadata.name && *task.version == *metadata.version {
        return Ok(());
    }
    let expected = format!("{name} {}", task.version);
    Err(MigrateError::Misnamed { expected, found: format!("{} {}", metadata.name, metadata.version) })
}
