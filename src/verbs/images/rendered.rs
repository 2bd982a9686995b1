//! Finds images in the manifests that Helm renders.

use super::found::{ImageOrigin, Images};

/// Adds the images in what `helm template` printed for the chart of this name.
pub(super) fn rendered(printed: &[u8], chart: &str, images: &mut Images) {
    for line in String::from_utf8_lossy(printed).lines() {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        if let Some(image) = line.strip_prefix("image:") {
            images.add(image.trim().trim_matches(['"', '\'']), chart, ImageOrigin::Rendered);
        }
    }
}
