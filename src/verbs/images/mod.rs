//! Finds the container images of a chart: in its Images.lock, in annotations, in its values and templates, and, if Helm
//! is asked to render it, in the rendered manifests. Each source misses some images, so each image is reported with
//! where it was found.

mod declared;
mod found;
mod gather;
mod lock;
mod name;
mod rendered;
mod templates;
mod values;

pub use found::{ImageOrigin, NamedImage};
pub(super) use gather::images_of;
pub use gather::{ImagesError, ImagesOptions, images, images_lock};
pub use lock::{ImagesLockDocument, ImagesLockError, LockedImageError};
pub use name::ImageName;
