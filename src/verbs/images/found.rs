//! Images that were found, and where.

use std::collections::BTreeMap;
use std::fmt;

use super::name::ImageName;

/// Where an image is named, the most trustworthy first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageOrigin {
    /// In Images.lock.
    Lock,
    /// In an annotation of Chart.yaml; `true` if that exempts it from scanners.
    Annotation(bool),
    /// In what Helm renders.
    Rendered,
    /// In the values, at this path.
    Values(String),
    /// In a line of this file.
    Literal(String),
}

impl fmt::Display for ImageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock => f.write_str("lock"),
            Self::Annotation(false) => f.write_str("annotation"),
            Self::Annotation(true) => f.write_str("annotation (whitelisted)"),
            Self::Rendered => f.write_str("rendered"),
            Self::Values(path) => write!(f, "values:{path}"),
            Self::Literal(path) => write!(f, "literal:{path}"),
        }
    }
}

/// An image of a chart.
#[derive(Clone, Debug, Default)]
pub struct NamedImage {
    /// What the chart calls it, where it says so.
    pub name: Option<String>,
    /// Which chart or subcharts name it, by their names.
    pub charts: Vec<String>,
    /// Where, sorted.
    pub origins: Vec<ImageOrigin>,
    /// Its digests by platform, where the lock tells.
    pub digests: Vec<(String, String)>,
    /// The platforms that it is for, where an annotation tells.
    pub platforms: Vec<String>,
}

/// Images by name.
#[derive(Debug, Default)]
pub(super) struct Images(pub(super) BTreeMap<ImageName, NamedImage>);

impl Images {
    /// Adds what a text names, if it can be an image.
    pub(super) fn add(&mut self, text: &str, chart: &str, origin: ImageOrigin) -> Option<&mut NamedImage> {
        let image = self.0.entry(ImageName::parse(text)?).or_default();
        if !image.charts.iter().any(|known| known == chart) {
            image.charts.push(chart.to_owned());
        }
        if let Err(at) = image.origins.binary_search(&origin) {
            image.origins.insert(at, origin);
        }
        Some(image)
    }
}
