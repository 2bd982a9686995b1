//! Images that a chart declares: in Images.lock (pkg/imagelock in vmware-labs/distribution-tooling-for-helm) and in
//! annotations (artifacthub.io/docs/topics/annotations/helm).

use serde::Deserialize;
use serde_json::Value;

use super::found::{ImageOrigin, Images};
use crate::chart::{self, ChartView, ViewedChart};

const ANNOTATIONS: [&str; 3] = ["artifacthub.io/images", "helm.sh/images", "images"];

#[derive(Deserialize)]
struct ImagesLock {
    #[serde(default)]
    images: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    image: String,
    name: Option<String>,
    chart: Option<String>,
    #[serde(default)]
    digests: Vec<LockedDigest>,
}

#[derive(Deserialize)]
struct LockedDigest {
    digest: String,
    #[serde(default)]
    arch: String,
}

#[derive(Deserialize)]
struct Annotated {
    image: String,
    name: Option<String>,
    #[serde(default)]
    whitelisted: bool,
    #[serde(default)]
    platforms: Vec<String>,
}

/// Adds the images in the chart's Images.lock. If that cannot be read, a warning is logged.
pub(super) fn locked(view: &ChartView<'_>, images: &mut Images) {
    let Some(file) = view.top().file("Images.lock") else { return };
    let lock = match view.read_yaml(file).map(serde_json::from_value::<ImagesLock>) {
        Ok(Ok(lock)) => lock,
        Ok(Err(error)) => return log::warn!(target: "oci", "Images.lock is none: {error}"),
        Err(error) => return log::warn!(target: "oci", "Images.lock is none: {error}"),
    };
    for Locked { image, name, chart, digests } in lock.images {
        let chart = chart.unwrap_or_else(|| view.metadata().name.clone());
        if let Some(found) = images.add(&image, &chart, ImageOrigin::Lock) {
            found.name = found.name.take().or(name);
            found.digests = digests.into_iter().map(|one| (one.arch, one.digest)).collect();
        }
    }
}

/// Adds the images in the annotations of a chart or subchart. If one cannot be read, a warning is logged.
pub(super) fn annotated(view: &ChartView<'_>, chart: &ViewedChart, images: &mut Images) {
    for key in ANNOTATIONS {
        let Some(text) = chart.metadata.annotations.get(key) else { continue };
        let list = match chart::read_yaml(text.as_bytes(), view.budget()) {
            Ok(Value::Array(list)) => list,
            Ok(_) => {
                log::warn!(target: "oci", "the annotation {key} is no list");
                continue;
            }
            Err(error) => {
                log::warn!(target: "oci", "the annotation {key} is no YAML: {error}");
                continue;
            }
        };
        for entry in list {
            match serde_json::from_value::<Annotated>(entry) {
                Ok(Annotated { image, name, whitelisted, platforms }) => {
                    let origin = ImageOrigin::Annotation(whitelisted);
                    if let Some(found) = images.add(&image, &chart.metadata.name, origin) {
                        found.name = found.name.take().or(name);
                        found.platforms = platforms;
                    }
                }
                Err(error) => log::warn!(target: "oci", "an entry of the annotation {key} is none: {error}"),
            }
        }
    }
}
