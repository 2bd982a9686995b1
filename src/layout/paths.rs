//! The paths of the files of a layout.

use crate::digest::Digest;

/// The content of the file `oci-layout`.
pub const MARKER: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// What a file of a layout is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutFile {
    /// `oci-layout`, which marks a directory or an archive as a layout.
    Marker,
    /// `index.json`, which lists the manifests.
    Index,
    /// `blobs/<algorithm>/<hex>`, the blob of this digest.
    Blob(Digest),
    /// `<anything>/chart/<path>`, a file of a chart that `dt wrap` has put beside the layouts of its images. Holds
    /// `<path>`.
    Wrapped(String),
    /// Any other file. Some programs put docker's manifest.json beside the files of a layout, for example.
    Other,
}

impl LayoutFile {
    /// What the file at this path, relative to the top of the layout, is for.
    pub fn at(path: &str) -> Self {
        match path {
            "oci-layout" => Self::Marker,
            "index.json" => Self::Index,
            _ => path
                .strip_prefix("blobs/")
                .and_then(|blob| blob.split_once('/'))
                .and_then(|(algorithm, hex)| format!("{algorithm}:{hex}").parse().ok())
                .map(Self::Blob)
                .or_else(|| wrapped(path).map(Self::Wrapped))
                .unwrap_or(Self::Other),
        }
    }
}

fn wrapped(path: &str) -> Option<String> {
    let (_, below) = path.split_once('/')?;
    below.strip_prefix("chart/").filter(|path| !path.is_empty()).map(str::to_owned)
}

/// The path of a blob, relative to the top of the layout.
pub fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blobs_are_called_like_blobs() {
        let digest = Digest::of(b"x");
        assert_eq!(LayoutFile::at(&blob_path(&digest)), LayoutFile::Blob(digest.clone()));
        assert_eq!(LayoutFile::at("oci-layout"), LayoutFile::Marker);
        assert_eq!(LayoutFile::at("index.json"), LayoutFile::Index);
        let hex = digest.hex();
        assert_eq!(LayoutFile::at("web-1.0.0/chart/a/b"), LayoutFile::Wrapped("a/b".to_owned()));
        for path in [
            "chart/Chart.yaml".to_owned(),
            "web-1.0.0/chart/".to_owned(),
            "web-1.0.0/images/chart/a".to_owned(),
            format!("blobs/sha256/{hex}0"),
            format!("blobs/sha512/{hex}"),
            format!("blobs/sha256/{}", hex.to_uppercase()),
            format!("x/blobs/sha256/{hex}"),
            format!("blobs/{hex}"),
            "manifest.json".to_owned(),
        ] {
            assert_eq!(LayoutFile::at(&path), LayoutFile::Other, "{path}");
        }
    }
}
