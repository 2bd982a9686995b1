//! Which container images a chart names: in its Images.lock, in annotations, in its values, in its templates, and, where Helm is
//! asked to render it, in what comes of that. Each source misses some and names some that others do not, so that each image is
//! told with where it was found.

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
pub use rendered::RenderError;
