//! When an entry was last used. That is the modification time of the link with the entry's name, which is made anew
//! with each entry. The directory that the link leads to has another time: since when the chart is in the cache.

use std::time::{Duration, SystemTime};

use super::error::CacheError;
use super::find::entry_path;
use super::root::Cache;
use crate::reference::Reference;

/// How old the recorded use of an entry must be before another use is recorded. So reading a chart many times a day
/// writes once.
const PRECISION: Duration = Duration::from_secs(24 * 60 * 60);

impl Cache {
    /// Records that an entry is used now, unless that was recorded within the last day. A failure is only logged, so a
    /// cache that cannot be written can be used.
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
