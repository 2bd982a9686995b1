//! Images of a chart, and where each is named.

use std::collections::BTreeMap;
use std::fmt;

use super::name::ImageName;

/// Where an image is named. The most trustworthy place comes first in the order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageOrigin {
    /// In Images.lock.
    Lock,
    /// In an annotation of Chart.yaml; `true` if the annotation exempts the image from security scanners.
    Annotation(bool),
    /// In the manifests that Helm renders.
    Rendered,
    /// In the values, at this path.
    Values(String),
    /// In a line of this file, literally.
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
    /// The name that the chart gives to the image, if it does.
    pub name: Option<String>,
    /// The names of the chart and subcharts that use it.
    pub charts: Vec<String>,
    /// Where it is named, sorted.
    pub origins: Vec<ImageOrigin>,
    /// Its digests by platform, if Images.lock has them.
    pub digests: Vec<(String, String)>,
    /// Its platforms, if an annotation has them.
    pub platforms: Vec<String>,
}

/// Images by name.
#[derive(Debug, Default)]
pub(super) struct Images(pub(super) BTreeMap<ImageName, NamedImage>);

impl Images {
    /// Adds the image with this name; `None` if the text cannot be the name of an image.
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
