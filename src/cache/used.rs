//! When an entry was last used: the time of its name in the directory of its repository, which is written with each entry. The
//! time of the directory that the name leads to is another: since when the chart is in the cache.

use std::time::{Duration, SystemTime};

use super::error::CacheError;
use super::find::entry_path;
use super::root::Cache;
use crate::reference::Reference;

/// How old the time of an entry gets before a use of it is noted. What reads a chart all day long writes once.
const PRECISION: Duration = Duration::from_secs(24 * 60 * 60);

impl Cache {
    /// Notes that an entry is used now, unless that was noted within the last day. A cache that cannot be written is used
    /// without a note.
    pub fn touch(&self, reference: &Reference) {
        if let Err(error) = self.note_use(reference) {
            log::debug!("the use of {reference} is not noted: {error}");
        }
    }

    fn note_use(&self, reference: &Reference) -> Result<(), CacheError> {
        let path = entry_path(reference)?;
        let (Some(holder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let Some(holder) = self.open_root()?.map(|root| root.below(holder)).transpose()?.flatten() else {
            return Ok(());
        };
        let now = SystemTime::now();
        let is_old = |used: SystemTime| now.duration_since(used).is_ok_and(|age| age > PRECISION);
        if holder.modified(name).is_ok_and(|used| used.is_some_and(is_old))
            && let Err(error) = holder.set_time_of(name, now)
        {
            log::debug!("the use of {reference} is not noted: {error}");
        }
        Ok(())
    }
}
