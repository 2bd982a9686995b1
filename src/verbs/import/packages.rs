//! Imports a directory of chart packages: what `helm pull` and `helm package` write, what Helm 3 and 4 cache, and the
//! files of a static chart repository.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::outcome::{Import, ImportError, ImportOptions, ImportRow, Taken};
use super::take::{Claimed, below};
use crate::cache::Cache;
use crate::disk::{AtPath as _, Directory, FileKind, PathError};
use crate::reference::{Prefix, Reference};

/// How deeply nested directories are searched.
const DEEPEST: usize = 64;

/// Imports every package below the directory at `path`, under the chart's name below `prefix` with its version as the
/// tag. Symbolic links are not followed. `told` is called with the result for each package.
pub fn import_packages(
    cache: &Cache,
    path: &Path,
    prefix: &Prefix,
    options: &ImportOptions,
    mut told: impl FnMut(ImportRow),
) -> Result<(), ImportError> {
    let mut directory = Directory::open_existing(path.to_path_buf())?;
    let import = Import { cache, options };
    import.walk(&mut directory, Path::new(""), prefix, &mut told)
}

impl Import<'_> {
    fn walk(
        &self,
        directory: &mut Directory,
        path: &Path,
        prefix: &Prefix,
        told: &mut dyn FnMut(ImportRow),
    ) -> Result<(), ImportError> {
        let mut names = directory.names()?;
        names.sort_by(|a, b| a.name.cmp(&b.name));
        let has = |name: &OsStr| names.binary_search_by(|named| named.name.as_os_str().cmp(name)).is_ok();
        for named in &names {
            let at = path.join(&named.name);
            if named.kind == FileKind::Directory {
                let walked = match directory.below(&named.name) {
                    Ok(Some(_)) if path.components().count() >= DEEPEST => {
                        let source = std::io::Error::other("it is nested too deeply");
                        Err(PathError { verb: "read", path: directory.path().join(&named.name), source }
                            .into())
                    }
                    Ok(Some(mut below)) => self.walk(&mut below, &at, prefix, told),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error.into()),
                };
                // A directory that cannot be read must not hide the others.
                if let Err(error) = walked {
                    told(row(&at, Err(error)));
                }
                continue;
            }
            let Some(provenance) = provenance(&named.name) else { continue };
            if named.kind != FileKind::File {
                told(row(&at, Err(ImportError::NoFile(named.kind))));
                continue;
            }
            let provenance = Some(provenance).filter(|name| has(name));
            let (mut reference, mut note) = (None, None);
            let outcome =
                self.file(directory, &named.name, provenance.as_deref(), prefix, &mut reference, &mut note);
            told(ImportRow { reference, note, ..row(&at, outcome) });
        }
        Ok(())
    }

    fn file(
        &self,
        directory: &Directory,
        name: &OsStr,
        provenance: Option<&OsStr>,
        prefix: &Prefix,
        under: &mut Option<Reference>,
        note: &mut Option<String>,
    ) -> Result<Taken, ImportError> {
        let open = |name: &OsStr| -> Result<_, PathError> {
            let gone = || std::io::ErrorKind::NotFound.into();
            let path = directory.path().join(name);
            let (file, _) = directory.file(name)?.ok_or_else(gone).at("read", &path)?;
            Ok(Claimed { file, path, digest: None })
        };
        let package = self.read(open(name)?, provenance.map(open).transpose()?)?;
        if let Some(claimed) = claimed_digest(name).filter(|hex| hex != package.digest().hex()) {
            *note = Some(format!("its file is called {claimed}, and its digest is {}", package.digest()));
        }
        let reference = under.insert(below(prefix, &package.metadata)?).clone();
        self.put(&reference, package)
    }
}

fn row(at: &Path, outcome: Result<Taken, ImportError>) -> ImportRow {
    let from = at.display().to_string();
    ImportRow { from, reference: None, old_manifest: None, note: None, outcome }
}

/// The name of the provenance file of a package, if `name` is the name of a package: `x.tgz.prov` as Helm writes it,
/// `x.prov` next to `x.chart` in Helm 4's cache.
fn provenance(name: &OsStr) -> Option<OsString> {
    let path = Path::new(name);
    match path.extension()?.to_str()? {
        "tgz" => {
            let mut beside = name.to_owned();
            beside.push(".prov");
            Some(beside)
        }
        "chart" => Some(PathBuf::from(name).with_extension("prov").into_os_string()),
        _ => None,
    }
}

/// The SHA-256 in hex that a file is named by, as in Helm 4's cache.
fn claimed_digest(name: &OsStr) -> Option<String> {
    let stem = Path::new(name).file_stem()?.to_str()?;
    let is_hex = stem.len() == 64 && stem.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| stem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_names() {
        for (name, expected) in [
            ("web-1.0.0.tgz", Some("web-1.0.0.tgz.prov")),
            ("ab12.chart", Some("ab12.prov")),
            ("ab12.prov", None),
            ("web-1.0.0.tgz.prov", None),
            ("index.yaml", None),
            ("tgz", None),
        ] {
            assert_eq!(provenance(OsStr::new(name)).as_deref(), expected.map(OsStr::new), "{name}");
        }
    }
}
